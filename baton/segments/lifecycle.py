"""The life-cycle stage that the score decides: forward only, by the thresholds of the first model, through every stage on the way.

Who has the points of an SQL at once becomes lead, MQL and SQL in one go: each stage counts everybody who came through it.
What people decided (opportunity, customer, recycled, dead end) is theirs: no rule touches it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from baton.crm import records
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.changes import Batch, Change
from baton.segments import scoring

PROPERTY = "lifecyclestage"
WAY = ("lead", "mql", "sql")  # what rules move people through
RANKS = ["", "subscriber", "lead", "mql", "sql"]  # stages a rule may leave, in order; others are not in it

DUE = """
SELECT d.id, d.stage, d.target, d.total
FROM (
    SELECT c.id, coalesce(c.properties ->> 'lifecyclestage', '') AS stage, coalesce(s.total, 0) AS total,
           CASE WHEN s.total >= %(sql)s THEN 'sql' WHEN s.total >= %(mql)s THEN 'mql'
                WHEN coalesce(c.properties ->> 'lifecyclestage', '') = '' THEN 'lead' END AS target
    FROM contact c LEFT JOIN score s ON s.contact_id = c.id AND s.model_id = %(model)s
    WHERE {whom} c.archived_at IS NULL
) d
WHERE array_position(%(ranks)s::text[], d.stage) < array_position(%(ranks)s::text[], d.target)
ORDER BY d.id
"""
CHUNK = 5000  # contacts moved at once by a full evaluation


def some(ids: Iterable[int], now: datetime | None = None, *, batch: Batch | None = None) -> int:
    """Move those of the contacts whose score calls for it; returns how many moved. Inside the tick what changed goes to its `batch`."""
    contact_ids = sorted({*ids})
    return _move(_due(contact_ids), now or clock.now(), batch) if contact_ids else 0


def everyone(now: datetime | None = None) -> int:
    """Move all contacts whose score calls for it; returns how many moved."""
    due = _due(None)
    return sum(_move(due[i : i + CHUNK], now or clock.now(), None) for i in range(0, len(due), CHUNK))


Due = tuple[int, str, str, int]  # contact, from, to, score


def _due(ids: Sequence[int] | None) -> list[Due]:
    model = scoring.first_model()
    # Without a model nobody has points, so nobody passes a threshold; new contacts are leads all the same.
    params = {
        "model": model.pk if model else 0,
        "mql": model.begins("mql") if model else 0,
        "sql": model.begins("sql") if model else 0,
        "ranks": RANKS,
        "ids": ids,
    }
    return sql.rows(DUE.replace("{whom}", "" if ids is None else "c.id = ANY(%(ids)s) AND"), params)


class Move(NamedTuple):
    """One stage further."""

    contact_id: int
    stage: str
    target: str
    score: int

    @property
    def payload(self) -> dict[str, str | int]:
        return {"from": self.stage, "to": self.target, "score": self.score}


def _steps(contact_id: int, stage: str, target: str, score: int) -> Iterator[Move]:
    """The moves from a stage to the target, each one stage of WAY."""
    for following in WAY:
        if RANKS.index(stage) < RANKS.index(following) <= RANKS.index(target):
            yield Move(contact_id, stage, following, score)
            stage = following


def _move(due: Sequence[Due], at: datetime, batch: Batch | None) -> int:
    if not due:
        return 0
    moves = [move for one in due for move in _steps(*one)]
    with transaction.atomic():
        for target in WAY:
            records.set_many("contact", [m.contact_id for m in moves if m.target == target], {PROPERTY: target}, actor=SYSTEM, source="rule")
        record.add(
            (
                # A moment apart, so that the timeline tells the stages in their order.
                NewEvent(m.contact_id, Kind.STAGE_CHANGED, at + timedelta(milliseconds=WAY.index(m.target)), key_value=m.target, payload=m.payload)
                for m in moves
            ),
            announce=False,
        )
        moved = [Change(m.contact_id, "stage", m.target) for m in moves]
        if batch is not None:
            batch.add(moved)
        else:
            changes.append(moved)
    return len(due)
