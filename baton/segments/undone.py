"""Whoever stands in a stage only because of what a program did goes back, while nobody has worked on him. One booking, with the reason.

Asked twice: does the rule of his stage hold now, and would it hold if the hits still counted that counted when he entered? No and yes means that those
hits brought him there. For the second answer they count again for a moment, in a part of the transaction that is taken back.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.crm import life, stages
from baton.events import evidence, hits
from baton.events.vocabulary import Kind
from baton.platform import sql
from baton.platform.actor import SYSTEM
from baton.platform.changes import Change
from baton.platform.config import config
from baton.segments import lifecycle

SOURCE = "evidence"  # of the booking
WORK = (Kind.CALL, Kind.MEETING, Kind.EMAIL_LOGGED, Kind.MESSAGE_LOGGED, Kind.NOTE, Kind.TASK)

# The way that rules led each contact to where he stands, the last move first, as far as nobody worked on him since.
WAY = """
SELECT b.contact_id, b.at, b.out_of, b."into"
FROM contact c JOIN booking b ON b.contact_id = c.id
WHERE c.id = ANY(%(ids)s) AND c.archived_at IS NULL AND b.source = 'rule' AND b.out_of <> ''
  AND NOT EXISTS (SELECT 1 FROM booking d WHERE d.contact_id = c.id AND d.id > b.id AND d.source <> 'rule')
  AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.contact_id = c.id AND v.at >= b.at)
  AND NOT EXISTS (SELECT 1 FROM event e WHERE e.contact_id = c.id AND e.ts >= b.at AND e.kind = ANY(%(work)s::smallint[]))
ORDER BY b.contact_id, b.id DESC
"""
# What counted at that moment and no longer does; with %(again)s it counts.
COUNTED = """
SELECT e.contact_id, e.ts, e.id, e.kind, e.key, e.payload -> 'why' ->> 0
FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(contact_id, at)
JOIN event e ON e.contact_id = r.contact_id AND e.ts <= r.at AND e.kind IN (11, 12, 19) AND e.payload ? 'machine'
WHERE (e.payload ->> 'counted_until')::timestamptz >= r.at
ORDER BY e.contact_id, e.ts, e.id
"""
AGAIN = """
UPDATE event e SET payload = e.payload - 'machine' FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[]) AS r(contact_id, ts, id)
WHERE e.contact_id = r.contact_id AND e.ts = r.ts AND e.id = r.id
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A move by rule."""

    contact_id: int
    at: datetime
    out_of: str
    into: str


def settle(ids: Collection[int], count: Callable[[list[Change]], None]) -> list[Change]:
    """Move back whom programs brought where he is; returns what the tick must know. `count` scores and lists those whom changes touch."""
    ways: dict[int, list[Step]] = {}
    for row in sql.rows(WAY, {"ids": sorted(ids), "work": [int(kind) for kind in WORK]}):
        ways.setdefault(row[0], []).append(Step(*row))
    holds = lifecycle.fitting(ways) if ways else {}
    back: dict[int, tuple[str, list[str]]] = {}  # contact -> where he goes, and why
    while ways:
        asked = [way[0] for id, way in ways.items() if way[0].into not in holds.get(id, ()) and _forward(way[0])]
        counted = _counted(asked)
        would = _would(counted, count)
        left: dict[int, list[Step]] = {}
        for step in asked:
            if step.into in would.get(step.contact_id, ()):
                back[step.contact_id] = (step.out_of, [reason for id, *_place, reason in counted if id == step.contact_id])
                if rest := ways[step.contact_id][1:]:
                    left[step.contact_id] = rest
        ways = left
    return [change for id, (into, reasons) in back.items() for change in _move(id, into, reasons)]


def _forward(step: Step) -> bool:
    """Whether it leads on along the way: what is an end or beside it stays as it is."""
    stage = life.by_key().get(step.into)
    return stage is not None and stage.on_the_way


Hit = tuple[int, datetime, int, int, int, str]  # contact, time, id, kind, key, first reason


def _counted(steps: Iterable[Step]) -> list[Hit]:
    asked = list(steps)
    return sql.rows(COUNTED, [[step.contact_id for step in asked], [step.at for step in asked]]) if asked else []


def _would(counted: list[Hit], count: Callable[[list[Change]], None]) -> dict[int, set[str]]:
    """The stages whose rule would hold if these hits counted."""
    if not counted:
        return {}
    try:
        with transaction.atomic():
            sql.run(AGAIN, [[hit[0] for hit in counted], [hit[1] for hit in counted], [hit[2] for hit in counted]])
            count([Change(contact, "event", f"{kind}:{key}") for contact, _ts, _id, kind, key, _why in counted])
            raise _TakeBack(lifecycle.fitting({hit[0] for hit in counted}))
    except _TakeBack as answer:
        return answer.would


class _TakeBack(Exception):
    """Ends the part of the transaction in which hits counted again."""

    def __init__(self, would: dict[int, set[str]]) -> None:
        self.would = would


def _move(id: int, into: str, reasons: list[str]) -> list[Change]:
    with translation.override(config().language):
        text = ngettext("{n} open or click that led here was a program’s: {why}", "{n} opens and clicks that led here were a program’s: {why}", len(reasons))
        why = ", ".join(_(evidence.REASONS[word][1]) for word in dict.fromkeys(reasons) if word in evidence.REASONS)
        reason = text.format(n=len(reasons), why=why)
    moved = stages.move([id], into, actor=SYSTEM, source=SOURCE, reason=reason, back=True)[id]
    return [Change(id, "stage", into)] if moved is True else []


def demoted(unseen: Iterable[Change]) -> set[int]:
    """The contacts for whom hits stopped to count."""
    return {change.contact_id for change in unseen if change.kind == hits.DEMOTED}
