"""The versions of a workflow: who published what, when and why; the difference of any two; the way back. And the workflow itself: owner, clone, archive."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.automation import difference, graph, moving, verbs, versions
from baton.automation.models import Version, Workflow
from baton.platform.errors import Invalid
from baton.segments.models import Segment
from baton.web.answer import faults, go
from baton.web.page import Page, actor, allow
from baton.web.parts.people import colleagues
from baton.web.parts.timeline import who

from .workflow_publish import LONGEST, workflow_of

SIZE = 20
FEW = 6  # changes that are shown at once


class WorkflowVersions(Page):
    key = "workflow-versions"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        at = "workflows/<int:pk>/"
        return [
            path(f"{at}versions/", show),
            path(f"{at}versions/<int:number>/back/", back),
            path(f"{at}about/", about),
            path(f"{at}clone/", clone),
            path(f"{at}archive/", archive),
            path(f"{at}restore/", restore),
        ]


@dataclass(frozen=True, slots=True)
class Line:
    """A version with what it changed in words, and how many are in it now."""

    version: Version
    by: str
    entries: list[difference.Entry]
    inside: int
    moves: list[tuple[str, str]]

    @property
    def many(self) -> bool:
        return len(self.entries) > FEW


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The versions, newest first; `?old=1&new=3` compares two, where `draft` is what is being edited."""
    return render(request, "workflow_versions/page.html", _context(request, workflow_of(pk, archived=True)))


def _context(request: HttpRequest, workflow: Workflow, **more: Any) -> dict[str, Any]:
    users = colleagues()
    names = {u.pk: u.name for u in users}
    found = versions.of(workflow)
    page = int(number) if (number := request.GET.get("page", "")).isdecimal() and len(number) < 5 else 0
    shown = found[page * SIZE : (page + 1) * SIZE + 1]
    inside: dict[int, int] = {}
    for (version_id, _step), count in moving.standing(workflow).items():
        inside[version_id] = inside.get(version_id, 0) + count
    lists = verbs.lists_of(workflow)
    return {
        "workflow": workflow,
        "lines": [_line(v, shown[i + 1] if i + 1 < len(shown) else None, names, inside, workflow) for i, v in enumerate(shown[:SIZE])],
        "more": page + 1 if len(shown) > SIZE else 0,
        "numbers": [v.number for v in found],
        "count": len(found),
        **_compared(request, workflow, found),
        "users": users,
        "owner": names.get(workflow.owner_id or 0, ""),
        "lists": lists,
        "all_lists": list(Segment.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")) if lists else [],
        "inside": sum(inside.values()),
        "may_edit": permissions.can(request.user, "workflows", "edit"),
        "fault": {},
        **more,
    }


def _line(version: Version, before: Version | None, names: dict[int, str], inside: dict[int, int], workflow: Workflow) -> Line:
    new, old = graph.readable(version.pk), graph.readable(before.pk) if before else None
    entries = difference.between(old, new, workflow.object_type) if new and before else []

    def title(step: str, *, of: graph.Graph | None) -> str:
        found = of.get(step) if of else None
        return difference.title(found) if found else step or _("out of the workflow")

    moves = [(title(was, of=old), title(to, of=new)) for was, to in (version.steps or {}).items()]
    return Line(version, who(version.published_by, names), entries, inside.get(version.pk, 0), moves)


def _compared(request: HttpRequest, workflow: Workflow, found: list[Version]) -> dict[str, Any]:
    """The difference of the two that the address names."""
    numbers = {str(v.number): v.pk for v in found}
    old, new = request.GET.get("old", ""), request.GET.get("new", "")
    if old not in numbers or (new not in numbers and new != "draft"):
        return {"old": "", "new": ""}
    was = graph.readable(numbers[old])
    becomes = graph.parse(workflow.draft or {}, workflow.object_type) if new == "draft" else graph.readable(numbers[new])
    return {"old": old, "new": new, "compared": difference.between(was, becomes, workflow.object_type) if was and becomes else None}


@require_POST
@allow("workflows", "edit")
def back(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Publish this version again, and bring people back to where they stood in it."""
    workflow = workflow_of(pk)
    verbs.roll_back(workflow, versions.get(workflow, number), actor(request), request.POST.get("note", "").strip()[:LONGEST])
    return go(f"/workflows/{pk}/versions/")


@require_POST
@allow("workflows", "edit")
def about(request: HttpRequest, pk: int) -> HttpResponse:
    """Name, what it is for, and who is told of failures."""
    workflow, given = workflow_of(pk), request.POST
    try:
        if given.get("name", workflow.name).strip() != workflow.name:
            verbs.rename(workflow, given["name"], actor(request))
        if "description" in given and given["description"].strip() != workflow.description:
            verbs.describe(workflow, given["description"], actor(request))
        if "owner" in given and (owner := int(given["owner"]) if given["owner"].isdecimal() and len(given["owner"]) < 19 else None) != workflow.owner_id:
            verbs.set_owner(workflow, owner, actor(request))
    except Invalid as error:
        return render(request, "workflow_versions/about.html", _context(request, workflow_of(pk), fault=faults(error)), status=422)
    return go(f"/workflows/{pk}/versions/")


@require_POST
@allow("workflows", "edit")
def clone(request: HttpRequest, pk: int) -> HttpResponse:
    """A new draft with the same steps and, where they were chosen, other lists; its page opens."""
    workflow = workflow_of(pk, archived=True)
    swap = {
        int(name.removeprefix("list-")): int(str(value))
        for name, value in request.POST.items()
        if name.startswith("list-") and name.removeprefix("list-").isdecimal() and str(value).isdecimal() and len(name) < 24 and len(str(value)) < 19
    }
    try:
        made = verbs.clone(workflow, request.POST.get("name", ""), actor(request), swap)
    except Invalid as error:
        return render(request, "workflow_versions/clone.html", _context(request, workflow, fault=faults(error)), status=422)
    return go(f"/workflows/{made.pk}/")


@require_POST
@allow("workflows", "edit")
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Out of use; the people inside stay where they are, or all leave."""
    verbs.archive(workflow_of(pk), actor(request), people="out" if request.POST.get("people") == "out" else "stay")
    return go(f"/workflows/{pk}/versions/")


@require_POST
@allow("workflows", "edit")
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Back into use, paused."""
    verbs.restore(workflow_of(pk, archived=True), actor(request))
    return go(f"/workflows/{pk}/")
