"""A score as SQL: what the rules of a card give each contact (or company), what caps take away, and what was given by hand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from baton.platform.config import config
from baton.query.catalog import Catalog
from baton.query.nodes import Node, Performed
from baton.query.statement import Binder, Sql
from baton.segments import catalog, cut, filter
from baton.segments.card import Card, Decay, Group, Rule
from baton.segments.models import ScoreModel, ScoreRule
from baton.segments.tally import Tally

WIDE = 40  # PostgreSQL takes 100 arguments a function: 40 rules of two
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

    def of_group(self, key: str) -> list[Counted]:
        return [r for r in self.rules if r.rule.group == key]


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
    tally = Tally(catalog.current(), at, config().zone, Binder("n"))
    given = [_given(counted, tally) for counted in plan.rules]
    if plan.ledger is not None:
        tally.bind.params |= {"ledger": plan.ledger, "at": at}
    joins = tally.joins()
    tables = cut.tables((r.node for r in plan.rules), at) if whom else Sql("", {})
    columns = ["c.id AS contact_id", *(f"({often})::int AS t{i}, ({value})::int AS p{i}" for i, (often, value) in enumerate(given)), *_ledger(plan)]
    caps = [f"{_cap(plan, group)} AS c{i}" for i, group in enumerate(plan.groups) if group.cap is not None]
    fit = [group for group in plan.groups if group.side == "fit"]
    text = f"""
{f"{tables.text}, " if tables.text else ""}held AS MATERIALIZED (
    SELECT {", ".join(columns)}
    FROM contact c{joins.text}{_entries(plan, whom)}
    WHERE {"c.id = ANY(%(ids)s) AND " if whom else ""}c.archived_at IS NULL
), capped AS (
    SELECT {", ".join(["*", *caps])} FROM held
)
SELECT contact_id, {_sum(plan, plan.groups, ledger=True)} AS total, {_sum(plan, fit)} AS fit, {_reasons(plan)} AS reasons
FROM capped"""
    return Sql(f"WITH {text}", {**tables.params, **joins.params})


def _given(counted: Counted, tally: Tally) -> tuple[str, str]:
    """How often a rule holds for `contact c`, and its points for that."""
    rule = counted.rule
    if rule.kind == "state" or not isinstance(counted.node, Performed):
        holds = f"({tally.condition(counted.node)})::int"
        return holds, f"{holds} * ({int(rule.points)})"
    often, worth, scale = tally.given(counted.node, times=rule.times, per_item=rule.per_item, decay=rule.decay, expires_days=rule.expires_days)
    if scale == 1:
        return often, f"{worth} * ({int(rule.points)})"
    sign = "-" if rule.points < 0 else ""
    return often, f"{sign}(({worth} * {2 * abs(int(rule.points))} + {scale}) / {2 * scale})"  # half a point counts as one


def _number(plan: Plan, counted: Counted) -> int:
    return next(i for i, other in enumerate(plan.rules) if other is counted)


def _cap(plan: Plan, group: Group) -> str:
    """What the cap of a group takes (or, from below, gives)."""
    parts = [f"p{_number(plan, r)}" for r in plan.of_group(group.key)]
    inside = " + ".join(parts) or "0"
    cap = int(group.cap or 0)
    return f"(least({inside}, {cap}) - ({inside}))" if cap >= 0 else f"(greatest({inside}, {cap}) - ({inside}))"


def _sum(plan: Plan, groups: Sequence[Group], *, ledger: bool = False) -> str:
    keys = {group.key for group in groups}
    parts = [f"p{i}" for i, r in enumerate(plan.rules) if r.rule.group in keys]
    parts += [f"c{i}" for i, group in enumerate(plan.groups) if group.cap is not None and group.key in keys]
    if ledger and plan.ledger is not None:
        parts.append("lp")
    return f"({' + '.join(parts) or '0'})"


def _ledger(plan: Plan) -> list[str]:
    return [] if plan.ledger is None else ["coalesce(l.n, 0)::int AS lt", "coalesce(l.points, 0)::int AS lp"]


def _entries(plan: Plan, whom: bool) -> str:
    """What was given by hand and has not expired."""
    if plan.ledger is None:
        return ""
    mine = " AND s.contact_id = ANY(%(ids)s)" if whom else ""
    return (
        " LEFT JOIN (SELECT s.contact_id, count(*) AS n, sum(s.points) AS points FROM score_entry s"
        f" WHERE s.model_id = %(ledger)s AND (s.expires_at IS NULL OR s.expires_at > %(at)s){mine} GROUP BY s.contact_id) l ON l.contact_id = c.id"
    )


def _reasons(plan: Plan) -> str:
    """A JSON object of what holds: {name: [times, points]}."""
    parts = [(r.name, f"t{i} > 0", f"t{i}", f"p{i}") for i, r in enumerate(plan.rules)]
    parts += [(CAP + g.key, f"c{i} <> 0", "1", f"c{i}") for i, g in enumerate(plan.groups) if g.cap is not None]
    if plan.ledger is not None:
        parts.append((LEDGER, "lt > 0", "lt", "lp"))
    objects = [
        "jsonb_build_object("
        + ", ".join(f"'{name}', CASE WHEN {holds} THEN jsonb_build_array({often}, {value}) END" for name, holds, often, value in some)
        + ")"
        for some in (parts[i : i + WIDE] for i in range(0, len(parts), WIDE))
    ]
    return f"jsonb_strip_nulls({' || '.join(objects)})" if objects else "'{}'::jsonb"
