"""What brings contacts and records into a workflow: each by the very fact, each fact once, and the same facts found again when the past is asked."""

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from baton.accounts.models import Account
from baton.automation import enroll, graph, hooks, verbs
from baton.automation.models import Enrollment, Hook, Workflow
from baton.crm import associations, properties, records, stages, types, uses
from baton.crm.models import Contact
from baton.crm.uses import Mention
from baton.events import evidence, hits, own, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.forms.models import Form, FormSubmission
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.changes import Change
from baton.platform.config import config
from baton.platform.errors import Conflict
from baton.segments import cards, entries, presets
from baton.segments import verbs as lists
from tests.automation.conftest import contact, drain
from tests.examples import some

pytestmark = pytest.mark.django_db
Live = Callable[..., Workflow]
END = {"id": "s1", "type": "end"}


@pytest.fixture
def begins(account: Account) -> Callable[..., Workflow]:
    """A live workflow of nothing but this trigger, which lets in at every occasion."""

    def make(kind: str, object_type: str = "contact", **fields: Any) -> Workflow:
        draft = {"triggers": [{"id": "t", "type": kind, **fields}], "settings": {"again": "every_time"}, "steps": [END]}
        workflow = verbs.create(kind, SYSTEM, draft, object_type=object_type)
        verbs.publish(workflow, SYSTEM)
        return workflow

    return make


def came(workflow: Workflow) -> list[tuple[int, str]]:
    """Who was enrolled and by what, in order."""
    return sorted(Enrollment.objects.filter(workflow_id=workflow.pk).values_list("contact_id", "cause"))


def whom(workflow: Workflow) -> list[int]:
    return [id for id, _cause in came(workflow)]


def trigger(workflow: Workflow) -> Any:
    return graph.of(workflow.published_id or 0).triggers[0]


def past(workflow: Workflow, since: datetime | None = None) -> list[tuple[int, str]]:
    """Whom the trigger finds when it is asked about the last hour, or since then."""
    now = clock.now()
    found = trigger(workflow).past(since or now - timedelta(hours=1), now + timedelta(seconds=1), workflow.object_type)
    assert found is not None
    return sorted((id, cause) for id, _at, cause in sql.rows(found.text, found.params))


def fit(workflow: Workflow) -> list[tuple[int, str]]:
    """Who would be enrolled now."""
    found = trigger(workflow).backlog(workflow.object_type)
    return sorted(sql.rows(found.text, found.params)) if found else []


def happens(contact_id: int, kind: Kind, key: str = "", *, ago: timedelta = timedelta(), **payload: Any) -> None:
    record.add([NewEvent(contact_id, kind, clock.now() - ago, key, payload=payload)])


def told_again(*told: Change) -> None:
    """The same facts come once more, as after a worker that was killed."""
    changes.append(told)
    drain()


def hear() -> list[Change]:
    """What waits in the queue."""
    return [Change(*row) for row in sql.rows("SELECT contact_id, kind, key, fact FROM change ORDER BY id")]


# What happened ---------------------------------------------------------------


def test_an_event_enrolls_by_itself_and_not_by_an_older_one_that_fits(begins: Any) -> None:
    seoyeon, minjun = contact("a@b.example"), contact("b@b.example")
    happens(seoyeon, Kind.PAGE_VIEW, "www.nuriwork.example/pricing", ago=timedelta(hours=30), referrer="https://search.naver.com/")
    drain()
    workflow = begins(
        "event_happened",
        filter={
            "condition": "event", "event": "page_view", "about": "/pricing",
            "tests": [{"property": "referrer", "operator": "contains", "value": "naver"}],
        },
    )  # fmt: skip
    happens(seoyeon, Kind.PAGE_VIEW, "www.nuriwork.example/pricing", referrer="https://www.google.com/")  # fits not, although an old one does
    happens(minjun, Kind.PAGE_VIEW, "www.nuriwork.example/blog", referrer="https://search.naver.com/")
    drain()
    assert came(workflow) == []
    happens(minjun, Kind.PAGE_VIEW, "www.nuriwork.example/pricing", referrer="https://search.naver.com/x")
    happens(99_999_999, Kind.PAGE_VIEW, "www.nuriwork.example/pricing", referrer="https://search.naver.com/x")  # a visitor, no contact
    said = hear()
    drain()
    assert whom(workflow) == [minjun]
    assert came(workflow)[0][1].startswith("page_view:")
    told_again(*said)
    assert whom(workflow) == [minjun]
    assert past(workflow) == came(workflow)
    happens(minjun, Kind.PAGE_VIEW, "www.nuriwork.example/pricing", referrer="https://search.naver.com/y")
    drain()
    assert whom(workflow) == [minjun, minjun]
    happens(seoyeon, Kind.PAGE_VIEW, "www.nuriwork.example/pricing", ago=timedelta(days=9), referrer="https://search.naver.com/")  # comes too late to be news
    drain()
    assert whom(workflow) == [minjun, minjun]


def test_a_dwell_enrolls_when_it_has_grown_enough_and_once(begins: Any) -> None:
    seoyeon, at = contact(), clock.now()
    workflow = begins("event_happened", filter={"condition": "page_stayed", "address": "/pricing", "seconds": 60})
    for seconds in (20, 70, 300):
        record.add([NewEvent(seoyeon, Kind.PAGE_DWELL, at, "www.nuriwork.example/pricing", value=seconds, id=77)])
        drain()
        assert whom(workflow) == ([] if seconds == 20 else [seoyeon])
    assert past(workflow) == came(workflow) == [(seoyeon, "page_dwell:77")]


def test_ones_own_event_and_any_of_several(begins: Any) -> None:
    own.define("주문", name="order", actor=SYSTEM, properties=[{"name": "amount", "label": "금액", "type": "number"}])
    workflow = begins(
        "event_happened",
        filter={
            "any": [
                {"condition": "event", "event": "custom_event", "name": "order", "tests": [{"property": "amount", "operator": "at_least", "value": 100000}]},
                {"condition": "event", "event": "download"},
            ]
        },
    )
    large, small, reader = contact("a@b.example"), contact("b@b.example"), contact("c@b.example")
    happens(large, Kind.CUSTOM_EVENT, "order", properties={"amount": "250000"})
    happens(small, Kind.CUSTOM_EVENT, "order", properties={"amount": "9000"})
    happens(reader, Kind.DOWNLOAD, "www.nuriwork.example/a.pdf")
    drain()
    assert whom(workflow) == [large, reader]
    assert past(workflow) == came(workflow)


@pytest.mark.parametrize(
    "filter",
    [
        {"condition": "property", "property": "city", "operator": "is", "value": "서울"},
        {"condition": "page_viewed", "address": "/pricing", "at_least": 3},
        {"condition": "page_viewed", "address": "/pricing", "days": 30},
        {"condition": "event", "event": "custom_event", "name": "gone"},
        {"any": [{"condition": "page_viewed"}, {"not": {"condition": "page_viewed"}}]},
        {"all": [{"condition": "page_viewed"}, {"condition": "email_opened"}]},
    ],
)
def test_what_is_not_one_event_is_refused(account: Account, filter: dict[str, Any]) -> None:
    read = graph.parse({"triggers": [{"type": "event_happened", "filter": filter}], "steps": [END]})
    assert [p.path.split(".")[0] for p in read.problems()] == ["triggers[0]"]
    assert read.triggers[0].causes([Change(1, "event", "1:1", "1:1")]) == {}


def test_an_opened_mail_of_a_program_enrolls_nobody_until_it_is_a_persons(begins: Any) -> None:
    workflow = begins("event_happened", filter={"condition": "email_opened"})
    seoyeon, at = contact(), clock.now()
    record.add([NewEvent(seoyeon, Kind.EMAIL_OPEN, at, "1", payload=evidence.again(Kind.EMAIL_OPEN, {}, "scanner"), id=5)])
    drain()
    assert whom(workflow) == []
    hits.overrule(seoyeon, at, 5, True, actor=SYSTEM)
    drain()
    assert whom(workflow) == [seoyeon]


def test_answers_narrow_a_form(begins: Any) -> None:
    form = Form.objects.create(name="상담 문의")
    workflow = begins("form_submitted", form=form.pk, answers={"size": "100명 이상", "interests": "급여"})
    given = [{"size": "100명 이상", "interests": ["근태", "급여"]}, {"size": "100명 이상", "interests": ["근태"]}, {"size": "10명", "interests": ["급여"]}]
    people = [contact(f"{n}@b.example") for n in range(3)]
    for id, (whose, values) in enumerate(zip(people, given, strict=True), 1):
        FormSubmission.objects.create(contact_id=whose, id=id, form_id=form.pk, values=values, at=clock.now())
        happens(whose, Kind.FORM_SUBMISSION, str(form.pk), submission=id)
    drain()
    assert whom(workflow) == people[:1]
    assert past(workflow) == came(workflow)


# Lists, points, stages -------------------------------------------------------


def test_lists_are_joined_and_left(begins: Any) -> None:
    seoul = lists.create_segment("서울", {"condition": "property", "property": "city", "operator": "is", "value": "서울"}, "active", SYSTEM)
    changes.tick()
    inside, outside = contact("a@b.example", city="서울"), contact("b@b.example", city="부산")
    drain()
    joining, leaving = begins("segment_joined", segment=seoul.pk), begins("segment_left", segment=seoul.pk)
    assert [id for id, _cause in fit(joining)] == [inside]
    clock.shift(timedelta(minutes=2))
    records.update("contact", outside, {"city": "서울"}, actor=SYSTEM, source="test")
    drain()
    records.update("contact", inside, {"city": "대전"}, actor=SYSTEM, source="test")
    drain()
    assert whom(joining) == [outside]
    assert whom(leaving) == [inside]
    assert set(came(joining)) == set(fit(joining))
    clock.shift(timedelta(minutes=5))
    records.update("contact", inside, {"city": "서울"}, actor=SYSTEM, source="test")
    drain()
    assert sorted(whom(joining)) == sorted([outside, inside])
    joined_before = {(id, cause) for id, cause in past(joining) if (id, cause) not in came(joining)}
    assert [id for id, _cause in joined_before] == [inside], "whoever joined before the workflow ran is found by the past too"
    assert past(leaving) == came(leaving)


def test_points_come_into_a_band_and_leave_it(begins: Any) -> None:
    model = cards.create(presets.blank("리드 점수", mql=35, sql=65), actor=SYSTEM)
    enters, rises, leaves = (begins("score_band", score=model.pk, band="mql", how=how) for how in ("enters", "rises", "leaves"))
    seoyeon, minjun, jiho = (contact(f"{n}@b.example") for n in "abc")

    def points(id: int, number: int) -> None:
        entries.add([id], model, number, reason="시험", actor=SYSTEM)
        drain()

    points(seoyeon, 40)  # from nothing into it
    points(minjun, 30)  # below
    points(jiho, 70)  # over it
    assert whom(enters) == whom(rises) == [seoyeon]
    points(minjun, 4)
    points(seoyeon, 3)  # within
    points(jiho, -20)  # from above into it
    assert whom(enters) == sorted([seoyeon, jiho])
    assert whom(rises) == [seoyeon]
    assert fit(enters) == came(enters), "by the change that brought them there, not by the last one"
    points(seoyeon, 30)
    points(jiho, -45)
    assert whom(leaves) == sorted([seoyeon, jiho])
    for workflow in (enters, rises, leaves):
        assert past(workflow) == came(workflow)


def test_stages_are_entered_and_left(begins: Any) -> None:
    entering = begins("stage_entered", stage="mql")
    again = begins("stage_entered", stage="lead", other="mql")
    leaving = begins("stage_entered", stage="mql", how="leaves")
    new, moved, still = (
        contact("a@b.example", lifecyclestage="mql"),
        contact("b@b.example", lifecyclestage="lead"),
        contact("c@b.example", lifecyclestage="lead"),
    )
    drain()
    assert whom(entering) == [new]
    stages.move([moved], "mql", actor=SYSTEM, source="test")
    drain()
    assert whom(entering) == [new, moved]
    assert fit(entering) == came(entering)
    stages.move([new], "sql", actor=SYSTEM, source="test")
    drain()
    assert whom(leaving) == [new]
    assert still not in whom(entering) + whom(leaving)
    assert whom(again) == []
    for workflow in (entering, leaving, again):
        assert past(workflow) == came(workflow)


# Values and records ----------------------------------------------------------


def test_a_property_becomes_a_value(begins: Any) -> None:
    becomes = begins("property_changed", property="city", how="to", value="서울", was="부산")
    filled, emptied, any_way = (begins("property_changed", property="city", how=how) for how in ("known", "cleared", "any"))
    made, moved, late = contact("a@b.example", city="서울"), contact("b@b.example", city="부산"), contact("c@b.example")
    drain()
    assert whom(becomes) == []
    assert whom(filled) == [made, moved]
    records.update("contact", moved, {"city": "서울"}, actor=SYSTEM, source="test")
    records.update("contact", late, {"city": "서울"}, actor=SYSTEM, source="test")
    said = hear()
    drain()
    assert whom(becomes) == [moved]
    assert whom(filled) == [made, moved, late]
    told_again(*said)
    records.update("contact", moved, {"city": "대전"}, actor=SYSTEM, source="test")  # an old change fits, this one does not
    drain()
    assert whom(becomes) == [moved]
    records.update("contact", made, {"city": ""}, actor=SYSTEM, source="test")
    records.update("contact", made, {"jobtitle": "부장"}, actor=SYSTEM, source="test")
    drain()
    assert whom(emptied) == [made]
    assert whom(any_way) == sorted([made, moved, moved, moved, late, made])
    for workflow in (becomes, filled, emptied, any_way):
        assert past(workflow) == came(workflow)
    assert fit(begins("property_changed", property="city", how="to", value="서울")) == [pair for pair in came(filled) if pair[0] == late]


def test_deals_are_made_and_moved(begins: Any) -> None:
    made, moved = begins("record_created", "deal"), begins("record_stage", "deal", stage="contractsent")
    amount = begins("property_changed", "deal", property="amount", how="any")
    people = begins("linked_stage", record="deal", stage="contractsent")
    seoyeon, minjun = contact("a@b.example"), contact("b@b.example")
    first = records.create("deal", {"dealname": "가", "dealstage": "contractsent", "amount": 5}, actor=SYSTEM, source="test")
    second = records.create("deal", {"dealname": "나"}, actor=SYSTEM, source="test")
    records.create("ticket", {"subject": "문의"}, actor=SYSTEM, source="test")
    associations.link("contact", seoyeon, "deal", first, actor=SYSTEM)
    associations.link("contact", minjun, "deal", second, actor=SYSTEM)
    drain()
    assert whom(made) == [first, second]
    assert whom(moved) == [first]
    assert came(people) == [(seoyeon, f"deal:{first}:new")]
    records.update("deal", second, {"amount": 7}, actor=SYSTEM, source="test")
    drain()
    assert whom(amount) == [first, second]
    assert whom(moved) == [first]
    records.update("deal", second, {"dealstage": "contractsent"}, actor=SYSTEM, source="test")
    said = hear()
    drain()
    told_again(*said)
    assert whom(moved) == [first, second]
    assert whom(people) == [seoyeon, minjun]
    assert fit(moved) == came(moved)
    assert fit(people) == came(people)
    for workflow in (made, moved, amount, people):
        assert past(workflow) == came(workflow)


# The clock -------------------------------------------------------------------


def noon(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=config().zone).astimezone(UTC)


def due(workflow: Workflow, since: datetime, until: datetime) -> dict[int, str]:
    with clock.stopped(until):
        found: dict[int, str] = trigger(workflow).due(since, until, workflow.object_type)
    return found


def test_a_date_comes_in_time_and_each_year(begins: Any) -> None:
    properties.define("contact", "date_of_birth", "생일", "date", actor=SYSTEM)
    before = begins("date_arrives", property="date_of_birth", when="before", days=7, at="09:00", yearly=True)
    on = begins("date_arrives", property="date_of_birth", when="on", at="10:30")
    born = contact("a@b.example", date_of_birth="1990-03-08")
    leap = contact("b@b.example", date_of_birth="1992-02-29")
    contact("c@b.example", date_of_birth="1990-04-08")
    day = date(2027, 3, 1)
    assert due(before, noon(day, 8), noon(day)) == {born: "date:date_of_birth:2027-03-01"}
    assert due(before, noon(day, 9), noon(day, 20)) == {}, "nine o’clock was before"
    assert due(before, noon(date(2028, 3, 1), 8), noon(date(2028, 3, 1))) == {born: "date:date_of_birth:2028-03-01"}
    assert due(before, noon(date(2027, 2, 21), 8), noon(date(2027, 2, 21))) == {leap: "date:date_of_birth:2027-02-21"}, "a year without a 29th of February"
    assert due(before, noon(date(2028, 2, 22), 8), noon(date(2028, 2, 22))) == {leap: "date:date_of_birth:2028-02-22"}
    assert due(on, noon(date(1990, 3, 8), 10), noon(date(1990, 3, 8))) == {born: "date:date_of_birth:1990-03-08"}
    assert due(on, noon(date(2027, 3, 8), 10), noon(date(2027, 3, 8))) == {}
    assert due(before, noon(day - timedelta(days=40), 8), noon(day)).keys() == {born, leap}, "what was missed while nobody looked"


def test_a_date_of_a_deal_and_the_values_of_the_past(begins: Any) -> None:
    now = clock.now()
    today = now.astimezone(config().zone).date()
    workflow = begins("date_arrives", "deal", property="closedate", when="on", at="00:00")
    name = "closedate"
    first, other = (records.create("deal", {"dealname": n, name: (today + timedelta(days=1)).isoformat()}, actor=SYSTEM, source="test") for n in "가나")
    records.update("deal", other, {name: (today + timedelta(days=3)).isoformat()}, actor=SYSTEM, source="test")
    midnight = noon(today + timedelta(days=1), 0)
    assert due(workflow, midnight - timedelta(hours=1), midnight + timedelta(hours=1)) == {first: f"date:{name}:{today + timedelta(days=1)}"}
    clock.shift(timedelta(days=2))
    records.update("deal", first, {name: "2031-01-01"}, actor=SYSTEM, source="test")
    found = trigger(workflow).past(now, clock.now(), "deal")
    assert [(id, cause) for id, _at, cause in sql.rows(found.text, found.params)] == [(first, f"date:{name}:{today + timedelta(days=1)}")]


def test_a_schedule_takes_all_who_match_then(begins: Any) -> None:
    seoul = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}
    weekly = begins("schedule", how="weekly", days=["mon", "thu"], at="09:00", filter=seoul)
    monthly = begins("schedule", how="monthly", day=31, at="08:00", filter=seoul)
    once = begins("schedule", how="once", date="2027-05-05", at="12:00", filter=seoul)
    inside, other = contact("a@b.example", city="서울"), contact("b@b.example", city="부산")
    monday = date(2027, 2, 1)
    assert due(weekly, noon(monday, 8), noon(monday)).keys() == {inside}
    assert due(weekly, noon(monday), noon(monday + timedelta(days=2), 8)) == {}
    assert due(monthly, noon(date(2027, 2, 28), 7), noon(date(2027, 2, 28))).keys() == {inside}, "February has no 31st"
    assert due(once, noon(date(2027, 5, 5), 11), noon(date(2027, 5, 5), 13)).keys() == {inside}
    assert due(once, noon(date(2028, 5, 5), 11), noon(date(2028, 5, 5), 13)) == {}
    assert [id for id, _cause in fit(weekly)] == [inside]
    daily = begins("schedule", how="daily", at="09:00", filter=seoul)
    now = clock.now()
    clock.shift(timedelta(days=2))
    records.update("contact", other, {"city": "서울"}, actor=SYSTEM, source="test")
    clock.shift(timedelta(days=3))
    found = trigger(daily).past(now, clock.now(), "contact")
    told = sorted((at, id) for id, at, _cause in sql.rows(found.text, found.params))
    assert [id for _at, id in told].count(inside) == 3
    assert [id for _at, id in told].count(other) == 1, "who came later is found later"


def test_the_clock_enrolls_once_and_makes_up_for_what_was_missed(begins: Any) -> None:
    today = clock.now().astimezone(config().zone).date()
    properties.define("contact", "ends_on", "계약 종료일", "date", actor=SYSTEM)
    ending = begins("date_arrives", property="ends_on", when="before", days=1, at="00:00")
    daily = begins("schedule", how="daily", at="00:00", filter={"condition": "property", "property": "city", "operator": "is", "value": "서울"})
    since = clock.now()
    seoyeon = contact("a@b.example", ends_on=(today + timedelta(days=3)).isoformat())
    minjun = contact("b@b.example", city="서울")
    enroll.by_clock()
    assert came(ending) == came(daily) == []
    clock.shift(timedelta(days=2, minutes=1))  # nobody looked for two days
    enroll.by_clock()
    enroll.by_clock()
    drain()
    assert came(ending) == [(seoyeon, f"date:ends_on:{today + timedelta(days=2)}")] == past(ending, since)
    assert whom(daily) == [minjun], "of several moments that were missed, the last"
    assert set(came(daily)) <= set(past(daily, since))
    clock.shift(timedelta(days=3, minutes=1))
    enroll.by_clock()
    drain()
    assert whom(daily) == [minjun, minjun]
    assert came(ending) == past(ending, since)


def test_what_a_trigger_names_must_be_there(account: Account) -> None:
    gone: list[dict[str, Any]] = [
        {"type": "segment_joined", "segment": 999}, {"type": "segment_left", "segment": 999}, {"type": "score_band", "score": 999, "band": "mql"},
        {"type": "stage_entered", "stage": "moon"}, {"type": "property_changed", "property": "moon"}, {"type": "form_submitted", "form": 999},
        {"type": "linked_stage", "stage": "moon"}, {"type": "date_arrives", "property": "moon"},
        {"type": "schedule", "filter": {"condition": "in_segment", "segment": 999}},
    ]  # fmt: skip
    for stored in gone:
        read = graph.parse({"triggers": [{"id": "t", **stored}], "steps": [END]})
        assert [p.path for p in read.problems() if p.path.startswith("triggers[0].")], stored


def test_what_a_workflow_needs_is_not_put_aside(begins: Any) -> None:
    """Whatever a trigger, a setting or a filter names: whoever wants to remove it is told who needs it."""
    model = cards.create(presets.blank("리드 점수", mql=35, sql=65), actor=SYSTEM)
    kept = lists.create_segment("서울", {"condition": "property", "property": "city", "operator": "is", "value": "서울"}, "active", SYSTEM)
    own.define("주문", name="order", actor=SYSTEM)
    begins("score_band", score=model.pk, band="mql")
    begins("property_changed", property="industry", how="to", value="SOFTWARE")
    begins("record_stage", "ticket", stage="2")
    begins("linked_stage", record="deal", stage="contractsent")
    begins("event_happened", filter={"condition": "event", "event": "custom_event", "name": "order"})
    inner = begins("stage_entered", stage="mql")
    quiet = verbs.create("수신 제외", SYSTEM, {"triggers": [], "settings": {"suppress": [kept.pk]}, "steps": []})
    needs = {
        Mention("score", model.key): "score_band", Mention("band", model.key, "mql"): "score_band", Mention("property", "contact.industry"): "property_changed",
        Mention("option", "contact.industry", "SOFTWARE"): "property_changed",
        Mention("option", f"ticket.{types.get('ticket').stage_property}", "2"): "record_stage",
        Mention("option", "deal.dealstage", "contractsent"): "linked_stage", Mention("event", "order"): "event_happened",
        Mention("option", "contact.lifecyclestage", "mql"): inner.name, Mention("segment", str(kept.pk)): quiet.name,
    }  # fmt: skip
    for thing, name in needs.items():
        assert name in uses.of(thing), thing
    assert "record_stage" not in uses.of(Mention("option", "deal.dealstage", "2"))
    with pytest.raises(Conflict, match="수신 제외"):
        lists.archive_segment(kept, actor=SYSTEM)
    verbs.create("이어서", SYSTEM, {"triggers": [], "steps": [{"id": "s1", "type": "enroll_in", "workflow": inner.pk}]})
    with pytest.raises(Conflict, match="이어서"):
        verbs.archive(inner, SYSTEM)


# Programs and people ---------------------------------------------------------


def call(client: Client, address: str, body: Any, **headers: str) -> tuple[int, Any]:
    said = body if isinstance(body, str) else json.dumps(body)
    answer = client.post(address.removeprefix(config().url), said, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def test_a_program_enrolls_by_the_secret_address(begins: Any, client: Client) -> None:
    workflow = begins("webhook_received")
    address = hooks.address(workflow, "t", SYSTEM)
    assert hooks.address(workflow, "t", SYSTEM) == address
    assert address.rstrip("/").rpartition("/")[2] not in str(Hook.objects.values().get()), "the token is not kept readable"
    seoyeon = contact()
    said = {"email": "Jiwoo@gaon.example ", "plan": "pro", "seats": {"n": 3}}
    assert call(client, address, said, **{"Idempotency-Key": "a1"}) == (202, {"id": seoyeon, "enrolled": True})
    assert call(client, address, said, **{"Idempotency-Key": "a1"}) == (202, {"id": seoyeon, "enrolled": False})
    drain()
    assert Enrollment.objects.get().data == {"t": {"plan": "pro", "seats": {"n": 3}}}
    assert came(workflow) == [(seoyeon, "hook:a1")]
    assert call(client, address, {"id": seoyeon})[1]["enrolled"]
    assert call(client, address, {"email": "nobody@b.example"})[0] == 422
    assert call(client, address, {"id": "x"})[0] == call(client, address, {})[0] == call(client, address, [1])[0] == 422
    assert call(client, address, {"id": seoyeon, "deep": [[[[[[[1]]]]]]]})[0] == 422
    assert call(client, address, "{")[0] == 400
    assert call(client, address, "[" * 70_000)[0] == 413
    assert client.get(address.removeprefix(config().url)).status_code == 405
    verbs.pause(workflow, SYSTEM)
    assert call(client, address, {"id": seoyeon})[0] == 409
    verbs.resume(workflow, SYSTEM)
    fresh = hooks.renew(workflow, "t", SYSTEM)
    assert call(client, address, {"id": seoyeon})[0] == 404
    assert call(client, fresh, {"id": seoyeon, "odd": "a\x00b"})[0] == 202


def test_a_program_may_bring_somebody_new_where_that_is_wanted(begins: Any, client: Client) -> None:
    workflow = begins("webhook_received", make=True)
    status, said = call(client, hooks.address(workflow, "t", SYSTEM), {"email": "new@b.example"})
    assert (status, said["enrolled"]) == (202, True)
    assert Contact.objects.get(pk=said["id"]).email == "new@b.example"
    assert call(client, hooks.address(workflow, "t", SYSTEM), {"email": "no address"})[0] == 422


# Anything, in any order ------------------------------------------------------


@pytest.mark.parametrize("seed", range(some(1)))
def test_what_brought_people_in_is_what_the_past_finds(begins: Any, seed: int) -> None:
    """Random histories of many people: whoever was enrolled, and by what, is exactly what the past tells afterwards."""
    chance = random.Random(seed)
    form = Form.objects.create(name="상담")
    seoul = lists.create_segment("서울", {"condition": "property", "property": "city", "operator": "is", "value": "서울"}, "active", SYSTEM)
    changes.tick()
    since = clock.now()
    live = [
        begins("event_happened", filter={"condition": "page_viewed", "address": "/pricing"}),
        begins("form_submitted", form=form.pk),
        begins("property_changed", property="city", how="to", value="서울"),
        begins("property_changed", property="city", how="any"),
        begins("segment_joined", segment=seoul.pk),
        begins("segment_left", segment=seoul.pk),
        begins("stage_entered", stage="mql"),
        begins("stage_entered", stage="lead", how="leaves"),
        begins("record_created"),
        begins("record_created", "deal"),
        begins("record_stage", "deal", stage="contractsent"),
        begins("linked_stage", record="deal", stage="contractsent"),
    ]
    people = [contact("0@b.example")]
    deals: list[int] = []

    def step() -> None:
        who = chance.choice(people)
        match chance.randrange(8):
            case 0:
                people.append(contact(f"{len(people)}@b.example", **({"city": "서울"} if chance.random() < 0.5 else {})))
            case 1:
                happens(who, Kind.PAGE_VIEW, f"www.nuriwork.example/{chance.choice(['pricing', 'blog'])}")
            case 2:
                happens(who, Kind.FORM_SUBMISSION, str(form.pk))
            case 3 | 4:
                records.update("contact", who, {"city": chance.choice(["서울", "부산", ""])}, actor=SYSTEM, source="test")
            case 5:
                stages.move([who], chance.choice(["lead", "mql", "sql"]), actor=SYSTEM, source="test", back=True)
            case 6:
                deals.append(
                    records.create("deal", {"dealname": "x", **({"dealstage": "contractsent"} if chance.random() < 0.4 else {})}, actor=SYSTEM, source="t")
                )
                associations.link("contact", who, "deal", deals[-1], actor=SYSTEM)
            case 7 if deals:
                stage = chance.choice(["contractsent", "closedlost", "appointmentscheduled"])
                records.update("deal", chance.choice(deals), {"dealstage": stage}, actor=SYSTEM, source="test")

    for number in range(30):
        clock.shift(timedelta(seconds=10 * number))
        step()
        drain()
    assert Contact.objects.count() == len(people)
    for workflow in live:
        assert past(workflow, since) == came(workflow), workflow.name
    assert sum(len(came(workflow)) for workflow in live) > 20
