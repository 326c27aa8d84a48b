"""Before a workflow is published: what changes, what is missing, who would be enrolled now, and where the people inside go. And publishing."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from baton.automation import checks, difference, enroll, graph, jobs, moving, verbs, versions
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.platform.errors import Invalid, NotFound
from baton.web.answer import go
from baton.web.page import Page, actor, allow

LONGEST = 500  # letters of a note


class WorkflowPublish(Page):
    key = "workflow-publish"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("workflows/<int:pk>/publish/", review), path("workflows/<int:pk>/publish/now/", now)]


def workflow_of(pk: int, *, archived: bool = False) -> Workflow:
    """The workflow with its live version; with `archived` also one that was put aside. Raises NotFound."""
    found = Workflow.objects.select_related("published").filter(pk=pk).first()
    if found is None or (found.archived_at is not None and not archived):
        raise NotFound(_("This workflow does not exist any more."))
    return found


@allow("workflows", "edit")
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: all there is to know before. POST: publishes."""
    workflow = workflow_of(pk)
    if request.method != "POST":
        return render(request, "workflow_publish/page.html", _context(request, workflow))
    given = request.POST
    steps = {name.removeprefix("to-"): "" if value == "-" else str(value) for name, value in given.items() if name.startswith("to-") and value}
    at_once = [name.removeprefix("when-") for name, value in given.items() if name.startswith("when-") and value == "now"]
    move = given.get("people") == versions.MOVE
    try:
        with transaction.atomic():
            verbs.publish(workflow, actor(request), given.get("note", "").strip()[:LONGEST], versions.MOVE if move else versions.STAY, steps, at_once)
            if given.get("backlog") == "now":
                jobs.enroll_backlog.defer(workflow_id=workflow.pk, actor=str(actor(request)))
    except Invalid as error:
        faults = {problem.path.removeprefix("steps."): problem.message for problem in error.problems}
        return render(request, "workflow_publish/body.html", _context(request, workflow_of(pk), faults), status=422)
    return go(f"/workflows/{pk}/")


def _context(request: HttpRequest, workflow: Workflow, faults: dict[str, str] | None = None) -> dict[str, Any]:
    new = graph.parse(workflow.draft or {}, workflow.object_type)
    old = graph.readable(workflow.published_id) if workflow.published_id else None
    told = checks.found(new, workflow)
    stands = versions.stands(workflow, new)
    choices = [(step.id, _numbered(number, difference.title(step))) for number, step in enumerate(new.walk(), 1)]
    chosen = {s.step: request.POST.get(f"to-{s.step}") or s.suggested or "-" for s in stands}
    return {
        "workflow": workflow,
        "number": (workflow.published.number if workflow.published else 0) + 1,
        "entries": difference.between(old, new, workflow.object_type),
        "same": workflow.published is not None and workflow.published.graph == new.stored(),
        "first": old is None,
        "checks": told,
        "blocked": any(check.blocks for check in told),
        "stands": [(s, chosen[s.step], request.POST.get(f"when-{s.step}") or ("now" if s.at_once else "later")) for s in stands],
        "inside": sum(moving.standing(workflow).values()),
        "choices": choices,
        "people": request.POST.get("people", versions.STAY),
        "note": request.POST.get("note", ""),
        "faults": faults or {},
        "others": [message for at, message in (faults or {}).items() if at not in {s.step for s in stands}],
    }


def _numbered(number: int, heading: str) -> str:
    return f"{number}. {heading}"


@require_GET
@allow("workflows", "edit")
def now(request: HttpRequest, pk: int) -> HttpResponse:
    """How many fit the triggers already, and the choice to enroll them: counted after the page is there, because it may take a moment."""
    workflow = workflow_of(pk)
    found: Graph = graph.parse(workflow.draft or {}, workflow.object_type)
    try:
        count = enroll.preview(workflow, found) if not found.problems() else 0
    except Invalid:
        count = 0
    known = [trigger.heading() for trigger in found.triggers if trigger.backlog(workflow.object_type) is None]
    return render(request, "workflow_publish/now.html", {"workflow": workflow, "count": count, "unknown": known, "only": len(known) == len(found.triggers)})
