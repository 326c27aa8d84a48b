"""Notes, calls, meetings, tasks, mails and messages that colleagues log become events of the people they are linked to, and stay like them.

The activity is a record and may be changed, moved in time, unlinked or archived; its event follows. What lies ahead is no event yet.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from baton.crm.values import stamp
from baton.events import facts, keys, partitions, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.changes import Change

KINDS = {
    "note": Kind.NOTE, "call": Kind.CALL, "meeting": Kind.MEETING, "task": Kind.TASK, "email": Kind.EMAIL_LOGGED, "communication": Kind.MESSAGE_LOGGED,
}  # fmt: skip
ABOUT = {"call": "outcome", "meeting": "outcome", "email": "direction", "communication": "channel"}  # the property an event's key holds
OLDEST = timedelta(days=3650)  # older than this an activity is on the record, but no event
PARTITIONS = timedelta(days=50)  # newer than this there is a partition, see events/jobs.py
MISSED = timedelta(days=7)  # for so long a worker may have been away without losing a meeting that came due

# When an activity happened: a task when it was done, all others at their time. `r` is its record.
HAPPENED = """
CASE WHEN r.object_type <> 'task' THEN coalesce((r.properties->>'at')::timestamptz, r.created_at)
     WHEN r.properties->>'status' = 'COMPLETED' THEN coalesce((r.properties->>'completed_at')::timestamptz, r.updated_at) END
"""

WANTED = f"""
SELECT l.contact_id, {HAPPENED}, r.id, r.object_type, coalesce(r.properties->>(%(about)s::jsonb->>r.object_type), ''), r.created_by
FROM (
    SELECT DISTINCT a.from_id AS contact_id, a.to_id FROM association a
    JOIN unnest(%(contacts)s::bigint[], %(types)s::text[]) AS w(contact_id, object_type) ON a.from_id = w.contact_id AND a.to_type = w.object_type
) l JOIN record r ON r.id = l.to_id
WHERE r.archived_at IS NULL
"""

PRESENT = """
SELECT e.contact_id, e.ts, e.id, e.kind, e.key, coalesce(k.value, '')
FROM unnest(%(contacts)s::bigint[], %(kinds)s::smallint[]) AS w(contact_id, kind)
JOIN event e ON e.contact_id = w.contact_id AND e.kind = w.kind AND e.payload ? 'record' LEFT JOIN event_key k ON k.id = e.key
"""

DROP = """
DELETE FROM event e USING unnest(%s::bigint[], %s::timestamptz[], %s::bigint[]) AS r(contact_id, ts, id)
WHERE e.contact_id = r.contact_id AND e.ts = r.ts AND e.id = r.id
"""

# What was planned ahead and whose time has come. Stored times are texts in the order of time, so the index on `at` serves.
DUE = """
SELECT r.id, r.object_type, a.to_id
FROM record r JOIN association a ON a.from_id = r.id AND a.to_type = 'contact'
WHERE r.object_type = %(type)s AND r.archived_at IS NULL AND r.properties->>'at' > %(since)s AND r.properties->>'at' <= %(now)s
  AND (r.properties->>'at')::timestamptz > r.created_at
  AND NOT EXISTS (SELECT 1 FROM event e WHERE e.contact_id = a.to_id AND e.ts = (r.properties->>'at')::timestamptz AND e.id = r.id)
"""


@dataclass(frozen=True, slots=True)
class Fact:
    """One activity as one contact's event; the event has the activity's id."""

    contact_id: int
    at: datetime
    id: int
    kind: Kind
    about: str


def touched(unseen: Iterable[Change]) -> set[tuple[int, str]]:
    """(contact, type) of the activities that were linked, changed, unlinked or archived: `linked <type>:<id>`, `property <type>.<name>`."""
    found = set()
    for change in unseen:
        if change.kind in ("linked", "property"):
            type, mark, _rest = change.key.replace(":", ".", 1).partition(".")
            if mark and type in KINDS:
                found.add((change.contact_id, type))
    return found


def follow(whom: Collection[tuple[int, str]]) -> list[Change]:
    """Make the events of these contacts' activities of these types what the activities are now; returns what changed, as `event` changes."""
    if not whom:
        return []
    ordered = sorted(whom)
    contacts, types = [contact for contact, _type in ordered], [type for _contact, type in ordered]
    wanted = _wanted(contacts, types)
    present = {
        Fact(contact, at, id, Kind(kind), about): key
        for contact, at, id, kind, key, about in sql.rows(PRESENT, {"contacts": contacts, "kinds": [int(KINDS[type]) for type in types]})
    }
    gone = sorted(present.keys() - wanted.keys(), key=lambda f: (f.contact_id, f.at, f.id))
    new = sorted(wanted.keys() - present.keys(), key=lambda f: (f.contact_id, f.at, f.id))
    if gone:
        sql.run(DROP, [[f.contact_id for f in gone], [f.at for f in gone], [f.id for f in gone]])
    if new:
        now = clock.now()
        if (oldest := min(f.at for f in new)) < now - PARTITIONS:
            partitions.ensure(oldest, now)
        record.add([NewEvent(f.contact_id, f.kind, f.at, f.about, payload={"record": f.id, "actor": wanted[f]}, id=f.id) for f in new], announce=False)
    fresh = _keys(new)
    dropped = [Change(f.contact_id, "event", f"{int(f.kind)}:{present[f]}") for f in gone]
    return [*dropped, *(Change(f.contact_id, "event", f"{int(f.kind)}:{key}", facts.place(f.at, f.id)) for f, key in fresh.items())]


def _wanted(contacts: list[int], types: list[str]) -> dict[Fact, str]:
    """What should be there, with who wrote it down."""
    now = clock.now()
    rows = sql.rows(WANTED, {"contacts": contacts, "types": types, "about": json.dumps(ABOUT)})
    return {
        Fact(contact, at, id, KINDS[type], about): by
        for contact, at, id, type, about, by in rows
        if at is not None and now - OLDEST < at <= now
    }  # fmt: skip


def _keys(facts: Collection[Fact]) -> dict[Fact, int]:
    """The key ids of events just recorded."""
    found = keys.resolve({(f.kind, f.about): "" for f in facts if f.about})
    return {f: found[f.kind, f.about] if f.about else 0 for f in facts}


def come_due() -> int:
    """Tell the tick of activities planned ahead whose time has come; returns how many."""
    now = clock.now()
    span = {"since": stamp(now - MISSED), "now": stamp(now)}
    rows = [row for type in KINDS if type != "task" for row in sql.rows(DUE, {"type": type, **span})]
    changes.append(Change(contact, "linked", f"{type}:{id}") for id, type, contact in rows)
    return len(rows)
