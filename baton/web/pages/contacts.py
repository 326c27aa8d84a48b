"""The contacts table: filters and search in the address, columns, inline edits, changes of many, and adding a contact."""

import json
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.accounts.models import User
from baton.crm import properties, records
from baton.platform.errors import Conflict, Invalid
from baton.segments import catalog, filter
from baton.segments.scoring import first_model

from ..answer import done, faults, go, targets
from ..page import Page, actor, allow, user
from ..parts import contact_rows, filters
from ..parts.contact_rows import PAGE

COLUMNS = (
    ("company", gettext_lazy("Company")), ("title", gettext_lazy("Job title")), ("stage", gettext_lazy("Stage")), ("score", gettext_lazy("Score")),
    ("owner", gettext_lazy("Owner")), ("seen", gettext_lazy("Last activity")), ("source", gettext_lazy("Source")), ("consent", gettext_lazy("Consent")),
)  # fmt: skip
VIEWS = (
    (gettext_lazy("All contacts"), ""),
    (gettext_lazy("MQLs and SQLs"), "stage:mql,sql"),
    (gettext_lazy("Mine"), "owner:me"),
    (gettext_lazy("No owner yet"), "stage:mql,sql;owner:-"),
    (gettext_lazy("Recycled"), "stage:recycled"),
)
KEPT = ("f", "q", "sort", "page", "hide")  # what an address of the table carries; anything else is for one request
NEW = ("lastname", "firstname", "email", "company", "jobtitle", "phone", "owner_id")
MOST = 1000  # contacts changed at once by hand


class Contacts(Page):
    key = "contacts"
    label = gettext_lazy("Contacts")
    icon = "users-round"
    group = "customers"
    order = 10
    area = "contacts"
    on_phone = True

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("contacts/", table),
            path("contacts/filter/", editor),
            path("contacts/new/", new),
            path("contacts/bulk/", bulk),
            path("contacts/bulk/undo/", undo_bulk),
        ]


def colleagues() -> list[User]:
    """Who may own a contact, by name."""
    return list(User.objects.filter(is_active=True).order_by("name", "pk"))


@allow("contacts", "view")
def table(request: HttpRequest) -> HttpResponseBase:
    """The page, or only its table when htmx asks for it."""
    users = colleagues()
    known = filters.fields(users)
    wanted = _edited(request, known)
    q, sort = request.GET.get("q", "").strip(), request.GET.get("sort", "-seen")
    number = _page_number(request)
    hidden = set(request.GET.getlist("hide"))
    if "columns" in request.GET:
        hidden = {key for key, _label in COLUMNS} - set(request.GET.getlist("show"))
    names = catalog.current()
    node = filter.parse(wanted.stored(user(request).pk), names) if wanted else None
    model = first_model()
    found = contact_rows.page(node, q, sort=sort, number=number, users=users, model_id=model.pk if model else 0)
    params = request.GET.copy()
    for key in [k for k in params if k not in KEPT]:
        params.pop(key)
    params["f"] = str(wanted)
    params.setlist("hide", sorted(hidden))
    for key in [k for k in params if not params.getlist(k) or params[k] == ""]:
        params.pop(key)
    context = {
        "filter": wanted, "f": str(wanted), "q": q, "sort": sort, "hidden": hidden, "found": found, "size": PAGE,
        "columns": COLUMNS, "views": VIEWS, "params": params, "users": users,
        "stages": known["stage"].options, "can_edit": permissions.can(request.user, "contacts", "edit"),
    }  # fmt: skip
    if targets(request, "contacts"):
        response = render(request, "contacts/table.html", {**context, "part": True})
        response["HX-Push-Url"] = f"/contacts/?{params.urlencode()}" if params else "/contacts/"
        return response
    return TemplateResponse(request, "contacts/page.html", context)


def _page_number(request: HttpRequest) -> int:
    number = request.GET.get("page", "1")
    return min(max(int(number), 1), contact_rows.DEEPEST) if number.isascii() and number.isdigit() and len(number) < 6 else 1


def _edited(request: HttpRequest, known: filters.Fields) -> filters.Filter:
    """The filter of the address, with the change made in a chip's editor applied."""
    wanted = filters.parse(request.GET.get("f", ""), known)
    if "drop" in request.GET:
        return wanted.put(request.GET["drop"], None)
    if "place" in request.GET:
        one = filters.cond(known, request.GET.get("field", ""), request.GET.getlist("v"), request.GET.get("low", ""), request.GET.get("high", ""))
        return wanted.put(request.GET["place"], one or None)
    return wanted


@allow("contacts", "view")
def editor(request: HttpRequest) -> HttpResponse:
    """What the filter popover shows: the fields to choose from, or the form of one condition."""
    known = filters.fields(colleagues())
    place, key = request.GET.get("place", "new"), request.GET.get("field", "")
    cond = filters.parse(request.GET.get("f", ""), known).at(place)
    params = request.GET.copy()
    for name in [k for k in params if k not in KEPT or k == "page"]:
        params.pop(name)
    context = {"place": place, "params": params, "none": filters.NONE}
    if cond is None and not key:
        return render(request, "contacts/fields.html", {**context, "fields": known.values()})
    cond = cond or filters.cond(known, key)
    return render(request, "contacts/condition.html", {**context, "cond": cond, "field": cond.field, "grouped": "." in place})


@allow("contacts", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """The form to add a contact; saved, it leads to the record. 422 with the faults under their fields."""
    known = properties.definitions("contact")
    values: dict[str, Any] = {"owner_id": str(request.user.pk)}
    problems: dict[str, str] = {}
    existing = None
    if request.method == "POST":
        values = {name: request.POST.get(name, "") for name in NEW}
        try:
            if not any(values[name].strip() for name in ("email", "lastname", "firstname", "phone")):
                raise Invalid.one("properties.email", "REQUIRED", _("Enter an e-mail address, a name or a phone number."))
            made = records.create("contact", values, actor=actor(request), source="page")
        except Invalid as error:
            problems = faults(error)
        except Conflict as error:
            problems, existing = {"email": _("A contact with this address exists already.")}, error.existing_id
        else:
            return go(f"/contacts/{made}/")
    rows = [{"definition": known[name], "label": properties.label(known[name]), "value": values.get(name, ""), "fault": problems.pop(name, "")} for name in NEW]
    first = next((r for r in rows if r["fault"]), rows[0])  # where the cursor goes
    context = {"first": first, "fields": rows, "users": colleagues(), "existing": existing, "other": problems}
    return render(request, "contacts/new.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@allow("contacts", "edit")
def bulk(request: HttpRequest) -> HttpResponse:
    """Give the chosen contacts an owner or a stage; the toast takes it back."""
    ids, name, value = _ids(request), request.POST.get("name", ""), request.POST.get("value", "")
    if name not in ("owner_id", "lifecyclestage"):
        raise Invalid.one("name", "INVALID_OPTION", _("Only owner and stage can be set for many."))
    before: dict[Any, list[int]] = {}
    for id, row in records.many("contact", ids).items():
        before.setdefault(row.properties.get(name), []).append(id)
    changed = records.set_many("contact", ids, {name: value or None}, actor=actor(request), source="page")
    definition = properties.definitions("contact")[name]
    owner = next((u.name for u in colleagues() if str(u.pk) == value), _("nobody"))
    shown = owner if name == "owner_id" else properties.option_label(definition, value)
    text = ngettext("%(n)d contact: %(label)s is now %(value)s", "%(n)d contacts: %(label)s is now %(value)s", changed) % {
        "n": changed, "label": properties.label(definition), "value": shown,
    }  # fmt: skip
    undo = {"url": "/contacts/bulk/undo/", "target": "#contacts", "values": {"name": name, "before": json.dumps(list(before.items()))}}
    response = done(text, undo if changed else None)
    return _reloading(response)


@require_POST
@allow("contacts", "edit")
def undo_bulk(request: HttpRequest) -> HttpResponse:
    """Give contacts the values they had: `before` is [[value, [ids]], …]."""
    name = request.POST.get("name", "")
    try:
        groups = [(value, [int(i) for i in ids]) for value, ids in json.loads(request.POST.get("before", ""))]
    except (ValueError, TypeError):
        raise Invalid.one("before", "INVALID_JSON", _("This can no longer be undone.")) from None
    if name not in ("owner_id", "lifecyclestage") or sum(len(ids) for _value, ids in groups) > MOST:
        raise Invalid.one("before", "INVALID_OPTION", _("This can no longer be undone."))
    for value, ids in groups:
        records.set_many("contact", ids, {name: value}, actor=actor(request), source="page")
    return _reloading(done(_("Taken back")))


def _ids(request: HttpRequest) -> Sequence[int]:
    ids = [int(i) for part in request.POST.getlist("id") for i in part.split(",") if i.isascii() and i.isdigit()]
    if not ids:
        raise Invalid.one("id", "REQUIRED", _("Choose at least one contact."))
    if len(ids) > MOST:
        raise Invalid.one("id", "TOO_MANY", _("Choose fewer contacts."))
    return ids


def _reloading(response: HttpResponse) -> HttpResponse:
    """Let the table on the page ask for its rows again."""
    response["HX-Trigger"] = json.dumps({**json.loads(response["HX-Trigger"]), "contacts-changed": True})
    return response
