"""What the bar below a table does with the chosen records, or with all that match: edit, owner, list, archive, export; with progress and a way back."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.accounts import rights as access
from baton.automation import by_hand
from baton.crm import properties
from baton.crm.models import ObjectType
from baton.platform.errors import Invalid, NotFound
from baton.segments import bulk, finder
from baton.segments import verbs as lists
from baton.segments.models import BulkChange, Segment

from .. import jobs
from ..answer import done
from ..page import Page, actor, allow, user
from ..parts import cells
from ..parts import table as tables
from ..parts.address import BASE, of_type, table_url
from ..parts.bulk_words import said
from ..parts.people import colleagues
from ..parts.table import Table
from ..templatetags.fmt import about, num

ASKED = 1000  # more than these are asked about first
TYPED = 10_000  # of more than these the number is typed
COUNTED = 1_000_000  # counts of what is to be changed are exact up to here


class TableBulk(Page):
    key = "table-bulk"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            re_path(BASE + r"bulk/$", change),
            re_path(BASE + r"bulk/edit/$", edit_form),
            re_path(BASE + r"bulk/lists/$", list_form),
            re_path(BASE + r"bulk/workflows/$", workflow_form),
            re_path(BASE + r"bulk/(?P<id>\d{1,9})/$", progress),
            re_path(BASE + r"bulk/(?P<id>\d{1,9})/undo/$", undo),
        ]


@of_type("edit")
def edit_form(request: HttpRequest, kind: ObjectType) -> HttpResponse:
    """Which property of many is to be changed; with `name` the field for its new value."""
    name = request.GET.get("name", "")
    base = table_url(kind.key)
    if "name" in request.GET:
        definition = _editable(kind).get(name)
        shown = cells.blank(kind, definition, colleagues()) if definition else None
        return render(request, "tables/bulk_field.html" if shown else "tables/nothing.html", {"cell": shown, "base": base})
    return render(request, "tables/bulk_edit.html", {"choices": _choices(kind), "base": base})


@allow("segments", "edit")
@of_type()
def list_form(request: HttpRequest, kind: ObjectType) -> HttpResponse:
    """The fixed lists contacts can be put in, and a new one."""
    return render(request, "tables/bulk_lists.html", {"lists": _lists(), "base": table_url(kind.key)})


@allow("workflows", "edit")
@of_type()
def workflow_form(request: HttpRequest, kind: ObjectType) -> HttpResponse:
    """The workflows that run and lead such records."""
    return render(request, "tables/bulk_workflows.html", {"workflows": by_hand.offered(kind.key)})


def _lists() -> list[tuple[int, str]]:
    return list(Segment.objects.filter(kind="fixed", archived_at=None).order_by("name", "pk").values_list("pk", "name"))


def _editable(kind: ObjectType) -> dict[str, Any]:
    return {n: d for n, d in properties.definitions(kind.key).items() if not d.read_only and not d.hidden and not d.unique_value}


def _choices(kind: ObjectType) -> list[tuple[str, str]]:
    return [(name, properties.label(definition)) for name, definition in _editable(kind).items()]


@require_POST
@of_type()
def change(request: HttpRequest, kind: ObjectType) -> HttpResponse:
    """Change the chosen records, or with `all` every one that matches. Many are asked about first; very many are a job with progress."""
    found = tables.read(request, kind, colleagues())
    everything = request.POST.get("all") == "1"
    try:
        action, detail, made = _asked(request, kind)
        if everything and found.fault:
            raise Invalid.one("f", "INVALID_FILTER", found.fault)
        ids = [] if everything else _ids(request)
        total = finder.count(found.find, most=COUNTED).number if everything else len(ids)
        if total > ASKED and (question := _unsure(request, found, action, detail, total)):
            return question
        if made:
            detail = {"segment": lists.create_segment(made, {}, "fixed", actor(request)).pk}
        asked = bulk.prepare(kind.key, action, detail, user=found.me, ids=ids, stored=found.stored if everything else None, text=found.q)
    except Invalid as error:
        return _refused(request, kind, error)
    if total > bulk.HERE:
        jobs.change_many.defer(lock=f"bulk:{asked.pk}", id=asked.pk)
        response = render(request, "tables/progress.html", _progress(kind, asked))
        return _after(response, "#bulk-progress", {"bulk-done": True})
    finished = bulk.run(asked.pk)
    base = table_url(kind.key)
    back = {"url": f"{base}bulk/{finished.pk}/undo/", "target": "#records", "values": {}, "swap": "none"} if finished.changed else None
    response = done(said(finished), back)
    return _after(response, "", {"bulk-done": True, "records-changed": True})


def _asked(request: HttpRequest, kind: ObjectType) -> tuple[str, dict[str, Any], str]:
    """What is to be done: the action, its detail, and the name of a list that is to be made for it. Raises Invalid."""
    given = request.POST
    if given.get("owner"):
        owner = "" if given["owner"] == "-" else given["owner"]
        return "set", {"properties": {"owner_id": owner or None}}, ""
    if given.get("list"):
        permissions.require(request.user, "segments", "edit")
        if given["list"] == "new":
            name = given.get("list_name", "").strip()
            if not name:
                raise Invalid.one("list_name", "REQUIRED", _("Give the list a name."))
            return "add_to_list", {"segment": 0}, name
        if not (given["list"].isascii() and given["list"].isdigit()):
            raise Invalid.one("list", "INVALID_OPTION", _("Choose a list."))
        return "add_to_list", {"segment": int(given["list"])}, ""
    if given.get("workflow"):
        permissions.require(request.user, "workflows", "edit")
        number = given["workflow"]
        return by_hand.ACTION, {"workflow": int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0}, ""
    match given.get("do", ""):
        case "archive":
            return "archive", {}, ""
        case "set":
            name = given.get("name", "")
            if name not in _editable(kind):
                raise Invalid.one("name", "REQUIRED", _("Choose a property."))
            values = given.getlist("value")
            value: Any = values if _editable(kind)[name].type == "multi_choice" else (values or [""])[-1]
            return "set", {"properties": {name: value or None}}, ""
    raise Invalid.one("do", "INVALID_OPTION", _("There is no such action."))


def _ids(request: HttpRequest) -> list[int]:
    ids = [int(i) for part in request.POST.getlist("id") for i in part.split(",") if i.isascii() and i.isdigit() and len(i) < 19]
    if not ids:
        raise Invalid.one("id", "REQUIRED", _("Choose at least one record."))
    if len(ids) > bulk.HERE:
        raise Invalid.one("id", "TOO_MANY", _("Choose fewer records, or all that match."))
    return ids


def _unsure(request: HttpRequest, table: Table, action: str, detail: dict[str, Any], total: int) -> HttpResponse | None:
    """The question before many are changed; None when it was answered."""
    typed = total > TYPED
    answered = "sure" in request.POST
    right = not typed or request.POST.get("typed", "").replace(",", "").strip() == str(total)
    if answered and right:
        return None
    verb, question = _question(table.kind, action, detail, total)
    keep = ("do", "name", "owner", "list", "list_name", "workflow")
    given = [(name, request.POST[name]) for name in keep if request.POST.get(name)] + [("value", v) for v in request.POST.getlist("value")]
    context = {
        "question": question, "verb": verb, "sentence": table.filter.sentence() if table.filter else "", "given": given, "typed": typed, "total": num(total),
        "fault": _("The number is another one.") if answered else "", "base": table.url,
    }  # fmt: skip
    response = render(request, "tables/bulk_sure.html", context, status=422 if answered else 200)
    return _after(response, "#sheet", {"open-dialog": "sheet"})


def _question(kind: ObjectType, action: str, detail: dict[str, Any], total: int) -> tuple[str, str]:
    """The button's words and the question's."""
    n = num(total) if total < COUNTED else about(total)
    match action:
        case "archive":
            return _("Archive {n}").format(n=n), _("Archive {n} records?").format(n=n)
        case "set":
            name = next(iter(detail["properties"]))
            label = properties.label(properties.definitions(kind.key)[name])
            return _("Change {n}").format(n=n), _("Change “{label}” of {n} records?").format(label=label, n=n)
        case by_hand.ACTION:
            return _("Enroll {n}").format(n=n), _("Enroll {n} records?").format(n=n)
    return _("Add {n}").format(n=n), _("Add {n} records to the list?").format(n=n)


def _refused(request: HttpRequest, kind: ObjectType, error: Invalid) -> HttpResponse:
    """A fault is shown in the dialog it comes from; without one as a message."""
    text = "; ".join(problem.message for problem in error.problems)
    if request.POST.get("do") == "set":
        name = request.POST.get("name", "")
        definition = _editable(kind).get(name)
        cell = cells.blank(kind, definition, colleagues(), request.POST.get("value")) if definition else None
        context = {"choices": _choices(kind), "chosen": name, "cell": cell, "fault": text, "base": table_url(kind.key)}
        return render(request, "tables/bulk_edit.html", context, status=422)
    if request.POST.get("list"):
        return render(request, "tables/bulk_lists.html", {"lists": _lists(), "fault": text, "base": table_url(kind.key)}, status=422)
    raise error


@of_type()
def progress(request: HttpRequest, kind: ObjectType, id: str) -> HttpResponse:
    """How far a change is; the page asks again while it goes on. 0 clears the line."""
    if int(id) == 0:
        return HttpResponse()
    asked = _mine(request, int(id))
    response = render(request, "tables/progress.html", _progress(kind, asked))
    return _after(response, "", {"records-changed": True}) if asked.finished_at else response


def _progress(kind: ObjectType, asked: BulkChange) -> dict[str, Any]:
    return {"bulk": asked, "base": table_url(kind.key), "said": said(asked)}


@require_POST
@of_type()
def undo(request: HttpRequest, kind: ObjectType, id: str) -> HttpResponse:
    """Take a change of many back. A large one is a job too."""
    asked = _mine(request, int(id))
    access.of(user(request)).require(kind.key, bulk.ACTIONS[asked.action])
    if asked.changed > bulk.HERE:
        jobs.undo_many.defer(lock=f"bulk:{asked.pk}", id=asked.pk)
        return _after(done(_("It is being taken back. You will be told when it is done.")), "", {})
    back = bulk.undo(asked.pk, user=user(request))
    return _after(done(ngettext("Taken back: %(n)d record", "Taken back: %(n)d records", back) % {"n": back}), "", {"records-changed": True})


def _mine(request: HttpRequest, id: int) -> BulkChange:
    asked = bulk.get(id)
    if asked.user_id != user(request).pk:
        raise NotFound(_("There is no such change."))
    return asked


def _after(response: HttpResponse, target: str, events: dict[str, Any]) -> HttpResponse:
    """Swap into another place than the bar's, and tell the page what happened."""
    if target:
        response["HX-Retarget"], response["HX-Reswap"] = target, "innerHTML"
    given = json.loads(response["HX-Trigger"]) if "HX-Trigger" in response else {}
    if given or events:
        response["HX-Trigger"] = json.dumps({**given, **events})
    return response
