"""What ends a run from outside, and what wakes it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from baton.automation import enroll, runner, standing
from baton.automation.models import Enrollment, StepRun, Timer, Workflow
from baton.crm import consent, records
from baton.events import record
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.platform import changes, clock
from baton.platform.actor import SYSTEM
from baton.segments import verbs as segments
from tests.automation.conftest import contact, drain
from tests.automation.test_triggers_of_workflows import submit

pytestmark = pytest.mark.django_db
Live = Callable[..., Workflow]
WAIT = {"id": "s1", "type": "wait", "days": 1}
SET = {"id": "s2", "type": "set_property", "property": "city", "value": "부산"}
SEOUL = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}


def run(contact_id: int) -> tuple[str, str]:
    return Enrollment.objects.values_list("state", "reason").get(contact_id=contact_id)


def test_the_goal_the_list_the_consent_and_the_archive_end_a_run(live: Live) -> None:
    banned = segments.create_segment("경쟁사", {}, "fixed", SYSTEM)
    workflow = live(WAIT, SET, goal=SEOUL, suppress=[banned.pk], on_opt_out="end")
    reached, listed, refused, gone, stays = (contact(f"{n}@b.example") for n in range(5))
    enroll.enroll(workflow, [reached, listed, refused, gone, stays], "a", SYSTEM)
    drain()
    records.update("contact", reached, {"city": "서울"}, actor=SYSTEM, source="test")
    segments.change_members(banned.pk, add=[listed], actor=SYSTEM)
    consent.set([refused], "email", False, actor=SYSTEM, source="test")
    records.archive("contact", gone, actor=SYSTEM)
    drain()
    assert [run(c) for c in (reached, listed, refused, gone, stays)] == [
        ("goal", "goal"), ("removed", "suppressed"), ("removed", "consent"), ("removed", "archived"), ("active", ""),
    ]  # fmt: skip
    assert list(Timer.objects.values_list("contact_id", flat=True)) == [stays]
    assert standing.counts(workflow)["s1"] == (0, 1, 0)
    clock.shift(timedelta(days=1, minutes=1))
    drain()
    assert run(stays) == ("finished", "")
    assert records.get("contact", reached).properties["city"] == "서울", "no step ran any more"


def test_an_answer_ends_the_run_where_that_is_wanted_and_a_note_from_the_office_does_not(live: Live) -> None:
    wanted, other = live(WAIT, SET, on_reply="end"), live(WAIT, SET)
    long_ago, answers, away = contact("1@b.example"), contact("2@b.example"), contact("3@b.example")
    record.add([record.NewEvent(long_ago, Kind.EMAIL_REPLY, clock.now() - timedelta(days=1))])
    for workflow in (wanted, other):
        enroll.enroll(workflow, [long_ago, answers, away], "a", SYSTEM)
    drain()
    record.add([record.NewEvent(answers, Kind.EMAIL_REPLY, clock.now()), record.NewEvent(away, Kind.EMAIL_AUTO_REPLY, clock.now())])
    drain()
    runs = dict(Enrollment.objects.filter(workflow_id=wanted.pk).values_list("contact_id", "reason"))
    assert runs == {long_ago: "", answers: "reply", away: ""}
    assert set(Enrollment.objects.filter(workflow_id=other.pk).values_list("state", flat=True)) == {"active"}


def test_the_goal_is_looked_at_before_a_step_that_is_due(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = live(WAIT, SET, goal=SEOUL)
    jiwoo = contact()
    enroll.enroll(workflow, [jiwoo], "a", SYSTEM)
    drain()
    records.update("contact", jiwoo, {"city": "서울"}, actor=SYSTEM, source="test")
    clock.shift(timedelta(days=1, minutes=1))
    runner.run_due()  # before any tick
    assert run(jiwoo) == ("goal", "goal")


def test_who_waits_for_something_goes_on_when_it_happens(live: Live) -> None:
    form = Form.objects.create(name="가입")
    paths = [{"label": "met", "steps": [SET]}, {"label": "timeout", "steps": []}]
    workflow = live({"id": "s1", "type": "wait_until", "filter": {"condition": "form_submitted", "form": form.pk}, "days": 7, "paths": paths})
    signed_up, not_yet = contact("a@b.example"), contact("b@b.example")
    enroll.enroll(workflow, [signed_up, not_yet], "a", SYSTEM)
    drain()
    assert set(StepRun.objects.values_list("outcome", flat=True)) == {"waiting"}
    clock.shift(timedelta(days=1))
    submit(signed_up, form)
    drain()
    assert run(signed_up) == ("finished", "")
    assert run(not_yet) == ("active", "")
    clock.shift(timedelta(days=8))
    drain()
    assert dict(StepRun.objects.filter(step="s1").values_list("contact_id", "outcome")) == {signed_up: "met", not_yet: "timeout"}


def test_what_happens_while_somebody_comes_to_wait_is_not_missed(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """The condition comes true, and is told, after the step looked and before others can see who waits there."""
    paths = [{"label": "met", "steps": []}, {"label": "timeout", "steps": []}]
    workflow = live({"id": "s1", "type": "wait_until", "filter": SEOUL, "counts": "ever", "days": 7, "paths": paths})
    jiwoo = contact()
    enroll.enroll(workflow, [jiwoo], "a", SYSTEM)
    while changes.tick():
        pass
    save = runner._Pass._save

    def late(self: Any) -> None:
        records.update("contact", jiwoo, {"city": "서울"}, actor=SYSTEM, source="test")
        while changes.tick():
            pass
        save(self)

    monkeypatch.setattr(runner._Pass, "_save", late)
    runner.run_due()
    monkeypatch.undo()
    drain()
    assert run(jiwoo) == ("finished", "")


def test_records_have_goals_too(live: Live) -> None:
    from baton.automation import verbs

    stage = {"condition": "property", "property": "dealname", "operator": "is", "value": "끝"}
    draft = {"triggers": [{"type": "manual"}], "settings": {"goal": stage}, "steps": [WAIT]}
    workflow = verbs.create("거래", SYSTEM, draft, object_type="deal")
    verbs.publish(workflow, SYSTEM)
    deal = records.create("deal", {"dealname": "시작"}, actor=SYSTEM, source="test")
    other = records.create("deal", {"dealname": "다른"}, actor=SYSTEM, source="test")
    assert enroll.enroll(workflow, [deal, other, contact()], "a", SYSTEM) == 2, "a contact is no deal"
    drain()
    records.update("deal", deal, {"dealname": "끝"}, actor=SYSTEM, source="test")
    drain()
    assert run(deal) == ("goal", "goal")
    assert run(other) == ("active", "")
    records.archive("deal", other, actor=SYSTEM)
    clock.shift(timedelta(days=2))
    drain()
    assert run(other) == ("removed", "archived")
