"""Pauses: until a day, or until something wakes the contact; and lost companies that come back."""

from datetime import date, timedelta
from typing import Any

import pytest

from baton.accounts import users
from baton.accounts.models import User
from baton.crm import associations, records, stages
from baton.crm.models import Booking
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.messaging import jobs as _alerts_in_the_tick  # noqa: F401
from baton.messaging.models import Notification
from baton.platform import clock
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid
from baton.segments import pauses, waking
from baton.segments.models import Pause


@pytest.fixture
def han(account: object) -> User:
    return users.create("han@nuriwork.example", "한지원", "a-long-enough-one", "sales", actor=SYSTEM, language="en")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    waking.forget()


def stage(contact_id: int) -> str:
    return str(records.get("contact", contact_id).properties.get("lifecyclestage") or "")


def paused_until(contact_id: int) -> Any:
    return records.get("contact", contact_id).properties.get("paused_until")


def in_days(days: float) -> Any:
    return clock.now() + timedelta(days=days)


def later(world: Any, **by: float) -> None:
    world.later(**by)
    pauses.look()
    world.settle()


def test_a_pause_ends_by_itself_and_he_goes_back_to_nurturing(world: Any, han: User) -> None:
    anna = world.contact(lifecyclestage="sql", owner_id=han.pk, lastname="서")
    world.settle()
    Notification.objects.all().delete()
    actor = Actor("user", han.pk)
    assert pauses.pause([anna], in_days(90), reason="내년에 다시", into="recycle_a", actor=actor) == 1
    assert (stage(anna), bool(paused_until(anna))) == ("recycle_a", True)
    later(world, days=89.9)
    assert Pause.objects.get(contact_id=anna).ended_at is None
    later(world, days=0.2)
    ended = Pause.objects.get(contact_id=anna)
    assert (ended.ended_by, stage(anna), paused_until(anna)) == ("time", "nurturing", None)
    booking = Booking.objects.filter(contact_id=anna).latest("id")
    assert (booking.path, booking.source, booking.actor) == ("return", "pause", "system")
    assert ended.until.astimezone(config().zone).date().isoformat() in booking.reason
    told = Event.objects.filter(contact_id=anna, kind__in=[Kind.PAUSE_STARTED, Kind.PAUSE_ENDED]).order_by("ts")
    assert [e.kind for e in told] == [Kind.PAUSE_STARTED, Kind.PAUSE_ENDED]
    assert told[1].payload["reason"] == booking.reason
    [notice] = Notification.objects.filter(user_id=han.pk)
    assert notice.title == "서 is back from the pause"
    assert "Paused because: 내년에 다시" in notice.body


def test_who_was_archived_when_his_day_came_goes_back_too(world: Any, account: object) -> None:
    anna = world.contact(lifecyclestage="sql")
    pauses.pause([anna], in_days(5), reason="예산", into="recycle_a", actor=SYSTEM)
    records.archive("contact", anna, actor=SYSTEM)
    later(world, days=6)
    assert Pause.objects.get(contact_id=anna).ended_at is None
    records.restore("contact", anna, actor=SYSTEM)
    later(world, days=0)
    assert (stage(anna), paused_until(anna)) == ("nurturing", None)


def test_a_look_that_failed_is_taken_again(world: Any, account: object, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = world.contact(lifecyclestage="lead")
    wake = {"condition": "property", "property": "stage_since", "operator": "more_than_days_ago", "value": 10}
    pauses.pause([anna], in_days(50), reason="예산", wake=wake, actor=SYSTEM)
    later(world, days=1)
    world.later(days=10)
    with monkeypatch.context() as broken:
        broken.setattr(pauses, "end", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pauses.look()
    assert pauses.look() == 1
    assert Pause.objects.get(contact_id=anna).ended_by == "wake"


def test_what_happens_wakes_and_what_happened_before_does_not(world: Any) -> None:
    anna, ben = world.contact(lifecyclestage="sql"), world.contact(lifecyclestage="sql")
    world.settle()
    world.views(anna, "/pricing")
    world.settle()
    again = world.viewed("/pricing", at_least=2, days=30)
    pauses.pause([anna, ben], in_days(90), wake=again, into="recycle_b", actor=SYSTEM)
    world.views(anna, "/pricing")
    world.views(ben, "/blog", times=2)
    world.settle()
    assert Pause.objects.filter(ended_at=None).count() == 2  # one view since
    world.views(anna, "/pricing")
    world.settle()
    assert (Pause.objects.get(contact_id=anna).ended_by, stage(anna), stage(ben)) == ("wake", "nurturing", "recycle_b")
    assert "/pricing" in Booking.objects.filter(contact_id=anna).latest("id").reason


def test_a_property_wakes_and_so_does_time_alone(world: Any) -> None:
    soon = {"condition": "property", "property": "renewal", "operator": "in_next_days", "value": 30}
    from baton.crm import properties

    properties.define("contact", "renewal", "Renewal", "date", actor=SYSTEM)
    day = (clock.now() + timedelta(days=60)).date().isoformat()
    anna, ben = world.contact(lifecyclestage="sql", renewal=day), world.contact(lifecyclestage="sql")
    world.settle()
    pauses.pause([anna], in_days(200), wake=soon, into="recycle_a", actor=SYSTEM)
    pauses.pause([ben], in_days(200), wake=world.has("timeframe", "now"), into="recycle_a", actor=SYSTEM)
    later(world, days=20)
    assert Pause.objects.filter(ended_at=None).count() == 2
    later(world, days=11)
    assert Pause.objects.get(contact_id=anna).ended_by == "wake"
    world.change(ben, timeframe="now")
    world.settle()
    assert Pause.objects.get(contact_id=ben).ended_by == "wake"


def test_what_cannot_be_paused_is_refused_with_the_field(world: Any) -> None:
    anna, gone = world.contact(lifecyclestage="sql"), world.contact(lifecyclestage="sql")
    world.settle()
    stages.move([gone], "deadend", actor=SYSTEM, source="test", reason="퇴직")

    def path(**more: Any) -> str:
        with pytest.raises(Invalid) as error:
            pauses.pause([anna], more.pop("until", in_days(1)), actor=SYSTEM, **more)
        return error.value.problems[0].path

    assert path(until=in_days(-1)) == "until"
    assert path(until=date(2020, 1, 1)) == "until"
    assert path(into="mql") == "into"
    assert path(wake={"condition": "property", "property": "nope", "operator": "known"}) == "wake.property"
    assert path(wake=world.has("lifecyclestage", "sql")) == "wake"  # it is so already
    with pytest.raises(Conflict):
        pauses.pause([anna, gone], in_days(1), actor=SYSTEM)
    assert not Pause.objects.exists()


def test_a_person_ends_and_extends(world: Any, han: User) -> None:
    actor = Actor("user", han.pk)
    anna, ben = world.contact(lifecyclestage="customer"), world.contact(lifecyclestage="sql")
    world.settle()
    pauses.pause([anna, ben], in_days(10), reason="요청", actor=actor)
    assert (stage(anna), stage(ben)) == ("customer", "sql")  # no recycle stage was asked for
    pauses.extend(anna, in_days(40), actor=actor)
    later(world, days=11)
    assert [p.contact_id for p in Pause.objects.filter(ended_at=None)] == [anna]
    assert pauses.end([anna, ben], by=actor, reason="전화로 요청") == 1
    assert Pause.objects.get(contact_id=anna).ended_by == str(actor)
    assert stage(anna) == "customer"


# Lost companies -----------------------------------------------------------------


def lost_company(world: Any, han: User, *, days_ago: float) -> tuple[int, int]:
    company = records.create("company", {"name": "가온 물류", "domain": "gaon.example"}, actor=SYSTEM, source="test")
    deal = records.create("deal", {"dealname": "가온", "owner_id": han.pk}, actor=SYSTEM, source="test")
    associations.link("company", company, "deal", deal, actor=SYSTEM)
    records.update("deal", deal, {"dealstage": "closedlost", "closed_lost_reason": "가격"}, actor=SYSTEM, source="test")
    clock.shift(clock._shift + timedelta(days=days_ago))
    return company, deal


def test_three_visits_by_two_people_of_a_lost_company_in_14_days_tell_the_owner_once(world: Any, han: User) -> None:
    company, deal = lost_company(world, han, days_ago=120)
    anna = world.contact(email="anna@other.example")
    associations.link("contact", anna, "company", company, actor=SYSTEM)
    new = world.contact(email="new@gaon.example")  # nobody linked him
    stranger = world.contact(email="x@naver.com")
    world.settle()
    world.views(anna, "/pricing", times=3)  # one visit
    world.views(stranger, "/pricing")
    world.settle()
    world.later(days=6)
    world.views(new, "/pricing")
    world.settle()
    assert not Notification.objects.exists()
    world.later(days=6)
    world.views(new, "/case")
    world.settle()
    [notice] = Notification.objects.filter(user_id=han.pk)
    assert notice.title == "가온 물류 is back on the website"
    assert notice.body.startswith("3 visits by 2 people in 14 days. The deal was lost on ")
    assert notice.body.endswith(": 가격")
    assert notice.url == f"/companies/{company}/"
    world.later(days=1)
    world.views(new, "/pricing")
    world.settle()
    assert Notification.objects.count() == 1
    world.later(days=20)
    for _ in range(3):
        world.views(anna, "/pricing")
        world.settle()
        world.later(hours=2)
    assert Notification.objects.count() == 2  # another window
    assert deal


def test_a_company_that_buys_or_may_buy_is_no_news_nor_are_visits_before_the_loss(world: Any, han: User) -> None:
    company, _deal = lost_company(world, han, days_ago=0.01)
    anna = world.contact(email="anna@gaon.example")
    world.settle()
    for days in (3, 2, 1):
        world.views(anna, "/pricing", days_ago=days)
    world.settle()
    assert not Notification.objects.exists()
    fresh = records.create("deal", {"dealname": "새 거래"}, actor=SYSTEM, source="test")
    associations.link("company", company, "deal", fresh, actor=SYSTEM)
    for _ in range(4):
        world.later(days=1)
        world.views(anna, "/pricing")
        world.settle()
    assert not Notification.objects.exists()
