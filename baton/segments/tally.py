"""What several filters and rules ask about what people did, counted in one pass over the events instead of one look for each.

Every distinct question becomes a column of an aggregate by contact. Questions with a beginning in time share one pass over the months since
then; those about ever share another, by the index of what they ask about; those that count each page, form or mail once share a third.
The same text serves everybody and the few (`cut.tables` hides the big tables behind those few).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo

from baton.query import compile
from baton.query.catalog import Catalog
from baton.query.moment import Moment
from baton.query.nodes import And, Node, Not, Or, Performed, ScoreIs
from baton.query.statement import Binder, Sql
from baton.segments.card import Decay

WIDEST = 1000  # columns of a row; PostgreSQL takes 1,600
STEPS = 10  # after so many steps nothing is left of an event's points
SCALE = {"half": 2 ** (STEPS - 1), "linear": STEPS}  # an event without age in the units of its decay


def worth(decay: Decay) -> list[int]:
    """What an event is worth after 0, 1, 2 … steps, in units of SCALE; then nothing."""
    return [2**left for left in range(STEPS - 1, -1, -1)] if decay.kind == "half" else list(range(STEPS, 0, -1))


def step(decay: Decay) -> timedelta:
    """How long a step of a decay is: an event loses at 1, 2, 3 … times this age."""
    return timedelta(days=decay.days) if decay.kind == "half" else timedelta(days=decay.days) / STEPS


def ages(decay: Decay | None, expires_days: int | None) -> list[timedelta]:
    """The ages at which an event of a rule is worth less than before."""
    found = [] if decay is None else [step(decay) * number for number in range(1, STEPS + 1)]
    end = None if expires_days is None else timedelta(days=expires_days)
    return [age for age in found if end is None or age < end] + ([] if end is None else [end])


def countable(node: Performed) -> bool:
    """Whether it is about how often; else about one event, or a sum."""
    return node.pick is None and node.total is None


@dataclass(slots=True)
class _Pass:
    """One aggregate by contact."""

    alias: str
    nodes: list[Performed] = field(default_factory=list)
    since: list[datetime] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)  # SQL of the aggregate -> its name

    def column(self, aggregate: str, node: Performed, since: datetime | None) -> str:
        """Where the aggregate stands, as SQL; NULL for those to whom nothing of all this happened."""
        self.nodes.append(node)
        if since is not None:
            self.since.append(since)
        return f"{self.alias}.{self.columns.setdefault(aggregate, f'n{len(self.columns)}')}"

    def where(self, bind: Binder) -> str:
        """What any of the questions may be about, in the words of the index."""
        kinds = sorted({int(kind) for n in self.nodes for kind in n.kinds})
        whole = sorted({int(kind) for n in self.nodes if n.keys is None for kind in n.kinds})  # of these any key
        keys = sorted({key for n in self.nodes if n.keys is not None for key in n.keys})
        tests = [f"e.kind = ANY({bind(kinds)}::smallint[])"]
        if whole != kinds:
            among = f"e.key = ANY({bind(keys)}::bigint[])"
            tests.append(f"(e.kind = ANY({bind(whole)}::smallint[]) OR {among})" if whole else among)
        if len(self.since) == len(self.nodes):
            tests.append(f"e.ts >= {bind(min(self.since))}")
        return " AND ".join(tests)

    @property
    def listed(self) -> str:
        return ", ".join(f"{aggregate} AS {name}" for aggregate, name in self.columns.items())


@dataclass(slots=True)
class Tally:
    """Gathers questions about `contact c`; `joins` then answers them all."""

    catalog: Catalog
    now: datetime
    zone: tzinfo
    bind: Binder = field(default_factory=lambda: Binder("n"))
    _recent: _Pass = field(default_factory=lambda: _Pass("d"))
    _ever: _Pass = field(default_factory=lambda: _Pass("v"))
    _items: _Pass = field(default_factory=lambda: _Pass("i"))  # what counts once for each item, by contact and item
    _once: dict[str, str] = field(default_factory=dict)  # and their aggregates by contact
    _leaves: dict[Node, str] = field(default_factory=dict)  # what else is asked about a contact, once for each
    _scores: dict[int, str] = field(default_factory=dict)  # model -> alias of its join
    sets: dict[str, str] | None = None  # what other tables are asked, joined instead of looked up (see `compile.condition`)
    apart: str = ""  # for everybody: what the names of tables begin with in which the caller keeps what is counted, before he asks
    counted: dict[str, str] = field(default_factory=dict)  # alias -> SELECT by contact; known after `joins`
    known: dict[str, str] | None = None  # SQL -> the column of `c` in which it is worked out once for many filters (see `knowing`)

    def condition(self, node: Node) -> str:
        """A condition over `contact c`, never NULL. How often things happened is counted in the passes; all else is compiled as ever."""
        match node:
            case And(children) if children:
                return "(" + " AND ".join(self.condition(child) for child in children) + ")"
            case Or(children) if children:
                return "(" + " OR ".join(self.condition(child) for child in children) + ")"
            case Not(child):
                return f"NOT {self.condition(child)}"
            case Performed() if countable(node):
                times = self.often(node)
                if node.at_most is None:
                    return f"({times} >= {self.bind(node.at_least)})"
                return f"({times} BETWEEN {self.bind(node.at_least)} AND {self.bind(node.at_most)})"
            case ScoreIs():
                return f"({self._score(node)} {compile.ORDER[node.operator][0]} {self.bind(node.value)})"
        if node not in self._leaves:
            found = compile.condition(node, self.catalog, now=self.now, zone=self.zone, prefix=f"{self.bind.prefix}{len(self._leaves)}_", sets=self.sets)
            self.bind.params |= found.params
            self._leaves[node] = self._once_known(f"({found.text})")
        return self._leaves[node]

    def knowing(self, whom: str) -> str:
        """`SELECT c.*` of contacts with all that is worked out once, for filters that were compiled with `known`: call their SELECT `c` again."""
        joins = self.joins()
        return ", ".join(["SELECT c.*", *(f"{text} AS {name}" for text, name in (self.known or {}).items())]) + f" FROM contact c{joins.text} WHERE {whom}"

    def _once_known(self, text: str) -> str:
        if self.known is None or (text not in self.known and len(self.known) >= WIDEST):
            return text
        return f"c.{self.known.setdefault(text, f'k{len(self.known)}')}"

    def _score(self, node: ScoreIs) -> str:
        """Points of `contact c`; without a score he has 0."""
        alias = self._scores.setdefault(node.model_id, f"s{len(self._scores)}")
        return self._once_known(f"coalesce({alias}.{node.part}, 0)")

    def often(self, node: Performed) -> str:
        """How often something happened to `contact c`."""
        if node.keys == ():
            return "0"
        plain = replace(node, at_least=1, at_most=None, growing=False)
        if plain not in self._leaves:
            since = Moment(self.now, self.zone).reach(plain)
            passing = self._ever if since is None else self._recent
            self._leaves[plain] = self._once_known(f"coalesce({passing.column(f'count(*) FILTER (WHERE {self._test(plain)})', plain, since)}, 0)")
        return self._leaves[plain]

    def given(self, node: Performed, *, times: int | None, per_item: bool, decay: Decay | None, expires_days: int | None) -> tuple[str, str, int]:
        """How often an event rule gives points to `contact c`, and what these times are worth together in units; and how many units one point has."""
        if node.keys == ():
            return "0", "0", 1
        plain = replace(node, at_least=1, at_most=None, growing=False)
        test, begins = self._test(plain), Moment(self.now, self.zone).reach(plain)
        if expires_days is not None:
            expires = self.now - timedelta(days=expires_days)
            test += f" AND e.ts >= {self.bind(expires)}"
            begins = expires if begins is None else max(begins, expires)
        limits = [] if decay is None else [self.now - step(decay) * number for number in range(1, STEPS + 1)]
        if limits and (begins is None or limits[-1] >= begins):
            begins = limits.pop()
            test += f" AND e.ts > {self.bind(begins)}"
        limits = [limit for limit in limits if begins is None or limit >= begins]  # where what still counts loses
        at = self._newest(plain, test, begins) if per_item else "e.ts"
        here = f"{at} IS NOT NULL" if per_item else test

        def column(aggregate: str) -> str:
            if per_item:
                return f"o.{self._once.setdefault(aggregate, f'n{len(self._once)}')}"
            return (self._ever if begins is None else self._recent).column(aggregate, plain, begins)

        all_times = f"coalesce({column(f'count(*) FILTER (WHERE {here})')}, 0)"
        often = all_times if times is None else f"least({all_times}, {int(times)})"
        if decay is None:
            return often, often, 1
        units = worth(decay)[: len(limits) + 1]
        if times is None or times == 1:  # all of them, or the newest only
            total = self._aged("e.ts" if not per_item else at, limits, units)
            aggregate = f"sum({total})" if times is None else f"max({total})"  # the newest is worth most
            return often, f"coalesce({column(f'{aggregate} FILTER (WHERE {here})')}, 0)", SCALE[decay.kind]
        # The newest so many: what is newer than each limit is counted, and each may count with what is lost at that limit.
        younger = [f"coalesce({column(f'count(*) FILTER (WHERE {here} AND {at} > {self.bind(limit)})')}, 0)" for limit in limits] + [all_times]
        losses = [before - after for before, after in zip(units, [*units[1:], 0], strict=True)]
        parts = [f"least({count}, {int(times)}) * {loss}" for count, loss in zip(younger, losses, strict=True)]
        return often, f"({' + '.join(parts)})", SCALE[decay.kind]

    def joins(self) -> Sql:
        """What goes after `FROM contact c`, and all values bound so far."""
        for p in (self._recent, self._ever):
            if p.columns:
                self.counted[p.alias] = f"SELECT e.contact_id AS id, {p.listed} FROM event e WHERE {p.where(self.bind)} GROUP BY e.contact_id"
        if self._items.columns:
            items = f"SELECT e.contact_id, e.key, {self._items.listed} FROM event e WHERE {self._items.where(self.bind)} GROUP BY e.contact_id, e.key"
            once = ", ".join(f"{aggregate} AS {name}" for aggregate, name in self._once.items())
            self.counted["o"] = f"SELECT i.contact_id AS id, {once} FROM ({items}) i GROUP BY i.contact_id"
        self.counted |= {alias: f"SELECT DISTINCT f.id FROM ({found}) f(id)" for found, alias in (self.sets or {}).items()}
        parts = [f" LEFT JOIN {f'{self.apart}{alias}' if self.apart else f'({found})'} {alias} ON {alias}.id = c.id" for alias, found in self.counted.items()]
        for model_id, alias in self._scores.items():
            parts.append(f" LEFT JOIN score {alias} ON {alias}.contact_id = c.id AND {alias}.model_id = {self.bind(model_id)}")
        return Sql("".join(parts), self.bind.params)

    def _test(self, node: Performed) -> str:
        return compile.happened(node, self.catalog, self.bind, now=self.now, zone=self.zone)

    def _newest(self, node: Performed, test: str, since: datetime | None) -> str:
        """When each item was met last, as a column of `i`."""
        return self._items.column(f"max(e.ts) FILTER (WHERE {test})", node, since)

    def _aged(self, at: str, limits: Sequence[datetime], units: Sequence[int]) -> str:
        """What an event is worth by its age."""
        if not limits:
            return str(units[0])
        steps = " ".join(f"WHEN {at} > {self.bind(limit)} THEN {unit}" for limit, unit in zip(limits, units, strict=False))
        return f"(CASE {steps} ELSE {units[-1]} END)"
