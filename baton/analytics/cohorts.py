"""Cohorts: of the people who came in a month, how far have they come by now."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from baton.analytics import periods
from baton.analytics.flows import EVERYBODY, Only
from baton.analytics.funnel import ON_THE_WAY
from baton.analytics.rates import Rate
from baton.crm import stages
from baton.crm.stages import Stage
from baton.platform import sql
from baton.platform.config import config

BY_MONTH = """
SELECT date_trunc('month', q.came AT TIME ZONE %(zone)s)::date, q.best, q.ended, count(*) FROM (
    SELECT b.contact_id, min(b.at) AS came, coalesce(max(array_position(%(way)s::text[], b."into")), 0) AS best, bool_or(b."into" = ANY(%(dead)s)) AS ended
    FROM booking b {join} GROUP BY b.contact_id HAVING min(b.at) >= %(start)s AND min(b.at) < %(end)s
) q GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who came in a month for the first time. `reached`: by stage, how many came at least as far."""

    month: date
    people: int
    reached: dict[str, Rate]
    ended: Rate


def way() -> list[Stage]:
    """The stages that a cohort is followed through."""
    return [stage for stage in stages.known() if stage.kind in ON_THE_WAY]


def read(months: Sequence[date], *, only: Only = EVERYBODY) -> list[Cohort]:
    """One cohort for each of these months, which follow each other."""
    keys = [stage.key for stage in way()]
    condition, more = only.condition()
    params: dict[str, Any] = more | {
        "way": keys,
        "dead": [stage.key for stage in stages.known() if stage.kind == "dead_end"],
        "start": periods.at(months[0]),
        "end": periods.at(periods.add(months[-1], 1)),
        "zone": config().time_zone,
    }
    join = f"LEFT JOIN contact c ON c.id = b.contact_id WHERE {condition}" if only else ""
    best: dict[date, Counter[int]] = defaultdict(Counter)
    ended: Counter[date] = Counter()
    for month, furthest, dead, n in sql.rows(BY_MONTH.format(join=join), params):
        best[month][furthest] += n
        ended[month] += n if dead else 0
    found = []
    for month in months:
        total = best[month].total()
        reached = {key: Rate(sum(n for furthest, n in best[month].items() if furthest >= place), total) for place, key in enumerate(keys, 1)}
        found.append(Cohort(month, total, reached, Rate(ended[month], total)))
    return found
