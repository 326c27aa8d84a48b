"""The real people of the past for rehearsals: whom the triggers would have enrolled, who these people were on the first day, and what they did since.

On entering, the shadow holds everything that is known today. `rewind` takes away what came after the first moment and keeps it aside; `until` gives it back
bit by bit, and says what changed, so that waits end, goals end runs, and branches see only what was known at the moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton.automation.graph import Graph
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.actor import Actor
from baton.platform.changes import Change

LATER = ("event", "ts"), ("value", "at"), ("suppression", "at"), ("record", "created_at"), ("link", "created_at")
# What happened later, by table: the rows themselves are kept aside and come back as they were. What this workflow itself did then is left out for good:
# the rehearsal does it, or does something else.
ASIDE = [
    "CREATE TEMP TABLE later_event ON COMMIT DROP AS SELECT * FROM event WHERE ts > %(start)s",
    "DELETE FROM event WHERE ts > %(start)s",
    "DELETE FROM later_event e USING event_key k WHERE k.id = e.key AND k.value = %(me)s AND e.kind = ANY(%(own)s::smallint[])",
    "DELETE FROM later_event e USING own_message o WHERE (e.payload ->> 'message')::bigint = o.id AND e.kind = %(sent)s",
    "DELETE FROM later_event e USING membership m WHERE e.kind = ANY(%(lists)s::smallint[]) AND m.contact_id = e.contact_id AND m.reason = %(actor)s"
    " AND abs(extract(epoch FROM m.joined_at - e.ts)) < 1",
    "CREATE TEMP TABLE later_value ON COMMIT DROP AS SELECT record_id, id, name, old, new, at, object_type, actor FROM property_history WHERE at > %(start)s",
    "DELETE FROM property_history WHERE at > %(start)s",
    # The value before the first change after the moment is the value at the moment. Of what did not change since it is today's.
    "UPDATE contact c SET properties = jsonb_strip_nulls(c.properties || w.was) FROM (%(was)s) w WHERE w.record_id = c.id",
    "UPDATE record c SET properties = jsonb_strip_nulls(c.properties || w.was) FROM (%(was)s) w WHERE w.record_id = c.id",
    "UPDATE consent k SET granted = f.old::boolean, at = least(k.at, %(start)s) FROM (%(first)s) f"
    " WHERE f.record_id = k.contact_id AND f.name = 'consent.' || k.channel AND f.old IS NOT NULL AND f.old <> 'null'",
    "DELETE FROM consent k USING (%(first)s) f WHERE f.record_id = k.contact_id AND f.name = 'consent.' || k.channel AND (f.old IS NULL OR f.old = 'null')",
    "DELETE FROM later_value WHERE actor = %(actor)s",
    "CREATE TEMP TABLE later_suppression ON COMMIT DROP AS SELECT * FROM suppression WHERE at > %(start)s",
    "DELETE FROM suppression WHERE at > %(start)s",
    "DELETE FROM membership WHERE joined_at > %(start)s",
    "INSERT INTO membership (contact_id, segment_id, joined_at, reason)"
    " SELECT l.contact_id, l.segment_id, l.ts, l.reason FROM (SELECT DISTINCT ON (e.contact_id, k.value) e.contact_id, k.value::bigint AS segment_id, e.ts,"
    " e.kind, coalesce(e.payload->>'reason', 'filter') AS reason FROM event e JOIN event_key k ON k.id = e.key"
    " WHERE e.kind = ANY(%(lists)s::smallint[]) ORDER BY e.contact_id, k.value, e.ts DESC, e.kind DESC) l"
    f" WHERE l.kind = {int(Kind.SEGMENT_JOINED)} ON CONFLICT DO NOTHING",
    "DELETE FROM pause WHERE at > %(start)s",
    "CREATE TEMP TABLE later_message ON COMMIT DROP AS SELECT * FROM message WHERE created_at > %(start)s",
    "DELETE FROM message WHERE created_at > %(start)s",
    "CREATE TEMP TABLE own_record ON COMMIT DROP AS SELECT id FROM record WHERE created_at > %(start)s AND created_by = %(actor)s",
    "CREATE TEMP TABLE later_record ON COMMIT DROP AS SELECT * FROM record WHERE created_at > %(start)s AND created_by <> %(actor)s",
    "DELETE FROM record WHERE created_at > %(start)s",
    "CREATE TEMP TABLE later_link ON COMMIT DROP AS SELECT a.* FROM association a WHERE a.created_at > %(start)s"
    " AND NOT EXISTS (SELECT 1 FROM own_record r WHERE r.id IN (a.from_id, a.to_id))",
    "DELETE FROM association WHERE created_at > %(start)s",
    *(f"CREATE INDEX ON later_{what} ({column})" for what, column in LATER),
    "ANALYZE event", "ANALYZE later_event", "ANALYZE later_value",
]  # fmt: skip
FIRST = "SELECT DISTINCT ON (v.record_id, v.name) v.record_id, v.name, v.old FROM later_value v ORDER BY v.record_id, v.name, v.at, v.id"
WAS = f"SELECT f.record_id, jsonb_object_agg(f.name, f.old) AS was FROM ({FIRST}) f WHERE NOT starts_with(f.name, 'consent.') GROUP BY f.record_id"

EVENTS = "INSERT INTO event SELECT * FROM later_event WHERE ts > %(since)s AND ts <= %(until)s ON CONFLICT DO NOTHING RETURNING contact_id, kind, key"
VALUES = """
SELECT DISTINCT ON (v.record_id, v.name) v.record_id, v.object_type, v.name FROM later_value v WHERE v.at > %(since)s AND v.at <= %(until)s
"""
SET = """
UPDATE {table} c SET properties = jsonb_strip_nulls(c.properties || w.now)
FROM (SELECT l.record_id, jsonb_object_agg(l.name, l.new) AS now
      FROM (SELECT DISTINCT ON (v.record_id, v.name) v.record_id, v.name, v.new FROM later_value v
            WHERE v.at > %(since)s AND v.at <= %(until)s AND NOT starts_with(v.name, 'consent.') ORDER BY v.record_id, v.name, v.at DESC, v.id DESC) l
      GROUP BY l.record_id) w
WHERE w.record_id = c.id
"""
AGREED = """
INSERT INTO consent (contact_id, channel, granted, at, source, wording, proof, actor)
SELECT l.record_id, substr(l.name, 9), l.new::boolean, l.at, 'rehearsal', '', '{}', 'system'
FROM (SELECT DISTINCT ON (v.record_id, v.name) v.record_id, v.name, v.new, v.at FROM later_value v
      WHERE v.at > %(since)s AND v.at <= %(until)s AND starts_with(v.name, 'consent.') AND v.new IS NOT NULL AND v.new <> 'null'
      ORDER BY v.record_id, v.name, v.at DESC, v.id DESC) l
ON CONFLICT (contact_id, channel) DO UPDATE SET granted = excluded.granted, at = excluded.at
"""
JOINED = f"""
INSERT INTO membership (contact_id, segment_id, joined_at, reason)
SELECT e.contact_id, k.value::bigint, min(e.ts), 'filter' FROM later_event e JOIN event_key k ON k.id = e.key
WHERE e.ts > %(since)s AND e.ts <= %(until)s AND e.kind = {int(Kind.SEGMENT_JOINED)} GROUP BY 1, 2
ON CONFLICT DO NOTHING RETURNING contact_id, segment_id
"""
LEFT = f"""
DELETE FROM membership m USING (
    SELECT DISTINCT ON (e.contact_id, e.key, k.value) e.contact_id, k.value::bigint AS segment_id, e.ts FROM later_event e JOIN event_key k ON k.id = e.key
    WHERE e.ts > %(since)s AND e.ts <= %(until)s AND e.kind = {int(Kind.SEGMENT_LEFT)} ORDER BY e.contact_id, e.key, k.value, e.ts DESC
) g
WHERE m.contact_id = g.contact_id AND m.segment_id = g.segment_id AND m.joined_at <= g.ts RETURNING m.contact_id, m.segment_id
"""
SUPPRESSED = (
    "INSERT INTO suppression SELECT * FROM later_suppression WHERE at > %(since)s AND at <= %(until)s ON CONFLICT DO NOTHING RETURNING contact_id, channel"
)
# Records that were made, and links; the people they are linked to look at them anew.
LINKED = """
WITH made AS (
    INSERT INTO record SELECT * FROM later_record WHERE created_at > %(since)s AND created_at <= %(until)s ON CONFLICT DO NOTHING
), tied AS (
    INSERT INTO association SELECT * FROM later_link WHERE created_at > %(since)s AND created_at <= %(until)s ON CONFLICT DO NOTHING
    RETURNING from_id, from_type, to_type
)
SELECT DISTINCT from_id, to_type FROM tied WHERE from_type = 'contact'
"""
NEXT = f"SELECT min(q.at) FROM ({' UNION ALL '.join(f'SELECT min({column}) AS at FROM later_{what} WHERE {column} > %(since)s' for what, column in LATER)}) q"


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody whom a trigger would have enrolled."""

    at: datetime
    id: int
    cause: str
    trigger: str


def entries(graph: Graph, since: datetime, until: datetime, object_type: str, most: int) -> tuple[list[Entry], list[str]]:
    """Those who would have entered in (since, until], the first `most` people by time, and the ids of triggers whose past nobody knows."""
    found: list[Entry] = []
    unknown = []
    for trigger in graph.triggers:
        past = trigger.past(since, until, object_type)
        if past is None:
            unknown.append(trigger.id)
            continue
        rows = sql.rows(f"SELECT q.at, q.id, q.cause FROM ({past.text}) AS q(id, at, cause) ORDER BY q.at, q.id LIMIT {most * 3}", past.params)
        found += [Entry(at, id, cause, trigger.id) for at, id, cause in rows]
    found.sort(key=lambda e: (e.at, e.id))
    people: dict[int, None] = {}
    kept = []
    for entry in found:
        if entry.id in people or len(people) < most:
            people[entry.id] = None
            kept.append(entry)
    return kept, unknown


def rewind(start: datetime, workflow_id: int) -> None:
    """Let it be `start`: what came later is kept aside, without what this workflow itself did then."""
    values: dict[str, Any] = {
        "start": start,
        "me": str(workflow_id),
        "actor": str(Actor("workflow", workflow_id)),
        "own": [int(Kind.WORKFLOW_ENROLLED), int(Kind.WORKFLOW_FINISHED)],
        "lists": [int(Kind.SEGMENT_JOINED), int(Kind.SEGMENT_LEFT)],
        "sent": int(Kind.EMAIL_SENT),
    }
    for statement in ASIDE:
        text = statement.replace("%(was)s", WAS).replace("%(first)s", FIRST)
        sql.run(text, values if "%(" in text else ())


def following(since: datetime) -> datetime | None:
    """When the next thing happened after `since`."""
    found = sql.rows(NEXT, {"since": since})[0][0]
    return found if isinstance(found, datetime) else None


def until(since: datetime, moment: datetime) -> list[Change]:
    """Let happen what happened in (since, moment]; returns what changed, as the queue would have been told."""
    span: Mapping[str, datetime] = {"since": since, "until": moment}
    told = [Change(id, "event", f"{kind}:{key}") for id, kind, key in sql.rows(EVENTS, dict(span))]
    changed = sql.rows(VALUES, dict(span))
    if changed:
        sql.run(SET.format(table="contact"), dict(span))
        sql.run(SET.format(table="record"), dict(span))
        sql.run(AGREED, dict(span))
        told += [Change(id, "property", name) for id, kind, name in changed if kind == "contact"]
        told += [Change(id, "stage", "") for id, kind, name in changed if kind == "contact" and name == "lifecyclestage"]
        told += [Change(id, "record", f"{kind}:{name}") for id, kind, name in changed if kind != "contact"]
    if linked := sql.rows(LINKED, dict(span)):
        told += [Change(id, "property", f"{kind}.*") for id, kind in linked]
    told += [Change(id, "property", f"consent.{channel}") for id, channel in sql.rows(SUPPRESSED, dict(span))]
    if any(c.kind == "event" and c.key.startswith((f"{int(Kind.SEGMENT_JOINED)}:", f"{int(Kind.SEGMENT_LEFT)}:")) for c in told):
        told += [Change(id, "membership", f"{list_id}:joined") for id, list_id in sql.rows(JOINED, dict(span))]
        told += [Change(id, "membership", f"{list_id}:left") for id, list_id in sql.rows(LEFT, dict(span))]
    return told
