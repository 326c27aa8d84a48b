"""How an A/B test of a workflow stands: who of each way reached the goal in time, with intervals, and which way is better for sure, if any is.

Only those count whose time for the goal is over, in every way alike: who came yesterday has had no chance yet. When the shares of the ways were
changed, the count begins anew, for the groups before and after met other weather.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baton.automation import condition, graph
from baton.automation.models import Version, Workflow
from baton.automation.steps.split_test import SplitTest
from baton.platform import clock, sql
from baton.platform.config import config
from baton.platform.errors import Invalid
from baton.query import compile
from baton.segments import catalog, filter, trial
from baton.segments.statistics import Rate, rate
from baton.segments.trial import Why

MOST = 100_000  # people who are counted, the latest

# What each did between coming to the test and the end of his time: the name hides the table.
REACHED = """
WITH came AS MATERIALIZED (
    SELECT s.contact_id, s.outcome AS way, s.at FROM step_run s
    JOIN enrollment r ON r.contact_id = s.contact_id AND r.id = s.enrollment_id
    WHERE s.workflow_id = %(workflow)s AND s.step = %(step)s AND s.outcome = ANY(%(ways)s) AND r.version_id = ANY(%(versions)s)
    ORDER BY s.at DESC LIMIT %(most)s
), first AS (
    SELECT DISTINCT ON (contact_id) contact_id, way, at FROM came ORDER BY contact_id, at
), over AS MATERIALIZED (
    SELECT contact_id, way, at FROM first WHERE at <= %(until)s
), event AS MATERIALIZED (
    SELECT e.* FROM event e JOIN over o ON o.contact_id = e.contact_id
    WHERE e.kind = ANY(%(kinds)s::smallint[]) AND e.ts > (SELECT min(at) FROM over) AND e.ts > o.at AND e.ts <= o.at + %(length)s
), reached AS MATERIALIZED (
    SELECT c.id FROM contact c JOIN over o ON o.contact_id = c.id WHERE {goal}
)
SELECT f.way, count(*), count(o.contact_id), count(g.id), min(f.at)
FROM first f LEFT JOIN over o ON o.contact_id = f.contact_id LEFT JOIN reached g ON g.id = o.contact_id GROUP BY f.way
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of the test."""

    label: str
    came: int  # went this way
    rate: Rate  # of those whose time is over, how many reached the goal
    better: bool = False  # than every other way, for sure

    @property
    def open(self) -> int:
        """Those who still have time to reach the goal."""
        return self.came - self.rate.n


@dataclass(frozen=True, slots=True)
class Test:
    """The state of a test. `why` says why no way is named better: few (not enough data), week (not yet a week), open (the difference may be chance)."""

    ways: tuple[Way, ...]
    since: datetime | None
    why: Why
    least: int = trial.LEAST  # people that each way needs
    least_reached: int = trial.LEAST_REACHED

    @property
    def better(self) -> Way | None:
        return next((way for way in self.ways if way.better), None)


def of(workflow: Workflow, step_id: str) -> Test | None:
    """How the test of this step stands in the live version; None when there is no such test. One statement over those who came to it."""
    step, versions = _step(workflow, step_id)
    if step is None:
        return None
    now = clock.now()
    found = {way: numbers for way, *numbers in _counted(workflow, step, versions, now)}
    counts = {way: found.get(way, [0, 0, 0, None]) for way in sorted(step.shares)}
    since = min((numbers[3] for numbers in counts.values() if numbers[3]), default=None)
    length = timedelta(days=step.days)
    lasted = now - length - since if since else timedelta()
    better, why = trial.best({way: (reached, over) for way, (_came, over, reached, _at) in counts.items()}, lasted)
    return Test(tuple(Way(way, came, rate(reached, over), way == better) for way, (came, over, reached, _at) in counts.items()), since, why)


def _step(workflow: Workflow, step_id: str) -> tuple[SplitTest | None, list[int]]:
    """The test as the live version has it, and the versions in a row, up to that one, in which it drew and counted alike."""
    current: SplitTest | None = None
    same: list[int] = []
    for version_id in Version.objects.filter(workflow=workflow, pk__lte=workflow.published_id or 0).order_by("-pk").values_list("pk", flat=True):
        published = graph.readable(version_id)
        step = published.get(step_id) if published else None
        if not isinstance(step, SplitTest) or (current and (step.shares, step.goal, step.days) != (current.shares, current.goal, current.days)):
            break
        current = current or step
        same.append(version_id)
    return current, same


def _counted(workflow: Workflow, step: SplitTest, versions: list[int], now: datetime) -> list[tuple[Any, ...]]:
    known = catalog.current()
    try:
        node = filter.parse(step.goal, known)
    except Invalid:  # what the goal asks about was deleted: nobody reaches it any more
        node = filter.parse({}, known)
    goal = compile.condition(node, known, now=now, zone=config().zone, prefix="g")
    length = timedelta(days=step.days)
    return sql.rows(
        REACHED.replace("{goal}", goal.text),
        {
            **goal.params, "workflow": workflow.pk, "step": step.id, "ways": sorted(step.shares), "versions": versions, "most": MOST,
            "until": now - length, "length": length, "kinds": condition.happenings(node),
        },
    )  # fmt: skip
