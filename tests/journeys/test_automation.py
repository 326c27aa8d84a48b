"""Journeys with a moved clock, by the real tick and the real runner: hand-over, five-step nurture, a wait of 400 days, an edit of what runs."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from baton.accounts import tokens
from baton.accounts.models import Account, Role, User
from baton.automation import gallery, graph, runner, standing, verbs, versions
from baton.automation.models import Enrollment, StepRun, Timer, Workflow
from baton.crm import consent, records
from baton.events import partitions, record
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.messaging.models import Email, Message, Notification
from baton.platform import changes, clock
from baton.platform.actor import SYSTEM
from baton.segments import cards, entries, presets
from baton.segments import verbs as lists

pytestmark = pytest.mark.django_db


def person(email: str, **properties: str) -> int:
    id = records.create("contact", {"email": email, **properties}, actor=SYSTEM, source="test")
    consent.set([id], "email", True, actor=SYSTEM, source="test")
    return id


def drain() -> None:
    """The tick and the runner, until nothing is left to do now."""
    while changes.tick() + runner.run_due():
        pass


def later(**by: float) -> None:
    clock.shift(clock._shift + timedelta(**by))
    drain()


def mails(contact_id: int) -> list[tuple[int, str]]:
    """What somebody got: (day, the number in the mail's name)."""
    names = dict(Email.objects.values_list("pk", "name"))
    rows = Message.objects.filter(contact_id=contact_id).order_by("created_at", "id")
    first = rows.first()
    return [((row.created_at - first.created_at).days, names[row.email_id or 0][:1]) for row in rows] if first else []


def submit(contact_id: int, form: Form) -> None:
    record.add([record.NewEvent(contact_id, Kind.FORM_SUBMISSION, clock.now(), str(form.pk), form.name)])


def nurture() -> tuple[Workflow, Form]:
    workflow = gallery.make("five_step_nurture", SYSTEM, "ko")
    verbs.publish(workflow, SYSTEM)
    return workflow, Form.objects.get(name="문의하기")


def test_five_steps_for_who_does_not_sign_up_three_for_who_does(account: Account) -> None:
    workflow, form = nurture()
    stays, signs, wants = person("a@gaon.example"), person("b@gaon.example"), person("c@gaon.example")
    records.update("contact", wants, {"inquired_item": "platform"}, actor=SYSTEM, source="test")
    for id in (stays, signs, wants):
        submit(id, form)
    drain()
    later(days=3)
    token = tokens.create("shop", ["events.write"], limited=False, actor=SYSTEM)
    before = clock.now()
    sent = Client().post(
        "/events/v3/send/", json.dumps({"eventName": "signed_up", "email": "b@gaon.example", "occurredAt": before.isoformat()}),
        content_type="application/json", headers={"authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert sent.status_code == 204, sent.content
    drain()
    run = Enrollment.objects.get(contact_id=signs)
    assert (run.state, run.finished_at - before < timedelta(minutes=1) if run.finished_at else None) == ("goal", True)
    later(days=4, seconds=5)
    later(days=7, seconds=5)
    assert mails(stays) == [(0, "1"), (0, "2"), (0, "3"), (7, "4"), (14, "5")]
    assert mails(signs) == [(0, "1"), (0, "2"), (0, "3")]
    brochures = {id: Message.objects.get(contact_id=id, cause__endswith=step).email_id for id, step in ((stays, ":s5"), (wants, ":s3"))}
    assert [Email.objects.get(pk=pk or 0).name for pk in brochures.values()] == ["2. 브로슈어(종합)", "2. 브로슈어(플랫폼)"]
    assert standing.states_of(workflow) == {"finished": 2, "goal": 1}


def test_who_falls_back_and_rises_again_runs_again_and_each_run_is_logged(account: Account) -> None:
    model = cards.create(presets.blank("리드", mql=35, sql=65), actor=SYSTEM)
    mql = lists.create_segment("MQL", {"condition": "score", "model": model.key, "at_least": 35, "at_most": 64}, "active", SYSTEM)
    sql = lists.create_segment("SQL", {"condition": "score", "model": model.key, "at_least": 65}, "active", SYSTEM)
    made = {}
    for name, segment in (("MQL", mql), ("SQL", sql)):
        draft = {
            "triggers": [{"id": "t", "type": "segment_joined", "segment": segment.pk}], "settings": {"again": "on_rejoin"},
            "steps": [{"id": "s1", "type": "set_property", "property": "city", "value": name}],
        }  # fmt: skip
        made[name] = verbs.create(name, SYSTEM, draft)
        verbs.publish(made[name], SYSTEM)
    jiwoo = person("jiwoo@gaon.example")
    drain()
    for points in (40, 25, -15, 20):  # 40 -> 65 -> 50 -> 70
        entries.add([jiwoo], model, points, reason="통화", actor=SYSTEM)
        drain()
        clock.shift(clock._shift + timedelta(minutes=1))
    runs = Enrollment.objects.filter(contact_id=jiwoo).order_by("enrolled_at")
    names = {workflow.pk: name for name, workflow in made.items()}
    assert [(names[run.workflow_id], run.state, run.policy) for run in runs] == [
        ("MQL", "finished", "on_rejoin"), ("SQL", "finished", "on_rejoin"), ("MQL", "finished", "on_rejoin"), ("SQL", "finished", "on_rejoin"),
    ]  # fmt: skip
    assert len({run.cause for run in runs}) == 4
    assert {name: standing.states_of(workflow) for name, workflow in made.items()} == {"MQL": {"finished": 2}, "SQL": {"finished": 2}}


def test_sales_hears_at_once_of_an_sql_and_again_when_it_is_one_anew(account: Account) -> None:
    han = User.objects.create_user("han@nuriwork.example", name="한도윤", role=Role.SALES)
    workflow = gallery.make("sql_handover", SYSTEM, "ko")
    draft = workflow.draft
    draft["steps"][0]["users"] = [han.pk]
    verbs.save_draft(workflow, draft, SYSTEM)
    verbs.publish(workflow, SYSTEM)
    jiwoo = person("jiwoo@gaon.example", lastname="서", firstname="지우")
    for stage in ("lead", "sql", None, "mql", "sql"):
        records.update("contact", jiwoo, {"lifecyclestage": stage}, actor=SYSTEM, source="test")
        drain()
        clock.shift(clock._shift + timedelta(hours=1))
    titles = list(
        Notification.objects.filter(user_id=han.pk, url__contains=str(jiwoo), cause__startswith="step:").order_by("id").values_list("title", flat=True)
    )
    assert titles == ["새 SQL: 서지우 님", "다시 SQL이 되었습니다: 서지우 님"]
    assert list(Enrollment.objects.filter(contact_id=jiwoo).order_by("id").values_list("state", flat=True)) == ["goal", "active"]
    assert records.get("contact", jiwoo).owner_id == han.pk
    later(days=2, hours=1)
    assert Notification.objects.filter(user_id=han.pk, title="이틀째 연락이 없습니다: 서지우 님").count() == 1


def test_a_wait_of_400_days_outlives_restarts_and_new_versions(account: Account) -> None:
    partitions.ensure(clock.now() + timedelta(days=395), clock.now() + timedelta(days=405))  # the worker makes them as months come
    draft = {
        "triggers": [{"id": "t", "type": "form_submitted", "form": None}], "settings": {"again": "never"},
        "steps": [{"id": "s1", "type": "wait", "days": 400}, {"id": "s2", "type": "set_property", "property": "city", "value": "부산"}],
    }  # fmt: skip
    workflow = verbs.create("장기", SYSTEM, draft)
    verbs.publish(workflow, SYSTEM)
    form = Form.objects.create(name="문의")
    jiwoo = person("jiwoo@gaon.example")
    submit(jiwoo, form)
    drain()
    due = Timer.objects.get(contact_id=jiwoo).due_at
    for _restart in range(3):
        graph._of.cache_clear()  # another process knows nothing of this one
        later(days=100)
    changed = {**workflow.draft, "steps": [workflow.draft["steps"][0], {**workflow.draft["steps"][1], "value": "대구"}]}
    verbs.save_draft(workflow, changed, SYSTEM)
    versions.publish(workflow, SYSTEM, note="도시를 바꿈", people="move")
    later(days=99)
    assert Timer.objects.get(contact_id=jiwoo).due_at == due
    assert Enrollment.objects.get(contact_id=jiwoo).state == "active"
    later(days=1, minutes=1)
    run = Enrollment.objects.get(contact_id=jiwoo)
    assert (run.state, records.get("contact", jiwoo).properties["city"]) == ("finished", "대구")
    assert run.finished_at is not None
    assert timedelta(days=400) <= run.finished_at - run.enrolled_at < timedelta(days=400, hours=1)


def test_a_workflow_that_runs_is_edited_and_nobody_inside_is_lost(account: Account) -> None:
    workflow, form = nurture()
    people = [person(f"p{n}@gaon.example") for n in range(6)]
    for id in people[:3]:
        submit(id, form)
    drain()
    later(days=2)
    draft = workflow.draft
    fourth = next(n for n, step in enumerate(draft["steps"]) if step["id"] == "s8")
    draft["steps"][fourth + 1]["days"] = 3  # the second week becomes three days …
    draft["steps"].insert(fourth, {"id": "s11", "type": "set_property", "property": "city", "value": "서울"})  # … and something comes before the fourth mail
    verbs.save_draft(workflow, draft, SYSTEM)
    for id in people[3:]:
        submit(id, form)
    drain()  # an unpublished edit changes nobody's way
    versions.publish(workflow, SYSTEM, note="더 빠르게", people="move")
    later(days=5, minutes=1)
    later(days=3, minutes=1)
    assert [mails(id) for id in people[:3]] == [[(0, "1"), (0, "2"), (0, "3"), (7, "4"), (10, "5")]] * 3
    later(days=3)
    assert [mails(id) for id in people[3:]] == [[(0, "1"), (0, "2"), (0, "3"), (8, "4"), (11, "5")]] * 3
    assert standing.states_of(workflow) == {"finished": 6}
    assert not StepRun.objects.filter(outcome="failed").exists()
    assert {records.get("contact", id).properties["city"] for id in people} == {"서울"}
