"""How large lists are, day by day: kept up with every move, and counted anew each night.

A page of all lists reads one row a list, whatever their size. What goes without a move (an erased person) is put right by the night's count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments import patience

# The first row of a list is counted: its members may be older than this history. Where today has a row, it is only added to.
MOVED = """
INSERT INTO segment_day (segment_id, day, members, joined, departed)
SELECT m.id, %s, coalesce(
    (SELECT 0 FROM segment_day d WHERE d.segment_id = m.id AND d.day = %s),
    (SELECT d.members + m.joined - m.departed FROM segment_day d WHERE d.segment_id = m.id AND d.day < %s ORDER BY d.day DESC LIMIT 1),
    (SELECT count(*) FROM membership k WHERE k.segment_id = m.id)
), m.joined, m.departed
FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS m(id, joined, departed) JOIN segment s ON s.id = m.id
ORDER BY m.id
ON CONFLICT (segment_id, day) DO UPDATE SET
    members = segment_day.members + EXCLUDED.joined - EXCLUDED.departed,
    joined = segment_day.joined + EXCLUDED.joined, departed = segment_day.departed + EXCLUDED.departed
"""
COUNTED = """
INSERT INTO segment_day (segment_id, day, members, joined, departed)
SELECT s.id, %s, (SELECT count(*) FROM membership m WHERE m.segment_id = s.id), 0, 0
FROM segment s WHERE s.archived_at IS NULL AND (%s::bigint[] IS NULL OR s.id = ANY(%s))
ORDER BY s.id
ON CONFLICT (segment_id, day) DO UPDATE SET members = EXCLUDED.members WHERE segment_day.members <> EXCLUDED.members
"""
ONE = """
INSERT INTO segment_day (segment_id, day, members, joined, departed) VALUES (%s, %s, %s, 0, 0)
ON CONFLICT (segment_id, day) DO UPDATE SET members = EXCLUDED.members WHERE segment_day.members <> EXCLUDED.members
"""
LATEST = """
SELECT s.id, d.day, d.members, d.joined, d.departed FROM unnest(%s::bigint[]) AS s(id)
JOIN LATERAL (SELECT * FROM segment_day d WHERE d.segment_id = s.id AND d.day > %s ORDER BY d.day DESC) d ON true
ORDER BY s.id, d.day
"""
BEFORE = """
SELECT DISTINCT ON (d.segment_id) d.segment_id, d.members FROM segment_day d WHERE d.segment_id = ANY(%s) AND d.day <= %s ORDER BY d.segment_id, d.day DESC
"""
PATIENCE = 150  # milliseconds for counting one list on its page


@dataclass(frozen=True, slots=True)
class Day:
    """A list at the end of a day: how many were in it, and how many came and went on it."""

    day: date
    members: int
    joined: int = 0
    departed: int = 0


def moved(counts: Mapping[int, tuple[int, int]], at: datetime) -> None:
    """Note how many joined and left lists at a moment, in the transaction that moved them."""
    some = [(id, joined, left) for id, (joined, left) in sorted(counts.items()) if joined or left]
    if some:
        day = at.astimezone(config().zone).date()
        sql.run(MOVED, [day, day, day, *([list(column) for column in zip(*some, strict=True)])])


def count_all(segment_ids: Sequence[int] | None = None) -> None:
    """The size of every list (or of some) today, counted: one statement."""
    ids = None if segment_ids is None else list(segment_ids)
    sql.run(COUNTED, [today(), ids, ids])


def now(segment_id: int) -> tuple[int, bool]:
    """The size of one list: counted while that is quickly done (True), else as it was kept up (False)."""
    counted = patience.rows("SELECT count(*) FROM membership WHERE segment_id = %(id)s", {"id": segment_id}, milliseconds=PATIENCE)
    if counted is None:
        days = history([segment_id], days=1)[segment_id]
        return (days[-1].members if days else 0), False
    sql.run(ONE, [segment_id, today(), counted[0][0]])
    return counted[0][0], True


def history(segment_ids: Sequence[int], days: int = 30) -> dict[int, list[Day]]:
    """The last days of lists, one entry a day, today last; a day without a move is as large as the one before. Two statements for any number."""
    first = today() - timedelta(days=days - 1)
    ids = list(segment_ids)
    known: dict[int, dict[date, Day]] = {id: {} for id in ids}
    for id, *values in sql.rows(LATEST, [ids, first - timedelta(days=1)]):
        known[id][values[0]] = Day(*values)
    before = dict(sql.rows(BEFORE, [ids, first - timedelta(days=1)]))
    found: dict[int, list[Day]] = {}
    for id in ids:
        row: list[Day] = []
        size = before.get(id)
        for number in range(days):
            day = first + timedelta(days=number)
            if there := known[id].get(day):
                size = there.members
                row.append(there)
            elif size is not None:
                row.append(Day(day, size))
        found[id] = row
    return found


def today() -> date:
    """The account's day."""
    return clock.now().astimezone(config().zone).date()
