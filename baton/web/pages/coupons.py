"""Coupons: all pools with their counts; a new one; one of them with who got which code; more codes, redeeming, renaming, putting aside, its history."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.accounts.models import User
from baton.crm.models import Contact
from baton.messaging import column, coupon_list, coupons
from baton.messaging.coupons import Count
from baton.messaging.mail import merge_fields
from baton.messaging.models import CouponPool
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.platform.models import History

from ..answer import done, faults, go, targets, toast
from ..page import Page, actor, allow, user
from ..parts import people
from ..parts.timeline import who
from ..templatetags.fmt import num

PAGE = 50
CHANGED = "coupons-changed"  # the list of a pool asks for its rows again
WAYS = {"make": gettext_lazy("Made by Baton"), "paste": gettext_lazy("Typed or pasted"), "file": gettext_lazy("From a file")}
SHOWN = {"": gettext_lazy("All"), "open": gettext_lazy("Not redeemed"), "redeemed": gettext_lazy("Redeemed")}


class Coupons(Page):
    key = "coupons"
    label = gettext_lazy("Coupons")
    icon = "ticket-percent"
    group = "marketing"
    order = 25
    area = "emails"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("coupons/", index),
            path("coupons/new/", new),
            path("coupons/<int:pk>/", show),
            path("coupons/<int:pk>/codes/", add),
            path("coupons/<int:pk>/redeem/", redeem),
            path("coupons/<int:pk>/name/", rename),
            path("coupons/<int:pk>/history/", told),
            path("coupons/<int:pk>/do/", act),
        ]


@require_GET
@allow("emails")
def index(request: HttpRequest) -> HttpResponse:
    """All pools, the newest first: `?archived=1` those put aside."""
    aside, asked = bool(request.GET.get("archived")), request.GET.get("page", "")
    number = max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 1
    found = CouponPool.objects.filter(archived_at__isnull=not aside).order_by("-pk")
    shown = list(found[(number - 1) * PAGE : number * PAGE + 1])
    counted = coupons.counts([pool.pk for pool in shown[:PAGE]])
    return render(request, "coupons/index.html", {
        "rows": [(pool, counted[pool.key]) for pool in shown[:PAGE]], "total": found.count(), "number": number, "more": len(shown) > PAGE, "aside": aside,
        "may_edit": permissions.can(request.user, "emails", "edit"),
    })  # fmt: skip


@allow("emails", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """A pool with its first codes; POST makes it and opens its page."""
    if request.method != "POST":
        return render(request, "coupons/new.html", _fields({}, {}))
    given = request.POST.dict()
    try:
        pool = coupons.create(given.get("key", "").strip(), given.get("name", ""), actor(request), _codes(request))
    except (Invalid, Conflict) as error:
        found = _faults(error) if isinstance(error, Invalid) else {"key": str(error)}
        return render(request, "coupons/new_form.html", _fields(given, found), status=422)
    return go(f"/coupons/{pool.pk}/")


def _fields(given: dict[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    way = given.get("way", "")
    return {
        "given": {"pattern": coupon_list.USUAL, "count": "500", **given}, "errors": errors, "ways": WAYS.items(), "way": way if way in WAYS else "make",
        "most": coupons.MOST,
    }  # fmt: skip


def _codes(request: HttpRequest) -> list[str]:
    """The codes a form gives in the way it says. Raises Invalid (`codes`, `file`, `pattern`, `count`)."""
    match request.POST.get("way", ""):
        case "file":
            file = request.FILES.get("file")
            if file is None:
                raise Invalid.one("file", "REQUIRED", _("Choose a file."))
            return coupon_list.read(file.read(column.LARGEST + 1))
        case "make":
            count = request.POST.get("count", "").replace(",", "").strip()
            whole = int(count) if count.isascii() and count.isdecimal() and len(count) < 10 else 0
            return coupon_list.made(request.POST.get("pattern", "").strip(), whole)
        case _:
            codes = coupon_list.typed(request.POST.get("codes", ""))
            if not codes:
                raise Invalid.one("codes", "REQUIRED", _("Enter at least one code."))
            return codes


def _faults(error: Invalid) -> dict[str, str]:
    """The first fault of each field; of codes with the place of the wrong one."""
    found = faults(error)
    for problem in error.problems:
        field, _dot, place = problem.path.partition(".")
        if field == "codes" and place.isdecimal():
            found.setdefault("codes", _("Code {n}: {fault}").format(n=num(int(place) + 1), fault=problem.message))
    return found


@require_GET
@allow("emails")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """A pool and who got which code: `?shown=` those redeemed or not, `?q=` a code or an e-mail address, `?before=` further on."""
    pool = coupons.get(pk)
    template = "coupons/body.html" if targets(request, "coupon-body") else "coupons/page.html"
    return render(request, template, {**_fields({}, {}), **_context(request, pool)})


def _context(request: HttpRequest, pool: CouponPool) -> dict[str, Any]:
    asked, text, before = request.GET.get("shown", ""), request.GET.get("q", "").strip().replace("\0", "")[:320], request.GET.get("before", "")
    shown = asked if asked in SHOWN else ""
    start = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else 0
    found, following = coupon_list.page(pool, shown=shown, text=text, before=start)
    held = rights.of(user(request))
    ids = [one.contact_id for one in found]
    seen = [id for id, owner in Contact.objects.filter(pk__in=ids).values_list("pk", "owner_id") if held.may("contact", "view", [owner])]
    named, users = people.named(seen), dict(User.objects.values_list("pk", "name"))
    rows = [{"one": one, "person": named.get(one.contact_id), "by": who(one.redeemed_by, users) if one.redeemed_by else ""} for one in found]
    if "@" in text:  # who searches by an address learns nothing of whom he may not see
        rows = [row for row in rows if row["person"]]
    query = {name: value for name, value in (("shown", shown), ("q", text)) if value}
    count = coupons.counts([pool.pk]).get(pool.key, Count())
    return {
        "pool": pool, "count": count, "share": count.redeemed / count.given if count.given else None, "field": merge_fields.write(f"coupon.{pool.key}"),
        "rows": rows, "shown": shown, "kinds": SHOWN.items(), "q": text, "query": urlencode(query), "first": not start,
        "next": f"?{urlencode({**query, 'before': following})}" if following else "", "may_edit": permissions.can(request.user, "emails", "edit"),
    }  # fmt: skip


@require_POST
@allow("emails", "edit")
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """More codes: typed, from a file, or made."""
    pool = coupons.get(pk)
    try:
        codes = _codes(request)
        fresh = coupons.add(pool.key, codes, actor(request))
    except Invalid as error:
        return render(request, "coupons/add_form.html", {"pool": pool, **_fields(request.POST.dict(), _faults(error))}, status=422)
    text = ngettext("{n} code is new.", "{n} codes are new.", fresh).format(n=num(fresh))
    if known := len(codes) - fresh:
        text += " " + ngettext("{n} was there already.", "{n} were there already.", known).format(n=num(known))
    return toast(render(request, "coupons/add_form.html", {"pool": pool, **_fields({}, {})}), text, tell=CHANGED)


@require_POST
@allow("emails", "edit")
def redeem(request: HttpRequest, pk: int) -> HttpResponse:
    """A code was used: from the form, which stays for the next one, or from the line of the list."""
    pool, code = coupons.get(pk), request.POST.get("code", "").strip()
    form = targets(request, "redeem-form")
    try:
        if not code:
            raise Invalid.one("code", "REQUIRED", _("Enter a code."))
        coupon = coupons.redeem(pool.key, code, actor(request))
    except (Invalid, NotFound, Conflict) as error:
        if not form:
            raise
        said = error.problems[0].message if isinstance(error, Invalid) else str(error)
        return render(request, "coupons/redeem_form.html", {"pool": pool, "code": code, "fault": said}, status=422)
    owner = Contact.objects.filter(pk=coupon.contact_id).values_list("owner_id", flat=True)
    seen = rights.of(user(request)).may("contact", "view", owner)
    person = people.named([coupon.contact_id]).get(coupon.contact_id) if seen else None
    text = _("{code} is redeemed.").format(code=code)
    if not form:
        return done(text, tell=CHANGED)
    return toast(render(request, "coupons/redeem_form.html", {"pool": pool, "redeemed": code, "person": person}), text, tell=CHANGED)


@require_POST
@allow("emails", "edit")
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name; mails go on saying the key."""
    try:
        coupons.rename(pk, request.POST.get("name", ""), actor(request))
    except Invalid as error:
        context = {"pool": coupons.get(pk), "name": request.POST.get("name", ""), "errors": faults(error)}
        return render(request, "coupons/name_form.html", context, status=422)
    return go(f"/coupons/{pk}/")


@require_GET
@allow("emails")
def told(request: HttpRequest, pk: int) -> HttpResponse:
    """Who did what with the pool, newest first."""
    pool = coupons.get(pk)
    users = dict(User.objects.values_list("pk", "name"))
    rows = [{"at": row.at, "who": who(row.actor, users), "what": _did(row)} for row in coupon_list.told(pool)]
    return render(request, "coupons/history.html", {"pool": pool, "rows": rows})


def _did(row: History) -> str:
    match row.verb:
        case "created":
            return _("made the pool")
        case "codes_added":
            n = int(row.detail.get("n") or 0)
            return ngettext("put {n} code in", "put {n} codes in", n).format(n=num(n))
        case "renamed":
            return _("renamed it from “{old}”").format(old=row.detail["name"][0])
        case "archived":
            return _("put it aside")
        case "restored":
            return _("took it back")
    return row.verb


@require_POST
@allow("emails", "edit")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: archive, restore."""
    match request.POST.get("do", ""):
        case "archive":
            coupons.archive(pk, actor(request))
        case "restore":
            coupons.restore(pk, actor(request))
        case _:
            raise Invalid.one("do", "INVALID_OPTION", _("There is no such action."))
    return go(f"/coupons/{pk}/")
