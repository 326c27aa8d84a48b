"""The list of workflows, and a new one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.automation import verbs
from baton.automation.models import Workflow
from baton.platform.errors import Invalid
from baton.web.answer import faults, go
from baton.web.page import Page, actor, allow
from baton.web.parts import workflow_canvas


class Workflows(Page):
    key = "workflows"
    label = _("Workflows")
    icon = "workflow"
    group = "automation"
    order = 10
    area = "workflows"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("workflows/", show), path("workflows/new/", create)]


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest) -> HttpResponse:
    """All workflows with their numbers."""
    found = list(Workflow.objects.filter(archived_at=None).select_related("published").order_by("name", "pk"))
    numbers = workflow_canvas.totals([w.pk for w in found])
    rows = [(w, numbers[w.pk]) for w in found]
    return render(request, "workflows/list.html", {"rows": rows, "may_edit": permissions.can(request.user, "workflows", "edit")})


@require_POST
@allow("workflows", "edit")
def create(request: HttpRequest) -> HttpResponse:
    """An empty workflow of this name; its page opens."""
    name = request.POST.get("name", "")
    try:
        workflow = verbs.create(name, actor(request))
    except Invalid as error:
        return render(request, "workflows/new.html", {"name": name, "errors": faults(error)}, status=422)
    return go(f"/workflows/{workflow.pk}/")
