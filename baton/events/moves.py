"""Moves between stages of the life cycle become events: one for each booking, under the booking's number."""

from collections.abc import Iterable

from baton.events import facts, keys, partitions, record
from baton.events.logged import PARTITIONS
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.changes import Change

BOOKED = """
SELECT b.contact_id, b.at, b.id, b.out_of, b."into", b.path, b.reason, b.source, b.actor
FROM unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, id) JOIN booking b ON b.contact_id = r.contact_id AND b.id = r.id
ORDER BY b.id
"""


def follow(unseen: Iterable[Change]) -> list[Change]:
    """Record the moves that were booked; returns what happened, as `event` changes and as `stage` changes with the new stage as key."""
    booked = sorted({(change.contact_id, int(change.key)) for change in unseen if change.kind == "booking"})
    if not booked:
        return []
    rows = sql.rows(BOOKED, [[contact for contact, _id in booked], [id for _contact, id in booked]])
    if not rows:  # erased meanwhile
        return []
    now = clock.now()
    if (oldest := min(row[1] for row in rows)) < now - PARTITIONS:
        partitions.ensure(oldest, now)
    events = []
    for contact, at, id, out_of, into, path, reason, source, actor in rows:
        payload = {"from": out_of, "to": into, "path": path, "source": source, "actor": actor} | ({"reason": reason} if reason else {})
        events.append(NewEvent(contact, Kind.STAGE_CHANGED, at, into, payload=payload, id=id))
    record.add(events, announce=False)
    found = keys.resolve({(Kind.STAGE_CHANGED, row[4]): "" for row in rows if row[4]})
    told = [
        Change(row[0], "event", f"{int(Kind.STAGE_CHANGED)}:{found[Kind.STAGE_CHANGED, row[4]] if row[4] else 0}", facts.place(row[1], row[2])) for row in rows
    ]
    return [*told, *(Change(row[0], "stage", row[4]) for row in rows)]
