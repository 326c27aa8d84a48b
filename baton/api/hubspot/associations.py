"""`/crm/v4/…/associations/…`: links between records, one at a time and in batches, with their kinds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from baton.api import auth, paging
from baton.api.errors import Failure
from baton.api.hubspot import batches, kinds, link_numbers, links, writes
from baton.api.hubspot.access import Records
from baton.api.hubspot.batch import most
from baton.api.hubspot.link_numbers import Kind
from baton.api.hubspot.links import Spec
from baton.crm import associations
from baton.crm.associations import Link
from baton.crm.models import ObjectType
from baton.platform.config import config
from baton.platform.errors import NotFound

router = Router(tags=["associations"])
ONE = "/crm/v4/objects/{object_type}/{id}/associations"
MANY = "/crm/v4/associations/{object_type}/{to_type}"
READ, WRITE = Records("view", to_type="view"), Records("edit", to_type="view")
PAGE = 500  # links of one page
MOST_READ, MOST_WRITTEN = 1000, 2000  # inputs of one call
Body = dict[str, Any]
Kinds = Mapping[tuple[str, str, str], Kind]  # as links.kinds_of knows them
Text = Annotated[str | None, Query(None)]


Shown = Callable[[links.Page, Kinds, ObjectType, ObjectType, int], Body]


class From(Schema):
    """Whose links are read, and where the page begins."""

    id: str | int
    after: str | int | None = None


class Reads(Schema):
    inputs: list[From]


class Links(Schema):
    """Bodies with `from`, a word that Python keeps for itself, are read by hand."""

    inputs: list[dict[str, Any]]


@router.put(ONE + "/default/{to_type}/{to_id}", auth=WRITE, response=Body)
def link(request: HttpRequest, object_type: str, id: str, to_type: str, to_id: str) -> Body:
    """Link two records without a name."""
    one, other = kinds.of(object_type), kinds.of(to_type)
    started = batches.start([id])
    here, there = writes.one(one, id), writes.one(other, to_id)
    _write([Link(one.key, here, other.key, there)], request)
    return batches.answer(started, _both(one, here, other, there))


@router.put(ONE + "/{to_type}/{to_id}", auth=WRITE, response={201: Body})
def label(request: HttpRequest, object_type: str, id: str, to_type: str, to_id: str, body: list[Spec]) -> Status[Body]:
    """Link two records by kinds of links."""
    one, other = kinds.of(object_type), kinds.of(to_type)
    here, there = writes.one(one, id), writes.one(other, to_id)
    known = link_numbers.numbered({spec.associationTypeId for spec in body})
    found = [links.kind(known, spec, one.key, other.key) for spec in body]
    if not found:
        raise Failure(400, "VALIDATION_ERROR", "At least one association type is needed.")
    _write([Link(one.key, here, other.key, there, kind.name) for kind in found], request)
    return Status(201, _row(one, here, other, there, [kind.label for kind in found if kind.label]))


@router.get(ONE + "/{to_type}", auth=READ, response=Body)
def read(request: HttpRequest, object_type: str, id: str, to_type: str, limit: Text = None, after: Text = None) -> Body:
    """The links of a record to records of a type, in the order of their ids."""
    size, start = paging.limit(limit, most=PAGE, default=PAGE), paging.after(after)
    one = kinds.of(object_type)
    here = writes.one(one, id)
    if kinds.lacking(to_type):
        return {"results": []}
    other = kinds.of(to_type)
    found = links.pages(one.key, {here: start}, [other.key], size)
    page = found.get((here, other.key), links.Page())
    return paging.page(request, _typed(page, links.kinds_of(one.key, [other.key], found), one.key, other.key), page.after)


@router.delete(ONE + "/{to_type}/{to_id}", auth=WRITE, response={204: None})
def unlink(request: HttpRequest, object_type: str, id: str, to_type: str, to_id: str) -> HttpResponse:
    """Remove all links between two records."""
    one, other = kinds.of(object_type), kinds.of(to_type)
    associations.unlink(one.key, writes.one(one, id), other.key, writes.one(other, to_id), actor=auth.actor(request))
    return HttpResponse(status=204)


@router.post(MANY + "/batch/create", auth=WRITE, response={201: Body, 207: Body})
def create_many(request: HttpRequest, object_type: str, to_type: str, body: Links) -> Status[Body]:
    """Link many pairs by kinds of links; pairs of which a record is missing are told in `errors`."""
    started = batches.start(body.inputs)
    most(body.inputs, MOST_WRITTEN)
    one, other = kinds.of(object_type), kinds.of(to_type)
    pairs = [(*sides(row, place), _specs(row, place)) for place, row in enumerate(body.inputs)]
    known = link_numbers.numbered({spec.associationTypeId for _from, _to, specs in pairs for spec in specs})
    wanted = [(here, there, [links.kind(known, spec, one.key, other.key) for spec in specs]) for here, there, specs in pairs]
    rows = [Link(one.key, here, other.key, there, kind.name) for here, there, found in wanted for kind in found]
    lost = _lost(rows, request)
    results = [_row(one, here, other, there, [kind.label for kind in found if kind.label]) for here, there, found in wanted if not {here, there} & lost]
    return batches.status(started, results, _missing(one, other, wanted, lost), good=201)


@router.post(MANY + "/batch/associate/default", auth=WRITE, response={200: Body, 207: Body})
def link_many(request: HttpRequest, object_type: str, to_type: str, body: Links) -> Status[Body]:
    """Link many pairs without a name."""
    started = batches.start(body.inputs)
    most(body.inputs, MOST_WRITTEN)
    one, other = kinds.of(object_type), kinds.of(to_type)
    pairs = [(*sides(row, place), ()) for place, row in enumerate(body.inputs)]
    lost = _lost([Link(one.key, here, other.key, there) for here, there, _none in pairs], request)
    results = [row for here, there, _none in pairs if not {here, there} & lost for row in _both(one, here, other, there)]
    return batches.status(started, results, _missing(one, other, pairs, lost))


@router.post(MANY + "/batch/read", auth=READ, response={200: Body, 207: Body})
def read_many(request: HttpRequest, object_type: str, to_type: str, body: Reads) -> Status[Body]:
    """The links of many records; those without any are told in `errors`."""

    def shown(page: links.Page, known: Kinds, one: ObjectType, other: ObjectType, id: int) -> Body:
        path = f"{config().url}/crm/v4/objects/{one.plural}/{id}/associations/{other.plural}"
        return {"to": _typed(page, known, one.key, other.key), **links.onward(page.after, path)}

    return each(object_type, to_type, body, shown)


def each(object_type: str, to_type: str, body: Reads, shown: Shown) -> Status[Body]:
    """The first page of links of every record asked for; `shown(page, known, one, other, id)` is how a version of the API writes one."""
    started = batches.start(body.inputs)
    most(body.inputs, MOST_READ)
    afters = {links.number(one.id): paging.after(None if one.after is None else str(one.after)) for one in body.inputs}
    if kinds.lacking(object_type) or kinds.lacking(to_type):
        return batches.status(started, [], [none_found(list(afters))])
    one, other = kinds.of(object_type), kinds.of(to_type)
    found = links.pages(one.key, afters, [other.key], PAGE)
    known = links.kinds_of(one.key, [other.key], found)
    full = {id: page for id in afters if (page := found.get((id, other.key))) and page.rows}
    results = [{"from": {"id": str(id)}, **shown(page, known, one, other, id)} for id, page in full.items()]
    empty = [id for id in afters if id not in full]
    return batches.status(started, results, [none_found(empty)] if empty else [])


@router.post(MANY + "/batch/archive", auth=WRITE, response={204: None})
def unlink_many(request: HttpRequest, object_type: str, to_type: str, body: Links) -> HttpResponse:
    """Remove all links between many pairs."""
    batches.start(body.inputs)
    most(body.inputs, MOST_WRITTEN)
    one, other = kinds.of(object_type), kinds.of(to_type)
    rows = []
    for place, row in enumerate(body.inputs):
        given = row.get("to")
        for target in given if isinstance(given, list) else [given]:
            rows.append(Link(one.key, _id(row, "from", place), other.key, _id({"to": target}, "to", place)))
    associations.unlink_many(rows, actor=auth.actor(request))
    return HttpResponse(status=204)


@router.post(MANY + "/batch/labels/archive", auth=WRITE, response={204: None})
def unlabel_many(request: HttpRequest, object_type: str, to_type: str, body: Links) -> HttpResponse:
    """Remove some kinds of links between many pairs; the pairs stay linked by the others."""
    batches.start(body.inputs)
    most(body.inputs, MOST_WRITTEN)
    one, other = kinds.of(object_type), kinds.of(to_type)
    by_name: dict[str, list[Link]] = {}
    pairs = [(*sides(row, place), _specs(row, place)) for place, row in enumerate(body.inputs)]
    known = link_numbers.numbered({spec.associationTypeId for _from, _to, specs in pairs for spec in specs})
    for here, there, specs in pairs:
        for spec in specs:
            by_name.setdefault(links.kind(known, spec, one.key, other.key).name, []).append(Link(one.key, here, other.key, there))
    for name, rows in by_name.items():
        associations.unlink_many(rows, labels=[name], actor=auth.actor(request))
    return HttpResponse(status=204)


def sides(row: Mapping[str, Any], place: int) -> tuple[int, int]:
    """The ids in `{"from": {"id": …}, "to": {"id": …}}`. Raises Failure 400."""
    return _id(row, "from", place), _id(row, "to", place)


def _id(row: Mapping[str, Any], side: str, place: int) -> int:
    """The id in `{"from": {"id": …}}`. Raises Failure 400."""
    given = row.get(side)
    if not isinstance(given, dict) or not isinstance(given.get("id"), str | int) or isinstance(given["id"], bool):
        text = f"Some required fields were not set: [{side}]"
        raise Failure(400, "VALIDATION_ERROR", f"Invalid input JSON on line 1, column 1. {text}", errors=[{"message": text, "in": f"inputs[{place}]"}])
    return links.number(given["id"])


def _specs(row: Mapping[str, Any], place: int) -> list[Spec]:
    given = row.get("types")
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) and isinstance(one.get("associationTypeId"), int) for one in given):
        text = "Some required fields were not set: [types]"
        raise Failure(400, "VALIDATION_ERROR", f"Invalid input JSON on line 1, column 1. {text}", errors=[{"message": text, "in": f"inputs[{place}]"}])
    return [Spec(associationCategory=str(one.get("associationCategory") or "HUBSPOT_DEFINED"), associationTypeId=one["associationTypeId"]) for one in given]


def _write(rows: Sequence[Link], request: HttpRequest) -> None:
    for fault in associations.link_many(rows, actor=auth.actor(request)):
        if fault is not None:
            raise NotFound(str(fault))


def _lost(rows: Sequence[Link], request: HttpRequest) -> set[int]:
    """Link the rows; the ids that there are not."""
    faults = associations.link_many(rows, actor=auth.actor(request))
    wrong = [row for row, fault in zip(rows, faults, strict=True) if fault is not None]
    if not wrong:
        return set()
    asked = {side for row in wrong for side in ((row.from_type, row.from_id), (row.to_type, row.to_id))}
    return {id for _type, id in asked - associations.existing(asked).keys()}


def _missing(one: ObjectType, other: ObjectType, pairs: Sequence[tuple[int, int, Any]], lost: set[int]) -> list[Body]:
    """The elements of `errors`: which records there are not, for each side."""
    told = []
    for kind, ids in ((one, [here for here, _there, _ in pairs]), (other, [there for _here, there, _ in pairs])):
        if gone := [str(id) for id in dict.fromkeys(ids) if id in lost]:
            told.append(
                batches.missing(f"Could not get some {kind.key.upper()} objects, they may be deleted or not exist. Check that ids are valid.", ids=gone)
            )
    return told


def none_found(ids: Sequence[int]) -> Body:
    """The element of `errors` for records without links."""
    told = batches.missing("No associations found for these objects.", fromObjectId=[str(id) for id in ids])
    return {**told, "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}


def _typed(page: links.Page, known: Mapping[tuple[str, str, str], link_numbers.Kind], from_type: str, to_type: str) -> list[Body]:
    """The rows of a page with their kinds, the named ones first."""
    return [
        {
            "toObjectId": to_id,
            "associationTypes": [known[from_type, to_type, name].typed for name in names if (from_type, to_type, name) in known],
        }
        for to_id, names in page.rows
    ]


def _row(one: ObjectType, here: int, other: ObjectType, there: int, labels: list[str]) -> Body:
    return {"fromObjectTypeId": one.type_id, "fromObjectId": here, "toObjectTypeId": other.type_id, "toObjectId": there, "labels": labels}


def _both(one: ObjectType, here: int, other: ObjectType, there: int) -> list[Body]:
    """A link without a name, as each side has it."""

    def side(from_type: ObjectType, from_id: int, to_type: ObjectType, to_id: int) -> Body:
        number = link_numbers.plain(from_type.key, to_type.key)
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}
        return {"from": {"id": str(from_id)}, "to": {"id": str(to_id)}, "associationSpec": spec}

    return [side(one, here, other, there), side(other, there, one, here)]
