"""Who is behind a number of a campaign: exactly as many as it says, page by page; as a list, and as a file for those who may export."""

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.accounts.rights import Rights
from baton.crm.models import Contact
from baton.messaging.campaigns import report_people as behind
from baton.messaging.campaigns import verbs
from baton.messaging.campaigns.report_people import Person, Who
from baton.messaging.models import Campaign, EmailLink
from baton.platform import history
from baton.platform.errors import Invalid, NotFound
from baton.segments import exports

from ..answer import faults, go
from ..page import Page, actor, allow, allow_records, user
from ..parts import campaign_words as words
from ..parts import people
from ..templatetags.fmt import iso

SIZE, PIECE = 50, 1000


class CampaignsPeople(Page):
    key = "campaigns-people"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("campaigns/<int:pk>/people/", show),
            path("campaigns/<int:pk>/people/list/", make_list),
            path("campaigns/<int:pk>/people/export/", export),
        ]


def _who(given: Any) -> Who:
    """The number an address names. Raises NotFound."""

    def whole(name: str, usual: int) -> int:
        text = given.get(name, "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else usual

    return Who(given.get("what", ""), given.get("reason") or None, given.get("variant") or None, whole("link", 0), given.get("group", ""), whole("days", 30))


def _query(who: Who) -> str:
    """The number as an address says it."""
    told: dict[str, Any] = {"what": who.what, "reason": who.reason, "variant": who.variant, "link": who.link, "group": who.group}
    if who.what in behind.AFTER:
        told["days"] = who.days
    return urlencode({name: value for name, value in told.items() if value})


def _title(who: Who) -> tuple[str, str]:
    """What they have in common, and what else narrows it."""
    link = EmailLink.objects.filter(pk=who.link).first() if who.link else None
    narrowed = [
        words.reason(who.reason) if who.reason else "",
        _("Variant {key}").format(key=who.variant.upper()) if who.variant else "",
        link.url if link else "",
        words.place(who.group) if who.group else "",
        _("within {n} days of the click").format(n=who.days) if who.what in behind.AFTER else "",
    ]
    return words.what(who.what), " · ".join(filter(None, narrowed))


@require_GET
@allow("emails")
@allow_records("contact", "view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """A page of them; whom one may not see is counted and not named."""
    campaign, who = verbs.get(pk), _who(request.GET)
    found, following = behind.page(campaign, who, after=request.GET.get("after", ""), limit=SIZE)
    title, narrowed = _title(who)
    held = rights.of(user(request))
    context = {
        "campaign": campaign, "who": who, "title": title, "narrowed": narrowed, "rows": _rows(found, who, held, title if who.what in behind.DID else ""),
        "query": _query(who),
        "next": f"?{_query(who)}&{urlencode({'after': following})}" if following else "", "first": "after" not in request.GET,
        "may_list": permissions.can(request.user, "segments", "edit") and bool(found), "may_follow": _follows(who),
        "may_export": held.may("contact", "export") and bool(found), "name": f"{campaign.name}: {title}"[:200], "faults": {},
        "kinds": [(what, words.what(what)) for what in ("opened", "clicked", "not_opened", "bounced", "skipped", "unsubscribed", "all")],
    }  # fmt: skip
    return render(request, "campaigns/people.html", context)


def _follows(who: Who) -> bool:
    return who.what in behind.FOLLOWED and not who.group and not who.variant


def _rows(found: list[Person], who: Who, held: Rights, did: str = "") -> list[dict[str, Any]]:
    """What is told of each: of whom one may not see only when it happened, and the names of deals to those only who may see all deals."""
    telling = who.what not in ("deals", "won") or held.scope("deal", "view") == "all"
    ids = [one.contact_id for one in found]
    owners = dict(Contact.objects.filter(pk__in=ids).values_list("pk", "owner_id"))
    named = people.named(id for id in ids if id in owners and held.may("contact", "view", [owners[id]]))
    return [
        {"one": one, "person": named.get(one.contact_id), "owner": owners.get(one.contact_id),
         "detail": one.detail if telling and one.contact_id in named else "",
         "state": did or (words.of_message(one.state) if one.state else ""), "reason": words.reason(one.reason) if one.reason and not did else ""}
        for one in found
    ]  # fmt: skip


@require_POST
@allow("segments", "edit")
@allow_records("contact", "view")
def make_list(request: HttpRequest, pk: int) -> HttpResponse:
    """A fixed list of these people, or one that goes on taking in who opens or clicks; it opens."""
    permissions.require(request.user, "emails", "view")
    campaign, who = verbs.get(pk), _who(request.POST)
    name, kind = request.POST.get("name", ""), request.POST.get("kind", "fixed")
    try:
        made = behind.make_list(campaign, who, name, kind=kind, actor=actor(request))
    except Invalid as error:
        context = {"campaign": campaign, "who": who, "name": name, "kind": kind, "may_follow": _follows(who), "faults": faults(error)}
        return render(request, "campaigns/list_form.html", context, status=422)
    return go(f"/lists/{made.pk}/")


@require_GET
@allow("emails")
@allow_records("contact", "export")
def export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """All of them as CSV with what became of their mail, written as it is read. The export is written down."""
    campaign, who = verbs.get(pk), _who(request.GET)
    if who.what == "waiting":
        raise NotFound(_("There is no such number."))
    behind.page(campaign, who, limit=1)  # a wrong number is told before the file begins
    history.record(actor(request), "exported", "campaign", campaign.pk, what=who.what, reason=who.reason or "", name=campaign.name)
    held = rights.of(user(request))
    response = StreamingHttpResponse(_lines(campaign, who, held, get_language() or "ko"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="campaign-{campaign.pk}-{who.what}.csv"'
    return response


def _lines(campaign: Campaign, who: Who, held: Rights, language: str) -> Iterator[bytes]:
    """The file in pieces; they are made after the request, so the language is given along."""
    yield "\ufeff".encode()
    with translation.override(language):
        yield _csv([(_("Contact"), "id", _("Company"), _("E-mail"), _("State"), _("Reason"), _("When"), _("Variant"), _("What"))])
    after = ""
    while True:
        with translation.override(language):
            found, after = behind.page(campaign, who, after=after, limit=PIECE)
            mails = dict(Contact.objects.filter(pk__in=[one.contact_id for one in found]).values_list("pk", "email"))
            yield _csv([_cells(row, mails, held) for row in _rows(found, who, held)])
        if not after:
            return


def _cells(row: dict[str, Any], mails: dict[int, str], held: Rights) -> tuple[str, ...]:
    """One line of the file; whom one may not export is there without name and address."""
    one: Person = row["one"]
    shown = row["person"] is not None and held.may("contact", "export", [row["owner"]])
    name, company, mail = (row["person"].name, row["person"].company, mails.get(one.contact_id) or "") if shown else ("", "", "")
    return (name, str(one.contact_id) if shown else "", company, mail, row["state"], row["reason"], iso(one.at), one.variant, row["detail"] if shown else "")


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([[exports.safe(cell) for cell in row] for row in rows])
    return text.getvalue().encode()
