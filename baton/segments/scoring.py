"""Points of contacts: the sum of what the rules of a score give now and what was given by hand, with the reasons.

    everyone(model)                       all contacts, after a version was published
    some(ids, models=None, batch=None)    the few who changed
    trial(card, at=None) -> Sql           what a card that is not published would give
    histogram(model), matched(model)      how the scores lie; how many contacts each rule gives points
    explain(contact_id, model=None, *, at=None, card=None) -> Explained    rule by rule, now, at a past moment, or by a draft
    entries.add / of / reset              what is given by hand
    company_scores.some / everyone        the same for companies

One statement asks all rules of a score about everybody or about the few; what differs from the stored score is written by the same statement,
with one event that says which rules moved it, so that the events of a contact always add up to his score.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction
from psycopg.errors import DiskFull

from baton.events import keys
from baton.events.ids import BITS
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.changes import Batch, Change
from baton.query.statement import Sql
from baton.segments import catalog, definitions, locks, patience, score_sql
from baton.segments.card import Card
from baton.segments.explain import Explained, Hit, Way, explain, first_model
from baton.segments.models import ScoreModel

__all__ = ["Bin", "Explained", "Histogram", "Hit", "InBand", "Way", "everyone", "explain", "first_model", "histogram", "matched", "some", "trial"]

LOW, HIGH, BIN = -20, 150, 5  # of the histogram
FOR_EVERYBODY = {"work_mem": "128MB", "parallel_tuple_cost": "0.01"}  # everybody is counted at once, by several workers

PUT = """
INSERT INTO score (contact_id, model_id, total, fit, engagement, reasons, digest, changed_at)
SELECT m.contact_id, %(model)s, m.total, m.fit, m.total - m.fit, m.reasons, m.digest, %(at)s FROM score_moved m ORDER BY m.contact_id
ON CONFLICT (contact_id, model_id) DO UPDATE SET total = excluded.total, fit = excluded.fit, engagement = excluded.engagement,
    reasons = excluded.reasons, digest = excluded.digest, changed_at = excluded.changed_at
"""
TELL = """
INSERT INTO event (contact_id, ts, id, kind, key, value, payload)
SELECT m.contact_id, %(at)s, floor(random() * %(ids_below)s)::bigint, %(kind)s, %(key)s, m.total - m.old_total,
       jsonb_build_object('total', m.total, 'version', %(version)s, 'rules', d.rules)
FROM score_moved m CROSS JOIN LATERAL (SELECT {rules} AS rules OFFSET 0) d
WHERE d.rules IS NOT NULL
ORDER BY m.contact_id
"""
RULES = """(
    SELECT jsonb_agg(jsonb_build_object('rule', b.rule, 'points', b.points) ORDER BY length(b.rule), b.rule)
    FROM (
        SELECT r.rule, sum(r.points)::int AS points
        FROM (
            SELECT n.key AS rule, (n.value ->> 1)::int AS points FROM jsonb_each(m.reasons) n
            UNION ALL SELECT o.key, -(o.value ->> 1)::int FROM jsonb_each(m.old_reasons) o
        ) r
        GROUP BY r.rule HAVING sum(r.points) <> 0
    ) b
)"""
FEW = """
WITH score_moved AS MATERIALIZED ({moved}), put AS ({put}), told AS ({tell})
SELECT m.contact_id, (m.total, m.fit) <> (m.old_total, m.old_fit) FROM score_moved m ORDER BY m.contact_id
"""


@dataclass(frozen=True, slots=True)
class Bin:
    """Contacts with `at` to `at` + 4 points; the first and the last bin are open."""

    at: int
    count: int


@dataclass(frozen=True, slots=True)
class InBand:
    """How many contacts are in a band. `key` "" and `at_least` None: below the first."""

    key: str
    label: str
    at_least: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """How the scores of all contacts lie, and how many are in each band, from below the first to the highest."""

    bins: list[Bin]
    bands: list[InBand]

    @property
    def total(self) -> int:
        return sum(band.count for band in self.bands)

    def band(self, key: str) -> int:
        """How many are in the band of this key; "" is below the first."""
        return next((band.count for band in self.bands if band.key == key), 0)


def everyone(model: ScoreModel) -> int:
    """Score all contacts, alone; returns how many scores changed."""
    with transaction.atomic():
        locks.alone("model", model.pk)
        model.refresh_from_db()
        at = definitions.not_before(model.evaluated_at)
        about = _about(model, at)
        with patience.settings(FOR_EVERYBODY):
            try:
                with transaction.atomic():
                    _find_moved(model, at)
            except OperationalError as error:  # workers share memory; a container may have too little of it
                if not isinstance(error.__cause__, DiskFull):
                    raise
                with patience.settings({"max_parallel_workers_per_gather": "0"}):
                    _find_moved(model, at)
            changed = sql.run(PUT, about)
            if changed:
                sql.run(TELL.format(rules=f"CASE WHEN m.told IS NULL THEN {RULES} ELSE m.told END"), about)
                moved = "SELECT m.contact_id FROM score_moved m WHERE (m.total, m.fit) <> (m.old_total, m.old_fit)"
                changes.append_all("score", str(model.pk), moved, {}, fact=at.isoformat())
        sql.run("DROP TABLE score_moved")
        ScoreModel.objects.filter(pk=model.pk).update(evaluated_at=at)
        return changed


def some(ids: Iterable[int], *, models: Iterable[int] | None = None, batch: Batch | None = None) -> int:
    """Score some contacts, by all scores of contacts or these; returns how many scores changed. Inside the tick what changed goes to its `batch`."""
    contact_ids = sorted({*ids})
    if not contact_ids:
        return 0
    with transaction.atomic():
        there = ScoreModel.objects.filter(object_type="contact", archived_at=None)
        wanted = list(there.order_by("pk").values_list("pk", flat=True) if models is None else models)
        locks.share("model", wanted)
        changed = 0
        for model in there.filter(pk__in=wanted).order_by("pk").prefetch_related("rules"):  # read under the lock: as the last full evaluation saw it
            at = definitions.not_before(model.evaluated_at)
            found = score_sql.moved(plan(model), model.pk, at, whom=True)
            text = FEW.format(moved=found.text, put=PUT, tell=TELL.format(rules=RULES))
            rows = sql.rows(text, {**found.params, **_about(model, at), "ids": contact_ids})
            told = [Change(contact_id, "score", str(model.pk), at.isoformat()) for contact_id, differs in rows if differs]
            if batch is not None:
                batch.add(told)
            else:
                changes.append(told)
            changed += len(rows)
        return changed


def trial(card: Card, *, at: datetime | None = None) -> Sql:
    """`SELECT contact_id, total, fit, reasons` of all contacts by a card that is not published; among the reasons rules are called by their keys.

    What was given by hand is not in it. Raises Invalid when the card names what is not there.
    """
    return score_sql.points(score_sql.plan_for(card, catalog.current()), at or clock.now(), whom=False)


def plan(model: ScoreModel) -> score_sql.Plan:
    """What is published, ready to be counted."""
    rows = score_sql.active(model)
    return score_sql.plan_of(model, rows, {id: found.node for id, found in definitions.rules(rows).items()})


def _find_moved(model: ScoreModel, at: datetime) -> None:
    """The temporary table `score_moved` of everybody whose score is not the stored one.

    Of many contacts what is counted is put in tables first: then workers share the counting, and afterwards the contacts. (Tables of this
    transaction only; workers do not see temporary ones.)
    """
    tables, moved = score_sql.everybody(plan(model), model.pk, at, apart=f"score_counted_{model.pk}_" if patience.large("contact") else "")
    for name, found in tables.items():
        sql.run(f"CREATE UNLOGGED TABLE {name} AS {found.text}", found.params)
    sql.run(f"CREATE TEMPORARY TABLE score_moved AS {moved.text}", moved.params)
    if tables:
        sql.run(f"DROP TABLE {', '.join(tables)}")


def _about(model: ScoreModel, at: datetime) -> dict[str, Any]:
    about = (Kind.SCORE_CHANGED, str(model.pk))
    key = keys.resolve({about: model.name})[about]
    return {"model": model.pk, "at": at, "ids_below": 2**BITS, "kind": int(Kind.SCORE_CHANGED), "key": key, "version": model.version}


# What people see ------------------------------------------------------------


def matched(model: ScoreModel) -> dict[int, int]:
    """For each active rule, by number: how many contacts it gives points now."""
    found: dict[str, int] = dict(
        sql.rows(
            "SELECT k.rule, count(*) FROM score s JOIN contact c ON c.id = s.contact_id AND c.archived_at IS NULL,"
            " jsonb_object_keys(s.reasons) AS k(rule) WHERE s.model_id = %s GROUP BY k.rule",
            [model.pk],
        )
    )
    return {rule.pk: found.get(str(rule.pk), 0) for rule in score_sql.active(model)}


def histogram(model: ScoreModel) -> Histogram:
    """Bins of five points from -20 to 150 and more, and how many are in each band. A contact without a score has 0."""
    limits = [int(band["at_least"]) for band in model.bands]
    rows = sql.rows(
        """
        SELECT least(greatest(floor((t.total - %(low)s)::numeric / %(bin)s), 0), %(last)s)::int,
               (SELECT count(*) FROM unnest(%(limits)s::int[]) AS b(at_least) WHERE t.total >= b.at_least)::int, sum(t.n)
        FROM (SELECT coalesce(s.total, 0) AS total, count(*) AS n FROM contact c LEFT JOIN score s ON s.contact_id = c.id AND s.model_id = %(model)s
              WHERE c.archived_at IS NULL GROUP BY 1) t
        GROUP BY 1, 2
        """,
        {"low": LOW, "bin": BIN, "last": (HIGH - LOW) // BIN, "limits": limits, "model": model.pk},
    )
    bins, bands = [0] * ((HIGH - LOW) // BIN + 1), [0] * (len(limits) + 1)
    for number, band, count in rows:
        bins[number] += int(count)
        bands[band] += int(count)
    names = [("", "", None), *((str(b["key"]), str(b["label"]), int(b["at_least"])) for b in model.bands)]
    return Histogram([Bin(LOW + i * BIN, count) for i, count in enumerate(bins)], [InBand(*name, count) for name, count in zip(names, bands, strict=True)])
