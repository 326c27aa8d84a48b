"""Workflows in the words of versions 2 and 3: what taps list, and enrolling one person by the address."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router

from baton.api import auth
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import access, flows
from baton.api.hubspot.legacy import ms
from baton.automation import enroll, runs, tally
from baton.automation.models import Workflow
from baton.crm import identity
from baton.platform import clock

router = Router(tags=["versions 1 and 2"])
READ, WRITE = Needs("workflows.read"), Needs("workflows.write")
LIST, ENROLL = "/automation/v3/workflows", "/automation/{version}/workflows/{{workflow_id}}/enrollments/contacts/{{email}}"
Shape = dict[str, Any]


@router.get(LIST, auth=READ, response=Shape, summary="Workflows (v3)")
def listed(request: HttpRequest) -> Shape:
    """All workflows of contacts at once."""
    return {"workflows": _shown(list(Workflow.objects.filter(archived_at=None, object_type="contact").order_by("pk")))}


@router.get(f"{LIST}/{{workflow_id}}", auth=READ, response=Shape, summary="One workflow (v3)")
def single(request: HttpRequest, workflow_id: str) -> Shape:
    """One workflow with its counts."""
    return _shown([flows.one(workflow_id)])[0]


@router.post(ENROLL.format(version="v2"), auth=WRITE, response={204: None}, summary="Enroll a contact (v2)")
def enroll_one(request: HttpRequest, workflow_id: str, email: str) -> HttpResponse:
    """Enroll the contact with this address; who is inside already stays where he is."""
    return _enroll(request, workflow_id, email)


@router.post(ENROLL.format(version="v3"), auth=WRITE, response={204: None}, summary="Enroll a contact (v3)")
def enroll_again(request: HttpRequest, workflow_id: str, email: str) -> HttpResponse:
    """The same."""
    return _enroll(request, workflow_id, email)


@router.delete(ENROLL.format(version="v2"), auth=WRITE, response={204: None}, summary="Unenroll a contact (v2)")
def leave_one(request: HttpRequest, workflow_id: str, email: str) -> HttpResponse:
    """Take the contact out."""
    return _leave(request, workflow_id, email)


@router.delete(ENROLL.format(version="v3"), auth=WRITE, response={204: None}, summary="Unenroll a contact (v3)")
def leave_again(request: HttpRequest, workflow_id: str, email: str) -> HttpResponse:
    """The same."""
    return _leave(request, workflow_id, email)


def _enroll(request: HttpRequest, workflow_id: str, email: str) -> HttpResponse:
    workflow, contact_id = _both(request, workflow_id, email)
    if workflow.state != "on":
        raise Failure(400, "VALIDATION_ERROR", f"Workflow {workflow.pk} is not switched on: nobody can be enrolled.")
    actor = auth.actor(request)
    with transaction.atomic():
        enroll.enroll(workflow, [contact_id], f"api:{clock.now().isoformat()}", actor)
    return HttpResponse(status=204)


def _leave(request: HttpRequest, workflow_id: str, email: str) -> HttpResponse:
    workflow, contact_id = _both(request, workflow_id, email)
    runs.remove(workflow, [contact_id], auth.actor(request), "api")
    return HttpResponse(status=204)


def _both(request: HttpRequest, workflow_id: str, email: str) -> tuple[Workflow, int]:
    workflow = flows.one(workflow_id)
    access.require(request, "contact", "edit")
    found = identity.find("email", identity.normal_email(email))
    if found is None or workflow.object_type != "contact":
        raise Failure(404, "OBJECT_NOT_FOUND", "There is no contact with this address." if found is None else "This workflow does not lead contacts.")
    return workflow, found


def _shown(rows: Sequence[Workflow]) -> list[Shape]:
    """With the counts of all of them in two statements."""
    made = []
    counts = tally.states([row.pk for row in rows])
    for row in rows:
        states = counts.get(row.pk, {})
        enrolled, active = sum(states.values()), states.get("active", 0)
        made.append({
            "id": row.pk, "name": row.name, "type": "DRIP_DELAY", "enabled": row.state == "on", "description": row.description,
            "insertedAt": ms(row.created_at), "updatedAt": ms(row.updated_at), "personaTagIds": [],
            "contactCounts": {"active": active, "enrolled": enrolled}, "contactListIds": {"steps": []},
            "migrationStatus": {"flowId": row.pk, "workflowId": row.pk, "migrationStatus": "EXECUTION_MIGRATED"},
        })  # fmt: skip
    return made
