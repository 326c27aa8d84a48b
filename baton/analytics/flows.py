"""The ledger of stages as sums: how many moved from where to where, by which path, in which stretch of time.

Most of it was counted beforehand (counting.py); what is newer is read from the ledger in the same statement, so the sum is exact at every moment.
Of a source or an owner there are sums by month.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from baton.analytics import counting, periods, whose
from baton.platform import sql
from baton.platform.config import config

Flows = Counter["Way"]  # people by way

DAYS = """
SELECT day, out_of, "into", path, n FROM flow_day WHERE day < %(until)s AND %(after)s > 0
UNION ALL
SELECT (at AT TIME ZONE %(zone)s)::date, out_of, "into", path, 1 FROM booking WHERE at < %(end)s AND id > %(after)s
"""
LEDGER = f"""
SELECT (b.at AT TIME ZONE %(zone)s)::date AS day, b.out_of, b."into", b.path, 1 AS n FROM booking b {whose.JOIN}
WHERE b.at < %(end)s AND {{only}}
"""  # of a source or an owner, when somebody asks for days that no month begins with
SUMS = """
SELECT width_bucket(q.day, %(bounds)s::date[]), q.out_of, q."into", q.path, sum(q.n)::bigint, sum(q.n * (%(asof)s - q.day))::bigint
FROM ({days}) q GROUP BY 1, 2, 3, 4
"""
MONTHS = f"""
SELECT width_bucket(q.month, %(bounds)s::date[]), q.out_of, q."into", q.path,
       sum(q.n)::bigint, sum(q.n * (%(asof)s - '2000-01-01'::date) - q.days)::bigint
FROM (
    SELECT w.month, w.out_of, w."into", w.path, w.n, w.days FROM way_month w WHERE w.month < %(until)s AND %(after)s > 0 AND {{only}}
    UNION ALL
    SELECT d.day, d.out_of, d."into", d.path, 1, d.day - '2000-01-01'::date
    FROM (SELECT (b.at AT TIME ZONE %(zone)s)::date AS day, b.out_of, b."into", b.path FROM booking b {whose.JOIN}
          WHERE b.at < %(end)s AND b.id > %(after)s AND {{only}}) d
) q GROUP BY 1, 2, 3, 4
"""


class Way(NamedTuple):
    """A way between two stages; "" is outside."""

    out_of: str
    into: str
    path: str


@dataclass(frozen=True, slots=True)
class Only:
    """Whose moves: of contacts with this source and of these owners (whose.py). `source` "" and owner None are those who have none."""

    source: str | None = None
    owners: tuple[int | None, ...] | None = None

    def __bool__(self) -> bool:
        return self.source is not None or self.owners is not None

    def condition(self) -> tuple[str, dict[str, Any]]:
        """As SQL over `w`, whose they are."""
        parts = ["true"]
        params: dict[str, Any] = {}
        if self.source is not None:
            parts.append("w.source = %(source)s")
            params["source"] = self.source
        if self.owners is not None:
            parts.append("w.owner_id = ANY(%(owners)s)")
            params["owners"] = [owner or 0 for owner in self.owners]
        return " AND ".join(parts), params


EVERYBODY = Only()


@dataclass(frozen=True, slots=True)
class Stretch:
    """The moves of a stretch of time. `days` of a way: the sum over its moves of the days from the move to the end of the last stretch asked for."""

    ways: Flows
    days: Flows


def read(bounds: Sequence[date], *, only: Only = EVERYBODY, asof: date | None = None) -> list[Stretch]:
    """The moves before bounds[0], then those from each bound to before the next. One statement."""
    until = bounds[-1]
    params: dict[str, Any] = {"bounds": list(bounds[:-1]), "until": until, "end": periods.at(until), "zone": config().time_zone, "asof": asof or until}
    if only:
        condition, more = only.condition()
        if all(bound.day == 1 for bound in bounds):
            rows = counting.read(MONTHS.format(only=condition), params | more)
        else:
            rows = sql.rows(SUMS.format(days=LEDGER.format(only=condition)), params | more)
    else:
        rows = counting.read(SUMS.format(days=DAYS), params)
    found = [Stretch(Counter(), Counter()) for _ in bounds]
    for bucket, out_of, into, path, n, waited in rows:
        way = Way(out_of, into, path)
        found[bucket].ways[way] = n
        found[bucket].days[way] = waited
    return found


def balances(flows: Flows) -> Counter[str]:
    """Who stands where after these moves, when nobody stood anywhere before."""
    found: Counter[str] = Counter()
    for way, n in flows.items():
        found[way.into] += n
        found[way.out_of] -= n
    del found[""]
    return found
