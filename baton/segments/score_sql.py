"""A score as SQL: what the rules of a card give each contact (or company), what caps take away, and what was given by hand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

from baton.platform.config import config
from baton.query.catalog import Catalog
from baton.query.nodes import Node, Performed
from baton.query.statement import Binder, Sql
from baton.segments import catalog, cut, filter
from baton.segments.card import Card, Decay, Group, Rule
from baton.segments.models import ScoreModel, ScoreRule
from baton.segments.tally import Tally

WIDE = 90  # PostgreSQL takes 100 arguments a function
ONCE = "OFFSET '0'"  # ends a query whose columns are worked out once for each row, not again wherever they are named (a bare 0 would forbid workers)
LEDGER, PEOPLE, CAP = "ledger", "people", "cap:"  # names among the reasons that are no rules


@dataclass(frozen=True, slots=True)
class Counted:
    """A rule ready to be counted. `name` is what it is called among the reasons: its number, in a trial its key."""

    name: str
    rule: Rule
    node: Node


@dataclass(frozen=True, slots=True)
class Plan:
    """What gives points: the rules that count, their groups, and whether entries count (`ledger`: of which score)."""

    groups: tuple[Group, ...]
    rules: tuple[Counted, ...]
    ledger: int | None = None


def active(model: ScoreModel) -> list[ScoreRule]:
    """The rules that count, in order."""
    return sorted((r for r in model.rules.all() if r.active), key=lambda r: (r.position, r.pk))


def rule_of(row: ScoreRule) -> Rule:
    """A published rule as it is in its card."""
    given = {name: getattr(row, name) for name in Rule.model_fields}
    return Rule.model_construct(**given | {"decay": row.decay and Decay.model_construct(**row.decay)})


def groups_of(model: ScoreModel) -> tuple[Group, ...]:
    return tuple(Group.model_construct(**group) for group in model.groups)


def plan_of(model: ScoreModel, rows: Iterable[ScoreRule], nodes: Mapping[int, Node]) -> Plan:
    """What is published. `nodes`: the parsed filters by number of the rule; a rule that can no longer be read gives nothing."""
    rules = tuple(Counted(str(row.pk), rule_of(row), nodes[row.pk]) for row in rows if row.active and row.pk in nodes)
    return Plan(groups_of(model), rules, model.pk)


def plan_for(card: Card, known: Catalog, *, ledger: int | None = None) -> Plan:
    """What a card would give. Raises Invalid when it names what is not there."""
    nodes = [filter.parse(rule.filter, known, object_type=card.object_type) for rule in card.rules]
    rules = tuple(Counted(rule.key, rule, node) for rule, node in zip(card.rules, nodes, strict=True) if rule.active)
    return Plan(card.groups, rules, ledger)


def points(plan: Plan, at: datetime, *, whom: bool) -> Sql:
    """`SELECT contact_id, total, fit, reasons` of all contacts, or (`whom`) of those of `%(ids)s`; also of those who have no points."""
    asked = Asked(plan)
    held = asked.held(at, whom)
    return Sql(f"{held.text} SELECT f.contact_id, {asked.total} AS total, {asked.fit} AS fit, {asked.reasons} AS reasons FROM capped f", held.params)


def moved(plan: Plan, model_id: int, at: datetime, *, whom: bool, asked: "Asked | None" = None) -> Sql:
    """The same of those whose score is not the stored one, with that: SELECT contact_id, total, fit, digest, reasons, old_total, old_fit, old_reasons.

    Reasons are compared by their digest, and written out for those only who differ.
    """
    asked = asked or Asked(plan)
    return _differing(asked, asked.held(at, whom), model_id)


def everybody(plan: Plan, model_id: int, at: datetime, *, apart: str = "") -> tuple[dict[str, Sql], Sql]:
    """The same of all contacts, and as `told` what gives points to those who have no stored score: [{"rule": name, "points": n}], or NULL.

    With `apart` in two steps, each of which several workers share: the tables that must be made before (by their names, which begin with
    `apart`) from what their SELECTs count, and the SELECT.
    """
    asked = Asked(plan, apart)
    moved = _differing(asked, asked.held(at, False), model_id, f", CASE WHEN s.contact_id IS NULL THEN {asked.told} END AS told")
    return {f"{apart}{alias}": Sql(found, moved.params) for alias, found in asked.counted.items() if apart}, moved


def _differing(asked: "Asked", held: Sql, model_id: int, more: str = "") -> Sql:
    text = f"""{held.text}, fresh AS (
    SELECT f.*, {asked.total} AS total, {asked.fit} AS fit, {asked.digest} AS digest FROM capped f {ONCE}
)
SELECT f.contact_id, f.total, f.fit, f.digest, {asked.reasons} AS reasons,
       coalesce(s.total, 0) AS old_total, coalesce(s.fit, 0) AS old_fit, coalesce(s.reasons, '{{}}') AS old_reasons{more}
FROM fresh f LEFT JOIN {asked.table} s ON s.{asked.owner} = f.contact_id AND s.model_id = %(model)s
WHERE CASE WHEN s.{asked.owner} IS NULL THEN f.digest <> 0 ELSE s.digest IS DISTINCT FROM f.digest OR s.total <> f.total OR s.fit <> f.fit END"""
    return Sql(text, {**held.params, "model": model_id})


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that gives or takes points, as SQL over a row of `capped`."""

    name: str
    group: str
    often: str
    points: str


class Asked:
    """The parts of a statement about one plan. `held` has a row for each contact with how often each rule holds (t0, t1 …) and what caps take (c0, c1 …)."""

    table = "score"
    owner = "contact_id"

    def __init__(self, plan: Plan, apart: str = "") -> None:
        self.plan, self.apart = plan, apart
        self.counted: dict[str, str] = {}  # what `held` joins: alias -> SELECT (see `Tally.counted`)
        self.rules = [Reason(r.name, r.rule.group, f"t{i}", self._points(i, r)) for i, r in enumerate(plan.rules)]
        self.caps = [Reason(CAP + g.key, g.key, f"(c{i} <> 0)::int", f"c{i}") for i, g in enumerate(plan.groups) if g.cap is not None]
        self.ledger = [] if plan.ledger is None else [Reason(LEDGER, "", "lt", "lp")]

    @property
    def all(self) -> list[Reason]:
        return [*self.rules, *self.caps, *self.ledger]

    @property
    def total(self) -> str:
        return _sum(self.all)

    @property
    def fit(self) -> str:
        return _sum([r for r in (*self.rules, *self.caps) if r.group in {g.key for g in self.plan.groups if g.side == "fit"}])

    @property
    def digest(self) -> str:
        """A number that differs when reasons do; 0 when there are none."""
        parts = [f"CASE WHEN {r.often} > 0 THEN hashint8extended({r.often} * 4294967296 + {r.points}, {_seed(r.name)}) ELSE 0 END" for r in self.all]
        return f"({' # '.join(parts) or '0::bigint'})"

    @property
    def reasons(self) -> str:
        """A JSON object of what holds: {name: [times, points]}."""
        parts = [f"""CASE WHEN {r.often} > 0 THEN ',"{r.name}":[' || {r.often} || ',' || {r.points} || ']' END""" for r in self.all]
        return f"('{{' || {_joined(parts)} || '}}')::jsonb"

    @property
    def told(self) -> str:
        """A JSON array of what gives points: [{"rule": name, "points": n}] in the order of an object's names; NULL when nothing does."""
        parts = [
            f"""CASE WHEN {r.often} > 0 AND {r.points} <> 0 THEN ',{{"rule":"{r.name}","points":' || {r.points} || '}}' END"""
            for r in sorted(self.all, key=lambda r: (len(r.name), r.name))
        ]
        return f"nullif('[' || {_joined(parts)} || ']', '[]')::jsonb"

    def held(self, at: datetime, whom: bool) -> Sql:
        """WITH queries; the last is called `capped`."""
        tally = Tally(catalog.current(), at, config().zone, Binder("n"), sets={} if self.apart else None, apart=self.apart)
        columns = ["c.id AS contact_id"]
        for i, counted in enumerate(self.plan.rules):
            columns += _columns(i, counted, tally)
        if self.plan.ledger is not None:
            tally.bind.params |= {"ledger": self.plan.ledger, "at": at}
            columns += ["coalesce(l.n, 0)::int AS lt", "coalesce(l.points, 0)::int AS lp"]
        joins = tally.joins()
        self.counted = tally.counted
        tables = cut.tables((r.node for r in self.plan.rules), at) if whom else Sql("", {})
        text = f"""WITH {f"{tables.text}, " if tables.text else ""}held AS {"MATERIALIZED " if whom else ""}(
    SELECT {", ".join(columns)}
    FROM contact c{joins.text}{_entries(self.plan, whom)}
    WHERE {"c.id = ANY(%(ids)s) AND " if whom else ""}c.archived_at IS NULL {ONCE}
), capped AS (
    SELECT {", ".join(["h.*", *self.cap_columns])} FROM held h
)"""
        return Sql(text, {**tables.params, **joins.params})

    @property
    def cap_columns(self) -> list[str]:
        return [f"{self._cap(group)} AS c{i}" for i, group in enumerate(self.plan.groups) if group.cap is not None]

    def _points(self, number: int, counted: Counted) -> str:
        """The points of a rule: so many for each time, unless they are less with age."""
        return f"p{number}" if _ages(counted) else f"t{number} * ({int(counted.rule.points)})"

    def _cap(self, group: Group) -> str:
        """What the cap of a group takes (or, from below, gives)."""
        inside = _sum([r for r in self.rules if r.group == group.key])
        cap = int(group.cap or 0)
        return f"({'least' if cap >= 0 else 'greatest'}({inside}, {cap}) - {inside})"


def _ages(counted: Counted) -> bool:
    return counted.rule.kind == "event" and counted.rule.decay is not None


def _columns(number: int, counted: Counted, tally: Tally) -> list[str]:
    """How often a rule holds for `contact c`; and its points, when they are not so many for each time."""
    rule = counted.rule
    if rule.kind == "state" or not isinstance(counted.node, Performed):
        return [f"({tally.condition(counted.node)})::int AS t{number}"]
    often, worth, scale = tally.given(counted.node, times=rule.times, per_item=rule.per_item, decay=rule.decay, expires_days=rule.expires_days)
    found = [f"({often})::int AS t{number}"]
    if _ages(counted):
        sign = "-" if rule.points < 0 else ""  # half a point counts as one, a point less as one less
        found.append(f"({sign}(({worth} * {2 * abs(int(rule.points))} + {scale}) / {2 * scale}))::int AS p{number}")
    return found


def _sum(reasons: Sequence[Reason]) -> str:
    return f"({' + '.join(r.points for r in reasons) or '0'})"


def _joined(texts: Sequence[str]) -> str:
    """Texts that begin with a comma, or are NULL, as one without the first comma."""
    found = " || ".join(f"concat({', '.join(texts[i : i + WIDE])})" for i in range(0, len(texts), WIDE))
    return f"ltrim({found}, ',')" if texts else "''"


def _seed(name: str) -> int:
    return int(name) if name.isdigit() else (1 << 40) + crc32(name.encode())


def _entries(plan: Plan, whom: bool) -> str:
    """What was given by hand and has not expired."""
    if plan.ledger is None:
        return ""
    mine = " AND s.contact_id = ANY(%(ids)s)" if whom else ""
    return (
        " LEFT JOIN (SELECT s.contact_id, count(*) AS n, sum(s.points) AS points FROM score_entry s"
        f" WHERE s.model_id = %(ledger)s AND (s.expires_at IS NULL OR s.expires_at > %(at)s){mine} GROUP BY s.contact_id) l ON l.contact_id = c.id"
    )
