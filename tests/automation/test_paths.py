"""Steps that decide the way, and those that speak to people: through the real runner."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, time, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Account, Role, Team, User
from baton.automation import enroll, graph, lot, split, verbs
from baton.automation.models import Enrollment, StepRun, Timer, Version, Workflow
from baton.crm import consent, records, stages
from baton.events import record
from baton.events.vocabulary import Kind
from baton.messaging.mail import letters
from baton.messaging.models import Email, Message, Notification
from baton.messaging.sending import delivery
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.segments import trial
from baton.segments.models import ScoreModel
from baton.segments.statistics import wilson
from tests.automation.conftest import contact, drain

pytestmark = pytest.mark.django_db
Live = Callable[..., Workflow]
CITY = {"a": "서울", "b": "부산"}
BOUGHT = {"condition": "event", "event": "cta_click", "about": "buy"}


def walk(workflow: Workflow, *people: int, cause: str = "test") -> None:
    assert enroll.enroll(workflow, list(people), cause, SYSTEM) == len(people)
    drain()


def outcome(contact_id: int, step: str = "s1") -> str:
    return StepRun.objects.values_list("outcome", flat=True).get(contact_id=contact_id, step=step, turn=0)


def put(label: str, value: str) -> dict[str, Any]:
    return {"label": label, "steps": [{"id": f"s{label}", "type": "set_property", "property": "jobtitle", "value": value}]}


def test_each_goes_the_way_of_his_value(live: Live) -> None:
    workflow = live({"id": "s1", "type": "branch_value", "property": "city", "values": CITY, "paths": [put("a", "가"), put("b", "나"), put("other", "다")]})
    people = [contact(f"{n}@gaon.example", **({"city": city} if city else {})) for n, city in enumerate(["서울", "부산", "대전", ""])]
    walk(workflow, *people)
    assert [outcome(one) for one in people] == ["a", "b", "other", "other"]
    assert [records.get("contact", one).properties["jobtitle"] for one in people] == ["가", "나", "다", "다"]


def test_the_value_may_be_a_number_a_stage_a_band_or_what_a_step_left(live: Live) -> None:
    model = ScoreModel.objects.create(
        key="lead", name="관심도", bands=[{"key": "cold", "label": "차가움", "at_least": 0}, {"key": "hot", "label": "뜨거움", "at_least": 50}]
    )
    one, other = contact("a@gaon.example", numberofemployees=50, student=True, lifecyclestage="mql"), contact("b@gaon.example", lifecyclestage="lead")
    sql.run("INSERT INTO score (contact_id, model_id, total, fit, engagement, reasons, changed_at) VALUES (%s, %s, 50, 50, 0, '{}', now())", [one, model.pk])
    steps = [
        {"of": "property", "property": "numberofemployees", "values": {"a": "50"}},
        {"of": "property", "property": "student", "values": {"a": "true"}},
        {"of": "band", "score": model.pk, "values": {"a": "hot", "b": "cold"}},
        {"of": "stage", "values": {"a": "lead"}},
        {"of": "step", "step": "s9", "kept": "plan", "values": {"a": "pro"}},
    ]
    workflow = live(*({"id": f"s{n}", "type": "branch_value", **step} for n, step in enumerate(steps, 1)))
    enroll.enroll(workflow, [one, other], "test", SYSTEM)
    sql.run('UPDATE enrollment SET data = \'{"s9": {"plan": "pro"}}\' WHERE contact_id = %s', [one])
    drain()
    assert [outcome(one, f"s{n}") for n in range(1, 6)] == ["a", "a", "a", "other", "a"]
    assert [outcome(other, f"s{n}") for n in range(1, 6)] == ["other", "other", "b", "a", "other"]


def test_what_is_wrong_with_ways_is_said_at_the_field(account: Account) -> None:
    def faults(**step: Any) -> list[tuple[str, str]]:
        parsed = graph.parse({"triggers": [{"type": "form_submitted"}], "steps": [{"id": "s1", **step}]})
        return [(p.path.removeprefix("steps[0]."), p.code) for p in parsed.problems()]

    stage = {"type": "branch_value", "of": "stage"}
    assert faults(**stage, values={"a": "lead", "b": "lead"}) == [("values.a", "DUPLICATE"), ("values.b", "DUPLICATE")]
    assert faults(**stage, values={"a": "nowhere"}) == [("values.a", "INVALID_OPTION")]
    assert faults(type="branch_value", property="gone", values={"a": "x"}) == [("property", "PROPERTY_DOESNT_EXIST")]
    assert faults(type="split_random", shares={"a": 60, "b": 60}) == [("shares", "INVALID_VALUE")]
    assert faults(type="split_random", shares={"a": 100}) == [("shares", "REQUIRED")]
    assert faults(type="wait_for_hours", start="18:00", end="09:00") == [("end", "INVALID_VALUE")]
    assert faults(type="wait_until_date", property="city") == [("property", "PROPERTY_DOESNT_EXIST")]
    assert faults(type="wait_until_date", of="date", date="2026-02-30") == [("date", "INVALID_DATE")]
    assert faults(type="wait_until", filter=BOUGHT, days=0) == [("days", "REQUIRED")]
    assert faults(type="branch", filter={"all": [{"condition": "property", "property": "gone", "operator": "known"}]})[0][0].startswith("filter.all.0")


def test_a_way_back_needs_a_wait(account: Account) -> None:
    wait, act = {"id": "s1", "type": "wait", "days": 1}, {"id": "s2", "type": "set_property", "property": "city", "value": "서울"}
    until = {"id": "s4", "type": "wait_until", "filter": BOUGHT, "paths": [{"label": "timeout", "steps": [{"id": "s5", "type": "go_to", "to": "s2"}]}]}
    branch = {"id": "s6", "type": "branch", "filter": BOUGHT, "paths": [{"label": "yes", "steps": [wait]}, {"label": "no", "steps": []}]}

    def back(*steps: dict[str, Any], to: str) -> list[str]:
        parsed = graph.parse({"triggers": [{"type": "form_submitted"}], "steps": [*steps, {"id": "s3", "type": "go_to", "to": to}]})
        return [p.path for p in parsed.problems() if p.code == "ENDLESS_LOOP"]

    assert back(act, to="s2") == ["steps[1].to"]
    assert back(to="s3") == ["steps[0].to"]
    assert back(wait, act, to="s1") == back(act, wait, to="s2") == back(act, until, to="s2") == []
    assert back(act, branch, to="s2") == ["steps[2].to"], "those on the way “no” do not wait"
    assert back(act, {"id": "s6", "type": "end"}, to="s2") == []


def test_a_way_back_is_walked_anew_and_a_goal_ends_the_run(live: Live) -> None:
    city = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}
    mail = {"id": "s1", "type": "notify", "to": "role", "role": Role.ADMIN, "title": "다시"}
    User.objects.create_user("admin@nuriwork.example", name="관리", role=Role.ADMIN)
    ways = [{"label": "yes", "steps": [{"id": "s4", "type": "goal"}]}, {"label": "no", "steps": [{"id": "s5", "type": "go_to", "to": "s1"}]}]
    workflow = live(mail, {"id": "s2", "type": "wait", "days": 1}, {"id": "s3", "type": "branch", "filter": city, "paths": ways})
    jiwoo, start = contact(), clock.now()
    with clock.stopped(start):
        walk(workflow, jiwoo)
    with clock.stopped(start + timedelta(days=1)):
        drain()
        records.update("contact", jiwoo, {"city": "서울"}, actor=SYSTEM, source="test")
    with clock.stopped(start + timedelta(days=2)):
        drain()
    assert Notification.objects.filter(contact_id=jiwoo).count() == 2, "told once in each turn"
    assert (Enrollment.objects.get(contact_id=jiwoo).state, outcome(jiwoo, "s3")) == ("goal", "no")
    ended = live({"id": "s1", "type": "end"}, {"id": "s2", "type": "set_property", "property": "city", "value": "부산"})
    walk(ended, jiwoo)
    assert Enrollment.objects.get(contact_id=jiwoo, workflow_id=ended.pk).state == "finished"
    assert records.get("contact", jiwoo).properties["city"] == "서울"


def test_lots_are_fair_stable_and_apart_from_each_other() -> None:
    shares, n = {"a": 50, "b": 30, "c": 20}, 10_000
    drawn = [(lot.place(id, "form:1", "s1"), lot.place(id, "form:1", "s2")) for id in range(1, n + 1)]
    assert drawn == [(lot.place(id, "form:1", "s1"), lot.place(id, "form:1", "s2")) for id in range(1, n + 1)]
    first = Counter("a" if one < 0.5 else "b" if one < 0.8 else "c" for one, _two in drawn)
    for label, share in shares.items():
        low, high = wilson(first[label], n)
        assert low - 0.005 < share / 100 < high + 0.005
    both = sum(one < 0.5 and two < 0.5 for one, two in drawn)
    low, high = wilson(both, n)
    assert low - 0.005 < 0.25 < high + 0.005, "two splits in a row do not send the same people the same way"


def test_a_run_goes_the_way_it_drew_and_a_new_run_draws_anew(live: Live) -> None:
    workflow = live({"id": "s1", "type": "split_random", "shares": {"a": 50, "b": 50}})
    people = [contact(f"{n}@gaon.example") for n in range(12)]
    walk(workflow, *people, cause="first")
    walk(workflow, *people, cause="second")
    runs = {(e.contact_id, e.cause): StepRun.objects.get(contact_id=e.contact_id, enrollment_id=e.id).outcome for e in Enrollment.objects.all()}
    assert runs == {key: "a" if lot.place(*key, "s1") < 0.5 else "b" for key in runs}
    assert any(runs[one, "first"] != runs[one, "second"] for one in people)


def test_a_test_of_ways_names_none_before_it_is_sure(live: Live, client: Client) -> None:
    workflow = live({"id": "s1", "type": "split_test", "shares": {"a": 50, "b": 50}, "goal": BOUGHT, "days": 3})
    people = [contact(f"{n}@gaon.example") for n in range(4)]
    began = clock.now() - timedelta(days=20)
    with clock.stopped(began):
        walk(workflow, *people)
    ways = {one: outcome(one) for one in people}
    buys = {people[0]: timedelta(days=3), people[1]: timedelta(days=3, seconds=1), people[2]: timedelta(seconds=-1)}
    record.add(record.NewEvent(one, Kind.CTA_CLICK, began + after, "buy") for one, after in buys.items())
    found = split.of(workflow, "s1")
    assert found is not None
    assert found.why == "few"
    assert found.better is None
    reached = Counter({ways[people[0]]: 1})
    assert {way.label: (way.came, way.rate.n, way.rate.k) for way in found.ways} == {
        label: (n := sum(way == label for way in ways.values()), n, reached[label]) for label in ("a", "b")
    }, "only what was done within the days counts, neither before nor after"
    with clock.stopped(began + timedelta(days=2)):
        early = split.of(workflow, "s1")
    assert early is not None
    assert [way.open for way in early.ways] == [way.came for way in early.ways], "nobody's time is over"
    assert split.of(workflow, "s2") is None
    client.force_login(users.create("oh@nuriwork.example", "오세린", "baton-demo-1", "marketing", actor=SYSTEM, language="en"))
    page = client.get(f"/workflows/{workflow.pk}/tests/s1/").content.decode()
    assert "not enough data" in page
    assert "at least 100 people" in page
    assert client.get(f"/workflows/{workflow.pk}/tests/s2/").content.decode().strip() == ""


def test_no_false_winner_among_three_alike_and_the_true_one_is_found() -> None:
    luck, wrong, tests = Random(7), 0, 120
    for _test in range(tests):
        counts = dict.fromkeys("abc", (0, 0))
        for day in range(1, 41):  # looked at every day
            counts = {way: (k + sum(luck.random() < 0.2 for _ in range(15)), n + 15) for way, (k, n) in counts.items()}
            if trial.best(counts, timedelta(days=day))[0]:
                wrong += 1
                break
    assert wrong <= tests * 0.1
    assert trial.best({"a": (100, 1000), "b": (190, 1000), "c": (110, 1000)}, timedelta(days=14)) == ("b", "")
    assert trial.best({"a": (100, 1000), "b": (190, 1000), "c": (110, 1000)}, timedelta(days=6)) == ("", "week")
    assert trial.best({"a": (100, 1000), "b": (190, 1000), "c": (9, 99)}, timedelta(days=14)) == ("", "few")
    assert trial.best({"a": (180, 1000), "b": (190, 1000)}, timedelta(days=14)) == ("", "open")


def test_a_mail_in_the_owners_name_to_those_who_agreed_by_day(live: Live, email: Email, sales: list[int]) -> None:
    after = {"id": "s2", "type": "set_property", "property": "jobtitle", "value": "끝"}
    workflow = live({"id": "s1", "type": "send_email", "email": email.pk, "sender": "owner", "refused": "end", "when": "day"}, after)
    owned, silent = contact("a@gaon.example", owner_id=sales[0]), contact("b@gaon.example")
    consent.set([silent], "email", False, actor=SYSTEM, source="test")
    night = datetime(2026, 11, 18, 23, 30, tzinfo=ZoneInfo("Asia/Seoul"))
    with clock.stopped(night):
        walk(workflow, owned, silent)
    assert [outcome(owned), outcome(silent)] == ["waiting", "waiting"], "nobody is written to at night"
    with clock.stopped(night + timedelta(hours=8, minutes=30)):
        drain()
    assert Enrollment.objects.get(contact_id=silent).state == "removed"
    assert StepRun.objects.get(contact_id=silent).detail["reason"] in ("no_consent", "suppressed_unsubscribed")
    assert Message.objects.filter(contact_id=silent).count() == 0
    assert Enrollment.objects.get(contact_id=owned).state == "finished"
    [(looked, parcels)] = [delivery.claim(owned % 64)]
    assert (looked, [p.sender for p in parcels]) == (1, ["owner"])
    [message] = letters.build(email.pk, 0, [letters.Recipient(owned, 1, sender="owner")])
    assert (message.headers["From"].partition(" <")[0], message.headers["Reply-To"]) == ('"han (누리워크)"', "han <han@nuriwork.example>")
    User.objects.filter(pk=sales[0]).update(is_active=False)
    [message] = letters.build(email.pk, 0, [letters.Recipient(owned, 1, sender="owner")])
    assert "han" not in message.headers["From"]
    assert "Reply-To" not in message.headers


def test_colleagues_hear_why_somebody_is_an_sql_again(live: Live, sales: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    mailed_ids: list[int] = []
    queue = SimpleNamespace(notice=SimpleNamespace(defer=lambda notification_id: mailed_ids.append(notification_id)))
    monkeypatch.setattr("baton.automation.steps.notify.mailed", queue)
    team = Team.objects.create(name="인사이드 세일즈")
    User.objects.filter(pk=sales[1]).update(team=team, language="en")
    title = "{{ contact.firstname }} {{ steps.s9.plan }}"
    kinds: list[dict[str, Any]] = [
        {"to": "team", "team": team.pk, "mail": True}, {"to": "users", "users": [sales[0]]}, {"to": "role", "role": Role.SALES},
        {"to": "user", "user": sales[0]},
    ]  # fmt: skip
    workflow = live(*({"id": f"s{n}", "type": "notify", "title": title, "message": "안녕하세요", **kind} for n, kind in enumerate(kinds, 1)))
    jiwoo, minsu = contact(firstname="지우"), contact("b@gaon.example", firstname="민수")
    stages.move([jiwoo], "sql", actor=SYSTEM, source="test", reason="test")
    stages.move([jiwoo], "mql", actor=SYSTEM, source="test", reason="test", back=True)
    stages.move([jiwoo], "sql", actor=SYSTEM, source="test", reason="test")
    enroll.enroll(workflow, [jiwoo, minsu], "test", SYSTEM)
    sql.run('UPDATE enrollment SET data = \'{"s9": {"plan": "pro"}}\'')
    drain()
    told = Notification.objects.filter(cause__startswith="step:")
    causes = {n: sorted(told.filter(contact_id=jiwoo, cause__endswith=f":s{n}").values_list("user_id", flat=True)) for n in range(1, 5)}
    assert causes == {1: [sales[1]], 2: [sales[0]], 3: sorted(sales), 4: [sales[0]]}
    assert {(n.title, n.url) for n in told.filter(contact_id=jiwoo)} == {("지우 pro", f"/contacts/{jiwoo}/")}
    assert mailed_ids == list(told.filter(cause__endswith=":s1").values_list("pk", flat=True))
    assert {n.body for n in told.filter(contact_id=minsu)} == {"안녕하세요"}
    english = told.get(contact_id=jiwoo, cause__endswith=":s1").body
    assert english.startswith("안녕하세요\nRe-qualified, was demoted on ")


def test_deals_walk_the_same_steps(account: Account, sales: list[int]) -> None:
    amount = {"condition": "property", "property": "amount", "operator": "at_least", "value": 1000}
    ways = [{"label": "a", "steps": []}, {"label": "other", "steps": []}]
    steps = [
        {"id": "s1", "type": "branch_value", "of": "stage", "values": {"a": "contract"}, "paths": ways},
        {"id": "s2", "type": "notify", "title": "{{ deal.dealname }}"},
        {"id": "s3", "type": "wait_until", "filter": amount, "days": 2},
        {"id": "s4", "type": "wait_until_date", "property": "closedate", "side": "before", "days": 1, "time": "09:00"},
    ]
    workflow = verbs.create("계약", SYSTEM, {"triggers": [{"type": "form_submitted"}], "steps": steps}, object_type="deal")
    parsed = graph.parse(workflow.draft, "deal")
    assert [p for p in parsed.problems() if p.path.startswith("steps")] == [], "stages, properties and filters are those of deals"
    assert "1,000" in parsed.get("s3").detail() or "1000" in parsed.get("s3").detail()  # type: ignore[union-attr]
    now = clock.now()
    version = Version.objects.create(workflow=workflow, number=1, graph=workflow.draft, published_at=now, published_by="system")
    Workflow.objects.filter(pk=workflow.pk).update(state="on", published=version)
    workflow.refresh_from_db()
    close = (now + timedelta(days=10)).date()
    deal = records.create("deal", {"dealname": "가온 계약", "closedate": close.isoformat()}, actor=SYSTEM, source="test", owner_id=sales[0])
    walk(workflow, deal)
    assert [outcome(deal, step) for step in ("s1", "s2", "s3")] == ["other", "done", "waiting"]
    assert list(Notification.objects.values_list("user_id", "title", "url", "contact_id")) == [(sales[0], "가온 계약", f"/deals/{deal}/", None)]
    records.update("deal", deal, {"amount": 5000}, actor=SYSTEM, source="test")
    drain()
    assert (outcome(deal, "s3"), outcome(deal, "s4")) == ("met", "waiting")
    assert Timer.objects.get(contact_id=deal).due_at == datetime.combine(close - timedelta(days=1), time(9), tzinfo=ZoneInfo("Asia/Seoul"))
