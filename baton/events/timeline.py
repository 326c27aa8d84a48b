"""The events of one contact, or of some, newest first, a page at a time."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton.events.vocabulary import Kind
from baton.platform import sql

PAGE = """
SELECT e.contact_id, e.ts, e.id, e.kind, e.key, coalesce(k.value, ''), coalesce(k.label, ''), e.value, e.payload
FROM event e LEFT JOIN event_key k ON k.id = e.key
WHERE e.contact_id = %(contact)s
  AND (%(kinds)s::smallint[] IS NULL OR e.kind = ANY(%(kinds)s::smallint[]))
  AND (%(ts)s::timestamptz IS NULL OR (e.ts, e.id) < (%(ts)s::timestamptz, %(id)s::bigint))
ORDER BY e.ts DESC, e.id DESC
LIMIT %(limit)s
"""

# Each contact's newest first, then the newest of all: what is read does not grow with what is there. Activities are records and are shown as such.
TOGETHER = """
SELECT e.contact_id, e.ts, e.id, e.kind, e.key, coalesce(k.value, ''), coalesce(k.label, ''), e.value, e.payload
FROM unnest(%(contacts)s::bigint[]) AS c(id) CROSS JOIN LATERAL (
    SELECT * FROM event e
    WHERE e.contact_id = c.id AND NOT e.payload ? 'record'
      AND (%(kinds)s::smallint[] IS NULL OR e.kind = ANY(%(kinds)s::smallint[]))
      AND (%(ts)s::timestamptz IS NULL OR (e.ts, e.id) < (%(ts)s::timestamptz, %(id)s::bigint))
    ORDER BY e.ts DESC, e.id DESC LIMIT %(limit)s
) e LEFT JOIN event_key k ON k.id = e.key
ORDER BY e.ts DESC, e.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded fact with the words of its key."""

    contact_id: int
    ts: datetime
    id: int
    kind: Kind
    key: int
    key_value: str  # host/path, id of a form or e-mail as text, name of a CTA ...
    key_label: str  # page title, form name ...; may be empty
    value: float | None
    payload: dict[str, Any]

    @property
    def cursor(self) -> tuple[datetime, int]:
        """Give the last event's cursor as `before` to get the next page."""
        return self.ts, self.id


def page(contact_id: int, kinds: Collection[Kind] | None = None, before: tuple[datetime, int] | datetime | None = None, limit: int = 50) -> list[Event]:
    """Up to `limit` events, newest first, strictly before `before` (a time, or the cursor of the last event seen).

    `kinds` None means all; an empty collection means none.
    """
    ts, last = (before, 0) if isinstance(before, datetime) else before or (None, 0)
    found = sql.rows(
        PAGE,
        {"contact": contact_id, "kinds": None if kinds is None else [int(k) for k in kinds], "ts": ts, "id": last, "limit": limit},
    )
    return [_event(row) for row in found]


def together(contact_ids: Sequence[int], kinds: Collection[Kind] | None = None, before: tuple[datetime, int] | None = None, limit: int = 50) -> list[Event]:
    """As `page`, for some contacts at once, and without the events that stand for an activity (`logged.py`)."""
    ts, last = before or (None, 0)
    found = sql.rows(
        TOGETHER, {"contacts": list(contact_ids), "kinds": None if kinds is None else [int(k) for k in kinds], "ts": ts, "id": last, "limit": limit}
    )
    return [_event(row) for row in found]


def _event(row: tuple[Any, ...]) -> Event:
    contact, ts, number, kind, key, key_value, key_label, value, payload = row
    return Event(contact, ts, number, Kind(kind), key, key_value, key_label, value, json.loads(payload))  # Django's connection leaves jsonb as text
