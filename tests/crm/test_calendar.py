"""Working hours, Korean public holidays, and whose clock it is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baton.accounts.models import Account
from baton.crm import calendar, records
from baton.crm.calendar import DAYTIME, WEEK, WORKDAYS, Hours
from baton.platform.actor import SYSTEM
from tests.examples import some

SEOUL, NEW_YORK = ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York")
OFFICE = Hours(WORKDAYS, time(9), time(18))


def at(text: str, zone: ZoneInfo = SEOUL) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-25T09:00", "2026-11-25T09:00"),  # the first moment of the day
        ("2026-11-25T08:59:59.999999", "2026-11-25T09:00"),
        ("2026-11-25T17:59:59.999999", "2026-11-25T17:59:59.999999"),
        ("2026-11-25T18:00", "2026-11-26T09:00"),  # the end is out
        ("2026-11-25T23:59:59", "2026-11-26T09:00"),
        ("2026-11-26T00:00", "2026-11-26T09:00"),
        ("2026-11-27T18:00", "2026-11-30T09:00"),  # over the weekend
        ("2026-02-13T18:30", "2026-02-19T09:00"),  # Seollal: Monday to Wednesday
        ("2025-01-24T18:00", "2025-01-31T09:00"),  # Seollal with a day off made for once on Monday
        ("2025-10-02T18:00", "2025-10-10T09:00"),  # Gaecheonjeol, Chuseok, its substitute and Hangeul day: a week
        ("2026-09-23T19:00", "2026-09-28T09:00"),  # Chuseok from Thursday to Saturday: no substitute for a Saturday
        ("2026-02-27T18:00", "2026-03-03T09:00"),  # substitute of Samiljeol, a Sunday
        ("2027-10-08T18:00", "2027-10-12T09:00"),  # substitute of Hangeul day, a Saturday
    ],
)
def test_it_opens(now: str, opens: str) -> None:
    assert calendar.next_open(at(now), SEOUL, OFFICE) == at(opens)


def test_public_holidays_are_named() -> None:
    assert "설날" in calendar.holiday(date(2026, 2, 17))
    assert "추석" in calendar.holiday(date(2026, 9, 25))
    assert "대체" in calendar.holiday(date(2027, 2, 9))  # Seollal on a Sunday
    assert calendar.holiday(date(2026, 11, 25)) == ""
    assert calendar.next_open(at("2026-02-17T10:00"), SEOUL, Hours(WORKDAYS, time(9), time(18), holidays=False)) == at("2026-02-17T10:00")


def test_hours_go_by_the_clock_on_the_wall() -> None:
    friday = at("2026-03-06T20:00", NEW_YORK)
    assert calendar.next_open(friday, NEW_YORK, OFFICE) == datetime(2026, 3, 9, 13, tzinfo=UTC), "summer time began on Sunday: 9 o'clock is an hour earlier"
    lost = Hours(WEEK, time(2, 30), time(4), holidays=False)
    assert calendar.next_open(at("2026-03-08T00:00", NEW_YORK), NEW_YORK, lost) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC), "what is left out comes after it"
    twice = Hours(WEEK, time(1, 30), time(4), holidays=False)
    assert calendar.next_open(at("2026-11-01T00:00", NEW_YORK), NEW_YORK, twice) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "of two the first"


def test_the_night_is_quiet_and_a_whole_day_is_open_at_midnight() -> None:
    assert calendar.next_open(at("2026-11-25T21:00"), SEOUL, DAYTIME) == at("2026-11-26T08:00")
    assert calendar.next_open(at("2026-11-28T12:00"), SEOUL, DAYTIME) == at("2026-11-28T12:00"), "Saturdays too"
    assert calendar.next_open(at("2026-11-28T12:00"), SEOUL, Hours()) == at("2026-11-30T00:00")
    assert calendar.next_open(at("2026-11-30T23:59:59"), SEOUL, Hours()) == at("2026-11-30T23:59:59")
    assert calendar.next_open(at("2026-11-30T23:30"), SEOUL, Hours(start=time(9))) == at("2026-11-30T23:30"), "until the day's end"
    with pytest.raises(ValueError, match="never"):
        calendar.next_open(at("2026-11-28T12:00"), SEOUL, Hours(days=()))


@settings(max_examples=some(15), deadline=None)
@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC)),
    st.sampled_from([SEOUL, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/Havana")]),
    st.sets(st.sampled_from(WEEK), min_size=1),
    st.integers(0, 22),
    st.integers(1, 24),
    st.booleans(),
)
def test_it_is_open_then_and_was_closed_until_then(now: datetime, zone: ZoneInfo, days: set[calendar.Weekday], start: int, length: int, holidays: bool) -> None:
    end = min(start + length, 24)
    hours = Hours(days, time(start), time(end % 24), holidays)

    def is_open(moment: datetime) -> bool:
        here = moment.astimezone(zone)
        return hours.open(here.date()) and start <= here.hour < end

    opens = calendar.next_open(now, zone, hours)
    assert is_open(opens)
    assert opens >= now
    steps = int((opens - now) / timedelta(minutes=10))
    assert not any(is_open(now + timedelta(minutes=10) * n) for n in range(min(steps, 200)))
    assert calendar.next_open(opens, zone, hours) == opens


@pytest.mark.django_db
def test_the_zone_of_a_contact_is_his_own_or_his_countrys(account: Account) -> None:
    given = [
        ({"time_zone": "America/New_York"}, "America/New_York"),
        ({"time_zone": "asia_slash_tokyo", "country": "KR"}, "Asia/Tokyo"),  # as HubSpot writes it; goes before the country
        ({"country": "JP"}, "Asia/Tokyo"),
        ({"country": "일본"}, "Asia/Tokyo"),
        ({"country": "Germany"}, "Europe/Berlin"),
        ({"country": "중국"}, "Asia/Shanghai"),
        ({"country": "US"}, "Asia/Seoul"),  # several: nobody knows which
        ({"time_zone": "Mars/Olympus", "country": "??"}, "Asia/Seoul"),
        ({}, "Asia/Seoul"),
    ]
    ids = [records.create("contact", {"email": f"z{n}@gaon.example", **some}, actor=SYSTEM, source="test") for n, (some, _zone) in enumerate(given)]
    found = calendar.zones(ids, "contact", "contact")
    assert [found[id].key for id in ids] == [zone for _some, zone in given]
    assert {zone.key for zone in calendar.zones(ids, "contact", "account").values()} == {"Asia/Seoul"}


def test_hours_are_told_in_words() -> None:
    from django.utils import translation

    with translation.override("en"):
        assert calendar.in_words(OFFICE) == "Mon–Fri 09:00–18:00, not on public holidays"
        assert calendar.in_words(DAYTIME) == "Every day 08:00–21:00"
        assert calendar.in_words(Hours(("mon", "wed"), time(9), holidays=False)) == "Mon, Wed 09:00–24:00"
