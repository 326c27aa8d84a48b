"""How long the people who stand in a stage have been there, and who has been there longer than the stage allows."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date

from baton.analytics import counting, periods, whose
from baton.analytics.flows import EVERYBODY, Only
from baton.crm import stages
from baton.crm.stages import Stage
from baton.platform import sql
from baton.platform.config import config

EDGES = (7, 30, 90)  # days: up to a week, up to a month, up to three, longer

SINCE = f"""
SELECT q.stage, q.since, sum(q.n)::bigint FROM (
    SELECT stage, since, n FROM stay_month WHERE since < %(end)s AND "left" >= %(end)s AND %(after)s > 0
    UNION ALL
    SELECT stage, since, n FROM ({counting.NOT_COUNTED}) f WHERE since < %(end)s AND "left" >= %(end)s
) q GROUP BY 1, 2 HAVING sum(q.n) <> 0
"""
SINCE_OF_SOME = f"""
SELECT l."into", (l.at AT TIME ZONE %(zone)s)::date, count(*) FROM (
    SELECT DISTINCT ON (b.contact_id) b."into", b.at FROM booking b {whose.JOIN}
    WHERE b.at < %(moment)s AND {{only}} ORDER BY b.contact_id, b.id DESC
) l WHERE l."into" <> '' GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Age:
    """The people of one stage by how long they are there."""

    stage: Stage
    people: int
    parts: tuple[int, ...]  # by EDGES, the last one longer
    median: int  # days
    longest: int
    stuck: int  # longer than the stage's days

    def share(self, n: int) -> float:
        return n / self.people if self.people else 0.0


def read(until: date, *, only: Only = EVERYBODY) -> list[Age]:
    """The stages in which somebody stood when a month began (`until`, its first day), or stands now if it has not."""
    params = {"end": until, "moment": periods.at(until), "zone": config().time_zone}
    if only or until.day != 1:  # stays are counted by month
        condition, more = only.condition()
        rows = sql.rows(SINCE_OF_SOME.format(only=condition), params | more)
    else:
        rows = counting.read(SINCE, params)
    asof = periods.asof(until)
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for key, since, n in rows:
        found[key][max(0, (asof - since).days)] += n
    return [_age(stage, found[stage.key]) for stage in stages.known() if found[stage.key].total() > 0]


def _age(stage: Stage, days: Counter[int]) -> Age:
    total = days.total()
    parts = [0] * (len(EDGES) + 1)
    seen, median = 0, -1
    for age, n in sorted(days.items()):
        parts[sum(age > edge for edge in EDGES)] += n
        seen += n
        if median < 0 and seen * 2 >= total:
            median = age
    stuck = sum(n for age, n in days.items() if stage.days is not None and age > stage.days)
    return Age(stage, total, tuple(parts), median, max(days), stuck)
