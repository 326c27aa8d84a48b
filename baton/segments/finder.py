"""Finds records of any object type: by filter, words, rights; sorted, a page at a time. Tables, exports, searches and changes of many ask here.

How API operators are said as nodes (`Compare(property, operator, value, of=object_type)`): EQ `is`, NEQ `is_not`, IN `any_of`, NOT_IN `none_of`,
HAS_PROPERTY `known`, NOT_HAS_PROPERTY `unknown`, CONTAINS_TOKEN `has_word`, NOT_CONTAINS_TOKEN `has_no_word`; of numbers LT `less_than`,
LTE `at_most`, GT `more_than`, GTE `at_least`; of dates and moments LT `before`, LTE `on_or_before`, GT `after`, GTE `on_or_after`; BETWEEN
`between` with two values. A number has no `any_of`: Or(Compare is, …). `associations.company` is Related("company", Compare("id", "is", n, of="company")).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts.rights import Rights
from baton.crm import search
from baton.crm import types as kinds
from baton.platform import clock, sql
from baton.platform.config import config
from baton.platform.errors import Invalid
from baton.query import compile
from baton.query.nodes import And, Compare, Everyone, Nobody, Node, Not, Or, Related
from baton.query.statement import Sql
from baton.segments import catalog, patience, sorting

EXACT = 10_000  # counts are exact up to here
PATIENCE = 40  # milliseconds for counting one by one
SAMPLES = ((8_000, 25), (2_000, 40))  # rows looked at to estimate a larger count, and milliseconds for it
SURELY = 5  # so many times what is counted exactly must be expected for counting not to be tried


@dataclass(frozen=True, slots=True)
class Find:
    """What is wanted. `rights` None: everything; `sort`: a property's name, id, created_at, updated_at, owner_id; of contacts also name, score, last_seen."""

    object_type: str
    node: Node = field(default_factory=Everyone)
    text: str = ""
    sort: str = "id"
    descending: bool = False
    archived: bool = False
    rights: Rights | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many; `exact` is false where it is an estimate."""

    number: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of quick search."""

    object_type: str
    id: int
    title: str
    subtitle: str


def ids(find: Find, *, limit: int, offset: int = 0, after: int | None = None) -> list[int]:
    """A page of ids in order. `after`: the last id of the page before (then no offset is needed); records without a value come last either way.

    Raises Invalid at `sort` for a name there is not, FilterError for a node with names there are not.
    """
    where = condition(find)
    if where is None or limit <= 0:
        return []
    order = sorting.of(find.object_type, find.sort)
    if order is None:
        raise Invalid.one("sort", "PROPERTY_DOESNT_EXIST", _("There is no property “{name}”.").format(name=find.sort))
    return sorting.page(order, where, table=_table(find), descending=find.descending, limit=limit, offset=offset, after=after)


def count(find: Find, most: int = EXACT) -> Count:
    """How many there are: exact up to `most` where that is quickly known, else an estimate from a sample of the table's blocks."""
    where = condition(find)
    if where is None:
        return Count(0, True)
    table = _table(find)
    asked = f"SELECT count(*) FROM (SELECT 1 FROM {table} c WHERE {where.text} LIMIT {int(most) + 1}) few"
    if not patience.large(table):
        ((found,),) = sql.rows(asked, where.params)
        return Count(found, True) if found <= most else Count(sql.rows(f"SELECT count(*) FROM {table} c WHERE {where.text}", where.params)[0][0], True)
    planned = _planned(table, where)
    if planned > most and isinstance(find.node, Everyone) and not find.text.strip():
        return Count(_rounded(planned), False)
    if planned > most * SURELY:
        return _estimate(table, where, planned, most)
    counted = patience.rows(asked, where.params, milliseconds=PATIENCE)
    if counted is not None and counted[0][0] <= most:
        return Count(counted[0][0], True)
    return _estimate(table, where, planned, 0 if counted is None else most)


def each(find: Find, size: int = 5000) -> Iterator[list[int]]:
    """All ids in the order of ids, in pieces; what changes meanwhile is seen or not. For exports and changes of many."""
    by_id = replace(find, sort="id", descending=False)
    last: int | None = None
    while piece := ids(by_id, limit=size, after=last):
        yield piece
        last = piece[-1]


def matching(find: Find, some: Sequence[int]) -> list[int]:
    """Those of some ids that `find` finds, in the order of ids: a selection made on a page, asked again before something happens to it."""
    where = condition(find)
    if where is None or not some:
        return []
    asked = f"SELECT c.id FROM {_table(find)} c WHERE c.id = ANY(%(some)s::bigint[]) AND {where.text} ORDER BY c.id"
    return [id for (id,) in sql.rows(asked, {**where.params, "some": list(some)})]


def quick(text: str, *, rights: Rights | None = None, types: Sequence[str] | None = None, limit: int = 8) -> list[Hit]:
    """The records that some typed words find, of all object types or the given ones: per type the newest, at most `limit` in all."""
    from baton.segments import quick_search

    return quick_search.hits(text, rights=rights, only=types, limit=limit)


def _table(find: Find) -> str:
    return "contact" if find.object_type == "contact" else "record"


def condition(find: Find) -> Sql | None:
    """What `find` asks as a condition over `c`, the row of `contact` or `record`; None when nothing can be found. For sums of a board."""
    kinds.get(find.object_type)  # raises NotFound
    tests = ["c.archived_at IS NOT NULL" if find.archived else "c.archived_at IS NULL"]
    params: dict[str, Any] = {}
    if find.object_type != "contact":
        tests.insert(0, "c.object_type = %(object_type)s")
        params["object_type"] = find.object_type
    allowed = visible(find.rights, find.object_type, "c")
    if allowed.text == "false":
        return None
    tests.append(allowed.text)
    params |= allowed.params
    if find.text.strip():
        asked = search.query(find.text)
        if not asked:
            return None
        tests.append("c.search @@ %(words)s::tsquery")
        params["words"] = asked
    if not isinstance(find.node, Everyone):
        compiled = compile.condition(within(find.node, find.rights), catalog.current(), now=clock.now(), zone=config().zone)
        tests.append(compiled.text)
        params |= compiled.params
    return Sql(" AND ".join(tests), params)


def within(node: Node, rights: Rights | None) -> Node:
    """The same filter, where what is asked of linked records is asked of those only that somebody may see: else it would tell about the others."""
    if rights is None:
        return node
    match node:
        case And(children):
            return And(tuple(within(child, rights) for child in children))
        case Or(children):
            return Or(tuple(within(child, rights) for child in children))
        case Not(child):
            return Not(within(child, rights))
        case Related(kind, child):
            return replace(node, child=_among(kind, within(child, rights), rights))
    return node


def _among(kind: str, child: Node, rights: Rights) -> Node:
    nobodys = Compare("owner_id", "unknown", of=kind)
    match rights.scope(kind, "view"):
        case "all":
            return child
        case "team":
            return And((child, Or((nobodys, Compare("owner_id", "any_of", tuple(rights.team), of=kind)))))
        case "own" if rights.user_id is not None:
            return And((child, Compare("owner_id", "any_of", (rights.user_id,), of=kind)))
    return Nobody()


def visible(rights: Rights | None, object_type: str, alias: str) -> Sql:
    """What of an object type somebody may see, as a condition over the row called `alias`; "true" for all, "false" for nothing."""
    if rights is None:
        return Sql("true", {})
    text, values = rights.where(object_type, "view", alias)
    names = [f"{alias}_{object_type}_right{number}" for number in range(len(values))]
    return Sql(text.replace("%s", "{}").format(*(f"%({name})s" for name in names)), dict(zip(names, values, strict=True)))


def _planned(table: str, where: Sql) -> int:
    """How many the planner expects, which never reads a row."""
    ((plan,),) = sql.rows(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {table} c WHERE {where.text}", where.params)
    return int((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


def _estimate(table: str, where: Sql, planned: int, least: int) -> Count:
    """From some blocks of a large table, taken anywhere; what even that takes too long for is what the planner expects."""
    for sample, milliseconds in SAMPLES:
        percent = min(100.0, 100.0 * sample / patience.size(table))
        asked = f"SELECT count(*) FROM {table} c TABLESAMPLE SYSTEM ({percent:.4f}) WHERE {where.text}"
        found = patience.rows(asked, where.params, milliseconds=milliseconds)
        if found is not None:
            return Count(_rounded(max(found[0][0] * 100 / percent, least)), False)
    return Count(_rounded(max(planned, least)), False)


def _rounded(number: float) -> int:
    """To two digits: an estimate does not know more."""
    digits = max(0, len(str(int(number))) - 2)
    return int(round(number, -digits))
