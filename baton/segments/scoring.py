"""Points of a contact: the sum of the rules that hold now, with the reasons.

A rule is a state: it gives its points while its filter holds and takes them back when it does not. One statement asks
all rules of a model about everybody or about the few who changed; what differs from the stored score is written, with
one event that says which rules moved it, so that the events of a contact always add up to his score.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.changes import Batch, Change
from baton.platform.config import config
from baton.query import compile
from baton.query.nodes import Performed
from baton.query.statement import Sql
from baton.segments import catalog, cut, definitions, locks
from baton.segments.models import ScoreModel, ScoreRule

CHUNK = 5000  # scores written at once by a full evaluation
WIDE = 40  # PostgreSQL takes 100 arguments a function: 40 rules of two
LOW, HIGH, BIN = -20, 150, 5  # of the histogram

WRITE = """
INSERT INTO score (contact_id, model_id, total, fit, engagement, reasons, changed_at)
SELECT r.contact_id, %s, r.total, r.fit, r.total - r.fit, r.reasons, %s
FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::jsonb[]) AS r(contact_id, total, fit, reasons)
ON CONFLICT (contact_id, model_id) DO UPDATE SET total = excluded.total, fit = excluded.fit, engagement = excluded.engagement,
    reasons = excluded.reasons, changed_at = excluded.changed_at
"""


class Scored(NamedTuple):
    """A contact whose score or reasons are not the stored ones."""

    contact_id: int
    total: int
    fit: int
    reasons: dict[str, list[int]]
    old_total: int
    old_fit: int
    old_reasons: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule asked about one contact: how often it held (0: it does not), and the points it gives."""

    rule: ScoreRule
    times: int
    points: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Contacts with `at` to `at` + 4 points; the first and the last bin are open."""

    at: int
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """How the scores of all contacts lie, and how many are below MQL, from MQL to SQL, and from SQL."""

    bins: list[Bin]
    below: int
    mql: int
    sql: int

    @property
    def total(self) -> int:
        return self.below + self.mql + self.sql


def first_model() -> ScoreModel | None:
    """The model that decides the life-cycle stage."""
    return ScoreModel.objects.filter(object_type="contact", archived_at=None).first()


def everyone(model: ScoreModel) -> int:
    """Score all contacts, alone; returns how many scores changed."""
    with transaction.atomic():
        locks.alone("model", model.pk)
        model.refresh_from_db()
        at = clock.now()
        statement = _statement(_active(model), model.pk, at, whom=False)
        changed = 0
        for rows in _streamed(statement):
            _write(model, rows, at)
            changes.append(_changes(model, rows))
            changed += len(rows)
        ScoreModel.objects.filter(pk=model.pk).update(evaluated_at=at)
        return changed


def some(ids: Iterable[int], *, models: Iterable[int] | None = None, batch: Batch | None = None) -> int:
    """Score some contacts, by all models or these; returns how many scores changed. Inside the tick what changed goes to its `batch`."""
    contact_ids = sorted({*ids})
    if not contact_ids:
        return 0
    with transaction.atomic():
        wanted = sorted(ScoreModel.objects.values_list("pk", flat=True) if models is None else models)
        locks.share("model", wanted)
        changed = 0
        for model in ScoreModel.objects.filter(pk__in=wanted).order_by("pk").prefetch_related("rules"):
            at = definitions.not_before(model.evaluated_at)
            statement = _statement(_active(model), model.pk, at, whom=True)
            rows = [Scored(*row) for row in _decoded(sql.rows(statement.text, {**statement.params, "ids": contact_ids}))]
            if not rows:
                continue
            _write(model, rows, at)
            if batch is not None:
                batch.add(_changes(model, rows))
            else:
                changes.append(_changes(model, rows))
            changed += len(rows)
        return changed


def _active(model: ScoreModel) -> list[ScoreRule]:
    return sorted((r for r in model.rules.all() if r.active), key=lambda r: (r.position, r.pk))


def is_fit(group: str) -> bool:
    """Whether a group of rules says who somebody is; the others say what he does."""
    return group.startswith("fit")


def _statement(rules: Sequence[ScoreRule], model_id: int, at: datetime, *, whom: bool) -> Sql:
    """SELECT of the contacts whose score is not what the rules say, with the new and the stored one. Columns: Scored."""
    ready = definitions.ready("rule", {r.pk: r.filter for r in rules})
    known, zone = catalog.current(), config().zone
    times, joins, points = [], [], []
    tables = cut.tables((d.node for d in ready.values()), at) if whom else None
    params: dict[str, Any] = {"model": model_id, **(tables.params if tables else {})}
    kept = [r for r in rules if r.pk in ready]
    for rule in kept:
        node = ready[rule.pk].node
        if rule.kind == "event" and isinstance(node, Performed):
            found = compile.count(node, known, now=at, zone=zone, prefix=f"r{rule.pk}_")
            joins.append(f"LEFT JOIN ({found.text}) n{rule.pk} ON n{rule.pk}.contact_id = c.id")
            times.append(f"coalesce(n{rule.pk}.times, 0)::int AS t{rule.pk}")
        else:
            found = compile.condition(node, known, now=at, zone=zone, prefix=f"r{rule.pk}_")
            times.append(f"({found.text})::int AS t{rule.pk}")
        params |= found.params
        points.append(f"{_worth(rule)} AS p{rule.pk}")
    parts = [
        ", ".join(f"'{r.pk}', CASE WHEN t{r.pk} > 0 THEN jsonb_build_array(t{r.pk}, p{r.pk}) END" for r in kept[i : i + WIDE])
        for i in range(0, len(kept), WIDE)
    ]
    reasons = " || ".join(f"jsonb_build_object({part})" for part in parts) or "'{}'::jsonb"
    mine = "c.id = ANY(%(ids)s) AND" if whom else ""
    text = f"""
WITH {f"{tables.text}, " if tables else ""}held AS MATERIALIZED (
    SELECT {", ".join(["c.id AS contact_id", *times])}
    FROM contact c {" ".join(joins)}
    WHERE {mine} c.archived_at IS NULL
), worth AS (
    SELECT {", ".join(["*", *points])} FROM held
), fresh AS (
    SELECT contact_id, {_sum(kept)} AS total, {_sum([r for r in kept if is_fit(r.group)])} AS fit, jsonb_strip_nulls({reasons}) AS reasons FROM worth
)
SELECT f.contact_id, f.total, f.fit, f.reasons, coalesce(s.total, 0), coalesce(s.fit, 0), coalesce(s.reasons, '{{}}')
FROM fresh f LEFT JOIN score s ON s.contact_id = f.contact_id AND s.model_id = %(model)s
WHERE coalesce(s.reasons, '{{}}') <> f.reasons OR coalesce(s.total, 0) <> f.total OR coalesce(s.fit, 0) <> f.fit"""
    return Sql(text, params)


def _worth(rule: ScoreRule) -> str:
    """The points of one rule as SQL over its t<id>."""
    times = f"t{rule.pk}" if rule.times is None else f"least(t{rule.pk}, {int(rule.times)})"
    return f"{times} * ({int(rule.points)})"


def _sum(rules: Sequence[ScoreRule]) -> str:
    return f"({' + '.join(f'p{r.pk}' for r in rules)})" if rules else "0"


def _decoded(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    """Django hands JSON over as text."""
    return ((*row[:3], json.loads(row[3]), *row[4:6], json.loads(row[6])) for row in rows)


def _streamed(statement: Sql) -> Iterator[list[Scored]]:
    """The rows of a full evaluation, part by part, as of its start; call inside a transaction."""
    sql.run("SET LOCAL cursor_tuple_fraction = 1")  # all rows are wanted: the plan for the first few would be a slow one
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        while rows := cursor.fetchmany(CHUNK):
            yield [Scored(*row) for row in _decoded(rows)]


def _write(model: ScoreModel, rows: Sequence[Scored], at: datetime) -> None:
    sql.run(WRITE, [model.pk, at, [r.contact_id for r in rows], [r.total for r in rows], [r.fit for r in rows], [json.dumps(r.reasons) for r in rows]])
    record.add((_event(model, row, deltas, at) for row in rows if (deltas := _deltas(row))), announce=False)


def _deltas(row: Scored) -> list[dict[str, int]]:
    """Which rules moved the score, by how many points."""
    ids = sorted({*row.reasons, *row.old_reasons}, key=int)
    moved = ((id, row.reasons.get(id, [0, 0])[1] - row.old_reasons.get(id, [0, 0])[1]) for id in ids)
    return [{"rule": int(id), "points": points} for id, points in moved if points]


def _event(model: ScoreModel, row: Scored, deltas: list[dict[str, int]], at: datetime) -> NewEvent:
    return NewEvent(
        row.contact_id,
        Kind.SCORE_CHANGED,
        at,
        key_value=str(model.pk),
        key_label=model.name,
        value=float(row.total - row.old_total),
        payload={"total": row.total, "rules": deltas},
    )


def _changes(model: ScoreModel, rows: Sequence[Scored]) -> list[Change]:
    return [Change(r.contact_id, "score", str(model.pk)) for r in rows if (r.total, r.fit) != (r.old_total, r.old_fit)]


# What people see ------------------------------------------------------------


def matched(rule_ids: Iterable[int]) -> dict[int, int]:
    """For each rule: how many contacts it gives points now."""
    ids = list(rule_ids)
    found = dict(
        sql.rows(
            "SELECT k.rule, count(*) FROM score s JOIN contact c ON c.id = s.contact_id AND c.archived_at IS NULL,"
            " jsonb_object_keys(s.reasons) AS k(rule) WHERE k.rule = ANY(%s) GROUP BY k.rule",
            [[str(id) for id in ids]],
        )
    )
    return {id: found.get(str(id), 0) for id in ids}


def histogram(model: ScoreModel) -> Histogram:
    """Bins of five points from -20 to 150 and more, and the bands of the model's thresholds. A contact without a score has 0."""
    rows = sql.rows(
        """
        SELECT least(greatest(floor((t.total - %(low)s)::numeric / %(bin)s), 0), %(last)s)::int,
               CASE WHEN t.total >= %(sql)s THEN 2 WHEN t.total >= %(mql)s THEN 1 ELSE 0 END, count(*)
        FROM (SELECT coalesce(s.total, 0) AS total FROM contact c LEFT JOIN score s ON s.contact_id = c.id AND s.model_id = %(model)s
              WHERE c.archived_at IS NULL) t
        GROUP BY 1, 2
        """,
        {"low": LOW, "bin": BIN, "last": (HIGH - LOW) // BIN, "mql": model.begins("mql"), "sql": model.begins("sql"), "model": model.pk},
    )
    bins, bands = [0] * ((HIGH - LOW) // BIN + 1), [0, 0, 0]
    for number, band, count in rows:
        bins[number] += count
        bands[band] += count
    return Histogram([Bin(LOW + i * BIN, count) for i, count in enumerate(bins)], *bands)


def explain(contact_id: int, model: ScoreModel | None = None) -> list[RuleHit]:
    """Every active rule (of the first model unless another is given) asked about one contact: most points first, then those that do not hold."""
    model = model or first_model()
    if model is None:
        return []
    found = sql.rows("SELECT reasons FROM score WHERE contact_id = %s AND model_id = %s", [contact_id, model.pk])
    reasons = json.loads(found[0][0]) if found else {}
    hits = [RuleHit(rule, *reasons.get(str(rule.pk), (0, 0))) for rule in _active(model)]
    return sorted(hits, key=lambda h: (not h.times, -abs(h.points), h.rule.position, h.rule.pk))
