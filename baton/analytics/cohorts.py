"""Cohorts: of the people who came in a month, how far have they come by now."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from baton.analytics import counting, periods, whose
from baton.analytics.flows import EVERYBODY, Only
from baton.analytics.funnel import ON_THE_WAY
from baton.analytics.rates import Rate
from baton.crm import stages
from baton.crm.stages import Stage

BY_MONTH = f"""
SELECT q.came, q.reached, sum(q.n)::bigint FROM (
    SELECT w.came, w.reached, w.n FROM cohort_month w WHERE w.came >= %(start)s AND w.came < %(end)s AND %(after)s > 0 AND {{only}}
    UNION ALL
    SELECT w.came, w.reached, w.n FROM ({counting.IN_COHORTS.format(places=counting.PLACES.format(upto="", upto_b=""), whose=whose.JOIN)}) w
    WHERE w.came >= %(start)s AND w.came < %(end)s AND {{only}}
) q GROUP BY 1, 2 HAVING sum(q.n) <> 0
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
    places = {key: place for place, key in enumerate(keys, 1)}
    dead = {stage.key for stage in stages.known() if stage.kind == "dead_end"}
    condition, params = only.condition()
    params |= {"start": months[0], "end": periods.add(months[-1], 1)}
    best: dict[date, Counter[int]] = defaultdict(Counter)
    ended: Counter[date] = Counter()
    for month, reached, n in counting.read(BY_MONTH.format(only=condition), params):
        been = reached.split("\x1f")
        best[month][max(places.get(key, 0) for key in been)] += n
        ended[month] += 0 if dead.isdisjoint(been) else n
    found = []
    for month in months:
        total = best[month].total()
        reached = {key: Rate(sum(n for furthest, n in best[month].items() if furthest >= place), total) for place, key in enumerate(keys, 1)}
        found.append(Cohort(month, total, reached, Rate(ended[month], total)))
    return found
