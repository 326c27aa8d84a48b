"""What went wrong in workflows and waits for somebody: failed runs by workflow, step and reason, and what is overdue; tried again, passed over or taken out."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.automation import errors, graph
from baton.automation.models import Workflow
from baton.platform.errors import Invalid
from baton.web.answer import targets, toast
from baton.web.page import Page, actor, allow, user
from baton.web.parts import workflow_words
from baton.web.parts.people import colleagues

from .workflow_log import ACTS
from .workflow_publish import workflow_of


class WorkflowErrors(Page):
    key = "workflow-errors"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("workflows/errors/", show), path("workflows/errors/<int:pk>/", do)]


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest) -> HttpResponse:
    """All of it; `?workflow=` only of one."""
    return render(request, "workflow_errors/list.html" if targets(request, "failures") else "workflow_errors/page.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    asked = request.GET.get("workflow", "")
    workflow = workflow_of(int(asked)) if asked.isdecimal() and len(asked) < 19 else None
    failed, late = errors.failed(workflow), errors.overdue(workflow)
    names = {u.pk: u.name for u in colleagues()}
    titles = _titles({f.workflow_id for f in failed} | {o.workflow_id for o in late})
    return {
        "workflow": workflow,
        "failed": [(f, titles.get((f.workflow_id, f.step), f.step), names.get(f.owner_id or 0, ""), workflow_words.reason(f.reason)) for f in failed],
        "late": [(o, titles.get((o.workflow_id, o.step), o.step), names.get(o.owner_id or 0, "")) for o in late],
        "count": sum(f.number for f in failed),
        "may_edit": permissions.can(request.user, "workflows", "edit"),
    }


def _titles(ids: set[int]) -> dict[tuple[int, str], str]:
    """The steps of the live versions by (workflow, step id)."""
    made: dict[tuple[int, str], str] = {}
    for id, version in Workflow.objects.filter(pk__in=ids).values_list("pk", "published_id"):
        if version and (found := graph.readable(version)) is not None:
            made |= {(id, step.id): step.heading() for step in found.walk()}
    return made


@require_POST
@allow("workflows", "edit")
def do(request: HttpRequest, pk: int) -> HttpResponse:
    """Retry, skip or remove all failed runs of a step with a reason; those of records that one may not change stay."""
    workflow, given = workflow_of(pk), request.POST
    act = given.get("act", "")
    if act not in ACTS:
        raise Invalid.one("act", "INVALID_OPTION", _("This value cannot be used."))
    pairs = errors.pairs(workflow, given.get("step"), given.get("reason"))
    pairs = workflow_words.allowed(workflow.object_type, pairs, rights.of(user(request)))
    count = workflow_words.act(act, workflow, pairs, actor(request))
    said = {
        "retry": ngettext("{n} run is tried again", "{n} runs are tried again", count),
        "skip": ngettext("{n} run goes on behind the step", "{n} runs go on behind the step", count),
        "remove": ngettext("{n} run taken out", "{n} runs taken out", count),
    }[act]
    return toast(render(request, "workflow_errors/list.html", _context(request)), said.format(n=count))
