"""Record events: one set of statements for any number of them, and the same event once."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from baton.events import facts, keys
from baton.events.ids import new_id
from baton.events.vocabulary import Kind
from baton.platform import changes, sql
from baton.platform.changes import Change
from baton.platform.models import BUCKETS

INSERT = """
INSERT INTO event (contact_id, ts, id, kind, key, value, payload)
SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[], %s::smallint[], %s::bigint[], %s::double precision[], %s::jsonb[])
ON CONFLICT (contact_id, ts, id) DO UPDATE SET value = excluded.value
WHERE excluded.value > event.value OR (event.value IS NULL AND excluded.value IS NOT NULL)
RETURNING contact_id, kind, key, ts, id
"""

ALIKE = """
INSERT INTO event (contact_id, ts, id, kind, key, value, payload)
SELECT r.contact_id, %(ts)s::timestamptz, r.id, %(kind)s::smallint, %(key)s::bigint, NULL, %(same)s::jsonb || jsonb_build_object(%(name)s::text, r.number)
FROM unnest(%(contacts)s::bigint[], %(ids)s::bigint[], %(numbers)s::bigint[]) AS r(contact_id, id, number)
"""
CHANGES = """
WITH told AS (
    INSERT INTO change (bucket, contact_id, kind, key, fact)
    SELECT r.contact_id %% %(buckets)s::bigint, r.contact_id, 'event', %(about)s::text, %(micros)s::text || ':' || r.id
    FROM unnest(%(contacts)s::bigint[], %(ids)s::bigint[]) AS r(contact_id, id)
)
SELECT pg_notify('baton_change', '')
"""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to record. `key_value` is what it was about (a page key, the id of a form as text ...), resolved to event_key."""

    contact_id: int
    kind: Kind
    ts: datetime
    key_value: str = ""
    key_label: str = ""
    value: float | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    id: int | None = None  # None: a random one, so nothing else is taken for the same event


def add(rows: Iterable[NewEvent], *, announce: bool = True) -> int:
    """Record the events in the caller's transaction; returns how many were new or grew.

    The same (contact, ts, id) is recorded once; recorded again, it keeps the greater value, so a dwell may be sent
    several times as it grows. With `announce` each row that was new or grew leaves an `event` change.
    """
    wanted: dict[tuple[int, datetime, int], NewEvent] = {}
    for row in rows:
        at = (row.contact_id, row.ts, new_id() if row.id is None else row.id)
        known = wanted.get(at)
        if known is None or (row.value or 0) > (known.value or 0):
            wanted[at] = row
    if not wanted:
        return 0
    found = keys.resolve({(r.kind, r.key_value): r.key_label for r in wanted.values() if r.key_value})
    ordered = sorted(wanted.items(), key=lambda item: item[0])  # one order everywhere: two writers never wait for each other
    done = sql.rows(
        INSERT,
        [
            [at[0] for at, _ in ordered],
            [at[1] for at, _ in ordered],
            [at[2] for at, _ in ordered],
            [int(r.kind) for _, r in ordered],
            [found[r.kind, r.key_value] if r.key_value else 0 for _, r in ordered],
            [r.value for _, r in ordered],
            [Jsonb(r.payload) for _, r in ordered],
        ],
    )
    if announce:
        changes.append(Change(contact_id, "event", f"{kind}:{key}", facts.place(ts, id)) for contact_id, kind, key, ts, id in done)
    return len(done)


def add_alike(kind: Kind, key_value: str, key_label: str, ts: datetime, payload: dict[str, Any], name: str, each: Iterable[tuple[int, int]]) -> None:
    """Record one new event of the same kind, key and moment for each (contact, number), as `add` would, for the price of two statements.

    Their payloads are the same but for the number, which is in it under `name`.
    """
    people = sorted(each)
    if not people:
        return
    key = keys.resolve({(kind, key_value): key_label})[kind, key_value] if key_value else 0
    same = {"contacts": sql.numbers(contact for contact, _number in people), "ids": sql.numbers(new_id() for _one in people)}
    own = {"name": name, "numbers": sql.numbers(number for _contact, number in people), "same": json.dumps(payload)}
    sql.prepared(ALIKE, {**same, **own, "ts": ts, "kind": int(kind), "key": key})
    sql.prepared(CHANGES, {**same, "about": f"{int(kind)}:{key}", "micros": str(facts.micros(ts)), "buckets": BUCKETS})
