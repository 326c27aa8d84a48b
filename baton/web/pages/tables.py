"""The tables of records, one page for every object type: filters, views, columns, search, edits in cells, and adding a record."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.accounts import rights as access
from baton.accounts.models import User
from baton.crm import properties, records, stages, types
from baton.crm.models import ObjectType
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.segments import bulk

from ..answer import faults, go, targets, toast
from ..page import Item, Page, actor, user
from ..parts import cells, filters, new_record, views
from ..parts import table as tables
from ..parts.address import BASE, OWN, of_type, record_url, table_url
from ..parts.bulk_words import said
from ..parts.people import colleagues
from ..parts.table import Table


class Tables(Page):
    """Contacts, companies, deals and tickets have a word of their own; everything else is below /objects/."""

    key = "tables"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            re_path(BASE + r"$", table),
            re_path(BASE + r"filter/$", editor),
            re_path(BASE + r"new/$", new),
            re_path(BASE + r"cells/(?P<id>\d{1,18})/(?P<name>[a-z0-9_]+)/$", cell),
            re_path(BASE + r"views/$", save_view),
            re_path(BASE + r"views/(?P<id>\d{1,9})/$", view),
        ]


class _Listed:
    """A line of the navigation whose addresses are those of Tables."""

    group = "customers"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return []


class Contacts(_Listed, Page):
    key = "contacts"
    label = gettext_lazy("Contacts")
    icon = "users-round"
    order = 10
    area = "contacts"
    on_phone = True


class Companies(_Listed, Page):
    key = "companies"
    label = gettext_lazy("Companies")
    icon = "building-2"
    order = 20
    area = "companies"


class Deals(_Listed, Page):
    key = "deals"
    label = gettext_lazy("Deals")
    icon = "handshake"
    order = 30
    area = "deals"
    on_phone = True


class Tickets(_Listed, Page):
    key = "tickets"
    label = gettext_lazy("Tickets")
    icon = "ticket"
    order = 40
    area = "tickets"


class Objects(_Listed, Page):
    """Products, quotes and a company's own types: one line each, below the others. Line items are seen in their deal or quote."""

    key = "objects"
    icon = "box"
    order = 50
    area = "objects"

    @classmethod
    def items(cls, user: User) -> list[Item]:
        held = access.of(user)
        shown = [kind for kind in types.all(activities=False) if kind.key not in {*OWN, "line_item"} and held.may(kind.key, "view")]
        return [Item(f"objects/{kind.plural}", types.label(kind, plural=True), kind.icon, table_url(kind.key)) for kind in shown]


@of_type()
def table(request: HttpRequest, kind: ObjectType) -> HttpResponseBase:
    """The page, or only its records when htmx asks for them. A filter that cannot be read is said on the page, with nothing below it."""
    found = tables.read(request, kind, colleagues())
    part = targets(request, "records")
    extra: dict[str, Any] = {}
    if not found.fault:
        try:
            extra = found.layout.context(request, found)
        except Invalid as error:
            found.fault = "; ".join(problem.message for problem in error.problems)
    if part and found.fault:
        raise Invalid.one("f", "INVALID_FILTER", found.fault)
    context: dict[str, Any] = {
        "table": found,
        "params": found.params,
        "base": found.url,
        "view_tabs": views.tabs(found.me, kind),
        "filter": found.filter,
        "part": part,
        **_rights(found),
        **extra,
    }
    if part:
        response = render(request, "tables/records.html", context)
        response["HX-Push-Url"] = found.address
        return response
    if running := bulk.running(found.me, kind.key):
        context |= {"running": running, "said": said(running)}
    return TemplateResponse(request, "tables/page.html", context, status=422 if found.fault else 200)


def _rights(table: Table) -> dict[str, Any]:
    """What the reader may do here, for the buttons."""
    may = {f"may_{action}": table.may(action) for action in ("create", "edit", "delete", "export")}
    owner = properties.definitions(table.kind.key).get("owner_id")
    return {
        **may,
        "import_url": f"/import/?type={table.kind.key}" if table.may("import") else "",
        "may_list": permissions.can(table.me, "segments", "edit"),
        "may_enroll": permissions.can(table.me, "workflows", "edit"),
        "may_change": may["may_edit"] or may["may_delete"] or may["may_export"],
        "has_owner": owner is not None and not owner.read_only,
    }


@of_type()
def editor(request: HttpRequest, kind: ObjectType) -> HttpResponse:
    """What the filter popover shows: the fields to choose from, or the form of one condition or group."""
    found = tables.read(request, kind, colleagues(), change=False)
    known = filters.fields(kind.key, found.users)
    place, key = request.GET.get("place", "new"), request.GET.get("field", "")
    node = found.filter.at(place)
    if "fresh" in request.GET:
        node = None
    params = found.params.copy()
    for name in ("page", "after"):
        params.pop(name, None)
    context: dict[str, Any] = {"place": place, "params": params, "base": found.url, "table": found}
    if key:
        cond = filters.cond(known, key)
    elif isinstance(node, filters.Cond):
        cond = node
    elif node is not None:
        return render(request, "tables/group.html", {**context, "group": node})
    else:
        return render(request, "tables/fields.html", {**context, "fields": [f for f in known.values() if f.kind != "only"]})
    return render(request, "tables/condition.html", {**context, "cond": cond, "field": cond.field, "none": filters.NONE, "any": filters.ANY, "fresh": not cond})


@of_type("edit")
def cell(request: HttpRequest, kind: ObjectType, id: str, name: str) -> HttpResponse:
    """One value in the table: GET the editor (or the value, with `cancel`), POST a new one; the toast takes it back."""
    definition = properties.definitions(kind.key).get(name)
    if definition is None:
        raise NotFound(_("There is no such property."))
    record = records.get(kind.key, int(id))
    held = access.of(user(request))
    held.require(kind.key, "edit", [record.owner_id])
    users = colleagues()
    base = table_url(kind.key)
    if request.method != "POST":
        if "cancel" in request.GET or definition.read_only:
            return render(request, "tables/cell.html", {"cell": cells.shown(kind, definition, record, users)})
        return render(request, "tables/cell_edit.html", {"cell": cells.editor(kind, definition, record, users), "base": base, "id": record.id})
    given: Any = request.POST.getlist("value") if definition.type == "multi_choice" and "undo" not in request.POST else request.POST.get("value", "")
    old = record.properties.get(name)
    try:
        free = stages.taking_back(record.id, given, actor=actor(request)) if name == stages.PROPERTY and "undo" in request.POST else ""
        records.update(kind.key, record.id, {name: given}, actor=actor(request), source="undo" if free else "page", freedom=free)
    except (Invalid, Conflict) as error:
        said = next(iter(faults(error).values()), str(error)) if isinstance(error, Invalid) else _("Another record has this value.")
        context = {"cell": cells.editor(kind, definition, record, users, typed=given), "base": base, "id": record.id, "fault": said}
        return render(request, "tables/cell_edit.html", context, status=422)
    record = records.get(kind.key, record.id)
    response = render(request, "tables/cell.html", {"cell": cells.shown(kind, definition, record, users)})
    if record.properties.get(name) != old:
        undo = {"url": f"{base}cells/{record.id}/{name}/", "target": f"#r{record.id} .c-{name}", "values": {"value": cells.sent(old), "undo": "1"}}
        text = _("{name}: {label} saved").format(name=types.title(kind.key, record.properties) or f"#{record.id}", label=properties.label(definition))
        toast(response, text, undo)
    return response


@of_type("create")
def new(request: HttpRequest, kind: ObjectType) -> HttpResponse:
    """The form to add a record; saved, it leads to the record. 422 with the faults under their fields."""
    users = colleagues()
    if request.method == "POST":
        form = new_record.Form(kind, users, request.POST)
        if made := form.save(actor(request)):
            return go(record_url(kind.key, made))
        return render(request, "tables/new.html", {"form": form, "base": table_url(kind.key)}, status=422)
    form = new_record.Form(kind, users, {"owner_id": str(request.user.pk)})
    return render(request, "tables/new.html", {"form": form, "base": table_url(kind.key)})


@require_POST
@of_type()
def save_view(request: HttpRequest, kind: ObjectType) -> HttpResponse:
    """Keep what the table shows as a view of one's own."""
    found = tables.read(request, kind, colleagues())
    try:
        made = views.create(found.me, kind, request.POST.get("name", ""), request.POST.get("shared", "me"), found.state)
    except Invalid as error:
        context = {"table": found, "params": found.params, "base": found.url, "faults": faults(error), "name": request.POST.get("name", "")}
        return render(request, "tables/save_view.html", context, status=422)
    return go(f"{found.url}?view={made.pk}")


@of_type()
def view(request: HttpRequest, kind: ObjectType, id: str) -> HttpResponse:
    """A saved view: GET leads to its table; POST renames, shares, keeps what is shown, moves or deletes it."""
    base = table_url(kind.key)
    if request.method != "POST":
        return redirect(f"{base}?view={int(id)}")
    me = user(request)
    saved = views.get(me, kind.key, int(id))
    match request.POST.get("do", ""):
        case "delete":
            views.delete(me, saved)
            return go(base)
        case "left" | "right" as way:
            views.move(me, saved, -1 if way == "left" else 1)
        case "keep":
            views.change(me, saved, query=tables.read(request, kind, colleagues()).state)
        case "change":
            try:
                views.change(me, saved, name=request.POST.get("name", ""), shared=request.POST.get("shared", ""))
            except Invalid as error:
                return render(request, "tables/change_view.html", {"view": saved, "base": base, "faults": faults(error)}, status=422)
        case _:
            raise Invalid.one("do", "INVALID_OPTION", _("There is no such action."))
    return go(f"{base}?view={saved.pk}")
