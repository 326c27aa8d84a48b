"""Scores of companies: what their people bring (a sum, an average, the highest, how many have so many points) and rules about the company itself.

    some(ids, models=None) -> int      some companies; everyone(model) -> int      all of them
    waiting(changes) -> None           puts the companies that changes of contacts touch in the queue
    explain(id, model=None)            a company's score, rule by rule

A company waits in the queue under its own number (`company` changes), so that one worker at a time works out its score, after what caused it was
committed: two of its people may change at once. The first score of companies is their property `lead_score` as well.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from baton.crm import records
from baton.platform import changes, clock, logs, sql
from baton.platform.actor import SYSTEM
from baton.platform.changes import Change
from baton.platform.config import config
from baton.platform.errors import Invalid
from baton.query import compile
from baton.query.catalog import Catalog
from baton.query.nodes import Node
from baton.query.statement import Sql
from baton.segments import catalog, filter, locks, score_sql
from baton.segments import explain as explaining
from baton.segments.explain import Explained
from baton.segments.models import ScoreModel
from baton.segments.score_sql import PEOPLE, Plan

PROPERTY = "lead_score"
log = logs.log(__name__)

HOW = {
    "sum": ("count(*)", "sum(p.total)"),
    "average": ("count(*)", "round(avg(p.total))"),
    "highest": ("count(*)", "max(p.total)"),
    "count": ("count(*) FILTER (WHERE p.total >= %(people_least)s)", "count(*) FILTER (WHERE p.total >= %(people_least)s)"),
}
# What their people bring. A contact who is linked to a company in several ways counts once, one without a score has 0.
BROUGHT = """
LEFT JOIN (
    SELECT p.company, {n} AS n, {points} AS points
    FROM (SELECT DISTINCT a.from_id AS company, a.to_id AS id FROM association a WHERE a.from_type = 'company' AND a.to_type = 'contact'{mine}) l
    JOIN contact k ON k.id = l.id AND k.archived_at IS NULL
    LEFT JOIN score s ON s.contact_id = l.id AND s.model_id = %(people_model)s
    CROSS JOIN LATERAL (SELECT l.company, coalesce(s.total, 0) AS total) p
    GROUP BY p.company
) l ON l.company = c.id"""
PUT = """
INSERT INTO record_score (record_id, model_id, total, fit, engagement, reasons, digest, changed_at)
SELECT m.contact_id, %(model)s, m.total, m.fit, m.total - m.fit, m.reasons, m.digest, %(at)s FROM ({moved}) m ORDER BY m.contact_id
ON CONFLICT (record_id, model_id) DO UPDATE SET total = excluded.total, fit = excluded.fit, engagement = excluded.engagement,
    reasons = excluded.reasons, digest = excluded.digest, changed_at = excluded.changed_at
RETURNING record_id, total
"""
TOUCHED = "SELECT DISTINCT to_id FROM association WHERE from_id = ANY(%s) AND from_type = 'contact' AND to_type = 'company'"


def everyone(model: ScoreModel) -> int:
    """Score all companies, alone; returns how many scores changed."""
    with transaction.atomic():
        locks.alone("model", model.pk)
        model.refresh_from_db()
        at = clock.now()
        done = _score(model, at, None)
        ScoreModel.objects.filter(pk=model.pk).update(evaluated_at=at)
        return done


def some(ids: Iterable[int], *, models: Iterable[int] | None = None) -> int:
    """Score some companies by all scores of companies, or these; returns how many scores changed."""
    wanted = sorted({*ids})
    if not wanted:
        return 0
    with transaction.atomic():
        there = ScoreModel.objects.filter(object_type="company", archived_at=None)
        keys = list(there.order_by("pk").values_list("pk", flat=True) if models is None else models)
        locks.share("model", keys)
        return sum(_score(model, clock.now(), wanted) for model in there.filter(pk__in=keys).order_by("pk"))


def waiting(told: Iterable[Change]) -> None:
    """Put the companies in the queue whose score these changes of contacts can move: their points, whether they are there, whom they belong to."""
    models = list(ScoreModel.objects.filter(object_type="company", archived_at=None, people__isnull=False).values_list("people", flat=True))
    if not models:
        return
    numbers = {str(pk) for pk in ScoreModel.objects.filter(key__in=[people["model"] for people in models if people]).values_list("pk", flat=True)}
    people = {c.contact_id for c in told if c.kind == "identity" or (c.kind == "score" and c.key in numbers)}
    if people:
        changes.append(Change(id, "company", "contact.*") for (id,) in sql.rows(TOUCHED, [sorted(people)]))


def explain(company_id: int, model: ScoreModel | None = None) -> Explained | None:
    """A company's score by a model (the first of companies unless another is given), rule by rule. None: there is no such score."""
    model = model or first_model()
    if model is None:
        return None
    found = sql.rows("SELECT reasons FROM record_score WHERE record_id = %s AND model_id = %s", [company_id, model.pk])
    return explaining.of_reasons(model, json.loads(found[0][0]) if found else {})


def first_model() -> ScoreModel | None:
    """The score that is the property `lead_score`."""
    return ScoreModel.objects.filter(object_type="company", archived_at=None).first()


def _score(model: ScoreModel, at: datetime, ids: Sequence[int] | None) -> int:
    found = _moved(model, at, whom=ids is not None)
    rows = sql.rows(PUT.replace("{moved}", found.text), {**found.params, "at": at, "ids": ids})
    first = first_model()
    if rows and first is not None and first.pk == model.pk:
        records.derive_each("company", {id: {PROPERTY: total} for id, total in rows}, actor=SYSTEM, quiet=True)
    return len(rows)


def _moved(model: ScoreModel, at: datetime, *, whom: bool) -> Sql:
    known = catalog.current()
    rows = score_sql.active(model)
    nodes = {row.pk: node for row in rows if (node := _node(row.pk, row.filter, known)) is not None}
    plan = score_sql.plan_of(model, rows, nodes)
    return score_sql.moved(plan, model.pk, at, whom=whom, asked=_Companies(plan, model, known))


def _node(id: int, stored: dict[str, object], known: Catalog) -> Node | None:
    try:
        return filter.parse(stored, known, object_type="company")
    except Invalid as error:
        log.warning("filter cannot be read, left out", what="rule", id=id, error=str(error))
        return None


class _Companies(score_sql.Asked):
    """The parts of a statement about `record c`, the companies."""

    table = "record_score"
    owner = "record_id"

    def __init__(self, plan: Plan, model: ScoreModel, known: Catalog) -> None:
        super().__init__(Plan(plan.groups, plan.rules))
        self.known, self.people = known, model.people
        if self.people:
            self.ledger = [score_sql.Reason(PEOPLE, "", "lt", "lp")]

    def held(self, at: datetime, whom: bool) -> Sql:
        columns, params = ["c.id AS contact_id"], dict[str, Any]()
        for i, counted in enumerate(self.plan.rules):
            found = compile.condition(counted.node, self.known, now=at, zone=config().zone, prefix=f"n{i}_")
            params |= found.params
            columns.append(f"({found.text})::int AS t{i}")
        brought = ""
        if self.people:
            number = ScoreModel.objects.filter(key=self.people["model"], archived_at=None).values_list("pk", flat=True).first()
            params |= {"people_model": number or 0, "people_least": int(self.people.get("at_least") or 0)}
            n, points = HOW[self.people["how"]]
            brought = BROUGHT.format(n=n, points=points, mine=" AND a.from_id = ANY(%(ids)s)" if whom else "")
            columns += ["coalesce(l.n, 0)::int AS lt", "coalesce(l.points, 0)::int AS lp"]
        mine = "c.id = ANY(%(ids)s) AND " if whom else ""
        text = f"""WITH held AS MATERIALIZED (
    SELECT {", ".join(columns)} FROM record c {brought} WHERE {mine}c.object_type = 'company' AND c.archived_at IS NULL
), capped AS (
    SELECT {", ".join(["h.*", *self.cap_columns])} FROM held h
)"""
        return Sql(text, params)
