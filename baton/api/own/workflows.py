"""`/baton/v1/workflows`: all that a workflow is and does, in Baton's own form. The graph is the one of docs/workflows.md."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from baton.api import auth, paging
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import access
from baton.automation import edits, enroll, gallery, graph, jobs, portable, rehearsals, runs, standing, tally, verbs, versions, why
from baton.automation.models import Rehearsal, Workflow
from baton.crm import identity, types
from baton.crm.values import stamp
from baton.platform import clock

router = Router(tags=["Baton: workflows"])
PATH = "/baton/v1/workflows"
ONE = f"{PATH}/{{workflow_id}}"
READ, WRITE = Needs("workflows.read"), Needs("workflows.write")
MOST, MOST_PEOPLE = 100, 10_000
Text = Annotated[str | None, Query(None)]
Shape = dict[str, Any]
Graph = dict[str, Any]


class Create(Schema):
    """A new workflow."""

    name: str
    object_type: str = "contact"
    description: str = ""
    draft: Graph | None = None


class Draft(Schema):
    """A graph, and of when the draft is that it replaces (`draft_at`); without it, it replaces any."""

    graph: Graph
    draft_at: str | None = None


class Publish(Schema):
    """`people`: whether those inside stay in their version or move to the new one; `steps`: where those at a step that is gone go, "" for out."""

    note: str = ""
    people: Literal["stay", "move"] = "stay"
    steps: dict[str, str] = {}
    backlog: bool = False


class People(Schema):
    """Contacts (or records) by id, or contacts by e-mail address. `key` names the occasion: the same key enrolls each once."""

    ids: Annotated[list[int], Field(max_length=MOST_PEOPLE)] = []
    emails: Annotated[list[str], Field(max_length=MOST_PEOPLE)] = []
    key: Annotated[str, Field(max_length=200)] = ""


class Leaving(Schema):
    """Who leaves; `everybody` means all that are inside."""

    ids: Annotated[list[int], Field(max_length=MOST_PEOPLE)] = []
    emails: Annotated[list[str], Field(max_length=MOST_PEOPLE)] = []
    everybody: bool = False
    reason: Annotated[str, Field(max_length=200)] = "api"


class Rehearse(Schema):
    """Which version over which people: `past` takes those of the last `window` days, `ghosts` takes `contacts` who do not exist."""

    version: str | int = "draft"
    population: Literal["past", "ghosts"] = "past"
    start: str = ""
    days: int = 30
    window: int = 30
    contacts: list[dict[str, Any]] = []
    others: bool = False


class File(Schema):
    """A workflow as YAML."""

    text: str
    name: str = ""


class Choice(Schema):
    """In which language the mails and names of a template are."""

    language: Literal["ko", "en"] = "ko"


@router.get(PATH, auth=READ, response=Shape, summary="List workflows")
def listing(request: HttpRequest, limit: Text = None, after: Text = None, state: Text = None) -> Shape:
    """Workflows in the order of their ids, each with its runs by state; of one `state` (draft, on, paused) when asked."""
    size = paging.limit(limit, most=MOST, default=MOST)
    rows = Workflow.objects.filter(archived_at=None, pk__gt=paging.after(after)).select_related("published").order_by("pk")
    found = list((rows.filter(state=state) if state else rows)[: size + 1])
    counts = tally.states([row.pk for row in found])
    return paging.page(request, [_head(row, counts.get(row.pk, {})) for row in found[:size]], found[size - 1].pk if len(found) > size else None)


@router.post(PATH, auth=WRITE, response={201: Shape}, summary="Create a workflow")
def create(request: HttpRequest, body: Create) -> Shape:
    """A draft; it runs once it is published."""
    if body.object_type not in types.known():
        raise Failure(400, "VALIDATION_ERROR", f"object_type: there is no type {body.object_type[:50]}")
    return _whole(verbs.create(body.name, auth.actor(request), body.draft, object_type=body.object_type, description=body.description))


@router.post(f"{PATH}/import", auth=WRITE, response={201: Shape}, summary="Import a workflow")
def bring(request: HttpRequest, body: File) -> Shape:
    """A draft from the YAML that another Baton exported."""
    return _whole(portable.load(body.text, auth.actor(request), name=body.name))


@router.get(f"{PATH}/templates", auth=READ, response=Shape, summary="Templates of workflows")
def templates(request: HttpRequest) -> Shape:
    """What Baton offers to begin with."""
    return {
        "results": [
            {"key": one.key, "object_type": one.object_type, "name": one.names, "description": one.descriptions, "brings": one.brings} for one in gallery.all()
        ]
    }


@router.post(f"{PATH}/templates/{{name}}", auth=WRITE, response={201: Shape}, summary="Make a workflow of a template")
def of_template(request: HttpRequest, name: str, body: Choice) -> Shape:
    """A draft with everything it needs: mails, lists, forms, pipelines. Nothing is switched on."""
    return _whole(gallery.make(name, auth.actor(request), body.language))


@router.get(ONE, auth=READ, response=Shape, summary="Read a workflow")
def read(request: HttpRequest, workflow_id: str) -> Shape:
    """One workflow: its draft, the version that runs, what the draft lacks, and its versions."""
    return _whole(_one(workflow_id))


@router.put(f"{ONE}/draft", auth=WRITE, response=Shape, summary="Replace the draft")
def put_draft(request: HttpRequest, workflow_id: str, body: Draft) -> Shape:
    """Another draft; what runs stays as it is. 409 when somebody else changed it since `draft_at`."""
    workflow = _one(workflow_id)
    seen = None if body.draft_at is None else edits.Seen(f"api:{auth.actor(request)}:{clock.now().isoformat()}", body.draft_at)
    verbs.save_draft(workflow, body.graph, auth.actor(request), seen=seen)
    return _whole(_one(workflow_id))


@router.post(f"{ONE}/publish", auth=WRITE, response=Shape, summary="Publish a workflow")
def publish(request: HttpRequest, workflow_id: str, body: Publish) -> Shape:
    """Make the draft the version that people enter, and switch the workflow on. 400 names what is missing; `backlog` enrolls those who fit already."""
    workflow, actor = _one(workflow_id), auth.actor(request)
    with transaction.atomic():
        version = versions.publish(workflow, actor, note=body.note, people=body.people, steps=body.steps)
        if body.backlog:
            jobs.enroll_backlog.defer(workflow_id=workflow.pk, actor=str(actor))
    return {"version": version.number, "moved": version.counts, "state": workflow.state}


@router.post(f"{ONE}/pause", auth=WRITE, response=Shape, summary="Pause a workflow")
def pause(request: HttpRequest, workflow_id: str) -> Shape:
    """Nobody enters, and everybody inside stays where he is. 409 when it does not run."""
    workflow = _one(workflow_id)
    verbs.pause(workflow, auth.actor(request))
    return {"state": workflow.state}


@router.post(f"{ONE}/resume", auth=WRITE, response=Shape, summary="Resume a workflow")
def resume(request: HttpRequest, workflow_id: str) -> Shape:
    """Go on. 409 when it is not paused."""
    workflow = _one(workflow_id)
    verbs.resume(workflow, auth.actor(request))
    return {"state": workflow.state}


@router.delete(ONE, auth=WRITE, response={204: None}, summary="Archive a workflow")
def archive(request: HttpRequest, workflow_id: str) -> HttpResponse:
    """Put a workflow aside; those inside go no further."""
    verbs.archive(_one(workflow_id), auth.actor(request))
    return HttpResponse(status=204)


@router.get(f"{ONE}/counts", auth=READ, response=Shape, summary="Counts of a workflow")
def counts(request: HttpRequest, workflow_id: str) -> Shape:
    """Runs by state; by step who passed, waits and failed; by way of a branch how many took it."""
    workflow = _one(workflow_id)
    ways: dict[str, dict[str, int]] = {}
    for (step, way), n in standing.ways(workflow).items():
        ways.setdefault(step, {})[way] = n
    return {
        "runs": standing.states_of(workflow),
        "steps": {step: {**found._asdict(), "ways": ways.get(step, {})} for step, found in standing.counts(workflow).items()},
    }


@router.get(f"{ONE}/preview", auth=READ, response=Shape, summary="Who would enter now")
def preview(request: HttpRequest, workflow_id: str) -> Shape:
    """How many would be enrolled were the draft published with those who already fit."""
    workflow = _one(workflow_id)
    return {"would_enter": enroll.preview(workflow, graph.parse(workflow.draft, workflow.object_type))}


@router.get(f"{ONE}/file", auth=READ, response=Shape, summary="Export a workflow")
def export(request: HttpRequest, workflow_id: str, published: bool = False) -> Shape:
    """The draft, or what runs, as YAML with names instead of numbers."""
    return {"text": portable.export(_one(workflow_id), published=published)}


@router.post(f"{ONE}/enrollments", auth=WRITE, response=Shape, summary="Enroll")
def enroll_people(request: HttpRequest, workflow_id: str, body: People) -> Shape:
    """Enroll contacts or records; who may not enter (inside already, suppressed, once only …) is counted, not an error."""
    workflow = _one(workflow_id)
    access.require(request, workflow.object_type, "edit")
    if workflow.state != "on":
        raise Failure(409, "CONFLICT", "The workflow is not switched on: nobody can be enrolled.")
    ids, missing = _ids(workflow, body.ids, body.emails)
    cause = f"api:{body.key}" if body.key else f"api:{clock.now().isoformat()}"
    with transaction.atomic():
        entered = enroll.enroll(workflow, ids, cause, auth.actor(request))
    return {"entered": entered, "left_out": len(ids) - entered, "missing": missing}


@router.post(f"{ONE}/enrollments/remove", auth=WRITE, response=Shape, summary="Take out")
def remove(request: HttpRequest, workflow_id: str, body: Leaving) -> Shape:
    """Take some or everybody out; answers how many runs ended."""
    workflow = _one(workflow_id)
    access.require(request, workflow.object_type, "edit")
    if body.everybody == bool(body.ids or body.emails):
        raise Failure(400, "VALIDATION_ERROR", "Name ids or emails, or say everybody.")
    ids, missing = _ids(workflow, body.ids, body.emails)
    return {"removed": runs.remove(workflow, None if body.everybody else ids, auth.actor(request), body.reason), "missing": missing}


@router.get(f"{ONE}/enrollments/{{id}}", auth=READ, response=Shape, summary="Why somebody is where he is")
def runs_of(request: HttpRequest, workflow_id: str, id: str) -> Shape:
    """The latest runs of a contact (or record): what enrolled it, and every step with what it saw and did."""
    workflow = _one(workflow_id)
    access.require(request, workflow.object_type, "view")
    number = int(id) if id.isascii() and id.isdigit() and len(id) < 19 else 0
    return {"results": [_plain(asdict(run)) for run in why.runs(workflow, identity.resolve(number) if workflow.object_type == "contact" else number)]}


@router.post(f"{ONE}/rehearsals", auth=WRITE, response={202: Shape}, summary="Rehearse")
def rehearse(request: HttpRequest, workflow_id: str, body: Rehearse) -> Shape:
    """Run a version over people with a moved clock, in the background; nothing is sent and nothing stays. 409 while one is running."""
    return _rehearsal(rehearsals.ask(_one(workflow_id), body.dict(exclude_defaults=True), actor=auth.actor(request)))


@router.get(f"{ONE}/rehearsals/{{number}}", auth=READ, response=Shape, summary="Read a rehearsal")
def rehearsal(request: HttpRequest, workflow_id: str, number: str) -> Shape:
    """How far it is, and what it found."""
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
    found = Rehearsal.objects.filter(workflow=_one(workflow_id), pk=wanted).first()
    if found is None:
        raise Failure(404, "OBJECT_NOT_FOUND", "There is no such rehearsal.")
    access.require(request, found.workflow.object_type, "view")
    return _rehearsal(found)


def _one(workflow_id: str) -> Workflow:
    number = int(workflow_id) if workflow_id.isascii() and workflow_id.isdigit() and len(workflow_id) < 19 else 0
    found = Workflow.objects.select_related("published").filter(pk=number, archived_at=None).first()
    if found is None:
        raise Failure(404, "OBJECT_NOT_FOUND", f"There is no workflow {workflow_id[:50]}.")
    return found


def _head(row: Workflow, states: dict[str, int]) -> Shape:
    return {
        "id": str(row.pk), "name": row.name, "description": row.description, "object_type": row.object_type, "state": row.state,
        "version": row.published.number if row.published else None, "owner_id": None if row.owner_id is None else str(row.owner_id), "runs": states,
        "created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at),
    }  # fmt: skip


def _whole(row: Workflow) -> Shape:
    parsed = graph.parse(row.draft or {}, row.object_type)
    told = row.versions.order_by("-number").values("number", "note", "published_at", "published_by", "restores", "counts")[:50]
    return {
        **_head(row, standing.states_of(row)), "draft": row.draft, "draft_at": edits.of(row), "published": row.published.graph if row.published else None,
        "problems": [{"in": p.path, "code": p.code, "message": p.message} for p in parsed.problems()], "versions": [_plain(one) for one in told],
    }  # fmt: skip


def _rehearsal(row: Rehearsal) -> Shape:
    return {
        "id": str(row.pk), "state": row.state, "progress": row.progress, "asked": row.asked, "asked_by": row.asked_by, "result": row.result,
        "trouble": row.trouble, "created_at": stamp(row.created_at), "finished_at": row.finished_at and stamp(row.finished_at),
    }  # fmt: skip


def _ids(workflow: Workflow, ids: Sequence[int], emails: Sequence[str]) -> tuple[list[int], list[str]]:
    """The ids of those named, each once, and the addresses nobody has."""
    if emails and workflow.object_type != "contact":
        raise Failure(400, "VALIDATION_ERROR", "Records are named by their ids.")
    asked = [text.strip() for text in emails]
    found = identity.find_many("email", [identity.normal_email(text) for text in asked])
    there = {text: found[key] for text in asked if (key := identity.normal_email(text)) in found}
    return list(dict.fromkeys([id for id in ids if 0 < id <= paging.LARGEST] + list(there.values()))), [text for text in asked if text not in there]


def _plain(value: Any) -> Any:
    """Values as JSON has them."""
    match value:
        case datetime():
            return stamp(value)
        case dict():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case str() | int() | float() | bool() | None:
            return value
    return str(value)
