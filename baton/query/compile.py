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
from decimal import Decimal
from typing import assert_never

from .catalog import Catalog, Property
from .check import SEEN, event_property, resolve, resolve_seen, resolve_test
from .moment import Moment
from .nodes import (
    And,
    Compare,
    EventTest,
    Everyone,
    FirstSeen,
    HasState,
    InBand,
    KeyTest,
    MemberOf,
    Nobody,
    Node,
    Not,
    Or,
    PayloadTest,
    Performed,
    Related,
    ScoreIs,
    Subscribed,
    Total,
)
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


def condition(node: Node, catalog: Catalog, *, now: datetime, zone: tzinfo, whom: bool = False, prefix: str = "p", sets: dict[str, str] | None = None) -> Sql:
    """A condition over `contact c` (over `record c`, when the comparisons are of another object type), never NULL.

    With `whom`, every table it looks into is cut down to `%(ids)s`, a list of contact ids that the caller adds to the parameters (and to its
    own WHERE). Several conditions in one statement need a `prefix` each. Raises FilterError for names that the catalog does not have.

    With `sets`, a look into another table is no EXISTS, which workers cannot share among the columns of a SELECT: its SELECT of ids is put there,
    with the alias under which the caller joins them to `c.id` (as `id`, each once).
    """
    compiler = _Compiler(catalog, Moment(now, zone), whom, Binder(prefix), sets=sets)
    return Sql(compiler.condition(node), compiler.bind.params)


def members(node: Node, catalog: Catalog, *, now: datetime, zone: tzinfo, whom: bool = False, prefix: str = "p") -> Sql:
    """`SELECT c.id` of the contacts for whom the filter holds; an archived contact never does. With `whom`: only those of `%(ids)s`.

    What must have happened several times has to be counted for everybody anyway, so it is joined: then the planner may sift those who were
    found by the other conditions before it looks at a contact. (A condition in EXISTS of its own it can only ask about contacts.)
    """
    bind, moment = Binder(prefix), Moment(now, zone)
    asked = node.children if isinstance(node, And) else (node,)
    often = [n for n in asked if isinstance(n, Performed) and n.keys != () and n.at_least > 1 and n.pick is None and n.total is None]
    happened = _Happened(catalog, moment, bind, whom)
    joins = [f" JOIN ({happened.often(n, n.at_least, n.at_most)}) o{i} ON o{i}.contact_id = c.id" for i, n in enumerate(often, 1)]
    compiler = _Compiler(catalog, moment, whom, bind, who="o1.contact_id" if often else "c.id")
    inner = compiler.condition(And(tuple(n for n in asked if n not in often)))
    some = " AND c.id = ANY(%(ids)s::bigint[])" if whom else ""
    return Sql(f"SELECT c.id FROM contact c{''.join(joins)} WHERE c.archived_at IS NULL{some} AND {inner}", bind.params)


def count(node: Performed, catalog: Catalog, *, now: datetime, zone: tzinfo, whom: bool = False, prefix: str = "p") -> Sql:
    """`SELECT contact_id, times`: how often it happened to each contact to whom it did; `at_least` and `at_most` are not looked at."""
    bind = Binder(prefix)
    if node.keys == ():
        return Sql("SELECT 0::bigint AS contact_id, 0::bigint AS times WHERE false", {})
    where = _Happened(catalog, Moment(now, zone), bind, whom).where(node)
    return Sql(f"SELECT e.contact_id, count(*) AS times FROM event e WHERE {where} GROUP BY e.contact_id", bind.params)


def happened(node: Performed, catalog: Catalog, bind: Binder, *, now: datetime, zone: tzinfo) -> str:
    """The condition on one `event e` that the node counts; how often is not looked at. For statements that count for many filters in one pass."""
    return "false" if node.keys == () else _Happened(catalog, Moment(now, zone), bind, False).where(node)


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
    sets: dict[str, str] | None = None  # SELECT of ids -> alias of its join (see `condition`)

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
                return self._member(node)
            case ScoreIs():
                return self._score(node)
            case InBand():
                return self._band(node)
            case FirstSeen():
                return self._seen(node)
            case HasState():
                return self._state(node)
            case Subscribed():
                return self._subscribed(node)
            case Related():
                return self._related(node)
            case _:
                assert_never(node)

    def _joined(self, children: tuple[Node, ...], by: str, nothing: str, alias: str) -> str:
        parts = [self.condition(child, alias) for child in children]
        return nothing if not parts else parts[0] if len(parts) == 1 else f"({by.join(parts)})"

    def _exists(self, table: str, alias: str, where: str, column: str = "contact_id") -> str:
        some = f" AND {alias}.{column} = ANY(%(ids)s::bigint[])" if self.whom else ""
        if self.sets is not None and not self.depth:
            return self._joining(f"SELECT {alias}.{column} FROM {table} WHERE {where}{some}")
        return f"EXISTS (SELECT 1 FROM {table} WHERE {alias}.{column} = {self.who}{some} AND {where})"

    def _among(self, found: str, column: str = "contact_id") -> str:
        """Whether a SELECT finds the one asked about."""
        if self.sets is not None and not self.depth:
            return self._joining(found)
        return f"EXISTS (SELECT 1 FROM ({found}) h WHERE h.{column} = {self.who})"

    def _joining(self, found: str) -> str:
        assert self.sets is not None
        return f"({self.sets.setdefault(found, f'x{len(self.sets)}')}.id IS NOT NULL)"

    def _performed(self, node: Performed) -> str:
        if node.pick is not None or node.total is not None:
            return self._of_all(node)
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
            return self._exists("event e", "e", self._happened(False).where(node))
        return self._among(self._happened(self.whom).often(node, least, most))

    def _of_all(self, node: Performed) -> str:
        """What one of them is like, or what they add up to."""
        found = self._happened(self.whom)
        if node.total is None:
            return "(false)" if node.keys == () else self._among(found.picked(node))
        low, high = node.total.at_least, node.total.at_most
        nothing = node.at_least <= 0 and (low is None or low <= 0) and (high is None or high >= 0)  # to whom it never happened: 0
        if node.keys == ():
            return "(true)" if nothing else "(false)"
        return f"{'NOT ' if nothing else ''}{self._among(found.summed(node, node.total, outside=nothing))}"

    def _happened(self, whom: bool) -> "_Happened":
        return _Happened(self.catalog, self.moment, self.bind, whom)

    def _member(self, node: MemberOf) -> str:
        tests = [f"m.segment_id = {self.bind(node.segment_id)}"]
        if node.within is not None:
            tests.append(f"m.joined_at >= {self.bind(self.moment.now - node.within)}")
        if node.older is not None:
            tests.append(f"m.joined_at < {self.bind(self.moment.now - node.older)}")
        if node.reason is not None:
            tests.append(f"{'NOT ' if node.reason == 'hand' else ''}starts_with(m.reason, 'filter')")
        return self._exists("membership m", "m", " AND ".join(tests))

    def _band(self, node: InBand) -> str:
        bands = self.catalog.bands(node.model_id)
        place = next((i for i, band in enumerate(bands) if band.key == node.band), None)
        if place is None:  # check() refuses it; should it have gone since, nobody is in it
            return "false"
        low, above = bands[place].at_least, bands[place + 1 :]
        tests = [f"s.total >= {self.bind(low)}"]
        if not node.above and above:
            tests.append(f"s.total < {self.bind(above[0].at_least)}")
        within, model = " AND ".join(tests), f"s.model_id = {self.bind(node.model_id)}"
        if low <= 0 and (node.above or not above or above[0].at_least > 0):
            return f"NOT {self._exists('score s', 's', f'{model} AND NOT ({within})')}"
        return self._exists("score s", "s", f"{model} AND {within}")

    def _seen(self, node: FirstSeen) -> str:
        operator = resolve_seen(node)
        known = Cell("to_jsonb(v)", SEEN[node.what].name, self.bind)
        asked = operator.positive or operator  # who was never seen has no row, and fits all that is negative
        found = self._exists("visitor v", "v", asked.sql(known, node.value, self.moment))
        return f"NOT {found}" if operator.positive else found

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
        if node.state in ("bounced", "complained", "unsubscribed"):
            such = "u.reason IN ('bounced', 'soft_limit')" if node.state == "bounced" else f"u.reason = {self.bind(node.state)}"
            return self._exists("suppression u", "u", f"u.channel = {channel} AND {such} AND NOT ({anew})")
        if node.state == "opted_in":
            holds = f"(k.expires_at IS NULL OR k.expires_at > {self.bind(self.moment.now)})"
            agreed = self._exists("consent k", "k", f"k.channel = {channel} AND k.granted AND {holds}")
            return f"({agreed} AND NOT {self._exists('suppression u', 'u', f'u.channel = {channel} AND NOT ({anew})')})"
        refused = (
            f"(SELECT k.contact_id FROM consent k WHERE k.channel = {channel} AND NOT k.granted"
            f" UNION ALL SELECT u.contact_id FROM suppression u WHERE u.channel = {channel} AND NOT ({anew})) o"
        )
        return self._exists(refused, "o", "true")

    def _subscribed(self, node: Subscribed) -> str:
        which = f"n.type_id = {self.bind(node.news_id)} AND n.channel = {self.bind(node.channel)}"
        holds = f"(n.expires_at IS NULL OR n.expires_at > {self.bind(self.moment.now)})"
        return self._exists("subscription n", "n", f"{which} AND {'' if node.granted else 'NOT '}n.granted AND {holds}")

    def _related(self, node: Related) -> str:
        link, alias = (f"{letter}{self.depth or ''}" for letter in "ar")
        kind = self.bind(node.object_type)
        label = "" if node.label is None else f" AND {link}.label = {self.bind(node.label)}"
        table = f"contact {alias} WHERE" if node.object_type == "contact" else f"record {alias} WHERE {alias}.object_type = {kind} AND"
        below = replace(self, whom=False, who=f"{alias}.id", depth=self.depth + 1)
        inner = f"SELECT {alias}.id FROM {table} {alias}.archived_at IS NULL AND {below.condition(node.child, alias)}"
        where = f"{link}.to_type = {kind}{label} AND {link}.to_id IN ({inner})"
        if (node.at_least, node.at_most) == (1, None):
            return self._exists(f"association {link}", link, where, "from_id")
        return self._linked(node, link, where)

    def _linked(self, node: Related, link: str, where: str) -> str:
        """How many of them there are; the same record may be linked in several ways."""
        if node.at_least <= 0 and node.at_most is None:
            return "true"
        least, most = (node.at_least, node.at_most) if node.at_least > 0 else ((node.at_most or 0) + 1, None)
        often = f">= {self.bind(least)}" if most is None else f"BETWEEN {self.bind(least)} AND {self.bind(most)}"
        some = f" AND {link}.from_id = ANY(%(ids)s::bigint[])" if self.whom else ""
        found = f"SELECT {link}.from_id FROM association {link} WHERE {where}{some} GROUP BY {link}.from_id HAVING count(DISTINCT {link}.to_id) {often}"
        return f"{'' if node.at_least > 0 else 'NOT '}{self._among(found, 'from_id')}"


NUMBER = r"^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\s*$"  # of a company's own events, whose properties are stored as texts
MILLISECONDS = "^[0-9]{10,14}$"


@dataclass(frozen=True, slots=True)
class _Happened:
    """What happened, as SQL over `event e`; the nodes' keys are not empty."""

    catalog: Catalog
    moment: Moment
    bind: Binder
    whom: bool

    def where(self, node: Performed) -> str:
        """The condition on one event."""
        return " AND ".join([*self._such(node), *self._window(node), *self._tests(node)])

    def often(self, node: Performed, least: int, most: int | None) -> str:
        """SELECT of those to whom it happened from `least` (1 or more) to `most` times, each once."""
        often = f"count(*) >= {self.bind(least)}" if most is None else f"count(*) BETWEEN {self.bind(least)} AND {self.bind(most)}"
        return f"SELECT e.contact_id FROM event e WHERE {self.where(node)} GROUP BY e.contact_id HAVING {often}"

    def picked(self, node: Performed) -> str:
        """SELECT of those whose first or last event lies in the window and passes the tests."""
        such = self._such(node)
        if node.pick == "last" and (low := self.moment.window(node).low) is not None:
            such.append(f"e.ts >= {self.bind(low)}")  # what was before cannot be the last that is wanted
        tests = self._tests(node)
        if not tests:  # only when it happened matters: answered from the index alone
            at = "max(e.ts)" if node.pick == "last" else "min(e.ts)"
            having = " AND ".join(self._window(node, at)) or "true"
            return f"SELECT e.contact_id FROM event e WHERE {' AND '.join(such)} GROUP BY e.contact_id HAVING {having}"
        way = " DESC" if node.pick == "last" else ""
        one = f"SELECT DISTINCT ON (e.contact_id) e.* FROM event e WHERE {' AND '.join(such)} ORDER BY e.contact_id, e.ts{way}, e.id{way}"
        return f"SELECT e.contact_id FROM ({one}) e WHERE {' AND '.join([*self._window(node), *tests])}"

    def summed(self, node: Performed, total: Total, *, outside: bool) -> str:
        """SELECT of those for whom the sum lies between its ends, or outside of them."""
        amount = f"coalesce(sum({self._number(node, total.property)}), 0)"
        ends = [f"{amount} {sign} {self.bind(Decimal(str(end)))}" for sign, end in ((">=", total.at_least), ("<=", total.at_most)) if end is not None]
        between = " AND ".join(ends) or "true"
        return f"SELECT e.contact_id FROM event e WHERE {self.where(node)} GROUP BY e.contact_id HAVING {f'NOT ({between})' if outside else between}"

    def _such(self, node: Performed) -> list[str]:
        """Which events are meant, whenever they were and whatever is asked of them."""
        tests = [one_of("e.kind", node.kinds, "smallint", self.bind)]
        if node.keys is not None:
            tests.append(one_of("e.key", node.keys, "bigint", self.bind))
        if node.pick is not None:
            tests += self._marks(node)
        if self.whom:
            tests.append("e.contact_id = ANY(%(ids)s::bigint[])")
        return tests

    def _window(self, node: Performed, at: str = "e.ts") -> list[str]:
        window = self.moment.window(node)
        low = [] if window.low is None else [f"{at} >= {self.bind(window.low)}"]
        return low if window.high is None else [*low, f"{at} {'<' if window.open else '<='} {self.bind(window.high)}"]

    def _marks(self, node: Performed) -> list[str]:
        """What conditions ask by themselves: it was no machine, it took so long."""
        tests = [] if node.value_at_least is None else [f"coalesce(e.value, '-infinity') >= {self.bind(node.value_at_least)}"]
        for test in node.where:
            if isinstance(test, PayloadTest):
                match test.test:
                    case "present":
                        tests.append(f"e.payload ? {self.bind(test.key)}")
                    case "missing":
                        tests.append(f"NOT e.payload ? {self.bind(test.key)}")
                    case "is":
                        tests.append(f"e.payload @> {self.bind(json.dumps({test.key: test.value}, ensure_ascii=False))}::jsonb")
                    case _:
                        assert_never(test.test)
        return tests

    def _tests(self, node: Performed) -> list[str]:
        tests = [] if node.pick is not None else self._marks(node)
        for test in node.where:
            if isinstance(test, KeyTest):
                found = one_of("e.key", test.keys, "bigint", self.bind) if test.keys else "false"
                tests.append(f"NOT ({found})" if test.negative else found)
            elif isinstance(test, EventTest):
                prop, asked = resolve_test(test, node, self.catalog)
                tests.append(asked.sql(self._cell(node, prop), test.value, self.moment))
        return tests

    def _cell(self, node: Performed, prop: Property) -> Cell:
        """A property of the event as it is compared."""
        if prop.name == "value":
            return Cell("jsonb_build_object('value', e.value)", "value", self.bind)
        if not node.event:
            return Cell("e.payload", prop.name, self.bind)
        name = self.bind(prop.name)
        text = f"(e.payload -> 'properties' ->> {name})"
        match prop.type:
            case "number":
                value = f"CASE WHEN {text} ~ {self.bind(NUMBER)} THEN {text}::numeric END"
            case "datetime":
                moment = f"to_char(to_timestamp({text}::numeric / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
                value = f"CASE WHEN {text} ~ {self.bind(MILLISECONDS)} THEN {moment} ELSE {text} END"
            case _:
                return Cell("coalesce(e.payload -> 'properties', '{}')", prop.name, self.bind)  # never NULL, or its negation would be neither
        return Cell(f"jsonb_build_object({name}::text, {value})", prop.name, self.bind)

    def _number(self, node: Performed, name: str) -> str:
        """A number of the event to be added up, or NULL."""
        if name == "value":
            return "e.value::text::numeric"
        stored = self._cell(node, event_property(name, node, self.catalog))
        return f"(CASE WHEN jsonb_typeof({stored.json}) = 'number' THEN ({stored.json})::numeric END)"


def one_of(column: str, values: tuple[int, ...], type_: str, bind: Binder) -> str:
    """A column against one or several numbers."""
    if len(values) == 1:
        return f"{column} = {bind(values[0])}"
    return f"{column} = ANY({bind(list(values))}::{type_}[])"
