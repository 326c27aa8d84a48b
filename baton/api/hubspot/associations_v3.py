"""`/crm/v3/…/associations/…`: the older form of links, whose kinds have words instead of numbers."""

from collections.abc import Mapping
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from baton.api import auth, paging
from baton.api.errors import Failure
from baton.api.hubspot import batches, kinds, link_numbers, links, shape, writes
from baton.api.hubspot.access import Records
from baton.api.hubspot.associations import MOST_WRITTEN, PAGE, Kinds, Links, Reads, each, sides
from baton.api.hubspot.batch import most
from baton.api.hubspot.link_numbers import Kind
from baton.crm import associations, records
from baton.crm.associations import Link
from baton.crm.models import ObjectType
from baton.platform.config import config
from baton.platform.errors import NotFound

router = Router(tags=["associations (version 3)"])
ONE = "/crm/v3/objects/{object_type}/{id}/associations/{to_type}"
MANY = "/crm/v3/associations/{object_type}/{to_type}"
READ, WRITE = Records("view", to_type="view"), Records("edit", to_type="view")
Body = dict[str, Any]
Text = Annotated[str | None, Query(None)]


@router.get(ONE, auth=READ, response=Body)
def read(request: HttpRequest, object_type: str, id: str, to_type: str, limit: Text = None, after: Text = None) -> Body:
    """The links of a record to records of a type, one row a kind."""
    size, start = paging.limit(limit, most=PAGE, default=PAGE), paging.after(after)
    one = kinds.of(object_type)
    here = writes.one(one, id)
    if kinds.lacking(to_type):
        return {"results": []}
    other = kinds.of(to_type)
    found = links.pages(one.key, {here: start}, [other.key], size)
    page = found.get((here, other.key), links.Page())
    rows: list[Body] = links.listed(page, links.kinds_of(one.key, [other.key], found), one.key, other.key, "")["results"]
    return paging.page(request, rows, page.after)


@router.put(ONE + "/{to_id}/{word}", auth=WRITE, response=Body)
def link(request: HttpRequest, object_type: str, id: str, to_type: str, to_id: str, word: str) -> Body:
    """Link two records; answers the first with its links of this type."""
    one, other = kinds.of(object_type), kinds.of(to_type)
    here, there = writes.one(one, id), writes.one(other, to_id)
    kind = _kind(one, other, word)
    for fault in associations.link_many([Link(one.key, here, other.key, there, kind.name)], actor=auth.actor(request)):
        if fault is not None:
            raise NotFound(str(fault))
    return shape.bodies(one, [records.get(one.key, here)], linked=[other.key])[0]


@router.delete(ONE + "/{to_id}/{word}", auth=WRITE, response={204: None})
def unlink(request: HttpRequest, object_type: str, id: str, to_type: str, to_id: str, word: str) -> HttpResponse:
    """Remove a kind of link between two records; a link without a name goes with all others."""
    one, other = kinds.of(object_type), kinds.of(to_type)
    kind = _kind(one, other, word)
    pair = Link(one.key, writes.one(one, id), other.key, writes.one(other, to_id))
    associations.unlink_many([pair], labels=[kind.name] if kind.name else None, actor=auth.actor(request))
    return HttpResponse(status=204)


@router.get(MANY + "/types", auth=READ, response=Body)
def types(request: HttpRequest, object_type: str, to_type: str) -> Body:
    """The kinds of links from one object type to another, by number and word."""
    if kinds.lacking(object_type) or kinds.lacking(to_type):
        return {"results": []}
    found = link_numbers.of_pair(kinds.of(object_type).key, kinds.of(to_type).key)
    return {"results": [{"id": str(kind.number), "name": link_numbers.word(kind)} for kind in found]}


@router.post(MANY + "/batch/read", auth=READ, response={200: Body, 207: Body})
def read_many(request: HttpRequest, object_type: str, to_type: str, body: Reads) -> Status[Body]:
    """The links of many records; those without any are told in `errors`."""

    def shown(page: links.Page, known: Kinds, one: ObjectType, other: ObjectType, id: int) -> Body:
        listed = links.listed(page, known, one.key, other.key, f"{config().url}/crm/v3/objects/{one.plural}/{id}/associations/{other.plural}")
        return {"to": listed.pop("results"), **listed}

    return each(object_type, to_type, body, shown)


@router.post(MANY + "/batch/create", auth=WRITE, response={201: Body, 207: Body})
def link_many(request: HttpRequest, object_type: str, to_type: str, body: Links) -> Status[Body]:
    """Link many pairs, each by a word."""
    started = batches.start(body.inputs)
    most(body.inputs, MOST_WRITTEN)
    one, other = kinds.of(object_type), kinds.of(to_type)
    found = _words(one, other)
    rows = []
    for place, row in enumerate(body.inputs):
        here, there = sides(row, place)
        rows.append(Link(one.key, here, other.key, there, _named(found, one, other, row).name))
    faults = associations.link_many(rows, actor=auth.actor(request))
    results, lost = [], []
    for made, given, fault in zip(rows, body.inputs, faults, strict=True):
        if fault is None:
            results.append({"from": {"id": str(made.from_id)}, "to": {"id": str(made.to_id)}, "type": str(given.get("type"))})
        else:
            lost.append(f"{made.from_id}-{made.to_id}")
    errors = [batches.missing("Some records to be linked do not exist. Check that ids are valid.", ids=lost)] if lost else []
    return batches.status(started, results, errors, good=201)


@router.post(MANY + "/batch/archive", auth=WRITE, response={204: None})
def unlink_many(request: HttpRequest, object_type: str, to_type: str, body: Links) -> HttpResponse:
    """Remove links of many pairs, each by a word; a link without a name goes with all others."""
    batches.start(body.inputs)
    most(body.inputs, MOST_WRITTEN)
    one, other = kinds.of(object_type), kinds.of(to_type)
    found = _words(one, other)
    by_name: dict[str, list[Link]] = {}
    for place, row in enumerate(body.inputs):
        here, there = sides(row, place)
        by_name.setdefault(_named(found, one, other, row).name, []).append(Link(one.key, here, other.key, there))
    for name, rows in by_name.items():
        associations.unlink_many(rows, labels=[name] if name else None, actor=auth.actor(request))
    return HttpResponse(status=204)


def _words(one: ObjectType, other: ObjectType) -> dict[str, Kind]:
    """The kinds of links between two types by word and by number."""
    found = link_numbers.of_pair(one.key, other.key)
    return {key: kind for kind in found for key in (link_numbers.word(kind), str(kind.number), kind.name or f"{one.key}_to_{other.key}_unlabeled")}


def _kind(one: ObjectType, other: ObjectType, word: str) -> Kind:
    return _named(_words(one, other), one, other, {"type": word})


def _named(found: Mapping[str, Kind], one: ObjectType, other: ObjectType, row: Mapping[str, Any]) -> Kind:
    word = str(row.get("type") or "").strip().lower()
    kind = found.get(word)
    if kind is None:
        raise Failure(400, "VALIDATION_ERROR", f"There is no association type {word[:100]!r} from {one.key} to {other.key}")
    return kind
