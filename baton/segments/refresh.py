"""Who belongs to a list: the members that its filter finds against those it has, for everybody or for the few who changed.

Both ways run the same two statements, one for who joins and one for who leaves. Hand-made memberships stay.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.changes import Batch, Change
from baton.platform.config import config
from baton.query import compile
from baton.segments import catalog, definitions, locks
from baton.segments.definitions import Definition
from baton.segments.models import Segment

JOIN = """
INSERT INTO membership (contact_id, segment_id, joined_at, reason)
SELECT c.id, %(segment)s, %(at)s, 'filter'
FROM contact c
WHERE {whom} c.archived_at IS NULL AND {condition}
  AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.contact_id = c.id AND m.segment_id = %(segment)s)
ON CONFLICT (contact_id, segment_id) DO NOTHING
RETURNING contact_id
"""
LEAVE = """
DELETE FROM membership m
WHERE {whom} m.segment_id = %(segment)s AND m.reason = 'filter'
  AND NOT EXISTS (SELECT 1 FROM contact c WHERE c.id = m.contact_id AND {inner} c.archived_at IS NULL AND {condition})
RETURNING m.contact_id
"""
CHUNK = 5000  # events written at once by a full evaluation


@dataclass(frozen=True, slots=True)
class Moved:
    """Who joined and who left one list."""

    segment_id: int
    joined: list[int]
    left: list[int]


def everyone(segment: Segment) -> Moved:
    """Evaluate a list for all contacts, alone. Writes members, events and changes; notes when its windows were right."""
    with transaction.atomic():
        locks.alone("segment", segment.pk)
        segment.refresh_from_db()  # another evaluation may have run while this one waited
        at = clock.now()
        found = definitions.ready("segment", {segment.pk: segment.filter}) if segment.archived_at is None and segment.filter else {}
        if not found:
            return Moved(segment.pk, [], [])
        moved = _evaluate(segment, found[segment.pk], None, at)
        _record([moved], {segment.pk: segment.name}, at)
        for some_changes in _chunks(_changes([moved])):
            changes.append(some_changes)
        Segment.objects.filter(pk=segment.pk).update(evaluated_at=at)
        return moved


def some(segments: Iterable[Segment], ids: Iterable[int], *, batch: Batch | None = None) -> list[Moved]:
    """Evaluate lists for some contacts: those that others depend on first. Inside the tick what changed goes to its `batch`."""
    contact_ids = sorted({*ids})
    return each({s.pk: contact_ids for s in segments}, batch=batch) if contact_ids else []


def each(whom: dict[int, Sequence[int]], *, batch: Batch | None = None) -> list[Moved]:
    """Evaluate each list (by id) for its own contacts, those that others depend on first. Fixed and archived lists are left alone."""
    if not whom:
        return []
    with transaction.atomic():
        locks.share("segment", whom)
        segments = {
            s.pk: s for s in Segment.objects.filter(pk__in=whom, kind="active", archived_at=None)
        }  # read under the lock: as the last full evaluation saw them
        at = clock.now()
        ready = definitions.ready("segment", {id: s.filter for id, s in segments.items()})
        moved = [_evaluate(segments[id], ready[id], whom[id], at) for id in in_order(ready)]
        moved = [m for m in moved if m.joined or m.left]
        _record(moved, {id: s.name for id, s in segments.items()}, at)
        if batch is not None:
            batch.add(_changes(moved))
        else:
            changes.append(_changes(moved))
        return moved


def in_order(ready: dict[int, Definition]) -> list[int]:
    """The lists with those first that others of them depend on."""
    placed: dict[int, None] = {}

    def place(id: int) -> None:
        for below in sorted(ready[id].depends.segments):
            if below in ready and below != id and below not in placed:
                place(below)
        placed[id] = None

    for id in sorted(ready):
        if id not in placed:
            place(id)
    return list(placed)


def _evaluate(segment: Segment, definition: Definition, ids: Sequence[int] | None, at: datetime) -> Moved:
    whom = ids is not None
    condition = compile.condition(definition.node, catalog.current(), now=at, zone=config().zone, whom=whom)
    params: dict[str, Any] = {**condition.params, "segment": segment.pk, "at": at}
    if whom:
        params["ids"] = list(ids or ())
    inner = "c.id = ANY(%(ids)s) AND" if whom else ""
    join = JOIN.replace("{whom}", inner).replace("{condition}", condition.text)
    leave = LEAVE.replace("{whom}", "m.contact_id = ANY(%(ids)s) AND" if whom else "").replace("{inner}", inner).replace("{condition}", condition.text)
    left = [] if segment.kind == "fixed" else [id for (id,) in sql.rows(leave, params)]  # a fixed list takes who fits when it is made, and keeps them
    return Moved(segment.pk, [id for (id,) in sql.rows(join, params)], left)


def tell(moved: Sequence[Moved], names: dict[int, str], at: datetime) -> None:
    """Record joins and leaves that were made by hand: events, and changes in the queue."""
    _record(moved, names, at)
    changes.append(_changes(moved))


def _record(moved: Sequence[Moved], names: dict[int, str], at: datetime) -> None:
    rows = [
        NewEvent(contact_id, kind, at, key_value=str(m.segment_id), key_label=names[m.segment_id])
        for m in moved
        for kind, contact_ids in ((Kind.SEGMENT_JOINED, m.joined), (Kind.SEGMENT_LEFT, m.left))
        for contact_id in contact_ids
    ]
    for some_rows in _chunks(rows):
        record.add(some_rows, announce=False)


def _changes(moved: Sequence[Moved]) -> list[Change]:
    return [
        Change(contact_id, "membership", f"{m.segment_id}:{word}")
        for m in moved
        for word, contact_ids in (("joined", m.joined), ("left", m.left))
        for contact_id in contact_ids
    ]


def _chunks(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK))
