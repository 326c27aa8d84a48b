"""`/crm/v3/objects/{type}/batch/…`: read, create, change, upsert and archive up to 100 records at once, in sets."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from baton.api import auth
from baton.api.errors import Failure
from baton.api.hubspot import alongside, batches, kinds, links, shape, writes
from baton.api.hubspot.access import Records, require
from baton.crm import associations, contacts, identity, records
from baton.crm.models import Contact, ObjectType, Record
from baton.platform.actor import Actor
from baton.platform.errors import DomainError
from baton.platform.transaction import retrying

router = Router(tags=["records in batches"])
PATH = "/crm/v3/objects/{object_type}/batch"
MOST = 100  # inputs of one call
Body = dict[str, Any]
Outcome = int | Failure  # the record, or why there is none
Text = Annotated[str | None, Query(None)]


class Id(Schema):
    id: str | int


class Ids(Schema):
    inputs: list[Id]


class Read(Schema):
    inputs: list[Id]
    properties: list[str] = []
    propertiesWithHistory: list[str] = []
    idProperty: str | None = None


class Create(Schema):
    properties: dict[str, Any]
    associations: list[links.Link] = []
    objectWriteTraceId: str | None = None


class Creates(Schema):
    inputs: list[Create]


class Change(Schema):
    id: str | int
    properties: dict[str, Any]
    idProperty: str | None = None
    objectWriteTraceId: str | None = None


class Changes(Schema):
    inputs: list[Change]


@router.post(PATH + "/read", auth=Records("view"), response={200: Body, 207: Body})
def read(request: HttpRequest, object_type: str, body: Read, archived: bool = False) -> Status[Body]:
    """The records with these ids, each once, in the order asked for; what there is not is told in `errors`."""
    started = batches.start(body.inputs)
    most(body.inputs)
    asked = [str(one.id) for one in body.inputs]
    if kinds.lacking(object_type):
        return batches.status(started, [], [_missing(object_type, asked)])
    kind = kinds.of(object_type)
    found = writes.many(kind, asked, body.idProperty, archived=archived)
    rows = _rows(kind, set(found.values()), archived=archived)
    shown = list({rows[id].id: rows[id] for text in asked if (id := found.get(text)) in rows and id is not None}.values())
    lost = [text for text in dict.fromkeys(asked) if found.get(text) not in rows]
    results = shape.bodies(kind, shown, body.properties, body.propertiesWithHistory)
    return batches.status(started, results, [_missing(kind.key, lost)] if lost else [])


def _rows(kind: ObjectType, ids: set[int], *, archived: bool = False) -> Mapping[int, Contact | Record]:
    """The records by the ids they are asked for by: a merged contact's old id leads to the one it was merged into."""
    rows = records.many(kind.key, ids, archived=archived)
    gone = ids - rows.keys()
    if gone and not archived:
        moved = identity.find_many("merged", [str(id) for id in gone])
        there = records.many(kind.key, set(moved.values()) - rows.keys()) | rows if moved else {}
        rows = {**rows, **{int(old): there[new] for old, new in moved.items() if new in there}}
    return rows


@router.post(PATH + "/create", auth=Records("create"), response={201: Body, 207: Body})
def create(request: HttpRequest, object_type: str, body: Creates) -> Status[Body]:
    """New records: all of them, or none and the first fault. With an objectWriteTraceId on every input the good ones are written."""
    started = batches.start(body.inputs)
    most(body.inputs)
    kind = kinds.of(object_type)
    apart = traced([one.objectWriteTraceId for one in body.inputs])
    outcomes = _create(kind, body.inputs, apart, request)
    results = _answers(kind, [(id, one.properties, one.objectWriteTraceId) for id, one in zip(outcomes, body.inputs, strict=True) if isinstance(id, int)])
    return batches.status(started, results, _faults(outcomes, [one.objectWriteTraceId for one in body.inputs]), good=201)


@retrying
def _create(kind: ObjectType, inputs: Sequence[Create], apart: bool, request: HttpRequest) -> list[Outcome]:
    actor = auth.actor(request)
    targets = links.check(request, kind.key, [one.associations for one in inputs])
    outcomes: list[Outcome] = [found if isinstance(found, Failure) else 0 for found in targets]
    ready: dict[int, Body] = {}
    against = alongside.check(kind, [(None, one.properties) for one in inputs])
    for place, one in enumerate(inputs):
        try:
            if outcomes[place] == 0:
                _none(against[place])
                ready[place] = writes.incoming(kind, one.properties, new=True)
        except DomainError as error:
            outcomes[place] = writes.failure(kind, error, one.properties)
    _together(outcomes, apart)
    with transaction.atomic():
        for place, made in zip(ready, records.create_many(kind.key, list(ready.values()), actor=actor, source="api"), strict=True):
            outcomes[place] = made if isinstance(made, int) else writes.failure(kind, made, inputs[place].properties)
        _together(outcomes, apart)
        alongside.write(kind, {id: one.properties for id, one in zip(outcomes, inputs, strict=True) if isinstance(id, int)}, actor)
        associations.link_many(
            [
                associations.Link(kind.key, id, target.to_type, target.to_id, target.name)
                for id, found in zip(outcomes, targets, strict=True)
                if isinstance(id, int) and isinstance(found, list)
                for target in found
            ],
            actor=actor,
        )
    return outcomes


@router.post(PATH + "/update", auth=Records("edit"), response={200: Body, 207: Body})
def update(request: HttpRequest, object_type: str, body: Changes) -> Status[Body]:
    """Change records; those there are not are told in `errors`. A value that does not fit stops all, unless every input has an objectWriteTraceId."""
    started = batches.start(body.inputs)
    most(body.inputs)
    kind = kinds.of(object_type)
    traces = [one.objectWriteTraceId for one in body.inputs]
    found = _named(kind, body.inputs)
    unique(body.inputs, found)
    outcomes = _update(kind, body.inputs, found, traced(traces), auth.actor(request))
    results = _answers(kind, [(id, one.properties, one.objectWriteTraceId) for id, one in zip(outcomes, body.inputs, strict=True) if isinstance(id, int)])
    lost = [str(one.id) for outcome, one in zip(outcomes, body.inputs, strict=True) if _is_lost(outcome)]
    errors = [_missing(kind.key, lost)] if lost else []
    return batches.status(started, results, errors + _faults([0 if _is_lost(one) else one for one in outcomes], traces))


def _matched(kind: ObjectType, inputs: Sequence[Change]) -> list[int | None]:
    """The record each input of an upsert is about. An address that several people read is the one's who has the same name."""
    if kind.key == "contact" and all(one.idProperty == "email" for one in inputs):
        return contacts.match_many([{**one.properties, "email": str(one.id)} for one in inputs])
    return _named(kind, inputs)


def _named(kind: ObjectType, inputs: Sequence[Change]) -> list[int | None]:
    """The record each input names; None where there is none."""
    by_property: dict[str | None, list[str]] = {}
    for one in inputs:
        by_property.setdefault(one.idProperty, []).append(str(one.id))
    found = {name: writes.many(kind, given, name) for name, given in by_property.items()}
    return [found[one.idProperty].get(str(one.id)) for one in inputs]


@retrying
def _update(kind: ObjectType, inputs: Sequence[Change], found: Sequence[int | None], apart: bool, actor: Actor) -> list[Outcome]:
    outcomes: list[Outcome] = []
    wanted: dict[int, Body] = {}
    against = alongside.check(kind, [(id, one.properties) for id, one in zip(found, inputs, strict=True)])
    for id, one, fault in zip(found, inputs, against, strict=True):
        try:
            if id is not None:
                _none(fault)
                wanted[id] = writes.incoming(kind, one.properties)
            outcomes.append(_lost() if id is None else id)
        except DomainError as error:
            outcomes.append(writes.failure(kind, error, one.properties, of=id))
    _together(outcomes, apart)
    with transaction.atomic():
        for id, fault in records.update_many(kind.key, wanted, actor=actor, source="api").items():
            if fault is not None:
                place = outcomes.index(id)
                outcomes[place] = writes.failure(kind, fault, inputs[place].properties, of=id)
        _together(outcomes, apart)
        alongside.write(kind, {id: one.properties for id, one in zip(outcomes, inputs, strict=True) if isinstance(id, int)}, actor)
    return outcomes


@router.post(PATH + "/upsert", auth=Records("create"), response={200: Body, 207: Body})
def upsert(request: HttpRequest, object_type: str, body: Changes) -> Status[Body]:
    """Change the records that `idProperty` finds and make the others; `new` tells which. Several programs may do it at once: one record is made."""
    started = batches.start(body.inputs)
    most(body.inputs)
    kind = kinds.of(object_type)
    require(request, kind.key, "edit")
    if any(one.idProperty in writes.PLAIN_ID for one in body.inputs):
        raise Failure(400, "VALIDATION_ERROR", "idProperty: every input of an upsert needs the name of a unique property")
    found = _matched(kind, body.inputs)
    unique(body.inputs, found)
    traces = [one.objectWriteTraceId for one in body.inputs]
    outcomes, made = _upsert(kind, body.inputs, traced(traces), auth.actor(request))
    results = _answers(
        kind,
        [
            (id, {**{str(one.idProperty): ""}, **one.properties}, one.objectWriteTraceId)
            for id, one in zip(outcomes, body.inputs, strict=True)
            if isinstance(id, int)
        ],
    )
    for result in results:
        result["new"] = int(result["id"]) in made
    return batches.status(started, results, _faults(outcomes, traces))


@retrying
def _upsert(kind: ObjectType, inputs: Sequence[Change], apart: bool, actor: Actor) -> tuple[list[Outcome], set[int]]:
    """An outcome for each input, and which records are new. Whoever was a moment faster made the record; then it is changed."""
    made: set[int] = set()
    with transaction.atomic():
        outcomes: list[Outcome] = [0] * len(inputs)
        found = _matched(kind, inputs)
        ready: dict[int, Body] = {}
        against = alongside.check(kind, [(id, one.properties) for id, one in zip(found, inputs, strict=True)])
        for place, (id, one) in enumerate(zip(found, inputs, strict=True)):
            sent = one.properties if id is not None or one.idProperty in one.properties else {str(one.idProperty): str(one.id), **one.properties}
            try:
                _none(against[place])
                ready[place] = writes.incoming(kind, sent, new=id is None)
            except DomainError as error:
                outcomes[place] = writes.failure(kind, error, sent)
        _together(outcomes, apart)
        new = [place for place in ready if found[place] is None]
        there = {place: id for place in ready if (id := found[place]) is not None}
        for place, outcome in zip(new, records.create_many(kind.key, [ready[place] for place in new], actor=actor, source="api"), strict=True):
            if isinstance(outcome, int):
                outcomes[place] = outcome
                made.add(outcome)
            elif (owner := getattr(outcome, "existing_id", None)) is not None and _matched(kind, [inputs[place]])[0] == owner:
                there[place] = owner
            else:
                outcomes[place] = writes.failure(kind, outcome, inputs[place].properties)
        faults = records.update_many(kind.key, {id: ready[place] for place, id in there.items()}, actor=actor, source="api")
        for place, id in there.items():
            fault = faults[id]
            outcomes[place] = id if fault is None else writes.failure(kind, fault, inputs[place].properties, of=id)
        _together(outcomes, apart)
        alongside.write(kind, {id: one.properties for id, one in zip(outcomes, inputs, strict=True) if isinstance(id, int)}, actor)
    return outcomes, made


@router.post(PATH + "/archive", auth=Records("delete"), response={204: None})
def archive(request: HttpRequest, object_type: str, body: Ids) -> HttpResponse:
    """Put records aside; ids there are not are passed over."""
    batches.start(body.inputs)
    most(body.inputs)
    if not kinds.lacking(object_type):
        kind = kinds.of(object_type)
        records.archive_many(kind.key, list(writes.many(kind, [str(one.id) for one in body.inputs], None).values()), actor=auth.actor(request))
    return HttpResponse(status=204)


def most(inputs: Sequence[Any], limit: int = MOST) -> None:
    """Raises Failure 400 for more inputs than one call may have."""
    if len(inputs) > limit:
        raise Failure(400, "VALIDATION_ERROR", f"Batch size limit exceeded: at most {limit} inputs are allowed, {len(inputs)} were given.")


def traced(traces: Sequence[str | None]) -> bool:
    """Does every input have a trace of its own, so that each can be answered apart?"""
    return None not in traces and len(set(traces)) == len(traces)


def unique(inputs: Sequence[Change], found: Sequence[int | None]) -> None:
    """Raises Failure 400 when two inputs mean the same record."""
    named = [str(id) if id is not None else str(one.id).strip().lower() for id, one in zip(found, inputs, strict=True)]
    twice = list(dict.fromkeys(name for name in named if named.count(name) > 1))
    if twice:
        raise Failure(400, "VALIDATION_ERROR", f"Duplicate IDs found in batch input: [{', '.join(twice)}]", context={"ids": twice})


def _none(fault: DomainError | None) -> None:
    if fault is not None:
        raise fault


def _together(outcomes: Sequence[Outcome], apart: bool) -> None:
    """All or nothing: raises the first fault, unless the inputs are answered apart. A record that is not there stops nobody."""
    fault = next((one for one in outcomes if isinstance(one, Failure) and not _is_lost(one)), None)
    if fault is not None and not apart:
        raise fault


def _lost() -> Failure:
    return Failure(404, "OBJECT_NOT_FOUND", "resource not found")


def _is_lost(outcome: Outcome) -> bool:
    return isinstance(outcome, Failure) and outcome.status == 404 and "context" not in outcome.body


def _missing(word: str, ids: Sequence[str]) -> Body:
    return batches.missing(f"Could not get some {word.upper()} objects, they may be deleted or not exist. Check that ids are valid.", ids=list(ids))


def _faults(outcomes: Sequence[Outcome], traces: Sequence[str | None]) -> list[Body]:
    """The elements of `errors`."""
    return [
        {
            "errors": [],
            "links": {},
            **outcome.body,
            "context": {**outcome.body.get("context", {}), **({"objectWriteTraceId": [trace]} if trace else {})},
        }
        for outcome, trace in zip(outcomes, traces, strict=True)
        if isinstance(outcome, Failure)
    ]


def _answers(kind: ObjectType, written: Sequence[tuple[int, Mapping[str, Any], str | None]]) -> list[Body]:
    """The records after the write, with every property that was written in any of them."""
    names = writes.shown(kind, [name for _id, sent, _trace in written for name in sent])
    rows = _rows(kind, {id for id, _sent, _trace in written})
    there = [(rows[id], trace) for id, _sent, trace in written if id in rows]
    results = shape.bodies(kind, [row for row, _trace in there], names)
    for result, (_row, trace) in zip(results, there, strict=True):
        if trace is not None:
            result["objectWriteTraceId"] = trace
    return results
