"""One workflow: its tree with live counts, a panel for each step, the draft that saves itself, publishing and pausing."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.automation import standing, verbs
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.automation.step import Step, steps
from baton.automation.trigger import Trigger, triggers
from baton.messaging import delivery
from baton.messaging.models import Email
from baton.platform.errors import Invalid, NotFound, Problem
from baton.segments import filter as filters
from baton.web.answer import targets, toast
from baton.web.page import Page, actor, allow
from baton.web.parts import filter_editor, step_form, workflow_canvas, workflow_draft

DECIDE = 3  # mails that did not arrive shown at once; the next come when these are sent
UNDO = 2000  # most letters of a removed step that are kept for its way back


class OneWorkflow(Page):
    key = "workflow"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        at = "workflows/<int:pk>/"
        return [
            path(at, show),
            path(f"{at}add/", add),
            path(f"{at}back/", put_back),
            path(f"{at}steps/<slug:step_id>/", fill),
            path(f"{at}steps/<slug:step_id>/filter/", fill_filter),
            path(f"{at}steps/<slug:step_id>/move/", move),
            path(f"{at}again/", send_again),
            path(f"{at}publish/", publish),
            path(f"{at}pause/", pause),
            path(f"{at}resume/", resume),
        ]


def _workflow(pk: int) -> Workflow:
    found = Workflow.objects.select_related("published").filter(pk=pk, archived_at=None).first()
    if found is None:
        raise NotFound(_("This workflow does not exist any more."))
    return found


# Drawing ---------------------------------------------------------------------


def _context(request: HttpRequest, workflow: Workflow, selected: str, *, errors: dict[str, str] | None = None, adding: str = "") -> dict[str, Any]:
    """Everything the page shows; `errors` are those of the selected step's fields, by name."""
    found = workflow_canvas.read(workflow.draft)
    if found.get(selected) is None and selected != "t":
        selected = found.first or "t"
    problems = found.problems()
    return {
        "workflow": workflow,
        "canvas": workflow_canvas.draw(found, workflow),
        "totals": standing.totals(workflow),
        "log": workflow_canvas.log(workflow, found),
        **_undelivered(request, workflow, found),
        "changed": workflow.published is None or workflow.published.graph != found.stored(),
        "problems": [(p, _step_at(found, p.path)) for p in problems],
        "live_topics": [f"workflow:{workflow.pk}"],
        "may_edit": permissions.can(request.user, "workflows", "edit"),
        **_panel(request, workflow, found, selected, errors or {}, adding),
    }


def _undelivered(request: HttpRequest, workflow: Workflow, found: Graph) -> dict[str, Any]:
    """Mails about which a person decides, each with the name of its step."""
    messages, count = standing.undelivered(workflow, DECIDE)
    titles = {step.id: step.heading() for step in found.walk()}
    return {
        "undelivered": [(m, titles.get(m.step, _("a step of an earlier version"))) for m in messages],
        "undelivered_count": count,
        "may_send": permissions.can(request.user, "messages", "edit"),
    }


def _panel(request: HttpRequest, workflow: Workflow, found: Graph, selected: str, errors: dict[str, str], adding: str) -> dict[str, Any]:
    """The side panel of one step, of the trigger, or of the choice of a new step."""
    item: Step | Trigger | None = found.trigger("t") if selected == "t" else found.get(selected)
    context: dict[str, Any] = {
        "workflow": workflow,
        "selected": selected,
        "item": item,
        "adding": adding,
        "kinds": _choices(steps()),
        "triggers": _choices(triggers()),
    }
    context["may_edit"] = permissions.can(request.user, "workflows", "edit")
    if item is None or adding:
        return context
    missing = {p.path.removeprefix(_prefix(found, selected)): p.message for p in found.problems() if p.path.startswith(_prefix(found, selected))}
    context["widgets"] = step_form.draw(item, {**{k.partition(".")[0]: v for k, v in missing.items()}, **errors}, request.POST if errors else None)
    stored_filter = getattr(item, "filter", None)
    if stored_filter is not None:
        url = f"/workflows/{workflow.pk}/steps/{selected}/filter/"
        asked = str(request.POST.get("filter!", ""))
        context |= filter_editor.editor(
            request, stored_filter, url=url, target="workflow-part", focus=filter_editor.focus_of(asked, filter_editor.whole(stored_filter))
        )
        context["sentence"] = filters.sentence(stored_filter) if stored_filter else _("Add a condition; who meets it goes the first way.")
    if selected != "t":
        context["passed"] = workflow_canvas.log(workflow, found, selected, 3)
        email_id = getattr(item, "email", None)
        if email_id is not None:
            context["email"] = Email.objects.filter(pk=email_id).first()
            context["stats"] = _mail_stats(standing.mail(workflow, selected))
    return context


def _choices(known: Mapping[str, type[Step] | type[Trigger]]) -> list[dict[str, Any]]:
    """Plug-ins as a template can show them; it would call a class."""
    return [{"key": key, "icon": kind.icon, "label": kind.label} for key, kind in known.items()]


def _prefix(found: Graph, selected: str) -> str:
    return "triggers[0]." if selected == "t" else f"{found.where(selected)}."


def _mail_stats(mail: standing.Mail) -> list[tuple[str, str]]:
    def share(n: int) -> str:
        return f"{n * 100 / mail.sent:.1f}%" if mail.sent else "–"

    return [(_("Sent"), f"{mail.sent:,}"), (_("Opened"), share(mail.opened)), (_("Clicked"), share(mail.clicked)), (_("Opted out"), share(mail.unsubscribed))]


def _step_at(found: Graph, at: str) -> Step | None:
    """The step a problem is about: the one with the longest path that `at` begins with."""
    return max(
        (s for s in found.walk() if at == found.where(s.id) or at.startswith(f"{found.where(s.id)}.")), key=lambda s: len(found.where(s.id)), default=None
    )


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page, or only the side panel of `?node=<step>`."""
    workflow = _workflow(pk)
    selected = request.GET.get("node", "")
    if targets(request, "inspector"):
        found = workflow_canvas.read(workflow.draft)
        known = selected if selected == "t" or found.get(selected) else found.first or "t"
        return render(request, "workflows/inspector.html", _panel(request, workflow, found, known, {}, ""))
    return render(request, "workflows/page.html", _context(request, workflow, selected))


def _part(request: HttpRequest, workflow: Workflow, selected: str, **more: Any) -> HttpResponse:
    """Header, canvas and panel after a change."""
    return render(request, "workflows/part.html", _context(request, workflow, selected, **more), status=422 if more.get("errors") else 200)


# The draft -------------------------------------------------------------------


@allow("workflows", "edit")
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: which steps can be put at `?at=`. POST: puts one there."""
    workflow = _workflow(pk)
    if request.method != "POST":
        found = workflow_canvas.read(workflow.draft)
        return render(request, "workflows/inspector.html", _panel(request, workflow, found, "", {}, request.GET.get("at", "root:0")))
    draft, step_id = workflow_draft.add(workflow.draft, request.POST.get("at", ""), request.POST.get("type", ""), verbs.used_ids(workflow))
    verbs.save_draft(workflow, draft, actor(request))
    return _part(request, workflow, step_id)


@require_POST
@allow("workflows", "edit")
def fill(request: HttpRequest, pk: int, step_id: str) -> HttpResponse:
    """Save the panel's fields to the draft; faults come back under their fields."""
    workflow = _workflow(pk)
    found = workflow_canvas.read(workflow.draft)
    kind = request.POST.get("type", "")
    if step_id == "t" and kind and ((known := found.trigger("t")) is None or kind != known.key):
        verbs.save_draft(workflow, workflow_draft.set_trigger(workflow.draft, kind), actor(request))
        return _part(request, workflow, "t")
    item: Step | Trigger | None = found.trigger("t") if step_id == "t" else found.get(step_id)
    if item is None:
        raise NotFound(_("This step no longer exists."))
    values = step_form.read(item, request.POST)
    if step_id != "t" and "name" in request.POST:
        values["name"] = request.POST["name"].strip()
    try:
        verbs.save_draft(workflow, workflow_draft.fill(workflow.draft, step_id, values), actor(request))
    except Invalid as error:
        return _part(request, workflow, step_id, errors={p.path.removeprefix(_prefix(found, step_id)).partition(".")[0]: _plain(p) for p in error.problems})
    return _part(request, workflow, step_id)


def _plain(problem: Problem) -> str:
    """Words for people where the library's own are for programmers."""
    return _("This value cannot be used.") if problem.code == "INVALID_VALUE" else problem.message


@require_POST
@allow("workflows", "edit")
def fill_filter(request: HttpRequest, pk: int, step_id: str) -> HttpResponse:
    """Save the conditions of a branch to the draft."""
    workflow = _workflow(pk)
    item = workflow_canvas.read(workflow.draft).get(step_id)
    if item is None or not hasattr(item, "filter"):
        raise NotFound(_("This step no longer exists."))
    verbs.save_draft(workflow, workflow_draft.fill(workflow.draft, step_id, {"filter": filter_editor.read(request.POST)}), actor(request))
    return _part(request, workflow, step_id)


@require_POST
@allow("workflows", "edit")
def move(request: HttpRequest, pk: int, step_id: str) -> HttpResponse:
    """Up, down, or away; a step taken away can be put back from the message."""
    workflow = _workflow(pk)
    to = request.POST.get("to")
    if to != "away":
        verbs.save_draft(workflow, workflow_draft.move(workflow.draft, step_id, -1 if to == "up" else 1), actor(request))
        return _part(request, workflow, step_id)
    draft, at, step = workflow_draft.remove(workflow.draft, step_id)
    verbs.save_draft(workflow, draft, actor(request))
    text = json.dumps(step, ensure_ascii=False)
    undo = {"url": f"/workflows/{pk}/back/", "target": "#workflow-part", "swap": "innerMorph", "values": {"at": at, "step": text}} if len(text) < UNDO else None
    return toast(_part(request, workflow, ""), _("Step removed"), undo)


@require_POST
@allow("workflows", "edit")
def put_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo of a removed step."""
    workflow = _workflow(pk)
    try:
        step = json.loads(request.POST.get("step", ""))
    except ValueError:
        step = None
    if not isinstance(step, dict):
        raise Invalid.one("step", "INVALID_VALUE", _("This value cannot be used."))
    verbs.save_draft(workflow, workflow_draft.put_back(workflow.draft, request.POST.get("at", ""), step), actor(request))
    return _part(request, workflow, str(step.get("id", "")))


@require_POST
@allow("messages", "edit")
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a mail that failed or may not have arrived once more."""
    workflow = _workflow(pk)
    try:
        contact_id, message_id = int(request.POST.get("contact", "")), int(request.POST.get("message", ""))
    except ValueError:
        raise Invalid.one("message", "INVALID_VALUE", _("This value cannot be used.")) from None
    delivery.again(contact_id, message_id, actor(request))
    return toast(_part(request, workflow, ""), _("The mail is on its way again"))


# Its state -------------------------------------------------------------------


@require_POST
@allow("workflows", "edit")
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the draft the version that people enter from now on. What is missing stays listed beside the button."""
    workflow = _workflow(pk)
    try:
        version = verbs.publish(workflow, actor(request))
    except Invalid:
        return toast(_part(request, workflow, ""), _("Not published: something is still missing"))
    return toast(_part(request, workflow, ""), _("Version {n} is published").format(n=version.number))


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
