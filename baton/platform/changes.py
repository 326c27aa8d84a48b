"""The queue of changes: a write leaves rows here in its own transaction, and the tick takes them, set by set.

One tick takes buckets under their locks, so one person's changes stay in order and any number of workers can share the
work: one bucket when much waits, many together when little waits in each, for a tick's statements cost nearly the same
for five contacts as for five hundred. All stages run in the transaction that deletes the rows: a killed worker loses nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError, transaction

from baton.platform import clock, logs, sql
from baton.platform.models import BUCKETS
from baton.platform.transaction import retrying

BATCH = 500  # rows of one tick
LOCK = 0xBA70  # class of the advisory locks, one a bucket
ROUNDS = 8  # how often the stages may wake each other within one tick; what is left waits for the next
AWAY = (OperationalError, InterfaceError)  # the database, not a stage, is the trouble: everything waits for it
PATIENCE, LONGEST, TRIES = timedelta(minutes=1), timedelta(hours=6), 9  # of changes that a stage fails for

log = logs.log(__name__)


class Change(NamedTuple):
    contact_id: int
    kind: str  # property, event, membership, score, stage, identity, edge; record: of no contact, by its own id
    key: str = ""  # property name; "<event kind>:<event key id>"; "<segment id>:joined"; new stage; "deal:amount,dealstage", "deal:*" for a new one
    fact: str = ""  # names the very fact where one is written down: of an event its place (facts.place), of values the numbers of their history,
    # of lists and scores the moment, of a new contact "new". What only may have changed has none.


@dataclass(slots=True)
class Batch:
    """The changes of one tick. A stage reads those it has not seen and may add what it caused itself."""

    changes: list[Change]
    notes: dict[str, Any] = field(default_factory=dict)  # what a stage remembers until the tick is over
    _seen: dict[str, int] = field(default_factory=dict)

    def add(self, changes: Iterable[Change]) -> None:
        """Tell the other stages of this tick what this one changed."""
        self.changes.extend(changes)

    def unseen(self, stage: str) -> list[Change]:
        start = self._seen.get(stage, 0)
        self._seen[stage] = len(self.changes)
        return self.changes[start:]


_notes: ContextVar[dict[str, Any] | None] = ContextVar("notes", default=None)


def notes() -> dict[str, Any]:
    """What is remembered until this tick is over. Outside of one nothing is: an empty dict each time."""
    found = _notes.get()
    return {} if found is None else found


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


def stages() -> list[tuple[int, Stage]]:
    """All stages with their order, in which they run."""
    return [entry for _name, entry in sorted(_stages.items(), key=lambda item: (item[1][0], item[0]))]


def append(changes: Iterable[Change]) -> None:
    """Put changes in the queue, in the caller's transaction, and wake the workers when it commits."""
    rows = list(changes)
    if not rows:
        return
    sql.run(
        "INSERT INTO change (bucket, contact_id, kind, key, fact) SELECT r.contact_id %% %s, r.contact_id, r.kind, r.key, r.fact"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS r(contact_id, kind, key, fact)",
        [BUCKETS, [r.contact_id for r in rows], [r.kind for r in rows], [r.key for r in rows], [r.fact for r in rows]],
    )
    sql.run("NOTIFY baton_change")


def append_later(changes: Iterable[Change], seconds: float) -> None:
    """Put changes in the queue that no tick takes before so many seconds have passed."""
    rows = list(changes)
    if rows:
        sql.run(
            "INSERT INTO change (bucket, contact_id, kind, key, fact, again_at) SELECT r.contact_id %% %s, r.contact_id, r.kind, r.key, r.fact, %s"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS r(contact_id, kind, key, fact)",
            [BUCKETS, clock.now() + timedelta(seconds=seconds), *([row[at] for row in rows] for at in range(4))],
        )


def append_all(kind: str, key: str, contacts: str, params: Mapping[str, Any], *, fact: str = "") -> None:
    """Put the same change in the queue for every contact of a SELECT of ids, in the caller's transaction: for millions at once."""
    numbers = {"buckets": BUCKETS, "change_kind": kind, "change_key": key, "change_fact": fact}
    sql.run(
        "INSERT INTO change (bucket, contact_id, kind, key, fact)"
        " SELECT q.contact_id %% %(buckets)s, q.contact_id, %(change_kind)s, %(change_key)s, %(change_fact)s"
        f" FROM ({contacts}) AS q(contact_id)",
        {**params, **numbers},
    )
    sql.run("NOTIFY baton_change")


def hold(contact_ids: Iterable[int]) -> None:
    """No tick looks at these contacts until the transaction ends. Waits for one that does."""
    for bucket in sorted({id % BUCKETS for id in contact_ids}):
        sql.rows("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, bucket])


def tick() -> int:
    """Take up to BATCH changes of every bucket that has some, run all stages over them; returns how many were taken.

    A change that a stage cannot take is set aside for a while (`_set_aside`) and holds up nobody else's.
    """
    taken = 0
    for buckets in _together():
        try:
            taken += _take(buckets)
        except AWAY:
            raise
        except Exception as error:
            log.warning("a stage failed; the changes are tried in smaller parts", buckets=buckets, error=repr(error))
            taken += _in_parts(_due(buckets))
    return taken


def _together() -> Iterator[list[int]]:
    """The buckets with changes, those that wait longest first, as many at a time as make one batch."""
    waiting = sql.rows("SELECT bucket, count(*) FROM change WHERE again_at IS NULL OR again_at <= %s GROUP BY bucket ORDER BY min(id)", [clock.now()])
    buckets: list[int] = []
    rows = 0
    for bucket, count in waiting:
        if buckets and rows + count > BATCH:
            yield buckets
            buckets, rows = [], 0
        buckets.append(bucket)
        rows += count
    if buckets:
        yield buckets


@retrying
def _take(buckets: Sequence[int], ids: Sequence[int] | None = None) -> int:
    """Run the stages over the oldest changes of these buckets, or over these changes of theirs, and delete them; returns how many were taken.

    A bucket that another worker has is left to him.
    """
    with transaction.atomic():
        ours = [row[0] for row in sql.rows("SELECT b FROM unnest(%s::int[]) AS b WHERE pg_try_advisory_xact_lock(%s, b)", [buckets, LOCK])]
        if not ours:
            return 0
        wanted = list(ids) if ids is not None else [id for _bucket, id, _contact in _due(ours)]
        found = sql.rows("DELETE FROM change WHERE bucket = ANY(%s) AND id = ANY(%s) RETURNING contact_id, kind, key, fact, id", [ours, wanted])
        batch = Batch([Change(*row[:4]) for row in sorted(found, key=lambda r: r[4])])
        token = _notes.set(batch.notes)
        try:
            for left in _rounds(batch):
                append(left)
        finally:
            _notes.reset(token)
        return len(found)


def _due(buckets: Sequence[int]) -> list[tuple[int, int, int]]:
    """(bucket, id, contact id) of the oldest changes that are not set aside."""
    return sql.rows(
        "SELECT bucket, id, contact_id FROM change WHERE bucket = ANY(%s) AND (again_at IS NULL OR again_at <= %s) ORDER BY id LIMIT %s",
        [buckets, clock.now(), BATCH],
    )


def _in_parts(rows: Sequence[tuple[int, int, int]]) -> int:
    """Halve the contacts of a batch that failed until those are found that it fails for; one person's changes stay together."""
    contacts = list(dict.fromkeys(contact for _bucket, _id, contact in rows))
    middle = (len(contacts) + 1) // 2
    taken = 0
    for part in (set(contacts[:middle]), set(contacts[middle:])):
        mine = [row for row in rows if row[2] in part]
        if not mine:
            continue
        try:
            taken += _take(sorted({bucket for bucket, _id, _contact in mine}), [id for _bucket, id, _contact in mine])
        except AWAY:
            raise
        except Exception as error:
            if len(part) > 1:
                taken += _in_parts(mine)
            else:
                _set_aside(mine, error)
    return taken


def _set_aside(rows: Sequence[tuple[int, int, int]], error: Exception) -> None:
    """Leave the changes of one contact in the queue with the reason, and try them again later: after a minute, then twice as long each time."""
    log.error("changes of a contact are set aside", contact=rows[0][2], changes=len(rows), exc_info=error)
    now = clock.now()
    times = [now + min(PATIENCE * 2**n, LONGEST) for n in range(TRIES + 1)]
    sql.run(
        "UPDATE change SET tries = least(tries + 1, %s), again_at = (%s::timestamptz[])[least(tries, %s) + 1], trouble = %s WHERE bucket = %s AND id = ANY(%s)",
        [TRIES, times, TRIES, f"{type(error).__name__}: {error}"[:500].replace("\0", ""), rows[0][0], [id for _bucket, id, _contact in rows]],
    )


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
    return int(sql.rows("SELECT count(*) FROM change")[0][0])


def set_aside() -> int:
    """How many of those wait because a stage failed for them."""
    return int(sql.rows("SELECT count(*) FROM change WHERE tries > 0")[0][0])
