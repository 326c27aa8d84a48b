"""How an A/B test within a workflow stands: a part of the panel of its step, asked for when the panel is open."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from baton.automation import split
from baton.automation.models import Workflow
from baton.platform.errors import NotFound
from baton.web.page import Page, allow


class WorkflowTest(Page):
    key = "workflow-test"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("workflows/<int:pk>/tests/<slug:step_id>/", show)]


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest, pk: int, step_id: str) -> HttpResponse:
    """The ways of the live version's test with their shares, and what is sure."""
    workflow = Workflow.objects.filter(pk=pk, archived_at=None).first()
    if workflow is None:
        raise NotFound(_("This workflow does not exist any more."))
    return render(request, "workflows/test.html", {"workflow": workflow, "step": step_id, "test": split.of(workflow, step_id)})
