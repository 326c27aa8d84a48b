"""The history of values: one row for each change, written with it; and the whole story of a value, its first one included.

What was merged into a record keeps its history under the id it had, so that it can be parted again; the story of the one that is left tells both.
"""

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


def write(object_type: str, rows: Sequence[tuple[int, str, Any, Any]], actor: Actor, source: str, at: datetime) -> list[int]:
    """One row for each (record id, property name, old value, new value); returns their numbers."""
    if not rows:
        return []
    ids = sql.next_ids("property_history_id_seq", len(rows))
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
            ids,
            [row[1] for row in rows],
            [_json(row[2]) for row in rows],
            [_json(row[3]) for row in rows],
        ],
    )
    return ids


def of(rows: Iterable[Contact | Record], names: Iterable[str], *, merged: bool = True) -> dict[int, dict[str, list[Entry]]]:
    """Record id -> property name -> what it was, newest first, its first value included; a property that never had one is missing. Two queries.

    With `merged` also what it was of records that were merged into this one; the newest entry is always what the record has now.
    """
    records, wanted = list(rows), list(names)
    found: dict[int, dict[str, list[Entry]]] = {record.id: {} for record in records}
    gone = absorbed(found) if merged else []
    owners = {record.id: record.id for record in records} | {one.id: one.into for one in gone}
    oldest: dict[tuple[int, str], Any] = {}
    for row in PropertyHistory.objects.filter(record_id__in=list(owners), name__in=wanted).order_by("-at", "-id"):
        found[owners[row.record_id]].setdefault(row.name, []).append(Entry(row.new, row.at, row.actor, row.source))
        oldest[row.record_id, row.name] = row.old
    for one in gone:
        for name in wanted:
            first = oldest.get((one.id, name), one.properties.get(name))
            if first is not None:
                found[one.into].setdefault(name, []).append(Entry(first, one.created_at, one.created_by, one.source))
    for record in records:
        for name in wanted:
            first = oldest.get((record.id, name), record.properties.get(name))
            if first is not None:
                found[record.id].setdefault(name, []).append(Entry(first, record.created_at, record.created_by, record.source))
    if gone:
        _settle(records, found, gone)
    return found


@dataclass(frozen=True, slots=True)
class Absorbed:
    """A record that was merged into another: what it had then, how it was made, and by whom the two became one."""

    id: int
    into: int
    at: datetime
    actor: str
    properties: dict[str, Any]
    created_at: datetime
    created_by: str
    source: str


def absorbed(ids: Iterable[int]) -> list[Absorbed]:
    """The records merged into these, also those merged into one of them before. One query."""
    rows = sql.rows(
        "SELECT m.gone_id, i.contact_id, m.at, m.actor, (m.kept -> 'gone')::text FROM identity i JOIN merge m ON m.gone_id = i.value::bigint"
        " WHERE i.contact_id = ANY(%s) AND i.kind = 'merged' AND m.undone_at IS NULL AND m.kept ? 'gone' ORDER BY m.at",
        [list(ids)],
    )
    found = []
    for id, into, at, actor, text in rows:
        row = json.loads(text)
        made_at = datetime.fromisoformat(row["created_at"])
        found.append(Absorbed(id, into, at, actor, row["properties"], made_at, row.get("created_by", ""), row.get("source", "")))
    return found


def _settle(records: Sequence[Contact | Record], found: dict[int, dict[str, list[Entry]]], gone: Sequence[Absorbed]) -> None:
    """Bring two stories in one order; where the last word of the merged one did not win, the merge itself set what the record has."""
    last = {one.into: one for one in gone}
    for record in records:
        if record.id in last:
            joined = last[record.id]
            for name, entries in found[record.id].items():
                entries.sort(key=lambda entry: entry.at, reverse=True)
                if entries[0].value != record.properties.get(name):
                    entries.insert(0, Entry(record.properties.get(name), max(joined.at, entries[0].at), joined.actor, "merge"))


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
