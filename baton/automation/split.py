"""How an A/B test of a workflow stands: who of each way reached the goal in time, with intervals, and which way is better for sure, if any is.

Only those count whose time for the goal is over, in every way alike: who came yesterday has had no chance yet. When the shares of the ways were
changed, the count begins anew, for the groups before and after met other weather.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from baton.automation import graph
from baton.automation.models import Version, Workflow
from baton.automation.steps.split_test import SplitTest
from baton.platform import clock, sql
from baton.platform.errors import Invalid
from baton.segments import meanwhile, trial
from baton.segments.statistics import Rate, rate
from baton.segments.trial import Why

MOST = 100_000  # people who are counted, the latest

CAME = """
SELECT s.contact_id, s.outcome, s.at FROM step_run s
JOIN enrollment r ON r.contact_id = s.contact_id AND r.id = s.enrollment_id
WHERE s.workflow_id = %s AND s.step = %s AND s.outcome = ANY(%s) AND r.version_id = ANY(%s)
ORDER BY s.at DESC LIMIT %s
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
    """How the test of this step stands in the live version; None when there is no such test. Two statements over those who came to it."""
    step, versions = _step(workflow, step_id)
    if step is None:
        return None
    now, length = clock.now(), timedelta(days=step.days)
    first: dict[int, tuple[str, datetime]] = {  # the latest first, so that of each the earliest stays
        id: (way, at) for id, way, at in sql.rows(CAME, [workflow.pk, step.id, sorted(step.shares), versions, MOST])
    }
    over = {id: (at, at + length) for id, (_way, at) in first.items() if at + length <= now}
    came, ended, reached = (Counter(first[id][0] for id in some) for some in (first, over, _reached(step, over, now)))
    since = min((at for _way, at in first.values()), default=None)
    better, why = trial.best({way: (reached[way], ended[way]) for way in sorted(step.shares)}, now - length - since if since else timedelta())
    return Test(tuple(Way(way, came[way], rate(reached[way], ended[way]), way == better) for way in sorted(step.shares)), since, why)


def _reached(step: SplitTest, over: meanwhile.Spans, now: datetime) -> set[int]:
    try:
        return meanwhile.among(step.goal, list(over), "contact", now, over)
    except Invalid:  # what the goal asks about was deleted: nobody reaches it any more
        return set()


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
