"""Steps that wait, through the real runner with a moved clock: the exact moment, neither before nor after, and only once."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from baton.accounts.models import Account
from baton.automation import enroll, verbs
from baton.automation.models import Enrollment, StepRun, Timer, Workflow
from baton.crm import properties, records
from baton.events import record
from baton.events.vocabulary import Kind
from baton.platform import clock
from baton.platform.actor import SYSTEM
from tests.automation.conftest import contact, drain

pytestmark = pytest.mark.django_db
Live = Callable[..., Workflow]
SEOUL, NEW_YORK = ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York")
MICRO = timedelta(microseconds=1)
AFTER = {"id": "s9", "type": "set_property", "property": "jobtitle", "value": "끝"}
VISITED = {"condition": "page_viewed", "address": "gaon.example/pricing"}


def at(text: str, zone: ZoneInfo = SEOUL) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def tick(moment: datetime) -> None:
    """What the worker does at this moment."""
    with clock.stopped(moment):
        drain()


def enter(workflow: Workflow, contact_id: int, moment: datetime, cause: str = "test") -> None:
    with clock.stopped(moment):
        assert enroll.enroll(workflow, [contact_id], cause, SYSTEM) == 1
        drain()


def outcome(contact_id: int, step: str = "s1") -> str:
    return StepRun.objects.values_list("outcome", flat=True).get(contact_id=contact_id, step=step)


def due(contact_id: int) -> datetime:
    return Timer.objects.get(contact_id=contact_id).due_at


def visit(contact_id: int, moment: datetime) -> None:
    with clock.stopped(moment):
        record.add([record.NewEvent(contact_id, Kind.PAGE_VIEW, moment, "gaon.example/pricing", "요금")])


def ends_exactly(contact_id: int, moment: datetime) -> None:
    """He still waits just before, and is through at the very moment."""
    tick(moment - MICRO)
    assert outcome(contact_id) == "waiting"
    tick(moment)
    assert Enrollment.objects.get(contact_id=contact_id).state == "finished"


def test_a_wait_of_four_hundred_days_ends_to_the_moment(live: Live) -> None:
    workflow = live({"id": "s1", "type": "wait", "days": 400, "hours": 1, "minutes": 30}, AFTER)
    jiwoo, began = contact(), at("2025-09-01T10:00")
    enter(workflow, jiwoo, began)
    ends_exactly(jiwoo, began + timedelta(days=400, hours=1, minutes=30))
    assert records.get("contact", jiwoo).properties["jobtitle"] == "끝"
    assert StepRun.objects.filter(contact_id=jiwoo).count() == 2


def test_who_comes_when_it_is_closed_waits_until_it_opens(live: Live) -> None:
    workflow = live({"id": "s1", "type": "wait_for_hours"})
    cases = [
        ("2026-09-22T08:59:59", "2026-09-22T09:00"),
        ("2026-09-22T09:00", ""),
        ("2026-09-22T17:59:59", ""),
        ("2026-09-23T18:00", "2026-09-28T09:00"),  # Chuseok and a weekend
        ("2026-10-02T23:59:59", "2026-10-06T09:00"),  # a Friday; Gaecheonjeol's substitute is Monday
        ("2026-10-03T00:00", "2026-10-06T09:00"),
    ]
    people = [contact(f"{n}@gaon.example") for n in range(len(cases))]
    for one, (came, goes) in zip(people, cases, strict=True):
        enter(workflow, one, at(came))
        assert (outcome(one), due(one) if goes else None) == (("waiting", at(goes)) if goes else ("done", None)), came
        if goes and came != "2026-10-02T23:59:59":
            ends_exactly(one, at(goes))
    assert Enrollment.objects.filter(state="finished").count() == len(cases)


def test_the_hours_may_be_those_where_the_contact_lives(live: Live) -> None:
    workflow = live({"id": "s1", "type": "wait_for_hours", "zone": "contact", "holidays": False})
    here, there = contact("a@gaon.example"), contact("b@gaon.example", time_zone="America/New_York")
    came = at("2026-03-06T20:00", NEW_YORK)  # a Friday evening; on Sunday summer time begins; in Seoul it is Saturday
    for one in (here, there):
        enter(workflow, one, came)
    assert due(here) == at("2026-03-09T09:00", SEOUL)
    assert due(there) == datetime(2026, 3, 9, 13, tzinfo=UTC)
    ends_exactly(there, datetime(2026, 3, 9, 13, tzinfo=UTC))


def test_who_is_late_because_of_a_pause_still_waits_for_the_hours(live: Live) -> None:
    workflow = live({"id": "s1", "type": "wait_for_hours"})
    jiwoo = contact()
    enter(workflow, jiwoo, at("2026-10-20T20:00"))
    with clock.stopped(at("2026-10-21T08:00")):
        verbs.pause(workflow, SYSTEM)
    with clock.stopped(at("2026-10-24T03:00")):  # the night to Saturday
        verbs.resume(workflow, SYSTEM)
        drain()
    assert outcome(jiwoo) == "waiting"
    assert due(jiwoo) == at("2026-10-26T09:00")


@pytest.fixture
def renewal(account: Account) -> Iterator[None]:
    properties.define("contact", "renewal", "갱신일", "date", actor=SYSTEM)
    properties.define("contact", "meets_at", "상담 시각", "datetime", actor=SYSTEM)
    yield
    properties.forget()


def test_days_before_a_day_and_the_day_may_move(live: Live, renewal: None) -> None:
    before = {"id": "s1", "type": "wait_until_date", "property": "renewal", "side": "before", "days": 3, "time": "09:30"}
    workflow = live(before, AFTER)
    people = {name: contact(f"{name}@gaon.example", **({"renewal": day} if day else {})) for name, day in DAYS.items()}
    for one in people.values():
        enter(workflow, one, at("2026-09-01T12:00"))
    assert outcome(people["none"]) == "skipped"
    assert StepRun.objects.get(contact_id=people["none"], step="s1").detail == {"reason": "no_date"}
    assert outcome(people["over"]) == "done"
    assert due(people["stays"]) == at("2026-10-17T09:30")
    with clock.stopped(at("2026-09-10T12:00")):
        records.update("contact", people["earlier"], {"renewal": "2026-10-10"}, actor=SYSTEM, source="test")
        records.update("contact", people["later"], {"renewal": "2026-10-30"}, actor=SYSTEM, source="test")
        records.update("contact", people["cleared"], {"renewal": None}, actor=SYSTEM, source="test")
        drain()
    assert [outcome(people[name]) for name in ("earlier", "later", "cleared")] == ["waiting", "waiting", "skipped"]
    assert [due(people[name]) for name in ("earlier", "later")] == [at("2026-10-07T09:30"), at("2026-10-27T09:30")]
    ends_exactly(people["earlier"], at("2026-10-07T09:30"))
    ends_exactly(people["stays"], at("2026-10-17T09:30"))
    ends_exactly(people["later"], at("2026-10-27T09:30"))


DAYS = {"stays": "2026-10-20", "earlier": "2026-10-20", "later": "2026-10-20", "cleared": "2026-10-20", "over": "2026-09-03", "none": ""}


def test_a_moment_in_a_property_and_a_fixed_day_in_the_contacts_zone(live: Live, renewal: None) -> None:
    workflow = live({"id": "s1", "type": "wait_until_date", "property": "meets_at", "side": "after", "days": 1, "time": ""})
    jiwoo = contact("a@gaon.example", meets_at="2026-10-20T05:15:00Z")
    enter(workflow, jiwoo, at("2026-09-01T12:00"))
    ends_exactly(jiwoo, datetime(2026, 10, 21, 5, 15, tzinfo=UTC))
    fixed = live({"id": "s1", "type": "wait_until_date", "of": "date", "date": "2026-10-25", "zone": "contact", "time": "00:00"})
    there = contact("b@gaon.example", time_zone="Europe/Berlin")  # where winter time begins on that very day
    enter(fixed, there, at("2026-10-24T12:00"))
    ends_exactly(there, datetime(2026, 10, 24, 22, tzinfo=UTC))


WAIT = {
    "id": "s1", "type": "wait_until", "filter": VISITED, "days": 2,
    "paths": [{"label": "met", "steps": [AFTER]}, {"label": "timeout", "steps": []}],
}  # fmt: skip
CAME = at("2026-10-01T10:00")
OVER = CAME + timedelta(days=2)


def test_what_happens_from_here_on_wakes_at_once(live: Live) -> None:
    workflow = live(WAIT)
    jiwoo = contact()
    visit(jiwoo, CAME - timedelta(hours=1))
    tick(CAME - timedelta(minutes=1))
    enter(workflow, jiwoo, CAME)
    assert (outcome(jiwoo), due(jiwoo)) == ("waiting", OVER), "a visit before does not count"
    visit(jiwoo, CAME + timedelta(hours=5))
    tick(CAME + timedelta(hours=5))
    assert outcome(jiwoo) == "met"
    assert outcome(jiwoo, "s9") == "done"
    tick(OVER + timedelta(days=1))
    assert StepRun.objects.filter(contact_id=jiwoo).count() == 2


def test_what_ever_happened_may_count_too(live: Live) -> None:
    workflow = live(WAIT | {"counts": "ever"})
    jiwoo = contact()
    visit(jiwoo, CAME - timedelta(hours=1))
    enter(workflow, jiwoo, CAME)
    assert outcome(jiwoo) == "met"


def test_the_time_is_over_to_the_moment_and_what_came_in_time_wins(live: Live) -> None:
    workflow = live(WAIT)
    alone, last, late, silent = (contact(f"{name}@gaon.example") for name in ("alone", "last", "late", "silent"))
    for one in (alone, last, late, silent):
        enter(workflow, one, CAME)
    tick(OVER - MICRO)
    assert outcome(alone) == "waiting"
    # The worker was away: the end of the time and the visits are seen in one tick.
    visit(last, OVER)
    visit(late, OVER + MICRO)
    tick(OVER + timedelta(hours=3))
    assert {name: outcome(one) for name, one in (("alone", alone), ("last", last), ("late", late))} == {"alone": "timeout", "last": "met", "late": "timeout"}
    assert outcome(silent) == "timeout"


def test_a_pause_takes_nothing_of_the_time(live: Live) -> None:
    workflow = live(WAIT)
    one, other = contact("a@gaon.example"), contact("b@gaon.example")
    for each in (one, other):
        enter(workflow, each, CAME)
    with clock.stopped(CAME + timedelta(days=1)):
        verbs.pause(workflow, SYSTEM)
    with clock.stopped(CAME + timedelta(days=6)):
        verbs.resume(workflow, SYSTEM)
        drain()
    assert due(one) == CAME + timedelta(days=7)
    visit(one, CAME + timedelta(days=6, hours=23))
    tick(CAME + timedelta(days=6, hours=23))
    assert (outcome(one), outcome(other)) == ("met", "waiting")
    tick(CAME + timedelta(days=7))
    assert outcome(other) == "timeout"


def test_what_holds_already_does_not_wait_and_what_only_time_changes_is_looked_at_every_hour(live: Live) -> None:
    city = {"condition": "property", "property": "city", "operator": "is", "value": "서울"}
    workflow = live(WAIT | {"filter": city})
    here, there = contact("a@gaon.example", city="서울"), contact("b@gaon.example", city="부산")
    for one in (here, there):
        enter(workflow, one, CAME)
    assert (outcome(here), outcome(there)) == ("met", "waiting")
    with clock.stopped(CAME + timedelta(hours=1)):
        records.update("contact", there, {"city": "서울"}, actor=SYSTEM, source="test")
        drain()
    assert outcome(there) == "met"
    quiet: dict[str, Any] = {"not": {"condition": "page_viewed", "address": "gaon.example/pricing", "days": 1}}
    silence = live(WAIT | {"filter": quiet, "counts": "ever"})
    jiwoo = contact("c@gaon.example")
    visit(jiwoo, CAME - timedelta(minutes=30))
    enter(silence, jiwoo, CAME)
    assert due(jiwoo) == CAME + timedelta(hours=1)
    moment = CAME
    while Enrollment.objects.get(contact_id=jiwoo).state == "active" and moment < OVER:
        moment += timedelta(minutes=30)
        tick(moment)
    assert (outcome(jiwoo), moment) == ("met", CAME + timedelta(hours=24)), "at the first look after a day without a visit"
