"""What a workflow shows equals the rows behind it, whatever happens: enrolling, walking, failing, leaving, pausing, merging, erasing."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.automation import enroll, errors, runs, standing, tally, verbs
from baton.automation.models import Workflow
from baton.automation.steps.set_property import SetProperty
from baton.crm import erase, merge, records
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from tests.automation.conftest import contact, drain
from tests.examples import some

pytestmark = pytest.mark.django_db
SEOUL = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}
STEPS: list[dict[str, Any]] = [
    {"id": "s1", "type": "wait", "hours": 1},
    {"id": "s2", "type": "branch", "filter": {"condition": "property", "property": "jobtitle", "operator": "known"},
     "paths": [{"label": "yes", "steps": [{"id": "s3", "type": "set_property", "property": "country", "value": "KR"}]}, {"label": "no", "steps": []}]},
    {"id": "s4", "type": "wait_until", "filter": {"condition": "property", "property": "jobtitle", "operator": "known"}, "counts": "ever", "hours": 3,
     "paths": [{"label": "met", "steps": [{"id": "s5", "type": "go_to", "to": "s1"}]}, {"label": "timeout", "steps": []}]},
]  # fmt: skip
ACTS = ("enroll", "enroll", "hours", "hours", "title", "goal", "remove", "pause", "resume", "retry", "skip", "merge", "erase", "compact")


def behind() -> Counter[tuple[int, str, str]]:
    return Counter(
        {
            (workflow, step, outcome): n
            for workflow, step, outcome, n in sql.rows(
                "SELECT workflow_id, step, outcome, count(*) FROM step_run GROUP BY 1, 2, 3"
                " UNION ALL SELECT workflow_id, '', state, count(*) FROM enrollment GROUP BY 1, 3"
                " UNION ALL SELECT workflow_id, trigger, 'enrolled', count(*) FROM enrollment WHERE trigger <> '' GROUP BY 1, 2"
            )
        }
    )


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting a property fails for every third contact."""
    original = SetProperty.run

    def run(self: SetProperty, batch: Any) -> None:
        if any(id % 3 == 0 for id in batch.contact_ids):
            raise ValueError("kaputt")
        original(self, batch)

    monkeypatch.setattr(SetProperty, "run", run)


@settings(max_examples=some(4), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 5), st.integers(0, 5)), min_size=6, max_size=25),
    inside=st.sampled_from(["stay", "supersede", "wait"]),
)
def test_every_count_equals_its_rows(live: Callable[..., Workflow], breaking: None, acts: list[tuple[str, int, int]], inside: str) -> None:
    sql.run("DELETE FROM enrollment; DELETE FROM step_run; DELETE FROM timer; DELETE FROM workflow_tally; DELETE FROM change")
    workflow = live(*STEPS, inside=inside, goal=SEOUL)
    people = [contact(f"{clock.now().timestamp()}.{n}@b.example") for n in range(6)]
    for number, (act, one, other) in enumerate(acts):
        who, second = people[one], people[other]
        gone = sql.rows("SELECT 1 FROM contact WHERE id = ANY(%s) AND archived_at IS NULL", [[who, second]])
        match act:
            case "enroll":
                enroll.enter(workflow, {who: f"c{number}", second: f"c{number}"}, actor=SYSTEM, trigger="t" if one % 2 else "")
            case "hours":
                clock.shift(clock._shift + timedelta(hours=other))
            case "title" | "goal" if len(gone) == len({who, second}):
                records.update(
                    "contact", who, {"jobtitle": str(number)} if act == "title" else {"city": "서울" if other % 2 else "부산"}, actor=SYSTEM, source="test"
                )
            case "remove":
                runs.remove(workflow, [who], SYSTEM)
            case "pause" if workflow.state == "on":
                verbs.pause(workflow, SYSTEM)
            case "resume" if workflow.state == "paused":
                verbs.resume(workflow, SYSTEM)
            case "retry" | "skip":
                (runs.retry if act == "retry" else runs.skip)(errors.pairs(workflow), SYSTEM)
            case "merge" if who != second and len(gone) == 2:
                merge.merge("contact", who, second, actor=SYSTEM)
            case "erase" if len(gone) == len({who, second}):
                erase.erase(who, actor=SYSTEM)
            case "compact":
                tally.compact()
        drain()
        assert Counter({key: n for key, n in tally.sums(workflow.pk).items() if n}) == behind(), (act, who, second)
        for (_w, step, outcome), n in behind().items():
            rows, after = runs.people(workflow, step, outcome, limit=2)
            found = list(rows)
            while after:
                rows, after = runs.people(workflow, step, outcome, after, limit=2)
                found += rows
            assert len(found) == len({(p.enrollment_id, p.at) for p in found}) == n, (step, outcome)
    for state in ("active", "queued", "failed"):
        waiting = sql.rows("SELECT count(*) FROM enrollment e WHERE state = %s AND NOT EXISTS (SELECT 1 FROM timer t WHERE t.enrollment_id = e.id)", [state])[
            0
        ][0]
        assert state != "active" or waiting == 0, "whoever is on his way has a time"
    assert standing.totals(workflow).enrolled == sum(n for (_w, step, _o), n in behind().items() if not step)
