"""`/crm/v3/objects/{type}/search`: records by filter groups and words, sorted, a page at a time."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from baton.accounts import rights
from baton.api import limits, paging
from baton.api.hubspot import kinds, search_filters, shape
from baton.api.hubspot.access import Records
from baton.api.hubspot.search_filters import Filter, problem
from baton.crm import records
from baton.crm.models import ObjectType
from baton.platform.errors import Invalid
from baton.query.errors import FilterError
from baton.query.nodes import And, Everyone, Node, Or
from baton.segments import finder
from baton.segments.finder import Find

router = Router(tags=["search"])
MOST, USUAL = 200, 10  # rows of a page
FARTHEST = 10_000  # rows that paging reaches
GROUPS, FILTERS, ALL = 5, 6, 18
Body = dict[str, Any]


class Group(Schema):
    """Filters that must all hold."""

    filters: list[Filter] | None = None


class Sort(Schema):
    propertyName: str
    direction: str = "ASCENDING"


class Search(Schema):
    """What is looked for; an empty body finds everything."""

    filterGroups: list[Group] | None = None
    filters: list[Filter] | None = None
    query: str | None = None
    sorts: list[Sort | str] | None = None
    properties: list[str] | None = None
    limit: int | str | None = None
    after: int | str | None = None


@router.post("/crm/v3/objects/{object_type}/search", auth=Records("view"), response=Body)
def search(request: HttpRequest, object_type: str, body: Search) -> Body:
    """Records that one of the groups and the words find; `total` is how many there are, an estimate where counting would take too long."""
    limits.silent(request)
    size = 0 if str(body.limit) == "0" else paging.limit(None if body.limit is None else str(body.limit), most=MOST, default=USUAL)
    offset = paging.after(None if body.after is None else str(body.after))
    if offset + size > FARTHEST:
        raise problem(f"Paging reaches the first {FARTHEST} results only: after {offset} and limit {size} lead beyond.", "after")
    if kinds.lacking(object_type):
        return {"total": 0, "results": []}
    kind = kinds.of(object_type)
    search_filters.storable(body.query or "", "query")
    sort, descending = _order(kind, body.sorts or [])
    find = Find(kind.key, _node(kind, body), body.query or _words(kind, body), sort, descending, rights=rights.of(request.auth))  # type: ignore[attr-defined]
    try:
        ids = finder.ids(find, limit=size + 1, offset=offset)
        total = max(finder.count(find).number, offset + len(ids)) if offset or len(ids) > size or not size else len(ids)
    except Invalid as error:
        raise problem(error.problems[0].message, "sorts") from None
    except FilterError as error:
        raise problem(error.message.format(**error.params), "filterGroups") from None
    rows = records.many(kind.key, ids[:size])
    found: Body = {"total": total, "results": shape.bodies(kind, [rows[id] for id in ids[:size] if id in rows], body.properties or [])}
    if len(ids) > size > 0:
        found["paging"] = {"next": {"after": str(offset + size)}}
    return found


def _node(kind: ObjectType, body: Search) -> Node:
    """The groups as one filter. Raises Failure 400."""
    groups = [group.filters or [] for group in body.filterGroups or []]
    if body.filters:
        groups.append(body.filters)
    if len(groups) > GROUPS:
        raise problem(f"At most {GROUPS} filter groups are allowed, {len(groups)} were given.", "filterGroups")
    if any(len(filters) > FILTERS for filters in groups):
        raise problem(f"At most {FILTERS} filters are allowed in a group.", "filters")
    if sum(len(filters) for filters in groups) > ALL:
        raise problem(f"At most {ALL} filters are allowed in all groups.", "filters")
    nodes = [And(tuple(search_filters.node(kind, one) for one in filters)) for filters in groups if filters]
    if not nodes or len(nodes) < len(groups):  # a group without filters finds everything
        return Everyone()
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))


def _words(kind: ObjectType, body: Search) -> str:
    """Words that all records have which the only group of filters finds: the index of quick search finds those records, and the filters sift them."""
    groups = [group.filters or [] for group in body.filterGroups or []] + ([body.filters] if body.filters else [])
    if len(groups) != 1:
        return ""
    return " ".join(dict.fromkeys(word for one in groups[0] for word in search_filters.words_of(kind, one)))


def _order(kind: ObjectType, sorts: list[Sort | str]) -> tuple[str, bool]:
    """What is sorted by, in Baton's words, and whether downwards; only the first of `sorts` counts. Raises Failure 400."""
    if not sorts:
        return "id", False
    first = sorts[0]
    if isinstance(first, str):
        name, descending = first.removeprefix("-"), first.startswith("-")
    else:
        name, descending = first.propertyName, first.direction.upper() == "DESCENDING"
        if first.direction.upper() not in ("ASCENDING", "DESCENDING"):
            raise problem(f"{first.direction[:50]} is no direction. Valid are: [ASCENDING, DESCENDING]", "sorts")
    mine = search_filters.sortable(kind, name)
    if mine is None:
        raise problem(f'Property "{name[:100]}" does not exist or cannot be sorted by', "sorts")
    return mine, descending
