"""Triggers by lists: who joined or left one, and by which very joining or leaving (`segment:<list>:<moment>`, `left:<list>:<moment>`)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from baton.events import facts
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.changes import Change
from baton.platform.errors import Problem
from baton.query.statement import Sql
from baton.segments.models import Segment

MICROS = "(extract(epoch FROM {}) * 1000000)::bigint"
PASSING = timedelta(seconds=1)  # who is in or out for a moment only, while a tick works things out, has neither joined nor left


def joined(changes: Sequence[Change], segment: int) -> dict[int, str]:
    """Who joined by these changes and is in it now."""
    told = {c.contact_id for c in changes if c.key == f"{segment}:joined"}
    if not told:
        return {}
    found = sql.rows("SELECT contact_id, joined_at FROM membership WHERE contact_id = ANY(%s) AND segment_id = %s", [sorted(told), segment])
    wanted = {(c.contact_id, c.fact) for c in changes if c.key == f"{segment}:joined"}
    return {id: f"segment:{segment}:{facts.micros(at)}" for id, at in found if (id, at.isoformat()) in wanted}


def left(changes: Sequence[Change], segment: int) -> dict[int, str]:
    """Who left by these changes and is not in it now."""
    told = {c.contact_id: c.fact for c in changes if c.key == f"{segment}:left"}
    if not told:
        return {}
    inside = {id for (id,) in sql.rows("SELECT contact_id FROM membership WHERE contact_id = ANY(%s) AND segment_id = %s", [sorted(told), segment])}
    return {id: f"left:{segment}:{facts.micros(datetime.fromisoformat(at))}" for id, at in told.items() if id not in inside}


def members(segment: int) -> Sql:
    """SELECT of (contact, cause) of those who are in it, by their joining."""
    return Sql(
        f"SELECT m.contact_id, 'segment:' || m.segment_id || ':' || {MICROS.format('m.joined_at')} FROM membership m WHERE m.segment_id = %(segment)s",
        {"segment": segment},
    )


def past(kind: Kind, segment: int, since: datetime, until: datetime) -> Sql:
    """SELECT of (contact, when, cause) of those who joined or left in (since, until], and not for a moment only."""
    other = Kind.SEGMENT_LEFT if kind == Kind.SEGMENT_JOINED else Kind.SEGMENT_JOINED
    word = "segment" if kind == Kind.SEGMENT_JOINED else "left"
    return Sql(
        f"SELECT e.contact_id, e.ts, '{word}:' || %(segment)s || ':' || {MICROS.format('e.ts')} FROM event e JOIN event_key k ON k.id = e.key"
        " WHERE e.kind = %(kind)s AND k.kind = %(kind)s AND k.value = %(segment)s AND e.ts > %(since)s AND e.ts <= %(until)s"
        " AND NOT EXISTS (SELECT 1 FROM event o JOIN event_key ok ON ok.id = o.key WHERE o.contact_id = e.contact_id AND o.kind = %(other)s"
        " AND ok.value = %(segment)s AND o.ts > e.ts AND o.ts <= e.ts + %(passing)s)",
        {"kind": int(kind), "other": int(other), "segment": str(segment), "since": since, "until": until, "passing": PASSING},
    )


def name(segment: int | None) -> str:
    return Segment.objects.filter(pk=segment or 0).values_list("name", flat=True).first() or ""


def problems(segment: int | None) -> list[Problem]:
    if Segment.objects.filter(pk=segment or 0, archived_at=None).exists():
        return []
    return [Problem("segment", "NOT_FOUND", _("This list does not exist any more."))]
