"""`/automation/v4/flows`: workflows as HubSpot's flows. While a workflow runs its version is shown and a change is published, else its draft."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from baton.api import auth, paging
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import flow_entry, flow_tree
from baton.api.hubspot.flow_words import only, refused
from baton.automation import graph, verbs, versions
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.crm import types
from baton.crm.values import stamp
from baton.platform.errors import Conflict, Invalid

router = Router(tags=["workflows"])
FLOWS = "/automation/v4/flows"
READ, WRITE = Needs("workflows.read"), Needs("workflows.write")
MOST = 100
Text = Annotated[str | None, Query(None)]
Shape = dict[str, Any]
HEAD = {
    "id", "type", "flowType", "objectTypeId", "name", "description", "uuid", "isEnabled", "revisionId", "crmObjectCreationStatus", "startActionId",
    "nextAvailableActionId", "actions", "createdAt", "updatedAt",
}  # fmt: skip


class FlowIn(Schema):
    """A flow as HubSpot writes it; parts that Baton does not know are refused where they say something."""

    name: str | None = None
    type: str | None = None
    objectTypeId: str = "0-1"
    description: str | None = None
    isEnabled: bool = False
    revisionId: str | int | None = None
    startActionId: str | int | None = None
    actions: list[dict[str, Any]] = []
    enrollmentCriteria: dict[str, Any] | None = None


class FlowId(Schema):
    flowId: str | int
    type: str = "FLOW_ID"


class FlowIds(Schema):
    """Which flows."""

    inputs: list[FlowId]


class Mapped(Schema):
    flowId: str | int | None = None
    workflowId: str | int | None = None
    type: str = "FLOW_ID"


class MappedIds(Schema):
    """Ids of either kind: they are the same here."""

    inputs: list[Mapped]


@router.get(FLOWS, auth=READ, response=Shape, summary="List flows")
def listing(request: HttpRequest, limit: Text = None, after: Text = None) -> Shape:
    """Workflows in the order of their ids."""
    size = paging.limit(limit, most=MOST, default=MOST)
    found = list(_live().filter(pk__gt=paging.after(after)).order_by("pk")[: size + 1])
    return paging.page(request, [_head(one) for one in found[:size]], found[size - 1].pk if len(found) > size else None)


@router.post(FLOWS, auth=WRITE, response={201: Shape}, summary="Create a flow")
def create(request: HttpRequest, body: FlowIn) -> Shape:
    """A workflow; with `isEnabled` it runs at once. 400 names what Baton cannot do."""
    given = _whole(request)
    with transaction.atomic():
        kind = flow_entry.kind(body.objectTypeId)
        _agrees(body, kind)
        name = (body.name or "").strip() or "Workflow"
        actor = auth.actor(request)
        workflow = verbs.create(name, actor, _graph(given, kind, request, name), object_type=kind, description=body.description or "")
        if body.isEnabled:
            _publish(workflow, request)
    return _shown([one(str(workflow.pk))])[0]


@router.get(f"{FLOWS}/email-campaigns", auth=READ, response=Shape, summary="E-mails of flows")
def campaigns(request: HttpRequest, flowId: Annotated[list[str], Query(default_factory=list)], limit: Text = None, after: Text = None) -> Shape:
    """The e-mails that flows send."""
    if not flowId:
        raise Failure(400, "VALIDATION_ERROR", "flowId is required", errors=[{"message": "flowId is required", "in": "flowId"}])
    rows = [
        {"flowId": str(one.pk), "emailCampaignId": str(number), "emailContentId": str(number)}
        for one in _several(flowId)
        for number in _emails(_runs(one))
        if number > paging.after(after) or len(flowId) > 1
    ]
    size = paging.limit(limit, most=500, default=100)
    return paging.page(request, rows[:size], int(rows[size - 1]["emailContentId"]) if len(rows) > size and len(flowId) == 1 else None)


@router.post(f"{FLOWS}/batch/read", auth=READ, response=Shape, summary="Read many flows")
def several(request: HttpRequest, body: FlowIds) -> Shape:
    """The flows with these ids; those that do not exist are left out."""
    if len(body.inputs) > MOST:
        raise Failure(400, "VALIDATION_ERROR", f"At most {MOST} inputs.")
    now = stamp(datetime.now().astimezone())
    return {"status": "COMPLETE", "results": _shown(_several([str(one.flowId) for one in body.inputs])), "startedAt": now, "completedAt": now}


@router.post("/automation/v4/workflow-id-mappings/batch/read", auth=READ, response=Shape, summary="Ids of flows and workflows")
def mappings(request: HttpRequest, body: MappedIds) -> Shape:
    """A workflow has one id, whatever the version that asks."""
    asked = [str(one.flowId if one.flowId is not None else one.workflowId) for one in body.inputs[:1000]]
    now = stamp(datetime.now().astimezone())
    rows = [{"flowId": str(one.pk), "workflowId": str(one.pk)} for one in _several(asked)]
    return {"status": "COMPLETE", "results": rows, "startedAt": now, "completedAt": now}


@router.get(f"{FLOWS}/{{flow_id}}", auth=READ, response=Shape, summary="Read a flow")
def read(request: HttpRequest, flow_id: str) -> Shape:
    """One flow with its actions."""
    return _shown([one(flow_id)])[0]


@router.put(f"{FLOWS}/{{flow_id}}", auth=WRITE, response=Shape, summary="Replace a flow")
def replace(request: HttpRequest, flow_id: str, body: FlowIn) -> Shape:
    """The whole flow anew; `revisionId` is that of the flow as it was read, so that nothing is overwritten."""
    given = _whole(request)
    with transaction.atomic():
        workflow = _live().select_for_update(of=("self",)).filter(pk=one(flow_id).pk).get()
        _agrees(body, workflow.object_type)
        if body.revisionId is None or not body.type:
            missing = "revisionId" if body.revisionId is None else "type"
            raise Failure(400, "VALIDATION_ERROR", f"{missing} is required", errors=[{"message": f"{missing} is required", "in": missing}])
        shown = _shown([workflow])[0]
        if str(body.revisionId) != shown["revisionId"]:
            raise Failure(409, "CONFLICT", f"The flow was changed meanwhile: its revisionId is {shown['revisionId']}.")
        actor = auth.actor(request)
        if body.name is not None and body.name.strip() != workflow.name:
            verbs.rename(workflow, body.name, actor)
        if body.description is not None and body.description != workflow.description:
            verbs.describe(workflow, body.description, actor)
        parts = {"actions", "startActionId", *flow_entry.PARTS, *(given.keys() - HEAD)}
        changed = any((given.get(part) or None) != (shown.get(part) or None) for part in parts)
        if changed:
            made = _graph(given, workflow.object_type, request, workflow.name, _runs(workflow))
            verbs.save_draft(workflow, made, actor)
        if body.isEnabled and (changed or workflow.state != "on"):
            _publish(workflow, request)
        elif not body.isEnabled and workflow.state == "on":
            verbs.pause(workflow, actor)
    return _shown([one(flow_id)])[0]


@router.delete(f"{FLOWS}/{{flow_id}}", auth=WRITE, response={204: None}, summary="Delete a flow")
def archive(request: HttpRequest, flow_id: str) -> HttpResponse:
    """Put a workflow aside; those inside go no further."""
    verbs.archive(one(flow_id), auth.actor(request))
    return HttpResponse(status=204)


def _whole(request: HttpRequest) -> Shape:
    """The body with all its parts: also those that are only looked at to refuse them."""
    return dict(json.loads(request.body))


def one(flow_id: str) -> Workflow:
    """The live workflow of an address. Raises Failure 404."""
    found = _several([flow_id])
    if not found:
        raise Failure(404, "OBJECT_NOT_FOUND", f"There is no workflow {flow_id[:50]}.")
    return found[0]


def _live() -> Any:
    return Workflow.objects.filter(archived_at=None).select_related("published")


def _several(asked: Iterable[str]) -> list[Workflow]:
    """In the order of the ids asked for, each once."""
    ids = [int(text) for text in dict.fromkeys(map(str, asked)) if text.isascii() and text.isdigit() and len(text) < 19]
    rows = {row.pk: row for row in _live().filter(pk__in=ids)}
    return [rows[id] for id in ids if id in rows]


def _runs(workflow: Workflow) -> Graph | None:
    """What a program sees of a workflow: the version that runs, else the draft; None when it cannot be read."""
    if workflow.state == "on" and workflow.published_id is not None:
        return graph.readable(workflow.published_id)
    try:
        return graph.parse(workflow.draft or {}, workflow.object_type)
    except Invalid:
        return None


def _head(workflow: Workflow) -> Shape:
    kind = types.get(workflow.object_type)
    return {
        "id": str(workflow.pk), "name": workflow.name, "isEnabled": workflow.state == "on", "objectTypeId": kind.type_id, "flowType": "WORKFLOW",
        "revisionId": _revision(workflow), "createdAt": stamp(workflow.created_at), "updatedAt": stamp(workflow.updated_at),
        "uuid": str(uuid5(NAMESPACE_URL, f"baton-workflow-{workflow.pk}")),
    }  # fmt: skip


def _revision(workflow: Workflow) -> str:
    """A number that grows with every change of the draft, of what runs, and of whether it runs."""
    return str(int(workflow.updated_at.timestamp() * 1_000_000))


def _shown(rows: Sequence[Workflow]) -> list[Shape]:
    made = []
    for row in rows:
        found = _runs(row)
        start, actions = flow_tree.actions(found) if found else ("", [])
        used = [int(id) for step in (found.walk() if found else ()) if (id := flow_tree.action_id(step.id)).isdigit()]
        body = {
            **_head(row), "type": _type(row.object_type), "crmObjectCreationStatus": "COMPLETE", "nextAvailableActionId": str(max(used, default=0) + 1),
            "actions": actions, **(flow_entry.shown(found, row.object_type) if found else {}),
        }  # fmt: skip
        if start:
            body["startActionId"] = start
        if row.description:
            body["description"] = row.description
        made.append(body)
    return made


def _type(object_type: str) -> str:
    return "CONTACT_FLOW" if object_type == "contact" else "PLATFORM_FLOW"


def _agrees(body: FlowIn, object_type: str) -> None:
    if body.type and body.type != _type(object_type):
        raise refused(f"A flow of these records has the type {_type(object_type)}.", "type")
    if flow_entry.kind(body.objectTypeId) != object_type and "objectTypeId" in body.model_fields_set:
        raise refused("The records of a flow stay the same.", "objectTypeId")


def _graph(given: Mapping[str, Any], object_type: str, request: HttpRequest, name: str, now: Graph | None = None) -> Shape:
    only(given, HEAD | flow_entry.PARTS, "")
    if given.get("flowType", "WORKFLOW") != "WORKFLOW":
        raise refused("Only flows of type WORKFLOW run in Baton.", "flowType")
    steps = flow_tree.steps(given.get("startActionId") or "", given.get("actions"), object_type)
    triggers, settings = flow_entry.read(given, object_type, auth.actor(request), name, now)
    return {"triggers": triggers, "settings": settings, "steps": steps}


def _publish(workflow: Workflow, request: HttpRequest) -> None:
    try:
        versions.publish(workflow, auth.actor(request), note="API")
    except Conflict as error:
        raise Failure(400, "VALIDATION_ERROR", str(error)) from None


def _emails(found: Graph | None) -> list[int]:
    """The e-mails that the steps of a workflow send."""
    return sorted({number for step in (found.walk() if found else ()) if isinstance(number := getattr(step, "email", None), int)})
