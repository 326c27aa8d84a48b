"""How often somebody enters, what becomes of the run that is still on its way, who is kept out, and what a pause does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from baton.automation import enroll, errors, graph, runs, standing, tally, verbs
from baton.automation.models import Enrollment, StepRun, Timer, Workflow
from baton.automation.steps.set_property import SetProperty
from baton.automation.trigger import triggers
from baton.crm import records
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.messaging.models import Notification
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.query.statement import Sql
from baton.segments import verbs as segments
from tests.automation.conftest import contact, drain
from tests.automation.test_triggers_of_workflows import submit

pytestmark = pytest.mark.django_db
Live = Callable[..., Workflow]
WAIT = {"id": "s1", "type": "wait", "days": 1}
SET = {"id": "s2", "type": "set_property", "property": "city", "value": "부산"}


def states(contact_id: int) -> list[str]:
    return list(Enrollment.objects.filter(contact_id=contact_id).order_by("id").values_list("state", flat=True))


def later(**by: float) -> None:
    clock.shift(clock._shift + timedelta(**by))


def publish(workflow: Workflow, **settings: Any) -> None:
    verbs.save_draft(workflow, {**workflow.draft, "settings": settings}, SYSTEM)
    verbs.publish(workflow, SYSTEM)


def test_the_policy_of_the_run_before_counts_even_after_another_is_published(live: Live) -> None:
    workflow = live(SET, again="never")
    jiwoo, later_one = contact("a@b.example"), contact("b@b.example")
    assert enroll.enroll(workflow, [jiwoo], "a", SYSTEM) == 1
    drain()
    publish(workflow, again="every_time")
    assert enroll.enroll(workflow, [jiwoo, later_one], "b", SYSTEM) == 1, "he was told: once"
    drain()
    assert enroll.enroll(workflow, [jiwoo, later_one], "c", SYSTEM) == 1
    assert Enrollment.objects.filter(contact_id=jiwoo).get().policy == "never"


def test_after_some_days_one_may_enter_again(live: Live) -> None:
    workflow = live(SET, again="after_days", again_days=7)
    jiwoo = contact()
    assert enroll.enroll(workflow, [jiwoo], "a", SYSTEM) == 1
    drain()
    later(days=6)
    assert enroll.enroll(workflow, [jiwoo], "b", SYSTEM) == 0
    later(days=1, minutes=1)
    assert enroll.enroll(workflow, [jiwoo], "b", SYSTEM) == 1
    assert Enrollment.objects.filter(contact_id=jiwoo).latest("id").policy == "after_days:7"


def test_entered_anew_means_a_state_that_was_left_in_between(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = live(SET, again="on_rejoin")
    jiwoo = contact()
    assert enroll.enter(workflow, {jiwoo: "a"}, actor=SYSTEM, trigger="t") == 1
    drain()
    assert enroll.enter(workflow, {jiwoo: "b"}, actor=SYSTEM, trigger="t") == 0, "a thing that happened is no state"
    monkeypatch.setattr(triggers()["form_submitted"], "rejoins", True)
    assert enroll.enter(workflow, {jiwoo: "b"}, actor=SYSTEM, trigger="t") == 1


def test_a_new_run_takes_the_place_of_the_old_one_and_its_timer(live: Live) -> None:
    workflow = live(WAIT, SET, inside="supersede")
    jiwoo = contact()
    enroll.enroll(workflow, [jiwoo], "a", SYSTEM)
    drain()
    later(hours=12)
    assert enroll.enroll(workflow, [jiwoo], "b", SYSTEM) == 1
    drain()
    assert states(jiwoo) == ["superseded", "active"]
    assert Timer.objects.count() == 1
    assert sorted(StepRun.objects.filter(contact_id=jiwoo).values_list("outcome", flat=True)) == ["left", "waiting"]
    later(hours=13)
    drain()
    assert states(jiwoo) == ["superseded", "active"], "the old day is no more"
    later(hours=12)
    drain()
    assert states(jiwoo) == ["superseded", "finished"]
    assert standing.counts(workflow)["s1"] == (1, 0, 0)


def test_a_new_run_waits_until_the_old_one_has_ended(live: Live) -> None:
    workflow = live(WAIT, SET, inside="wait")
    jiwoo = contact()
    for cause in "abc":
        assert enroll.enroll(workflow, [jiwoo], cause, SYSTEM) == 1
    drain()
    assert states(jiwoo) == ["active", "queued", "queued"]
    later(days=1, minutes=1)
    drain()
    assert states(jiwoo) == ["finished", "active", "queued"]
    later(days=1, minutes=1)
    drain()
    assert runs.remove(workflow, [jiwoo], SYSTEM) == 1
    assert states(jiwoo) == ["finished", "finished", "removed"]
    assert not Timer.objects.exists()


def test_who_does_not_belong_is_kept_out(live: Live) -> None:
    banned = segments.create_segment("경쟁사", {}, "fixed", SYSTEM)
    here, there, kept_out = contact("a@b.example", city="서울"), contact("b@b.example", city="부산"), contact("c@b.example", city="서울")
    segments.change_members(banned.pk, add=[kept_out], actor=SYSTEM)
    workflow = live(WAIT, audience={"condition": "property", "property": "city", "operator": "is", "value": "서울"}, suppress=[banned.pk])
    assert enroll.enroll(workflow, [here, there, kept_out], "a", SYSTEM) == 1
    assert Enrollment.objects.get().contact_id == here


def test_two_triggers_in_one_tick_enroll_once(live: Live) -> None:
    form = Form.objects.create(name="상담 문의")
    for inside in ("stay", "wait", "supersede"):
        live(WAIT, triggers=[{"id": "t", "type": "form_submitted", "form": form.pk}, {"id": "t2", "type": "form_submitted", "form": None}], inside=inside)
    jiwoo = contact()
    submit(jiwoo, form)
    drain()
    assert list(Enrollment.objects.values_list("contact_id", "trigger", "state")) == [(jiwoo, "t", "active")] * 3


def test_the_backlog_is_what_the_preview_said(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enroll, "SET", 2)
    monkeypatch.setattr(
        triggers()["form_submitted"],
        "backlog",
        lambda self, of: Sql("SELECT id, 'backlog:' || id FROM contact WHERE properties ->> 'city' = %(c)s", {"c": "서울"}),
    )
    workflow = live(SET, again="never")
    people = [contact(f"{n}@b.example", city="서울" if n < 5 else "부산") for n in range(7)]
    enroll.enroll(workflow, people[:1], "hand", SYSTEM)
    assert enroll.preview(workflow, graph.of(workflow.published_id or 0)) == 4
    assert enroll.backlog(workflow, SYSTEM) == 4
    assert enroll.backlog(workflow, SYSTEM) == 0, "who entered is not among them any more"
    assert Event.objects.filter(kind=Kind.WORKFLOW_ENROLLED).count() == 5
    drain()
    assert standing.totals(workflow) == (standing.Totals(5, 0, 5, 0))


def test_the_clock_is_asked_for_all_the_time_since_it_was_asked_last(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, Any]] = []
    jiwoo = contact()
    monkeypatch.setattr(triggers()["form_submitted"], "due", lambda self, since, until, of: asked.append((since, until)) or {jiwoo: f"clock:{until}"})
    workflow = live(SET)
    began = workflow.published.published_at if workflow.published else None
    later(minutes=1)
    assert enroll.by_clock() == 1
    drain()
    later(days=3)  # the server stood still
    assert enroll.by_clock() == 1
    assert asked[0][0] == began
    assert asked[1][0] == asked[0][1]
    verbs.pause(workflow, SYSTEM)
    later(days=1)
    assert enroll.by_clock() == 0
    verbs.resume(workflow, SYSTEM)
    later(minutes=1)
    drain()
    enroll.by_clock()
    assert asked[2][1] - asked[2][0] < timedelta(minutes=2), "what came in the pause is passed over"


def test_a_pause_keeps_what_was_left_of_a_wait(live: Live) -> None:
    workflow = live(WAIT, SET)
    jiwoo = contact()
    enroll.enroll(workflow, [jiwoo], "a", SYSTEM)
    drain()
    later(hours=23)
    verbs.pause(workflow, SYSTEM)
    later(days=10)
    drain()
    verbs.resume(workflow, SYSTEM)
    drain()
    assert states(jiwoo) == ["active"]
    later(minutes=59)
    drain()
    assert states(jiwoo) == ["active"]
    later(minutes=2)
    drain()
    assert states(jiwoo) == ["finished"]


def test_failures_are_told_and_can_be_tried_again_passed_over_or_taken_out(live: Live, sales: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = live(SET, {"id": "s3", "type": "set_property", "property": "jobtitle", "value": "대표"})
    Workflow.objects.filter(pk=workflow.pk).update(owner_id=sales[0])
    people = [contact(f"{n}@b.example") for n in range(4)]
    original = SetProperty.run

    def run(self: SetProperty, batch: Any) -> None:
        if self.property == "city" and set(people[1:]) & set(batch.contact_ids):
            raise ValueError("서버가 없습니다")
        original(self, batch)

    monkeypatch.setattr(SetProperty, "run", run)
    enroll.enroll(workflow, people, "a", SYSTEM)
    drain()
    [failure] = errors.failed()
    assert (failure.workflow_id, failure.step, failure.number, failure.owner_id) == (workflow.pk, "s2", 3, sales[0])
    assert "서버가 없습니다" in failure.reason
    assert Notification.objects.filter(user_id=sales[0], cause__startswith="workflow_failed").count() == 1
    enroll.enroll(workflow, [contact("late@b.example")], "a", SYSTEM)
    pairs = dict(errors.pairs(workflow, "s2", failure.reason))
    assert sorted(pairs) == people[1:]
    monkeypatch.undo()
    assert runs.retry([(people[1], pairs[people[1]])], SYSTEM) == 1
    assert runs.skip([(people[2], pairs[people[2]])], SYSTEM) == 1
    assert runs.remove(workflow, [people[3]], SYSTEM) == 1
    drain()
    assert [states(p) for p in people] == [["finished"]] * 3 + [["removed"]]
    assert [records.get("contact", p).properties.get("city") for p in people] == ["부산", "부산", None, None]
    assert dict(StepRun.objects.filter(step="s2").values_list("contact_id", "outcome")) == {
        people[0]: "done", people[1]: "done", people[2]: "skipped", people[3]: "left",
        **{e.contact_id: "done" for e in Enrollment.objects.exclude(contact_id__in=people)},
    }  # fmt: skip
    assert not errors.failed()


def test_the_digest_goes_once_a_day_to_whom_it_concerns(live: Live, sales: list[int], mailoutbox: Any) -> None:
    workflow = live(SET)
    Workflow.objects.filter(pk=workflow.pk).update(owner_id=sales[1])
    enroll.enroll(workflow, [contact()], "a", SYSTEM)
    assert errors.digest() == 0
    sql.run("UPDATE enrollment SET state = 'failed', reason = 'no_email', finished_at = %s", [clock.now()])
    assert errors.digest() == 1
    assert errors.digest() == 0
    [notice] = Notification.objects.filter(user_id=sales[1])
    assert workflow.name in notice.body
    assert "no_email" in notice.body


def test_everybody_can_be_taken_out(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "SET", 2)
    workflow = live(WAIT)
    enroll.enroll(workflow, [contact(f"{n}@b.example") for n in range(5)], "a", SYSTEM)
    drain()
    assert runs.remove(workflow, None, SYSTEM, "archived") == 5
    assert not Timer.objects.exists()
    assert standing.states_of(workflow) == {"removed": 5}
    rows, after = runs.people(workflow, "", "removed", limit=3)
    more, end = runs.people(workflow, "", "removed", after=after, limit=3)
    assert (len(rows), len(more), end) == (3, 2, "")
    assert len({row.contact_id for row in [*rows, *more]}) == 5
    assert tally.compact() >= 0
    assert standing.states_of(workflow) == {"removed": 5}
