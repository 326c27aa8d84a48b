"""Triggers by values that change, of contacts and of all other records: the very lines of the history, and the values a record began with.

A cause is `value:<number in the history>`, or `value:new:<property>` for what a new record came with. What is worked out again and again
(a latest source) has no history, so nothing is started by it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from baton.platform import sql
from baton.platform.changes import Change
from baton.query.statement import Sql

NEW = "new"
# What a property was when the record was made: the old value of its first change, or what it is now.
BEGAN = """
SELECT r.id AS record_id, r.created_at AS at, 'value:new:' || %(name)s AS cause, NULL::jsonb AS old,
       CASE WHEN f.id IS NULL THEN r.properties -> %(name)s ELSE f.old END AS new, 0::bigint AS number
FROM {table} r
LEFT JOIN LATERAL (SELECT h.id, h.old FROM property_history h WHERE h.record_id = r.id AND h.name = %(name)s ORDER BY h.at, h.id LIMIT 1) f ON true
WHERE {which}
"""
CHANGED = """
SELECT h.record_id, h.at, 'value:' || h.id, h.old, h.new, h.id FROM property_history h WHERE h.name = %(name)s AND {which}
"""


def wakes(change: Change) -> bool:
    """Whether a change tells of values of the one it happened to."""
    return is_new(change) or (change.kind in ("property", "record") and bool(change.fact))


def is_new(change: Change) -> bool:
    """Whether somebody or something is new."""
    return change.fact == NEW if change.kind == "identity" else change.kind == "record" and change.key.endswith(":*")


def of_type(changes: Sequence[Change], object_type: str) -> list[Change]:
    """Those that happened to records of this type."""
    return [c for c in changes if (c.key.startswith(f"{object_type}:") if c.kind == "record" else object_type == "contact")]


def rows(changes: Sequence[Change], name: str) -> Sql | None:
    """SELECT of (record_id, at, cause, old, new, number) of what these changes tell of a property; None: nothing."""
    new = {c.contact_id: c.kind for c in changes if is_new(c)}
    numbers = [int(n) for c in changes if _names(c, name) for n in c.fact.split(",") if n]
    if not new and not numbers:
        return None
    parts, params = [], dict[str, Any](name=name)
    if numbers:
        parts.append(CHANGED.format(which="h.record_id = ANY(%(changed)s::bigint[]) AND h.id = ANY(%(numbers)s::bigint[])"))
        params |= {"changed": sorted({c.contact_id for c in changes if _names(c, name)}), "numbers": sorted({*numbers})}
    for table, kind in (("contact", "identity"), ("record", "record")):
        if ids := sorted(id for id, told in new.items() if told == kind):
            parts.append(BEGAN.format(table=table, which=f"r.id = ANY(%(new_{table})s::bigint[])"))
            params[f"new_{table}"] = ids
    return Sql(" UNION ALL ".join(parts), params)


def all_rows(name: str, since: datetime, until: datetime, object_type: str) -> Sql:
    """The same of all that changed in (since, until]."""
    table = "contact" if object_type == "contact" else "record"
    of_type = "" if table == "contact" else " AND r.object_type = %(object_type)s"
    changed = CHANGED.format(which="h.object_type = %(object_type)s AND h.at > %(since)s AND h.at <= %(until)s")
    began = BEGAN.format(table=table, which=f"r.created_at > %(since)s AND r.created_at <= %(until)s{of_type}")
    return Sql(f"{changed} UNION ALL {began}", {"name": name, "since": since, "until": until, "object_type": object_type})


def causes(changes: Sequence[Change], name: str, test: Sql, object_type: str) -> dict[int, str]:
    """By what each of them is brought in: the newest change that passes `test`, a condition over `v.old` and `v.new`."""
    told = rows(of_type(changes, object_type), name)
    if told is None:
        return {}
    text = f"SELECT v.record_id, v.cause FROM ({told.text}) AS v(record_id, at, cause, old, new, number) WHERE {test.text} ORDER BY v.at, v.number"
    return dict(sql.rows(text, told.params | test.params))


def past(name: str, test: Sql, since: datetime, until: datetime, object_type: str) -> Sql:
    """SELECT of (record, when, cause) of all that passed in (since, until]."""
    told = all_rows(name, since, until, object_type)
    text = f"SELECT v.record_id, v.at, v.cause FROM ({told.text}) AS v(record_id, at, cause, old, new, number) WHERE {test.text}"
    return Sql(text, told.params | test.params)


def holding(name: str, test: Sql, object_type: str) -> Sql:
    """SELECT of (record, cause) of those whose value now passes `test`, a condition over `v.new`; the cause is that which gave it."""
    table = "contact" if object_type == "contact" else "record"
    of_type = "" if table == "contact" else " AND r.object_type = %(object_type)s"
    text = (
        f"SELECT v.id, coalesce('value:' || f.id, 'value:new:' || %(name)s) FROM"
        f" (SELECT r.id, NULL::jsonb AS old, r.properties -> %(name)s AS new FROM {table} r WHERE r.archived_at IS NULL{of_type}) v"
        " LEFT JOIN LATERAL"
        " (SELECT h.id FROM property_history h WHERE h.record_id = v.id AND h.name = %(name)s ORDER BY h.at DESC, h.id DESC LIMIT 1) f ON true"
        f" WHERE {test.text}"
    )
    return Sql(text, {"name": name, "object_type": object_type} | test.params)


def _names(change: Change, name: str) -> bool:
    """Whether a change may tell of this property; the history is asked whether it does."""
    if not change.fact:
        return False
    if change.kind == "property":
        return change.key == name
    return change.kind == "record" and name in change.key.partition(":")[2].split(",")
