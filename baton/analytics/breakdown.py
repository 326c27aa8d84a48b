"""The board by what contacts have: for every source, or every owner, its own; and each stage's ranking of them."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from baton.analytics import counting, funnel, periods, whose
from baton.analytics.flows import EVERYBODY, Only, Stretch, Way
from baton.analytics.funnel import Board
from baton.analytics.periods import Period
from baton.analytics.rates import Rate

BY = {"source": "source", "owner": "owner_id"}

SUMS = f"""
SELECT q.{{by}}, q.inside, q.out_of, q."into", q.path, sum(q.n)::bigint FROM (
    SELECT w.source, w.owner_id, w.month >= %(first)s AS inside, w.out_of, w."into", w.path, w.n
    FROM way_month w WHERE w.month < %(until)s AND %(after)s > 0 AND {{only}}
    UNION ALL
    SELECT w.source, w.owner_id, b.at >= %(start)s, b.out_of, b."into", b.path, 1
    FROM booking b {whose.JOIN} WHERE b.at < %(end)s AND b.id > %(after)s AND {{only}}
) q GROUP BY 1, 2, 3, 4, 5 HAVING sum(q.n) <> 0
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A source or an owner in one stage's ranking. Only those with enough people, some of whom went on, have a rank."""

    rate: Rate
    rank: int | None = None


def boards(by: str, period: Period, *, only: Only = EVERYBODY) -> dict[str | int | None, Board]:
    """A board for every value under which contacts are counted (whose.py); "" and None: none. They add up to the whole board."""
    condition, more = only.condition()
    params = more | {"start": periods.at(period.first), "end": periods.at(period.until), "first": period.first, "until": period.until}
    openings: dict[str | int | None, Counter[str]] = defaultdict(Counter)
    moves: dict[str | int | None, Counter[Way]] = defaultdict(Counter)
    for value, inside, out_of, into, path, n in counting.read(SUMS.format(by=BY[by], only=condition), params):
        value = value or None if by == "owner" else value
        if inside:
            moves[value][Way(out_of, into, path)] += n
        else:
            openings[value].update({into: n})
            openings[value].subtract({out_of: n})
    return {
        value: funnel.lay_out(period, {key: n for key, n in openings[value].items() if key}, Stretch(moves[value], Counter()))
        for value in sorted({*openings, *moves}, key=str)
    }


def ranking(found: Mapping[str | int | None, Board], stage: str) -> dict[str | int | None, Place]:
    """The values by their rate of going on from a stage, best first: by the lower end of the interval, so that luck of the few does not win."""
    rates = {value: Rate(board.rows[stage].moved, board.rows[stage].stays) for value, board in found.items() if stage in board.rows}
    ranked = sorted((value for value, rate in rates.items() if rate.enough and rate.part), key=lambda value: -rates[value].interval[0])
    return {value: Place(rate, ranked.index(value) + 1 if value in ranked else None) for value, rate in rates.items()}
