"""Who is behind a count on the canvas of a workflow: as many rows as it says, beside the canvas or as a page of its own."""

import re
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from baton.accounts import rights
from baton.automation import runs, standing
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.automation.runs import Person
from baton.crm.models import Contact, Record
from baton.platform.errors import NotFound
from baton.web.answer import targets
from baton.web.page import Page, allow, user
from baton.web.parts import workflow_canvas, workflow_log

SIZE = 50
AFTER = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+]{8,25}_[0-9]{1,18}_[0-9]{1,4}")


class WorkflowPeople(Page):
    key = "workflow-people"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("workflows/<int:pk>/people/", show)]


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """`?step=` a step or a trigger, or nothing for the whole; `&outcome=` passed, waiting, failed, a way, or a state of runs."""
    workflow = Workflow.objects.filter(pk=pk, archived_at=None).first()
    if workflow is None:
        raise NotFound(_("This workflow does not exist any more."))
    step, outcome, after = (request.GET.get(name, "") for name in ("step", "outcome", "after"))
    found = workflow_canvas.read(workflow)
    people, following = runs.people(workflow, step, "" if outcome in ("passed", "enrolled") else outcome, after if AFTER.fullmatch(after) else "", SIZE)
    context = {
        "workflow": workflow,
        "step": step,
        "title": _title(found, step, outcome),
        "count": _count(workflow, step, outcome),
        "people": _rows(request, workflow, people),
        "more": f"?{urlencode({'step': step, 'outcome': outcome, 'after': following})}" if following else "",
    }
    if context["more"]:
        context["more"] = f"/workflows/{pk}/people/{context['more']}"
    return render(request, "workflows/people_panel.html" if targets(request, "inspector") else "workflows/people.html", context)


def _title(found: Graph, step: str, outcome: str) -> str:
    item = found.trigger(step) or found.get(step)
    words = {
        "passed": _("came through"), "waiting": _("waiting"), "failed": _("failed"), "skipped": _("skipped"), "enrolled": _("Enrolled"),
        "active": _("Inside now"), "finished": _("Finished"), "goal": _("Reached the goal"), "removed": _("Removed"), "superseded": _("Replaced by a new run"),
    }  # fmt: skip
    of_branch = found.get(step)
    what = words.get(outcome) or str(dict(of_branch.ways()).get(outcome, outcome) if of_branch else outcome)
    if not step:
        return _("Failed") if outcome == "failed" else what
    return f"{item.heading() if item else _('a step of an earlier version')} · {what}"


def _count(workflow: Workflow, step: str, outcome: str) -> int:
    """The number that led here, as the canvas says it."""
    if not step:
        states = standing.states_of(workflow)
        return states.get(outcome, 0) if outcome not in ("", "enrolled") else sum(states.values())
    counts = standing.counts(workflow).get(step, standing.Counts())
    return int(getattr(counts, outcome)) if outcome in counts._fields else standing.ways(workflow).get((step, outcome), 0)


def _rows(request: HttpRequest, workflow: Workflow, people: list[Person]) -> list[dict[str, Any]]:
    kind = workflow.object_type
    ids = [p.contact_id for p in people]
    owners = dict((Contact if kind == "contact" else Record).objects.filter(id__in=ids).values_list("id", "owner_id"))
    held = rights.of(user(request))
    return [
        {
            "url": f"/{'contacts' if kind == 'contact' else f'objects/{kind}'}/{p.contact_id}/" if held.may(kind, "view", [owners.get(p.contact_id)]) else "",
            "name": p.name or f"#{p.contact_id}", "company": p.company, "at": p.at, "detail": _detail(p),
        }
        for p in people
    ]  # fmt: skip


def _detail(person: Person) -> str:
    """Why somebody failed or was left out, in words."""
    return workflow_log.reason(person.detail) if person.outcome in ("failed", "skipped") else ""
