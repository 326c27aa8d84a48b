"""One workflow: its tree with live counts, a panel for each step, the draft that saves itself, pausing; publishing has a page of its own."""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.automation import checks, edits, standing, verbs
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.crm.models import Contact
from baton.messaging.sending import delivery
from baton.platform.errors import Invalid, NotFound, Problem
from baton.web.answer import targets, toast
from baton.web.page import Page, actor, allow, user
from baton.web.parts import filter_editor, step_form, workflow_canvas, workflow_changes, workflow_draft, workflow_log, workflow_panel
from baton.web.parts.step_choices import About
from baton.web.parts.workflow_changes import Made

DECIDE = 3  # mails that did not arrive shown at once; the next come when these are sent
View = Callable[..., HttpResponse]


class OneWorkflow(Page):
    key = "workflow"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        at = "workflows/<int:pk>/"
        return [
            path(at, show),
            path(f"{at}add/", add),
            path(f"{at}change/", change),
            path(f"{at}undo/", undo),
            path(f"{at}redo/", redo),
            path(f"{at}name/", rename),
            path(f"{at}steps/<slug:step_id>/", fill),
            path(f"{at}steps/<slug:step_id>/filter/<slug:field>/", fill_filter),
            path(f"{at}again/", send_again),
            path(f"{at}pause/", pause),
            path(f"{at}resume/", resume),
        ]


def _workflow(pk: int) -> Workflow:
    found = Workflow.objects.select_related("published").filter(pk=pk, archived_at=None).first()
    if found is None:
        raise NotFound(_("This workflow does not exist any more."))
    return found


# Drawing ---------------------------------------------------------------------


def _context(request: HttpRequest, workflow: Workflow, asked: str, *, errors: dict[str, str] | None = None, adding: str = "") -> dict[str, Any]:
    """Everything the page shows; `errors` are those of the chosen step's fields, by name; `adding` is a place for a new step, or "trigger"."""
    found = workflow_canvas.read(workflow)
    selected = workflow_panel.chosen(found, asked)
    problems = found.problems()
    told = checks.found(found, workflow, people=False, problems=problems)
    undoable, redoable = edits.left(workflow)
    return {
        "canvas": workflow_canvas.draw(found, workflow, problems),
        "kpis": workflow_canvas.kpis(workflow),
        "log": workflow_log.rows(workflow, found, rights.of(user(request))),
        **_undelivered(request, workflow, found),
        "changed": workflow.published is None or workflow.published.graph != found.stored(),
        "checks": told,
        "blocking": any(check.blocks for check in told),
        "undoable": undoable,
        "redoable": redoable,
        "live_topics": [f"workflow:{workflow.pk}"],
        **workflow_panel.context(request, workflow, found, selected, problems=problems, errors=errors, adding=adding),
    }


def _undelivered(request: HttpRequest, workflow: Workflow, found: Graph) -> dict[str, Any]:
    """Mails about which a person decides, each with the name of its step."""
    messages, count = standing.undelivered(workflow, DECIDE, held=rights.of(user(request)))
    titles = {step.id: step.heading() for step in found.walk()}
    return {
        "undelivered": [(m, titles.get(m.step, _("a step of an earlier version"))) for m in messages],
        "undelivered_count": count,
        "may_send": permissions.can(request.user, "messages", "edit"),
    }


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page, or only the side panel of `?node=<step>`."""
    workflow = _workflow(pk)
    asked = request.GET.get("node", "")
    if targets(request, "inspector"):
        found = workflow_canvas.read(workflow)
        selected = workflow_panel.chosen(found, asked)
        return render(request, "workflows/inspector.html", workflow_panel.context(request, workflow, found, selected, problems=found.problems()))
    adding = request.GET.get("add", "") if permissions.can(request.user, "workflows", "edit") else ""
    return render(
        request, "workflows/page.html", _context(request, workflow, asked, adding=adding) | {"page_key": secrets.token_hex(6), "draft_at": edits.of(workflow)}
    )


def _part(request: HttpRequest, workflow: Workflow, selected: str, **more: Any) -> HttpResponse:
    """Header, canvas and panel after a change."""
    return render(request, "workflows/part.html", _context(request, workflow, selected, **more), status=422 if more.get("errors") else 200)


# The draft -------------------------------------------------------------------


def _seen(request: HttpRequest) -> edits.Seen | None:
    """What the open page knows of the draft; it says so with every request."""
    page, _space, at = request.headers.get("X-Draft", "").partition(" ")
    return edits.Seen(page, at) if page else None


def _edits(view: View) -> View:
    """Of two pages that edit at once the later is told, and keeps what it shows."""

    @wraps(view)
    def told(request: HttpRequest, pk: int, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, pk, *args, **kwargs)
        except edits.Overtaken as error:
            answer = render(request, "workflows/overtaken.html", {"workflow": _workflow(pk), "message": str(error)}, status=409)
            answer["HX-Retarget"], answer["HX-Reswap"] = "#overtaken", "innerHTML"
            return answer

    return told


def _write(request: HttpRequest, pk: int, make: Callable[[Workflow], Made]) -> tuple[Workflow, Made]:
    """Change the draft as it is now, so that two changes at once both stand. Raises Invalid, Overtaken."""
    workflow = _workflow(pk)
    with transaction.atomic():
        held = Workflow.objects.select_for_update().get(pk=pk)
        workflow.draft = held.draft
        made = make(workflow)
        verbs.save_draft(workflow, made.draft, actor(request), seen=_seen(request))
    return workflow, made


def _said(request: HttpRequest, workflow: Workflow, made: Made) -> HttpResponse:
    """The page after a change, and a message that takes it back."""
    undo = {"url": f"/workflows/{workflow.pk}/undo/", "target": "#workflow-part", "swap": "innerMorph", "values": {"edit": edits.newest(workflow)}}
    return toast(_part(request, workflow, made.selected), made.said, undo)


@require_GET
@allow("workflows", "edit")
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Which steps can be put at `?at=`; with `?at=trigger`, which triggers there are."""
    workflow = _workflow(pk)
    found = workflow_canvas.read(workflow)
    context = workflow_panel.context(request, workflow, found, "", problems=(), adding=request.GET.get("at", "root:0"))
    return render(request, "workflows/inspector.html", context)


@require_POST
@allow("workflows", "edit")
@_edits
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Add, move, copy or remove a step or a trigger, see parts/workflow_changes.py."""
    workflow, made = _write(request, pk, lambda held: workflow_changes.make(held, {key: str(value) for key, value in request.POST.items()}))
    return _said(request, workflow, made)


@require_POST
@allow("workflows", "edit")
@_edits
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the newest change back; with `edit`, only when that is the newest."""
    workflow = _workflow(pk)
    only = request.POST.get("edit", "")
    edits.undo(workflow, actor(request), _seen(request), only=int(only) if only.isascii() and only.isdigit() and len(only) < 19 else None)
    return toast(_part(request, workflow, request.POST.get("node", "")), _("Undone"))


@require_POST
@allow("workflows", "edit")
@_edits
def redo(request: HttpRequest, pk: int) -> HttpResponse:
    """Do again what was undone last."""
    workflow = _workflow(pk)
    edits.redo(workflow, actor(request), _seen(request))
    return toast(_part(request, workflow, request.POST.get("node", "")), _("Done again"))


@require_POST
@allow("workflows", "edit")
@_edits
def fill(request: HttpRequest, pk: int, step_id: str) -> HttpResponse:
    """Save the panel's fields to the draft; faults come back under their fields."""
    gone = 0

    def make(workflow: Workflow) -> Made:
        nonlocal gone
        found = workflow_canvas.read(workflow)
        item = workflow_panel.item(found, step_id)
        if item is None:
            raise NotFound(_("This step no longer exists."))
        values = step_form.read(item, About(workflow, found, step_id), request.POST)
        if "name" in request.POST and "name" in type(item).model_fields and "name" not in item.inputs():
            values["name"] = str(request.POST["name"]).strip()
        draft, gone = workflow_draft.fill(workflow.draft, step_id, values)
        return Made(draft, step_id, _("A way and the steps inside it were removed") if gone else "")

    try:
        workflow, made = _write(request, pk, make)
    except Invalid as error:
        workflow = _workflow(pk)
        place = workflow_panel.at(workflow_canvas.read(workflow), step_id)
        faults = {p.path.removeprefix(place).partition(".")[0].partition("[")[0]: _plain(p) for p in error.problems}
        return _part(request, workflow, step_id, errors=faults)
    return _said(request, workflow, made) if gone else _part(request, workflow, step_id)


def _plain(problem: Problem) -> str:
    """Words for people where the library's own are for programmers."""
    return _("This value cannot be used.") if problem.code == "INVALID_VALUE" else problem.message


@require_POST
@allow("workflows", "edit")
@_edits
def fill_filter(request: HttpRequest, pk: int, step_id: str, field: str) -> HttpResponse:
    """Save one of the filters of a step, a trigger or the settings."""

    def make(workflow: Workflow) -> Made:
        item = workflow_panel.item(workflow_canvas.read(workflow), step_id)
        if item is None:
            raise NotFound(_("This step no longer exists."))
        try:
            values = step_form.with_filter(item, field, filter_editor.read(request.POST, field, workflow.object_type))
        except KeyError:
            raise NotFound(_("This step no longer exists.")) from None
        return Made(workflow_draft.fill(workflow.draft, step_id, values)[0], step_id)

    workflow, _made = _write(request, pk, make)
    return _part(request, workflow, step_id)


@require_POST
@allow("workflows", "edit")
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name for the workflow."""
    workflow = _workflow(pk)
    try:
        verbs.rename(workflow, request.POST.get("name", ""), actor(request))
    except Invalid as error:
        return toast(_part(request, workflow, workflow_panel.SETTINGS), error.problems[0].message)
    return _part(request, workflow, workflow_panel.SETTINGS)


@require_POST
@allow("messages", "edit")
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a mail that failed or may not have arrived once more."""
    workflow = _workflow(pk)
    try:
        contact_id, message_id = int(request.POST.get("contact", "")), int(request.POST.get("message", ""))
    except ValueError:
        raise Invalid.one("message", "INVALID_VALUE", _("This value cannot be used.")) from None
    owner = Contact.objects.filter(id=contact_id).values_list("owner_id", flat=True)[:1]
    rights.of(user(request)).require("contact", "view", owner)
    delivery.again(contact_id, message_id, actor(request))
    return toast(_part(request, workflow, ""), _("The mail is on its way again"))


# Its state -------------------------------------------------------------------


@require_POST
@allow("workflows", "edit")
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Everybody stays where he is."""
    workflow = _workflow(pk)
    verbs.pause(workflow, actor(request))
    return toast(_part(request, workflow, ""), _("Paused; everybody stays where he is"))


@require_POST
@allow("workflows", "edit")
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on."""
    workflow = _workflow(pk)
    verbs.resume(workflow, actor(request))
    return toast(_part(request, workflow, ""), _("Running again"))
