"""Core node -> SQL condition over `contact c`, or `record c` of another object type. The only place that composes SQL from what people enter;
every value is bound.

Each condition is two-valued (never NULL), so that NOT is logical negation. What a contact did is asked with EXISTS, so that the planner may
join by hash for everybody and look up by key for a few.
"""

import json
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import assert_never

from .catalog import Catalog, Property
from .check import resolve
from .moment import Moment
from .nodes import And, Compare, Everyone, HasState, MemberOf, Nobody, Node, Not, Or, Performed, Related, ScoreIs
from .operator import Cell
from .statement import Binder, Sql

__all__ = ["Sql", "condition", "count", "happened", "members"]

ORDER: dict[str, tuple[str, str, Callable[[int, int], bool]]] = {  # operator: SQL, SQL of its opposite, meaning
    "at_least": (">=", "<", operator.ge),
    "at_most": ("<=", ">", operator.le),
    "more_than": (">", "<=", operator.gt),
    "less_than": ("<", ">=", operator.lt),
    "is": ("=", "<>", operator.eq),
    "is_not": ("<>", "=", operator.ne),
}


def condition(node: Node, catalog: Catalog, *, now: datetime, zone: tzinfo, whom: bool = False, prefix: str = "p") -> Sql:
    """A condition over `contact c` (over `record c`, when the comparisons are of another object type), never NULL.

    With `whom`, every table it looks into is cut down to `%(ids)s`, a list of contact ids that the caller adds to the parameters (and to its
    own WHERE). Several conditions in one statement need a `prefix` each. Raises FilterError for names that the catalog does not have.
    """
    compiler = _Compiler(catalog, Moment(now, zone), whom, Binder(prefix))
    return Sql(compiler.condition(node), compiler.bind.params)


def members(node: Node, catalog: Catalog, *, now: datetime, zone: tzinfo, whom: bool = False, prefix: str = "p") -> Sql:
    """`SELECT c.id` of the contacts for whom the filter holds; an archived contact never does. With `whom`: only those of `%(ids)s`.

    What must have happened several times has to be counted for everybody anyway, so it is joined: then the planner may sift those who were
    found by the other conditions before it looks at a contact. (A condition in EXISTS of its own it can only ask about contacts.)
    """
    bind, moment = Binder(prefix), Moment(now, zone)
    asked = node.children if isinstance(node, And) else (node,)
    often = [n for n in asked if isinstance(n, Performed) and n.keys != () and n.at_least > 1]
    joins = [f" JOIN ({_often(n, n.at_least, n.at_most, moment, bind, whom)}) o{i} ON o{i}.contact_id = c.id" for i, n in enumerate(often, 1)]
    compiler = _Compiler(catalog, moment, whom, bind, who="o1.contact_id" if often else "c.id")
    inner = compiler.condition(And(tuple(n for n in asked if n not in often)))
    some = " AND c.id = ANY(%(ids)s::bigint[])" if whom else ""
    return Sql(f"SELECT c.id FROM contact c{''.join(joins)} WHERE c.archived_at IS NULL{some} AND {inner}", bind.params)


def count(node: Performed, catalog: Catalog, *, now: datetime, zone: tzinfo, whom: bool = False, prefix: str = "p") -> Sql:
    """`SELECT contact_id, times`: how often it happened to each contact to whom it did; `at_least` and `at_most` are not looked at."""
    bind = Binder(prefix)
    if node.keys == ():
        return Sql("SELECT 0::bigint AS contact_id, 0::bigint AS times WHERE false", {})
    where = _happened(node, Moment(now, zone), bind, whom)
    return Sql(f"SELECT e.contact_id, count(*) AS times FROM event e WHERE {where} GROUP BY e.contact_id", bind.params)


def happened(node: Performed, catalog: Catalog, bind: Binder, *, now: datetime, zone: tzinfo) -> str:
    """The condition on one `event e` that the node counts; how often is not looked at. For statements that count for many filters in one pass."""
    return "false" if node.keys == () else _happened(node, Moment(now, zone), bind, False)


def cell(prop: Property, alias: str, bind: Binder) -> Cell:
    """A stored property as SQL, of the table called `alias`."""
    column = f"({alias}.archived_at IS NOT NULL)" if prop.column == "archived_at" else prop.column and f"{alias}.{prop.column}"
    return Cell(f"{alias}.properties", prop.name, bind, column=column)


@dataclass(frozen=True, slots=True)
class _Compiler:
    catalog: Catalog
    moment: Moment
    whom: bool
    bind: Binder
    who: str = "c.id"  # the contact or record asked about
    depth: int = 0  # relations followed so far

    def condition(self, node: Node, alias: str = "c") -> str:
        match node:
            case Everyone():
                return "true"
            case Nobody():
                return "false"
            case And(children):
                return self._joined(children, " AND ", "true", alias)
            case Or(children):
                return self._joined(children, " OR ", "false", alias)
            case Not(child):
                return f"NOT ({self.condition(child, alias)})"
            case Compare():
                prop, compared = resolve(node, self.catalog)
                return compared.sql(cell(prop, alias, self.bind), node.value, self.moment)
            case Performed():
                return self._performed(node)
            case MemberOf():
                return self._exists("membership m", "m", f"m.segment_id = {self.bind(node.segment_id)}")
            case ScoreIs():
                return self._score(node)
            case HasState():
                return self._state(node)
            case Related():
                return self._related(node)
            case _:
                assert_never(node)

    def _joined(self, children: tuple[Node, ...], by: str, nothing: str, alias: str) -> str:
        parts = [self.condition(child, alias) for child in children]
        return nothing if not parts else parts[0] if len(parts) == 1 else f"({by.join(parts)})"

    def _exists(self, table: str, alias: str, where: str, column: str = "contact_id") -> str:
        some = f" AND {alias}.{column} = ANY(%(ids)s::bigint[])" if self.whom else ""
        return f"EXISTS (SELECT 1 FROM {table} WHERE {alias}.{column} = {self.who}{some} AND {where})"

    def _performed(self, node: Performed) -> str:
        if node.at_least <= 0:
            if node.at_most is None:
                return "true"
            return f"NOT {self._happened_often(node, node.at_most + 1, None)}"
        return self._happened_often(node, node.at_least, node.at_most)

    def _happened_often(self, node: Performed, least: int, most: int | None) -> str:
        """EXISTS for those to whom it happened from `least` (1 or more) to `most` times."""
        if node.keys == ():
            return "(false)"
        if least == 1 and most is None:
            return self._exists("event e", "e", _happened(node, self.moment, self.bind, False))
        return f"EXISTS (SELECT 1 FROM ({_often(node, least, most, self.moment, self.bind, self.whom)}) h WHERE h.contact_id = {self.who})"

    def _score(self, node: ScoreIs) -> str:
        symbol, opposite, meaning = ORDER[node.operator]
        model = f"s.model_id = {self.bind(node.model_id)}"
        if meaning(0, node.value):  # no row is 0 points: all but those whose row says otherwise
            return f"NOT {self._exists('score s', 's', f'{model} AND s.{node.part} {opposite} {self.bind(node.value)}')}"
        return self._exists("score s", "s", f"{model} AND s.{node.part} {symbol} {self.bind(node.value)}")

    def _state(self, node: HasState) -> str:
        channel = self.bind(node.channel)
        anew = (  # an unsubscription ends when the person agrees later; a bounce or a complaint never does
            "u.reason = 'unsubscribed' AND EXISTS (SELECT 1 FROM consent g"
            f" WHERE g.contact_id = u.contact_id AND g.channel = {channel} AND g.granted AND g.at > u.at)"
        )
        if node.state == "opted_in":
            agreed = self._exists("consent k", "k", f"k.channel = {channel} AND k.granted")
            return f"({agreed} AND NOT {self._exists('suppression u', 'u', f'u.channel = {channel} AND NOT ({anew})')})"
        refused = (
            f"(SELECT k.contact_id FROM consent k WHERE k.channel = {channel} AND NOT k.granted"
            f" UNION ALL SELECT u.contact_id FROM suppression u WHERE u.channel = {channel} AND NOT ({anew})) o"
        )
        return self._exists(refused, "o", "true")

    def _related(self, node: Related) -> str:
        link, alias = (f"{letter}{self.depth or ''}" for letter in "ar")
        kind = self.bind(node.object_type)
        label = "" if node.label is None else f" AND {link}.label = {self.bind(node.label)}"
        table = f"contact {alias} WHERE" if node.object_type == "contact" else f"record {alias} WHERE {alias}.object_type = {kind} AND"
        below = replace(self, whom=False, who=f"{alias}.id", depth=self.depth + 1)
        inner = f"SELECT {alias}.id FROM {table} {alias}.archived_at IS NULL AND {below.condition(node.child, alias)}"
        return self._exists(f"association {link}", link, f"{link}.to_type = {kind}{label} AND {link}.to_id IN ({inner})", "from_id")


def _often(node: Performed, least: int, most: int | None, moment: Moment, bind: Binder, whom: bool) -> str:
    """SELECT of those to whom it happened from `least` (1 or more) to `most` times, each once; node.keys is not empty."""
    often = f"count(*) >= {bind(least)}" if most is None else f"count(*) BETWEEN {bind(least)} AND {bind(most)}"
    return f"SELECT e.contact_id FROM event e WHERE {_happened(node, moment, bind, whom)} GROUP BY e.contact_id HAVING {often}"


def _happened(node: Performed, moment: Moment, bind: Binder, whom: bool) -> str:
    """The condition on one `event e`; node.keys is not empty."""
    tests = [one_of("e.kind", node.kinds, "smallint", bind)]
    if node.keys is not None:
        tests.append(one_of("e.key", node.keys, "bigint", bind))
    if node.within is not None:
        tests += [f"e.ts >= {bind(moment.now - node.within)}", f"e.ts <= {bind(moment.now)}"]
    if node.since is not None:
        tests.append(f"e.ts >= {bind(node.since)}")
    if node.until is not None:
        tests.append(f"e.ts <= {bind(node.until)}")
    if node.value_at_least is not None:
        tests.append(f"coalesce(e.value, '-infinity') >= {bind(node.value_at_least)}")
    for test in node.where:
        match test.test:
            case "present":
                tests.append(f"e.payload ? {bind(test.key)}")
            case "missing":
                tests.append(f"NOT e.payload ? {bind(test.key)}")
            case "is":
                tests.append(f"e.payload @> {bind(json.dumps({test.key: test.value}, ensure_ascii=False))}::jsonb")
            case _:
                assert_never(test.test)
    if whom:
        tests.append("e.contact_id = ANY(%(ids)s::bigint[])")
    return " AND ".join(tests)


def one_of(column: str, values: tuple[int, ...], type_: str, bind: Binder) -> str:
    """A column against one or several numbers."""
    if len(values) == 1:
        return f"{column} = {bind(values[0])}"
    return f"{column} = ANY({bind(list(values))}::{type_}[])"
