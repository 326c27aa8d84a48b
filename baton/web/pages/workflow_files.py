"""A workflow as a file: exported as YAML, and imported as a new draft."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from baton.automation import portable
from baton.automation.models import Workflow
from baton.platform.errors import Invalid, NotFound, Problem
from baton.web.page import Page, actor, allow


class WorkflowFiles(Page):
    key = "workflow-files"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("workflows/import/", bring), path("workflows/<int:pk>/file/", export)]


@require_GET
@allow("workflows", "view")
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """The draft as YAML, or with `?published=1` what runs."""
    workflow = Workflow.objects.select_related("published").filter(pk=pk).first()
    if workflow is None:
        raise NotFound(_("This workflow does not exist any more."))
    text = portable.export(workflow, published=request.GET.get("published") == "1")
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{workflow.name}.yaml") or "attachment"
    return response


@require_http_methods(["GET", "POST"])
@allow("workflows", "edit")
def bring(request: HttpRequest) -> HttpResponse:
    """A file becomes a draft, whose page opens; what it names and there is not is told with its place."""
    problems: list[Problem] = []
    if request.method == "POST":
        sent = request.FILES.get("file")
        try:
            text = sent.read(portable.LARGEST + 1).decode("utf-8-sig") if sent else ""
            return redirect(f"/workflows/{portable.load(text, actor(request), name=request.POST.get('name', '')).pk}/")
        except UnicodeDecodeError:
            problems = [Problem("", "INVALID_VALUE", _("The file is not UTF-8 text."))]
        except Invalid as error:
            problems = error.problems
    status = 422 if problems else 200
    return render(request, "workflow_files/import.html", {"problems": problems, "name": request.POST.get("name", "")}, status=status)
