"""Record events: one set of statements for any number of them, and the same event once."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
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
SELECT r.contact_id, %(ts)s, r.id, %(kind)s, %(key)s, NULL, r.payload FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(contact_id bigint, id bigint, payload jsonb)
"""
CHANGES = """
INSERT INTO change (bucket, contact_id, kind, key, fact)
SELECT r.contact_id %% %(buckets)s, r.contact_id, 'event', %(about)s, %(micros)s || ':' || r.id
FROM unnest(%(contacts)s::bigint[], %(ids)s::bigint[]) AS r(contact_id, id)
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


def add_alike(kind: Kind, key_value: str, key_label: str, ts: datetime, payloads: Iterable[tuple[int, dict[str, Any]]]) -> None:
    """Record one new event of the same kind, key and moment for each (contact, payload), as `add` would, for the price of two statements."""
    rows: list[dict[str, Any]] = [{"contact_id": contact, "id": new_id(), "payload": one} for contact, one in sorted(payloads, key=itemgetter(0))]
    if not rows:
        return
    key = keys.resolve({(kind, key_value): key_label})[kind, key_value] if key_value else 0
    sql.run(ALIKE, {"ts": ts, "kind": int(kind), "key": key, "rows": json.dumps(rows)})
    contacts, ids = (sql.numbers([row[name] for row in rows]) for name in ("contact_id", "id"))
    about = {"about": f"{int(kind)}:{key}", "micros": str(facts.micros(ts)), "buckets": BUCKETS}
    sql.run(CHANGES, {**about, "contacts": contacts, "ids": ids})
    sql.run("NOTIFY baton_change")
