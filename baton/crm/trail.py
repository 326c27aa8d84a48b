"""The history of values: one row for each change, written with it; and the whole story of a value, its first one included."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton.crm.models import Contact, PropertyHistory, Record
from baton.platform import sql
from baton.platform.actor import Actor


@dataclass(frozen=True, slots=True)
class Entry:
    """What a property was from a moment on; None: not set."""

    value: Any
    at: datetime
    actor: str
    source: str


def write(object_type: str, rows: Sequence[tuple[int, str, Any, Any]], actor: Actor, source: str, at: datetime) -> None:
    """One row for each (record id, property name, old value, new value)."""
    if not rows:
        return
    sql.run(
        "INSERT INTO property_history (record_id, id, object_type, name, old, new, actor, source, at)"
        " SELECT r.record_id, r.id, %s, r.name, r.old, r.new, %s, %s, %s"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::jsonb[], %s::jsonb[]) AS r(record_id, id, name, old, new)",
        [
            object_type,
            str(actor),
            source,
            at,
            [row[0] for row in rows],
            sql.next_ids("property_history_id_seq", len(rows)),
            [row[1] for row in rows],
            [_json(row[2]) for row in rows],
            [_json(row[3]) for row in rows],
        ],
    )


def of(rows: Iterable[Contact | Record], names: Iterable[str]) -> dict[int, dict[str, list[Entry]]]:
    """Record id -> property name -> what it was, newest first, its first value included; a property that never had one is missing. One query."""
    records, wanted = list(rows), list(names)
    found: dict[int, dict[str, list[Entry]]] = {record.id: {} for record in records}
    oldest: dict[tuple[int, str], Any] = {}
    for row in PropertyHistory.objects.filter(record_id__in=list(found), name__in=wanted).order_by("-at", "-id"):
        found[row.record_id].setdefault(row.name, []).append(Entry(row.new, row.at, row.actor, row.source))
        oldest[row.record_id, row.name] = row.old
    for record in records:
        for name in wanted:
            first = oldest.get((record.id, name), record.properties.get(name))
            if first is not None:
                found[record.id].setdefault(name, []).append(Entry(first, record.created_at, record.created_by, record.source))
    return found


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
