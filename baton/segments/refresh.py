"""Who belongs to a list: the members that its filter finds against those it has, for everybody or for the few who changed.

Both ways ask the same compiled condition. For everybody one statement adds who joins and one removes who leaves; for a few,
one statement asks all their lists at once and says what differs. What was pinned by hand wins over the filter.

`membership.reason` is `filter` (`filter:0:2`, when the filter is a choice: which alternatives held at the time), or the actor who pinned or added him.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.changes import Batch, Change
from baton.platform.config import config
from baton.query import compile
from baton.query.nodes import Node, Or
from baton.query.statement import Sql
from baton.segments import catalog, cut, definitions, locks, sizes
from baton.segments.definitions import Definition
from baton.segments.models import Segment
from baton.segments.tally import Tally

JOIN = """
INSERT INTO membership (contact_id, segment_id, joined_at, reason)
SELECT c.id, %(segment)s, %(at)s, c.reason
FROM ({members}) c
WHERE NOT EXISTS (SELECT 1 FROM membership m WHERE m.contact_id = c.id AND m.segment_id = %(segment)s)
ON CONFLICT (contact_id, segment_id) DO NOTHING
RETURNING contact_id
"""
LEAVE = """
DELETE FROM membership m
WHERE m.segment_id = %(segment)s
  AND NOT EXISTS (SELECT 1 FROM ({members}) c WHERE c.id = m.contact_id)
RETURNING m.contact_id
"""
# Who was put in or kept out by hand, laid over those whom the filter finds.
PINNED = """
SELECT c.id, c.reason FROM ({members}) c
WHERE NOT EXISTS (SELECT 1 FROM membership_pin p WHERE p.segment_id = %(segment)s AND p.contact_id = c.id)
UNION ALL
SELECT p.contact_id, p.actor FROM membership_pin p JOIN contact k ON k.id = p.contact_id
WHERE p.segment_id = %(segment)s AND p.side = 'in' AND k.archived_at IS NULL
"""
# Who belongs and is no member, and the other way round; only what a filter found or a hand decided is looked at, not every list for everybody.
DIFFER = """
WITH {cut}, known AS MATERIALIZED ({known}), asked AS MATERIALIZED (
    SELECT c.id AS contact_id, c.archived_at IS NULL AS here,
           CASE WHEN c.archived_at IS NULL THEN array_remove(ARRAY[{found}]::bigint[], NULL) ELSE '{}' END AS lists
    FROM known c
), belongs AS (
    SELECT a.contact_id, l.segment_id, 'filter' AS reason FROM asked a CROSS JOIN LATERAL unnest(a.lists) AS l(segment_id)
    WHERE NOT EXISTS (SELECT 1 FROM membership_pin p WHERE p.contact_id = a.contact_id AND p.segment_id = l.segment_id)
    UNION ALL
    SELECT p.contact_id, p.segment_id, p.actor FROM membership_pin p JOIN asked a ON a.contact_id = p.contact_id
    WHERE p.side = 'in' AND a.here AND p.segment_id = ANY(%(segments)s)
)
SELECT b.segment_id, true, b.contact_id, b.reason FROM belongs b
WHERE NOT EXISTS (SELECT 1 FROM membership m WHERE m.contact_id = b.contact_id AND m.segment_id = b.segment_id)
UNION ALL
SELECT m.segment_id, false, m.contact_id, NULL FROM membership m JOIN asked a ON a.contact_id = m.contact_id
WHERE m.segment_id = ANY(%(segments)s) AND NOT EXISTS (SELECT 1 FROM belongs b WHERE b.contact_id = m.contact_id AND b.segment_id = m.segment_id)
ORDER BY 3
"""
ADD = """
INSERT INTO membership (contact_id, segment_id, joined_at, reason)
SELECT r.contact_id, r.segment_id, %s, r.reason FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS r(contact_id, segment_id, reason)
ON CONFLICT (contact_id, segment_id) DO NOTHING
"""
REMOVE = """
DELETE FROM membership m USING unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, segment_id)
WHERE m.contact_id = r.contact_id AND m.segment_id = r.segment_id
"""
ALTERNATIVES = 10  # of so many it is noted which held
CHUNK = 5000  # events written at once by a full evaluation


@dataclass(frozen=True, slots=True)
class Moved:
    """Who joined and who left one list."""

    segment_id: int
    joined: list[int]
    left: list[int]


def everyone(segment: Segment) -> Moved:
    """Evaluate a list for all contacts, alone. Writes members, events and changes; notes when its windows were right."""
    with transaction.atomic():
        locks.alone("segment", segment.pk)
        segment.refresh_from_db()  # another evaluation may have run while this one waited
        at = clock.now()
        found = definitions.ready("segment", {segment.pk: segment.filter}) if segment.archived_at is None and segment.filter else {}
        if not found:
            return Moved(segment.pk, [], [])
        moved = _all(segment, found[segment.pk], at)
        _record([moved], {segment.pk: segment.name}, at)
        for some_changes in _chunks(_changes([moved], at)):
            changes.append(some_changes)
        Segment.objects.filter(pk=segment.pk).update(evaluated_at=at)
        return moved


def some(segments: Iterable[Segment], ids: Iterable[int], *, batch: Batch | None = None) -> list[Moved]:
    """Evaluate lists for some contacts: those that others depend on first. Inside the tick what changed goes to its `batch`."""
    contact_ids = sorted({*ids})
    return each({s.pk: contact_ids for s in segments}, batch=batch) if contact_ids else []


def each(whom: dict[int, Sequence[int]], *, batch: Batch | None = None) -> list[Moved]:
    """Evaluate each list (by id) for its own contacts, those that others depend on first. Fixed and archived lists are left alone."""
    if not whom:
        return []
    with transaction.atomic():
        locks.share("segment", whom)
        # Read under the lock: as the last full evaluation saw them.
        segments = {s.pk: s for s in Segment.objects.filter(pk__in=whom, kind="active", archived_at=None)}
        at = definitions.not_before(*(s.evaluated_at for s in segments.values()))
        ready = definitions.ready("segment", {id: s.filter for id, s in segments.items()})
        ids = sorted(set[int]().union(*(whom[id] for id in ready)))  # asking a list about somebody else's change is harmless
        moved = [m for level in in_order(ready) for m in _some({id: ready[id] for id in level}, ids, at)]
        _record(moved, {id: s.name for id, s in segments.items()}, at)
        if batch is not None:
            batch.add(_changes(moved, at))
        else:
            changes.append(_changes(moved, at))
        return moved


def in_order(ready: Mapping[int, Definition]) -> list[list[int]]:
    """The lists by level: none depends on one of its own or of a later level."""
    depth: dict[int, int] = {}

    def measure(id: int) -> int:
        if id not in depth:
            depth[id] = 0  # a circle cannot be stored; should there be one, it ends here
            depth[id] = max((measure(below) + 1 for below in ready[id].depends.segments if below in ready), default=0)
        return depth[id]

    levels: dict[int, list[int]] = {}
    for id in sorted(ready):
        levels.setdefault(measure(id), []).append(id)
    return [levels[level] for level in sorted(levels)]


def _all(segment: Segment, definition: Definition, at: datetime) -> Moved:
    members = _members(definition.node, at)
    pinned = sql.rows("SELECT 1 FROM membership_pin WHERE segment_id = %s LIMIT 1", [segment.pk])
    text = PINNED.replace("{members}", members.text) if pinned else members.text
    params: dict[str, Any] = {**members.params, "segment": segment.pk, "at": at}
    # a fixed list takes who fits when it is made, and keeps them
    left = [] if segment.kind == "fixed" else [id for (id,) in sql.rows(LEAVE.replace("{members}", text), params)]
    return Moved(segment.pk, [id for (id,) in sql.rows(JOIN.replace("{members}", text), params)], left)


def _members(node: Node, at: datetime) -> Sql:
    """`SELECT id, reason` of all whom a filter finds. Alternatives are found one by one, so that each can say that it held."""
    known, zone = catalog.current(), config().zone
    if not isinstance(node, Or) or not 1 < len(node.children) <= ALTERNATIVES:
        found = compile.members(node, known, now=at, zone=zone)
        return Sql(f"SELECT f.id, 'filter' AS reason FROM ({found.text}) f", found.params)
    parts = [compile.members(child, known, now=at, zone=zone, prefix=f"a{number}_") for number, child in enumerate(node.children)]
    either = " UNION ALL ".join(f"SELECT f.id, ':{number}' AS part FROM ({part.text}) f" for number, part in enumerate(parts))
    params = {name: value for part in parts for name, value in part.params.items()}
    return Sql(f"SELECT e.id, 'filter' || string_agg(e.part, '' ORDER BY e.part) AS reason FROM ({either}) e GROUP BY e.id", params)


def _some(lists: Mapping[int, Definition], ids: Sequence[int], at: datetime) -> list[Moved]:
    asked = Tally(catalog.current(), at, config().zone, known={})
    found = ", ".join(f"CASE WHEN {asked.condition(d.node)} THEN {id} END" for id, d in lists.items())
    tables = cut.tables((d.node for d in lists.values()), at)
    text = DIFFER.replace("{cut}", tables.text).replace("{known}", asked.knowing("c.id = ANY(%(ids)s)")).replace("{found}", found)
    params: dict[str, Any] = {**tables.params, **asked.bind.params, "ids": list(ids), "segments": list(lists)}
    moved = {id: Moved(id, [], []) for id in lists}
    why: dict[tuple[int, int], str] = {}
    for segment_id, belongs, contact_id, reason in sql.rows(text, params):
        (moved[segment_id].joined if belongs else moved[segment_id].left).append(contact_id)
        if belongs:
            why[contact_id, segment_id] = reason
    why |= _alternatives({id: lists[id].node for id in moved}, why, at)
    if why:
        sql.run(ADD, [at, [contact_id for contact_id, _ in why], [segment_id for _, segment_id in why], list(why.values())])
    if left := [(contact_id, m.segment_id) for m in moved.values() for contact_id in m.left]:
        sql.run(REMOVE, [[contact_id for contact_id, _ in left], [segment_id for _, segment_id in left]])
    return [m for m in moved.values() if m.joined or m.left]


def _alternatives(nodes: Mapping[int, Node], why: Mapping[tuple[int, int], str], at: datetime) -> dict[tuple[int, int], str]:
    """Which alternatives hold for those who join by a choice: one more question, about the few who join such lists only."""
    whom: dict[int, list[int]] = {}
    for (contact_id, segment_id), reason in why.items():
        node = nodes[segment_id]
        if reason == "filter" and isinstance(node, Or) and len(node.children) <= ALTERNATIVES:
            whom.setdefault(segment_id, []).append(contact_id)
    found: dict[tuple[int, int], str] = {}
    known = catalog.current()
    for segment_id, ids in whom.items():
        node = nodes[segment_id]
        assert isinstance(node, Or)
        parts = [compile.condition(child, known, now=at, zone=config().zone, prefix=f"a{number}_") for number, child in enumerate(node.children)]
        held = " || ".join(f"CASE WHEN {part.text} THEN ':{number}' ELSE '' END" for number, part in enumerate(parts))
        params = {name: value for part in parts for name, value in part.params.items()} | {"ids": ids}
        for contact_id, which in sql.rows(f"SELECT c.id, {held} FROM contact c WHERE c.id = ANY(%(ids)s)", params):
            found[contact_id, segment_id] = f"filter{which}"
    return found


def tell(moved: Sequence[Moved], names: dict[int, str], at: datetime) -> None:
    """Record joins and leaves that were made by hand: events, and changes in the queue."""
    _record(moved, names, at)
    changes.append(_changes(moved, at))


def _record(moved: Sequence[Moved], names: dict[int, str], at: datetime) -> None:
    rows = [
        NewEvent(contact_id, kind, at, key_value=str(m.segment_id), key_label=names[m.segment_id])
        for m in moved
        for kind, contact_ids in ((Kind.SEGMENT_JOINED, m.joined), (Kind.SEGMENT_LEFT, m.left))
        for contact_id in contact_ids
    ]
    for some_rows in _chunks(rows):
        record.add(some_rows, announce=False)
    sizes.moved({m.segment_id: (len(m.joined), len(m.left)) for m in moved}, at)


def _changes(moved: Sequence[Moved], at: datetime) -> list[Change]:
    return [
        Change(contact_id, "membership", f"{m.segment_id}:{word}", at.isoformat())
        for m in moved
        for word, contact_ids in (("joined", m.joined), ("left", m.left))
        for contact_id in contact_ids
    ]


def _chunks(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK))
