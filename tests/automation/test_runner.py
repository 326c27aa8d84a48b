"""Walking through workflows: in sets, once, with the reason when something fails."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from baton.accounts import rights
from baton.automation import enroll, errors, graph, runner, standing, verbs
from baton.automation.models import Enrollment, StepRun, Timer, Version, Workflow
from baton.crm import records
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.messaging.models import Email, Message, Notification
from baton.platform import clock
from baton.platform.actor import SYSTEM
from tests.automation.conftest import contact, drain

pytestmark = pytest.mark.django_db
Live = Callable[..., Workflow]
SEOUL = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}


def outcomes(contact_id: int) -> dict[str, str]:
    return dict(StepRun.objects.filter(contact_id=contact_id).values_list("step", "outcome"))


def state(contact_id: int) -> str:
    return Enrollment.objects.get(contact_id=contact_id).state


def test_a_walk_to_the_end_happens_in_one_go(live: Live, email: Email) -> None:
    workflow = live({"id": "s1", "type": "send_email", "email": email.id}, {"id": "s2", "type": "set_property", "property": "city", "value": "부산"})
    jiwoo = contact()
    assert enroll.enroll(workflow, [jiwoo], "test", SYSTEM) == 1
    drain()
    assert outcomes(jiwoo) == {"s1": "done", "s2": "done"}
    assert state(jiwoo) == "finished"
    assert records.get("contact", jiwoo).properties["city"] == "부산"
    assert Message.objects.get(contact_id=jiwoo).cause == f"step:{Enrollment.objects.get(contact_id=jiwoo).id}:s1"
    assert not Timer.objects.exists()
    assert set(Event.objects.filter(contact_id=jiwoo, kind__in=[30, 31]).values_list("kind", flat=True)) == {Kind.WORKFLOW_ENROLLED, Kind.WORKFLOW_FINISHED}


def test_the_same_cause_enrolls_once_and_nobody_is_inside_twice(live: Live) -> None:
    workflow = live({"id": "s1", "type": "wait", "days": 1})
    jiwoo = contact()
    assert enroll.enroll(workflow, [jiwoo], "a", SYSTEM) == 1
    assert enroll.enroll(workflow, [jiwoo], "b", SYSTEM) == 0  # still inside
    drain()
    clock.shift(timedelta(days=2))
    drain()
    assert state(jiwoo) == "finished"
    assert enroll.enroll(workflow, [jiwoo], "a", SYSTEM) == 0
    assert enroll.enroll(workflow, [jiwoo], "b", SYSTEM) == 1


def test_never_again_means_never(live: Live) -> None:
    workflow = live({"id": "s1", "type": "set_property", "property": "city", "value": "부산"}, again="never")
    jiwoo = contact()
    enroll.enroll(workflow, [jiwoo], "a", SYSTEM)
    drain()
    assert enroll.enroll(workflow, [jiwoo], "b", SYSTEM) == 0


def test_archived_contacts_and_mere_visitors_are_not_enrolled(live: Live) -> None:
    workflow = live({"id": "s1", "type": "wait", "days": 1})
    gone = contact()
    records.archive("contact", gone, actor=SYSTEM)
    assert enroll.enroll(workflow, [gone, 987654321], "a", SYSTEM) == 0


def test_a_wait_ends_when_its_time_has_come(live: Live) -> None:
    workflow = live({"id": "s1", "type": "wait", "days": 1, "hours": 1}, {"id": "s2", "type": "set_property", "property": "city", "value": "부산"})
    jiwoo = contact()
    enroll.enroll(workflow, [jiwoo], "a", SYSTEM)
    drain()
    assert outcomes(jiwoo) == {"s1": "waiting"}
    assert standing.counts(workflow)["s1"] == (0, 1, 0)
    clock.shift(timedelta(days=1))
    drain()
    assert outcomes(jiwoo) == {"s1": "waiting"}
    clock.shift(timedelta(days=1, hours=1, minutes=1))
    drain()
    assert outcomes(jiwoo) == {"s1": "done", "s2": "done"}
    assert standing.counts(workflow)["s1"] == (1, 0, 0)


def test_a_branch_sends_each_his_way_and_joins_again(live: Live) -> None:
    workflow = live(
        {
            "id": "s1",
            "type": "branch",
            "filter": SEOUL,
            "paths": [
                {"label": "yes", "steps": [{"id": "s2", "type": "set_property", "property": "jobtitle", "value": "예"}]},
                {"label": "no", "steps": [{"id": "s3", "type": "set_property", "property": "jobtitle", "value": "아니요"}]},
            ],
        },
        {"id": "s4", "type": "set_property", "property": "country", "value": "KR"},
    )
    here, there, nowhere = contact("a@b.example", city="서울"), contact("b@b.example", city="부산"), contact("c@b.example")
    enroll.enroll(workflow, [here, there, nowhere], "a", SYSTEM)
    drain()
    assert outcomes(here) == {"s1": "yes", "s2": "done", "s4": "done"}
    assert outcomes(there) == outcomes(nowhere) == {"s1": "no", "s3": "done", "s4": "done"}
    assert records.get("contact", there).properties["jobtitle"] == "아니요"
    assert standing.ways(workflow) == {("s1", "yes"): 1, ("s1", "no"): 2}


def test_a_paused_workflow_freezes_and_goes_on(live: Live) -> None:
    workflow = live({"id": "s1", "type": "wait", "hours": 1}, {"id": "s2", "type": "set_property", "property": "city", "value": "부산"})
    jiwoo = contact()
    enroll.enroll(workflow, [jiwoo], "a", SYSTEM)
    drain()
    verbs.pause(workflow, SYSTEM)
    clock.shift(timedelta(hours=2))
    drain()
    assert outcomes(jiwoo) == {"s1": "waiting"}
    verbs.resume(workflow, SYSTEM)
    drain()
    assert outcomes(jiwoo) == {"s1": "waiting"}, "the hour of waiting goes on where it was"
    clock.shift(timedelta(hours=3, minutes=1))
    drain()
    assert outcomes(jiwoo) == {"s1": "done", "s2": "done"}


def test_people_inside_walk_the_version_they_entered(live: Live) -> None:
    workflow = live({"id": "s1", "type": "wait", "hours": 1}, {"id": "s2", "type": "set_property", "property": "city", "value": "부산"})
    old, new = contact("a@b.example"), contact("b@b.example")
    enroll.enroll(workflow, [old], "a", SYSTEM)
    drain()
    other = {"id": "s3", "type": "set_property", "property": "city", "value": "대전"}
    verbs.save_draft(workflow, {"triggers": [{"type": "form_submitted"}], "steps": [other]}, SYSTEM)
    assert verbs.publish(workflow, SYSTEM).number == 2
    enroll.enroll(workflow, [new], "a", SYSTEM)
    clock.shift(timedelta(hours=2))
    drain()
    assert [records.get("contact", c).properties["city"] for c in (old, new)] == ["부산", "대전"]


def test_a_failing_step_stops_only_those_who_broke_it(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    from baton.automation.steps.set_property import SetProperty

    workflow = live({"id": "s1", "type": "set_property", "property": "city", "value": "부산"})
    people = [contact(f"{n}@b.example") for n in range(3)]
    original = SetProperty.run

    def run(self: SetProperty, batch: Any) -> None:
        original(self, batch)
        if people[1] in batch.contact_ids:
            raise ValueError("이 사람은 안 됩니다")

    monkeypatch.setattr(SetProperty, "run", run)
    enroll.enroll(workflow, people, "a", SYSTEM)
    drain()
    assert [state(p) for p in people] == ["finished", "failed", "finished"]
    assert "이 사람은 안 됩니다" in StepRun.objects.get(contact_id=people[1]).detail["reason"]
    assert [records.get("contact", p).properties.get("city") for p in people] == ["부산", None, "부산"]
    assert standing.counts(workflow)["s1"] == (2, 0, 1)
    assert standing.totals(workflow) == standing.Totals(3, 0, 2, 1)


def test_a_mail_that_is_gone_fails_the_step_with_the_reason(live: Live, email: Email) -> None:
    workflow = live({"id": "s1", "type": "send_email", "email": email.id})
    jiwoo = contact()
    enroll.enroll(workflow, [jiwoo], "a", SYSTEM)
    email.delete()
    drain()
    assert state(jiwoo) == "failed"
    assert StepRun.objects.get(contact_id=jiwoo).detail == {"reason": "no_email"}


def test_a_notice_goes_to_the_owner_else_to_sales(live: Live, sales: list[int]) -> None:
    title, message = "{{ contact.lastname }}{{ contact.firstname }} 님이 문의했습니다", "{{ contact.company|default('회사 모름') }}"
    workflow = live({"id": "s1", "type": "notify", "title": title, "message": message})
    owned = records.create("contact", {"email": "o@b.example", "lastname": "서", "firstname": "지우"}, actor=SYSTEM, source="test", owner_id=sales[0])
    free = contact("f@b.example")
    enroll.enroll(workflow, [owned, free], "a", SYSTEM)
    drain()
    notices = Notification.objects.filter(contact_id=owned)
    assert [(n.user_id, n.title, n.body, n.url) for n in notices] == [(sales[0], "서지우 님이 문의했습니다", "회사 모름", f"/contacts/{owned}/")]
    assert set(Notification.objects.filter(contact_id=free).values_list("user_id", flat=True)) == set(sales)


def test_a_hundred_cost_as_many_statements_as_one(live: Live, email: Email, django_assert_max_num_queries: Any) -> None:
    workflow = live({"id": "s1", "type": "send_email", "email": email.id}, {"id": "s2", "type": "wait", "days": 1})
    people = [contact(f"{n}@b.example") for n in range(128)]
    enroll.enroll(workflow, people, "a", SYSTEM)
    bucket = people[0] % 64
    same = [p for p in people if p % 64 == bucket]
    assert len(same) > 1
    with django_assert_max_num_queries(25):
        assert len(runner.run_buckets([bucket], [workflow.pk])) == len(same)


def test_the_log_names_people_and_what_they_did(live: Live) -> None:
    workflow = live({"id": "s1", "type": "wait", "days": 1})
    jiwoo = contact(lastname="서", firstname="지우", company="가온로지스")
    enroll.enroll(workflow, [jiwoo], "a", SYSTEM)
    clock.shift(timedelta(seconds=1))
    drain()
    log = standing.recent(workflow, 10, held=rights.SYSTEM)
    assert [(m.name, m.company, m.step, m.outcome) for m in log] == [("서지우", "가온로지스", "s1", "waiting"), ("서지우", "가온로지스", "t", "enrolled")]
    assert [m.step for m in standing.recent(workflow, 10, step="s1", held=rights.SYSTEM)] == ["s1"]


def test_the_mails_of_a_step_are_counted(live: Live, email: Email) -> None:
    workflow = live({"id": "s1", "type": "send_email", "email": email.id})
    enroll.enroll(workflow, [contact()], "a", SYSTEM)
    drain()
    assert standing.mail(workflow, "s1") == standing.Mail(queued=1)


def test_a_version_that_cannot_be_read_holds_nobody_else_up(live: Live) -> None:
    broken, fine = live({"id": "s1", "type": "wait", "days": 1}), live({"id": "s1", "type": "set_property", "property": "city", "value": "부산"})
    jiwoo = contact()
    for workflow in (broken, fine):
        enroll.enroll(workflow, [jiwoo], "a", SYSTEM)
    Version.objects.filter(pk=broken.published_id).update(graph={"triggers": [], "steps": [{"id": "s1", "type": "gone"}]})
    graph._of.cache_clear()
    drain()
    assert dict(Enrollment.objects.values_list("workflow_id", "state")) == {broken.pk: "failed", fine.pk: "finished"}


def test_a_bucket_that_cannot_be_worked_off_does_not_hold_up_the_others(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = live({"id": "s1", "type": "set_property", "property": "city", "value": "부산"})
    people = [contact(f"p{n}@gaon.example") for n in range(3)]
    enroll.enroll(workflow, people, "test", SYSTEM)
    save = runner._Pass._save

    def broken(self: Any) -> None:
        if people[0] in [w.contact_id for w in self.walks]:
            raise ValueError("what nobody thought of")
        save(self)

    monkeypatch.setattr(runner._Pass, "_save", broken)
    assert runner.run_due() == 2
    assert [state(p) for p in people] == ["active", "finished", "finished"]
    assert runner.run_due() == 0  # left alone for a while, and after five minutes named as overdue
    clock.shift(timedelta(minutes=6))
    assert [(late.workflow_id, late.step, late.number) for late in errors.overdue()] == [(workflow.pk, "s1", 1)]
    monkeypatch.undo()
    runner.run_due()
    assert state(people[0]) == "finished"
    assert not errors.overdue()
