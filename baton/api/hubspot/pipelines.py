"""`/crm/v3/pipelines/{type}`: pipelines and their stages, and who changed them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from baton.api import auth
from baton.api.errors import Failure
from baton.api.hubspot import kinds
from baton.api.hubspot.kinds import NeedsType
from baton.crm import pipelines
from baton.crm.models import ObjectType, Pipeline, Stage
from baton.crm.values import stamp
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, NotFound
from baton.platform.models import History

router = Router(tags=["pipelines"])
PATH = "/crm/v3/pipelines/{object_type}"
ONE = f"{PATH}/{{pipeline_id}}"
STAGE = f"{ONE}/stages/{{stage_id}}"
READ, WRITE = NeedsType("read"), NeedsType("write")
MOST = 200  # entries of an audit
Flag = Annotated[bool, Query(False)]


class StageShown(Schema):
    """A stage."""

    id: str
    label: str
    displayOrder: int
    metadata: dict[str, str]
    createdAt: str
    updatedAt: str
    archived: bool
    writePermissions: str = "CRM_PERMISSIONS_ENFORCEMENT"


class PipelineShown(Schema):
    """A pipeline with its stages in order."""

    id: str
    label: str
    displayOrder: int
    stages: list[StageShown]
    createdAt: str
    updatedAt: str
    archived: bool


class PipelinesShown(Schema):
    results: list[PipelineShown]


class StagesShown(Schema):
    results: list[StageShown]


class StageCreate(Schema):
    label: str
    displayOrder: int = -1
    metadata: dict[str, Any] = {}
    stageId: str | None = None


class PipelineCreate(Schema):
    label: str
    displayOrder: int = -1
    stages: list[StageCreate]
    pipelineId: str | None = None


class PipelineChange(Schema):
    label: str | None = None
    displayOrder: int | None = None
    archived: bool | None = None


class StageChange(Schema):
    label: str | None = None
    displayOrder: int | None = None
    metadata: dict[str, Any] | None = None
    archived: bool | None = None


@router.get(PATH, auth=READ, response=PipelinesShown, summary="List pipelines")
def listing(request: HttpRequest, object_type: str) -> dict[str, Any]:
    """All pipelines of an object type, with their stages."""
    if kinds.lacking(object_type):
        return {"results": []}
    kind = kinds.of(object_type)
    return {"results": [shown(kind, row) for row in pipelines.pipelines(kind.key)]}


@router.post(PATH, auth=WRITE, response={201: PipelineShown}, summary="Create a pipeline")
def create(request: HttpRequest, object_type: str, body: PipelineCreate) -> Status[dict[str, Any]]:
    """A new pipeline with its stages."""
    kind = _staged(object_type)
    rows = [_stage_in(kind, row, number) for number, row in enumerate(_in_order(body.stages))]
    position = body.displayOrder if body.displayOrder >= 0 else None
    made = pipelines.define(kind.key, body.label, rows, actor=auth.actor(request), key=_key(body.pipelineId), position=position)
    return Status(201, shown(kind, _one(kind, made.key)))


@router.get(ONE, auth=READ, response=PipelineShown, summary="Read a pipeline")
def read(request: HttpRequest, object_type: str, pipeline_id: str) -> dict[str, Any]:
    """One pipeline."""
    kind = kinds.of(object_type)
    return shown(kind, _one(kind, pipeline_id))


@router.patch(ONE, auth=WRITE, response=PipelineShown, summary="Change a pipeline")
def change(request: HttpRequest, object_type: str, pipeline_id: str, body: PipelineChange) -> dict[str, Any]:
    """Rename, move or archive a pipeline."""
    kind = kinds.of(object_type)
    row = _one(kind, pipeline_id)
    if body.archived:
        _free(lambda: pipelines.archive(kind.key, pipeline_id, actor=auth.actor(request)))
        row.archived_at = row.updated_at
        return shown(kind, row)
    pipelines.change(kind.key, pipeline_id, actor=auth.actor(request), label=body.label, position=_position(body.displayOrder))
    return shown(kind, _one(kind, pipeline_id))


@router.put(ONE, auth=WRITE, response=PipelineShown, summary="Replace a pipeline")
def replace(request: HttpRequest, object_type: str, pipeline_id: str, body: PipelineCreate) -> dict[str, Any]:
    """Make a pipeline what the body says: stages are known by their id, else by their label; those not named are archived."""
    kind, actor = _staged(object_type), auth.actor(request)
    row = _one(kind, pipeline_id)
    with transaction.atomic():
        pipelines.change(kind.key, pipeline_id, actor=actor, label=body.label, position=_position(body.displayOrder))
        known = {stage.key: stage for stage in _stages(row)}
        kept = set()
        for number, wanted in enumerate(_in_order(body.stages)):
            same = known.get(wanted.stageId or "") or next((stage for stage in known.values() if pipelines.label(stage) == wanted.label), None)
            fields = _stage_in(kind, wanted, number)
            fields.pop("key", None)
            if same is None:
                same = pipelines.define_stage(kind.key, pipeline_id, fields.pop("label"), actor=actor, key=_key(wanted.stageId), **fields)
            else:
                pipelines.change_stage(kind.key, pipeline_id, same.key, actor=actor, **_changed(same, fields))
            kept.add(same.key)
        for key in known.keys() - kept:
            _free(lambda key=key: pipelines.archive_stage(kind.key, pipeline_id, key, actor=actor))
    return shown(kind, _one(kind, pipeline_id))


@router.delete(ONE, auth=WRITE, response={204: None}, summary="Archive a pipeline")
def archive(
    request: HttpRequest, object_type: str, pipeline_id: str, validateReferencesBeforeDelete: Flag = False, validateDealStageUsagesBeforeDelete: Flag = False
) -> HttpResponse:
    """Put a pipeline aside; 400 while records stand in it."""
    kind = kinds.of(object_type)
    _free(lambda: pipelines.archive(kind.key, pipeline_id, actor=auth.actor(request)))
    return HttpResponse(status=204)


@router.get(f"{ONE}/audit", auth=READ, response=dict[str, Any], summary="Who changed a pipeline")
def audit(request: HttpRequest, object_type: str, pipeline_id: str) -> dict[str, Any]:
    """What was done to a pipeline, newest first."""
    row = _one(kinds.of(object_type), pipeline_id)
    return {"results": _audit("pipeline", row.pk, pipeline_id, shown(kinds.of(object_type), row))}


@router.get(f"{ONE}/stages", auth=READ, response=StagesShown, summary="List stages")
def stages(request: HttpRequest, object_type: str, pipeline_id: str) -> dict[str, Any]:
    """The stages of a pipeline in order."""
    kind = kinds.of(object_type)
    return {"results": [_stage_out(kind, stage) for stage in _stages(_one(kind, pipeline_id))]}


@router.post(f"{ONE}/stages", auth=WRITE, response={201: StageShown}, summary="Create a stage")
def create_stage(request: HttpRequest, object_type: str, pipeline_id: str, body: StageCreate) -> Status[dict[str, Any]]:
    """A new stage."""
    kind = _staged(object_type)
    last = len(_stages(_one(kind, pipeline_id)))
    fields = _stage_in(kind, body, last)
    fields.pop("key", None)
    made = pipelines.define_stage(kind.key, pipeline_id, fields.pop("label"), actor=auth.actor(request), key=_key(body.stageId), **fields)
    return Status(201, _stage_out(kind, made))


@router.get(STAGE, auth=READ, response=StageShown, summary="Read a stage")
def read_stage(request: HttpRequest, object_type: str, pipeline_id: str, stage_id: str) -> dict[str, Any]:
    """One stage."""
    kind = kinds.of(object_type)
    return _stage_out(kind, _stage(kind, pipeline_id, stage_id))


@router.api_operation(["PATCH", "PUT"], STAGE, auth=WRITE, response=StageShown, summary="Change a stage")
def change_stage(request: HttpRequest, object_type: str, pipeline_id: str, stage_id: str, body: StageChange) -> dict[str, Any]:
    """Rename or move a stage, or change what it means."""
    kind = kinds.of(object_type)
    row = _stage(kind, pipeline_id, stage_id)
    if body.archived:
        _free(lambda: pipelines.archive_stage(kind.key, pipeline_id, stage_id, actor=auth.actor(request)))
        row.archived_at = row.updated_at
        return _stage_out(kind, row)
    fields = {"label": body.label, "position": _position(body.displayOrder), **_meaning(kind, body.metadata or {})}
    if given := _changed(row, {name: value for name, value in fields.items() if value is not None}):
        row = pipelines.change_stage(kind.key, pipeline_id, stage_id, actor=auth.actor(request), **given)
    return _stage_out(kind, row)


@router.delete(STAGE, auth=WRITE, response={204: None}, summary="Archive a stage")
def archive_stage(request: HttpRequest, object_type: str, pipeline_id: str, stage_id: str) -> HttpResponse:
    """Put a stage aside; 400 while records stand in it."""
    kind = kinds.of(object_type)
    _free(lambda: pipelines.archive_stage(kind.key, pipeline_id, stage_id, actor=auth.actor(request)))
    return HttpResponse(status=204)


@router.get(f"{STAGE}/audit", auth=READ, response=dict[str, Any], summary="Who changed a stage")
def audit_stage(request: HttpRequest, object_type: str, pipeline_id: str, stage_id: str) -> dict[str, Any]:
    """What was done to a stage, newest first."""
    kind = kinds.of(object_type)
    row = _stage(kind, pipeline_id, stage_id)
    return {"results": _audit("stage", row.pk, stage_id, _stage_out(kind, row))}


def shown(kind: ObjectType, row: Pipeline) -> dict[str, Any]:
    """A pipeline as HubSpot shows it."""
    return {
        "id": row.key,
        "label": pipelines.label(row),
        "displayOrder": row.position,
        "stages": [_stage_out(kind, stage) for stage in _stages(row)],
        "createdAt": stamp(row.created_at),
        "updatedAt": stamp(row.updated_at),
        "archived": row.archived_at is not None,
    }


def metadata(kind: ObjectType, stage: Stage) -> dict[str, str]:
    """What a stage means: how likely a deal is won there, whether a ticket is still open."""
    closed = "true" if stage.closed else "false"
    if kind.key == "ticket":
        return {"ticketState": "CLOSED" if stage.closed else "OPEN", "isClosed": closed}
    return {"isClosed": closed, "probability": str(float(stage.probability))} if kind.key == "deal" else {"isClosed": closed}


def _stage_out(kind: ObjectType, stage: Stage) -> dict[str, Any]:
    return {
        "id": stage.key,
        "label": pipelines.label(stage),
        "displayOrder": stage.position,
        "metadata": metadata(kind, stage),
        "createdAt": stamp(stage.created_at),
        "updatedAt": stamp(stage.updated_at),
        "archived": stage.archived_at is not None,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


def _staged(object_type: str) -> ObjectType:
    kind = kinds.of(object_type)
    if not kind.stage_property:
        raise Failure(400, "VALIDATION_ERROR", f"Objects of type {kind.key.upper()} have no pipelines.")
    return kind


def _one(kind: ObjectType, pipeline_id: str) -> Pipeline:
    found = next((row for row in pipelines.pipelines(kind.key) if row.key == pipeline_id), None)
    if found is None:
        raise NotFound(pipeline_id)
    return found


def _stages(row: Pipeline) -> list[Stage]:
    return list(row.stages_in_order)  # type: ignore[attr-defined]  # put there by pipelines.pipelines


def _stage(kind: ObjectType, pipeline_id: str, stage_id: str) -> Stage:
    found = next((stage for stage in _stages(_one(kind, pipeline_id)) if stage.key == stage_id), None)
    if found is None:
        raise NotFound(stage_id)
    return found


def _in_order(rows: list[StageCreate]) -> list[StageCreate]:
    return [row for _number, row in sorted(enumerate(rows), key=lambda at: (at[1].displayOrder < 0, at[1].displayOrder, at[0]))]


def _stage_in(kind: ObjectType, row: StageCreate, number: int) -> dict[str, Any]:
    meaning = _meaning(kind, row.metadata)
    if kind.key == "deal" and "probability" not in meaning:
        raise Failure(400, "VALIDATION_ERROR", f"The stage {row.label[:100]} needs metadata.probability, a number from 0.0 to 1.0.")
    return {"key": _key(row.stageId), "label": row.label, "position": row.displayOrder if row.displayOrder >= 0 else number, **meaning}


def _meaning(kind: ObjectType, given: Mapping[str, Any]) -> dict[str, Any]:
    """Probability and whether records there are closed, as far as they are given; a deal is closed where it is won or lost for certain."""
    meaning: dict[str, Any] = {}
    if kind.key == "deal" and given.get("probability") not in (None, ""):
        text = str(given["probability"])
        if not re.fullmatch(r"0(\.\d+)?|1(\.0+)?|\.\d+", text):
            raise Failure(400, "VALIDATION_ERROR", f"{text[:50]} is no probability; expected a number from 0.0 to 1.0.")
        meaning |= {"probability": float(text), "closed": float(text) in (0.0, 1.0)}
    if given.get("ticketState"):
        meaning["closed"] = str(given["ticketState"]).upper() == "CLOSED"
    if given.get("isClosed") not in (None, ""):
        meaning["closed"] = str(given["isClosed"]).lower() == "true"
    return meaning


def _changed(stage: Stage, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What differs; the label of a built-in stage sent as it was shown is no change."""
    shown = {"label": pipelines.label(stage), "position": stage.position, "probability": stage.probability, "closed": stage.closed}
    return {name: value for name, value in fields.items() if shown.get(name) != value}


def _position(given: int | None) -> int | None:
    return None if given is None or given < 0 else given


def _key(given: str | None) -> str:
    """An id of one's own. Raises Failure 400."""
    if given and not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", given):
        raise Failure(400, "VALIDATION_ERROR", f"{given[:50]} is no id; expected letters, digits, - and _.")
    return given or ""


def _free(work: Any) -> None:
    """Archive; what is in use is the client's fault (400), as HubSpot has it."""
    try:
        work()
    except Conflict as error:
        raise Failure(400, "VALIDATION_ERROR", str(error), subCategory="PipelineError.STAGE_ID_IN_USE") from None


ACTIONS = {"created": "CREATE", "changed": "UPDATE", "archived": "DELETE"}


def _audit(subject: str, number: int, identifier: str, now: dict[str, Any]) -> list[dict[str, Any]]:
    rows = History.objects.filter(subject_type=subject, subject_id=str(number)).order_by("-at", "-id")[:MOST]
    entries = []
    for row in rows:
        who = Actor.parse(row.actor)
        entry: dict[str, Any] = {
            "portalId": 0,
            "identifier": identifier,
            "action": ACTIONS.get(row.verb, row.verb.upper()),
            "timestamp": stamp(row.at),
            "message": row.verb,
            "rawObject": {**now, **row.detail},
        }
        if who.kind == "user" and who.id is not None:
            entry["fromUserId"] = who.id
        entries.append(entry)
    return entries
