"""The queue of changes: a write leaves rows here in its own transaction, and the tick takes them, set by set.

One tick takes one bucket under its lock, so one person's changes stay in order and any number of workers can share
the work. All stages of the tick run in the transaction that deletes the rows: a killed worker loses nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection, transaction

from baton.platform import sql
from baton.platform.models import BUCKETS

BATCH = 500  # rows of one tick
LOCK = 0xBA70  # class of the advisory locks, one a bucket
ROUNDS = 8  # how often the stages may wake each other within one tick; what is left waits for the next


class Change(NamedTuple):
    contact_id: int
    kind: str  # property, event, membership, score, stage, identity, edge
    key: str = ""  # property name; "<event kind>:<event key id>"; "<segment id>:joined"; new stage ...


@dataclass(slots=True)
class Batch:
    """The changes of one tick. A stage reads those it has not seen and may add what it caused itself."""

    changes: list[Change]
    _seen: dict[str, int] = field(default_factory=dict)

    def add(self, changes: Iterable[Change]) -> None:
        """Tell the other stages of this tick what this one changed."""
        self.changes.extend(changes)

    def unseen(self, stage: str) -> list[Change]:
        start = self._seen.get(stage, 0)
        self._seen[stage] = len(self.changes)
        return self.changes[start:]


Stage = Callable[[Batch, list[Change]], None]
_stages: dict[str, tuple[int, Stage]] = {}


def on_change(order: int) -> Callable[[Stage], Stage]:
    """Make a function a stage of the tick; stages run in `order` (events 10, scores 20, lists 30, stages 40, workflows 50).

    It gets the batch and the changes it has not seen yet, never an empty list.
    """

    def register(stage: Stage) -> Stage:
        _stages[f"{stage.__module__}.{stage.__qualname__}"] = (order, stage)
        return stage

    return register


def append(changes: Iterable[Change]) -> None:
    """Put changes in the queue, in the caller's transaction, and wake the workers when it commits."""
    rows = list(changes)
    if not rows:
        return
    sql.run(
        "INSERT INTO change (bucket, contact_id, kind, key) SELECT r.contact_id %% %s, r.contact_id, r.kind, r.key"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS r(contact_id, kind, key)",
        [BUCKETS, [r.contact_id for r in rows], [r.kind for r in rows], [r.key for r in rows]],
    )
    sql.run("NOTIFY baton_change")


def tick() -> int:
    """Take up to BATCH changes of every bucket that has some, run all stages over each; returns how many were taken."""
    taken = 0
    for (bucket,) in sql.rows("SELECT DISTINCT bucket FROM change"):
        taken += _tick(bucket)
    return taken


def _tick(bucket: int) -> int:
    with transaction.atomic():
        if not sql.rows("SELECT 1 WHERE pg_try_advisory_xact_lock(%s, %s)", [LOCK, bucket]):
            return 0  # another worker has this bucket
        found = sql.rows(
            "DELETE FROM change WHERE bucket = %s AND id IN (SELECT id FROM change WHERE bucket = %s ORDER BY id LIMIT %s) RETURNING contact_id, kind, key, id",
            [bucket, bucket, BATCH],
        )
        batch = Batch([Change(*row[:3]) for row in sorted(found, key=lambda r: r[3])])
        for left in _rounds(batch):
            append(left)
        return len(found)


def _rounds(batch: Batch) -> Iterator[list[Change]]:
    """Run the stages until none has anything new to read; yields what is still unread after ROUNDS."""
    stages = sorted(_stages.items(), key=lambda item: (item[1][0], item[0]))
    for _ in range(ROUNDS):
        done = True
        for name, (_order, stage) in stages:
            if unseen := batch.unseen(name):
                done = False
                stage(batch, unseen)
        if done:
            return
    yield [c for c in dict.fromkeys(c for name, _ in stages for c in batch.unseen(name))]


def waiting() -> int:
    """How many changes the tick has not taken yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM change")
        return int(cursor.fetchone()[0])
