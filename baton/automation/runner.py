"""Moves everybody who is due one or more steps on, in sets.

One bucket is one transaction: the due walks, what their steps did (step_run, outbox, properties, notices), where they
stand now and when they are due next are committed together. A worker killed anywhere leaves all of it undone.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import OperationalError, transaction
from psycopg.types.json import Jsonb

from baton.automation import graph
from baton.automation.models import Workflow
from baton.automation.step import DONE, FAILED, WAITING, Batch, Effect, Standing, Step
from baton.events import record
from baton.events.vocabulary import Kind
from baton.platform import buckets, clock, live, logs, sql
from baton.platform.errors import DomainError
from baton.platform.transaction import retrying

BATCH = 500  # walks of one transaction
LOCK = 0xBA74  # class of the advisory locks, one a bucket; every use of them has a class of its own
LEAPS = 200  # steps one walk may take in one transaction; the rest follows in the next

_log = logs.log(__name__)


@dataclass(slots=True)
class Walk:
    """One enrollment on its way through this transaction."""

    contact_id: int
    enrollment_id: int
    workflow_id: int
    version_id: int
    step: str
    entered_at: datetime
    state: str = "active"
    due_at: datetime | None = None  # None: at once

    @property
    def standing(self) -> Standing:
        return Standing(self.contact_id, self.enrollment_id)


def run_due() -> int:
    """Run the steps that are due, one batch of every bucket; returns how many walks were taken."""
    frozen = list(Workflow.objects.exclude(state="on", archived_at=None).values_list("pk", flat=True))
    touched: set[int] = set()

    def take(bucket: int) -> int:
        walks = run_bucket(bucket, frozen)
        touched.update(w.workflow_id for w in walks)
        return len(walks)

    due = sql.rows("SELECT DISTINCT bucket FROM timer WHERE due_at <= %s AND workflow_id <> ALL(%s)", [clock.now(), frozen])
    taken = buckets.each((bucket for (bucket,) in due), take)
    for workflow_id in touched:
        live.publish(f"workflow:{workflow_id}", what="counts")
    return taken


@retrying
def run_bucket(bucket: int, frozen: list[int]) -> list[Walk]:
    """Move the due walks of a bucket as far as they get now. Empty when another worker has the bucket."""
    now = clock.now()
    with transaction.atomic():
        if not sql.rows("SELECT 1 WHERE pg_try_advisory_xact_lock(%s, %s)", [LOCK, bucket]):
            return []
        due = sql.rows(sql.load("due", __package__), {"bucket": bucket, "now": now, "frozen": frozen, "limit": BATCH})
        walks = _load(due)
        moving = walks
        for _leap in range(LEAPS):
            groups: dict[tuple[int, str], list[Walk]] = defaultdict(list)
            for walk in moving:
                groups[walk.version_id, walk.step].append(walk)
            for (version_id, step_id), group in groups.items():
                if (published := graph.readable(version_id)) is None:
                    for walk in group:
                        walk.state = FAILED
                    continue
                _stand(published, step_id, group, now)
            moving = [w for w in moving if w.state == "active" and w.due_at is None]
            if not moving:
                break
        _save(bucket, due, walks, now)
    return walks


def _load(due: list[tuple[int, int]]) -> list[Walk]:
    """The active walks of these timers."""
    found = sql.rows(
        "SELECT contact_id, id, workflow_id, version_id, step, entered_at FROM enrollment"
        " WHERE contact_id = ANY(%s) AND id = ANY(%s) AND state = 'active' ORDER BY id",
        [[c for _e, c in due], [e for e, _c in due]],
    )
    return [Walk(*row) for row in found]


def _stand(published: graph.Graph, step_id: str, walks: list[Walk], now: datetime) -> None:
    """Everybody in `walks` stands at this step: run it for those who just came, and move on who is done."""
    step = published.get(step_id)
    if step is None:  # the end
        for walk in walks:
            walk.state = "finished"
        return
    come = {
        enrollment_id
        for (enrollment_id,) in sql.rows(
            sql.load("arrive", __package__),
            {
                "step": step_id,
                "workflow": walks[0].workflow_id,
                "now": now,
                "contact_ids": [w.contact_id for w in walks],
                "enrollment_ids": [w.enrollment_id for w in walks],
            },
        )
    }
    # Who was here before has waited: the only step that keeps anybody is one that waits.
    effects = {w.enrollment_id: Effect() for w in walks if w.enrollment_id not in come}
    arrived = [w for w in walks if w.enrollment_id in come]
    if arrived:
        effects |= run(step, Batch(arrived[0].workflow_id, step_id, now, [w.standing for w in arrived]))
    for one, effect in effects.items():
        if effect.outcome == WAITING and effect.until is not None and effect.until <= now:
            effects[one] = replace(effect, outcome=DONE, until=None)
    _note(step_id, [(w, e) for w in walks if (e := effects[w.enrollment_id]).outcome != DONE or e.detail or w.enrollment_id not in come])
    for walk in walks:
        effect = effects[walk.enrollment_id]
        if effect.outcome == FAILED:
            walk.state = "failed"
        elif effect.outcome == WAITING:
            walk.due_at = effect.until
        else:
            walk.step, walk.entered_at = published.after(step_id, effect.path), now


def run(step: Step, batch: Batch) -> dict[int, Effect]:
    """Run a step for a batch. When it breaks it is run again one by one, so that only those fail who broke it."""
    try:
        with transaction.atomic():
            step.run(batch)
    except OperationalError:  # the database, not the step: the whole transaction is tried again later
        raise
    except Exception as error:
        if len(batch.standing) == 1:
            _log.warning("a step failed", workflow=batch.workflow_id, step=batch.step, enrollment=batch.standing[0].enrollment_id, error=repr(error))
            reason = str(error) if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
            return {batch.standing[0].enrollment_id: Effect(FAILED, {"reason": reason[:500]})}
        effects: dict[int, Effect] = {}
        for one in batch.standing:
            effects |= run(step, Batch(batch.workflow_id, batch.step, batch.now, [one]))
        return effects
    return {one.enrollment_id: batch.effects.get(one.enrollment_id) or Effect() for one in batch.standing}


def _note(step_id: str, told: list[tuple[Walk, Effect]]) -> None:
    """Write down what is more than a plain "done" of somebody who just came."""
    if not told:
        return
    sql.run(
        sql.load("effects", __package__),
        {
            "step": step_id,
            "contact_ids": [w.contact_id for w, _ in told],
            "enrollment_ids": [w.enrollment_id for w, _ in told],
            "outcomes": [e.outcome for _, e in told],
            "details": [Jsonb(e.detail) for _, e in told],
        },
    )


def _save(bucket: int, due: list[tuple[int, int]], walks: list[Walk], now: datetime) -> None:
    """Write down where everybody stands and when he is due next; who is through leaves the queue."""
    column: Callable[[str], list[object]] = lambda name: [getattr(w, name) for w in walks]  # noqa: E731
    if walks:
        sql.run(
            sql.load("move", __package__),
            {
                "contact_ids": column("contact_id"),
                "enrollment_ids": column("enrollment_id"),
                "steps": column("step"),
                "states": column("state"),
                "entered": column("entered_at"),
                "finished": [None if w.state == "active" else now for w in walks],
            },
        )
    staying = [w for w in walks if w.state == "active"]
    sql.run("DELETE FROM timer WHERE bucket = %s AND enrollment_id = ANY(%s)", [bucket, list({e for e, _c in due} - {w.enrollment_id for w in staying})])
    if staying:
        sql.run(
            "UPDATE timer t SET due_at = r.due_at FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(id, due_at) WHERE t.bucket = %s AND t.enrollment_id = r.id",
            [[w.enrollment_id for w in staying], [w.due_at or now for w in staying], bucket],
        )
    ended = [w for w in walks if w.state != "active"]
    names = dict(Workflow.objects.filter(pk__in={w.workflow_id for w in ended}).values_list("pk", "name")) if ended else {}
    record.add(
        record.NewEvent(
            w.contact_id,
            Kind.WORKFLOW_FINISHED,
            now,
            str(w.workflow_id),
            names.get(w.workflow_id, ""),
            payload={"enrollment": w.enrollment_id, "outcome": w.state},
        )
        for w in ended
    )
