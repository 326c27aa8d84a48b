"""Why somebody is where he is in a workflow, and why not: every run with its cause and steps, what keeps him out; and what can be done about it by hand."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.automation import enroll, runs, why, why_not
from baton.automation.models import Enrollment, Workflow
from baton.crm import records, types
from baton.crm.models import Contact, Record
from baton.platform import clock
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.web.answer import go
from baton.web.page import Page, actor, allow, user
from baton.web.parts import workflow_words
from baton.web.parts.people import colleagues
from baton.web.parts.timeline import who

from .workflow_publish import workflow_of


class WorkflowWhy(Page):
    key = "workflow-why"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        made = []
        for of in ("contacts", "records"):
            at = f"workflows/<int:pk>/{of}/<int:id>/"
            made += [path(at, show), path(f"{at}enroll/", enter), path(f"{at}remove/", remove), path(f"{at}retry/", retry), path(f"{at}skip/", skip)]
        return made


def _whom(request: HttpRequest, workflow: Workflow, id: int, action: rights.Action = "view") -> Contact | Record:
    """The contact or record, if whoever asks may see it. Raises NotFound, Forbidden."""
    row = records.get(workflow.object_type, id, archived=None)
    rights.of(user(request)).require(workflow.object_type, action, [row.owner_id])
    return row


@require_GET
@allow("workflows", "view")
def show(request: HttpRequest, pk: int, id: int) -> HttpResponse:
    """Every run with its steps, and what enrolling asks of him now."""
    workflow = workflow_of(pk, archived=True)
    row = _whom(request, workflow, id)
    names = {u.pk: u.name for u in colleagues()}
    found = why.runs(workflow, id)
    context: dict[str, Any] = {
        "workflow": workflow,
        "id": id,
        "name": workflow_words.name(row.properties) or f"#{id}",
        "url": workflow_words.url(workflow.object_type, id),
        "runs": [(run, workflow_words.run(run, who(run.by, names) if run.by else "")) for run in found],
        "refusal": why_not.of(workflow, id),
        "inside": any(run.state in ("active", "queued", "failed") for run in found),
        "failed": any(run.state == "failed" for run in found),
        "may_edit": permissions.can(request.user, "workflows", "edit"),
        "kind": types.label(types.get(workflow.object_type)),
        "who": who,
    }
    return render(request, "workflow_why/page.html", context)


@require_POST
@allow("workflows", "edit")
def enter(request: HttpRequest, pk: int, id: int) -> HttpResponse:
    """Enroll by hand. Who is refused is told why."""
    workflow = workflow_of(pk)
    _whom(request, workflow, id, "edit")
    if not enroll.enroll(workflow, [id], f"hand:{clock.now().isoformat()}", actor(request)):
        first = next((ask for ask in why_not.of(workflow, id).asks if not ask.holds and ask.key != "trigger"), None)
        raise Conflict(_("Not enrolled. {why}").format(why=(first.fix or first.sentence) if first else _("Somebody else was quicker.")))
    return go(_back(request, workflow, id))


@require_POST
@allow("workflows", "edit")
def remove(request: HttpRequest, pk: int, id: int) -> HttpResponse:
    """Take him out of the workflow."""
    workflow = workflow_of(pk, archived=True)
    _whom(request, workflow, id, "edit")
    runs.remove(workflow, [id], actor(request))
    return go(_back(request, workflow, id))


@require_POST
@allow("workflows", "edit")
def retry(request: HttpRequest, pk: int, id: int) -> HttpResponse:
    """The failed step once more."""
    return _again(request, pk, id, skipping=False)


@require_POST
@allow("workflows", "edit")
def skip(request: HttpRequest, pk: int, id: int) -> HttpResponse:
    """On behind the failed step."""
    return _again(request, pk, id, skipping=True)


def _again(request: HttpRequest, pk: int, id: int, *, skipping: bool) -> HttpResponse:
    workflow = workflow_of(pk)
    _whom(request, workflow, id, "edit")
    pairs = list(Enrollment.objects.filter(contact_id=id, workflow_id=pk, state="failed").values_list("contact_id", "id"))
    if not pairs:
        raise NotFound(_("Nothing failed here any more."))
    (runs.skip if skipping else runs.retry)(pairs, actor(request))
    return go(_back(request, workflow, id))


def _back(request: HttpRequest, workflow: Workflow, id: int) -> str:
    """To the page that asked: the record's, or this one."""
    if request.POST.get("from") == "record":
        return workflow_words.url(workflow.object_type, id)
    if request.POST.get("from") not in (None, "", "record"):
        raise Invalid.one("from", "INVALID_OPTION", _("This value cannot be used."))
    return f"/workflows/{workflow.pk}/{'contacts' if workflow.object_type == 'contact' else 'records'}/{id}/"
