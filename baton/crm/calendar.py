"""Days, hours and zones: when it is next open, whether a day is a Korean public holiday, and which zone somebody lives in.

Local times that a clock change leaves out are taken after it, and of one that comes twice the first.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.platform import sql
from baton.platform.config import config

if TYPE_CHECKING:
    from holidays import HolidayBase

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")]  # "09:00", or empty
Whose = Literal["account", "contact"]

WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS: tuple[Weekday, ...] = WEEK[:5]
DAYS = (
    ("mon", _("Monday")),
    ("tue", _("Tuesday")),
    ("wed", _("Wednesday")),
    ("thu", _("Thursday")),
    ("fri", _("Friday")),
    ("sat", _("Saturday")),
    ("sun", _("Sunday")),
)
SHORT = {
    "mon": _("Mon"), "tue": _("Tue"), "wed": _("Wed"),
    "thu": _("Thu"), "fri": _("Fri"), "sat": _("Sat"),
    "sun": _("Sun"),
}  # fmt: skip
WHOSE = (("account", _("Of the account")), ("contact", _("Of the contact, where it is known")))
LONGEST = 400  # days looked ahead: no calendar is closed for so long
SAME = {"CN": "Asia/Shanghai"}  # countries whose clocks show one time although the list of zones has several


@dataclass(frozen=True, slots=True)
class Hours:
    """When it is open: on these days from `start` up to `end`. Equal ends are the whole day, an `end` of midnight is that at the day's end."""

    days: Collection[Weekday] = WORKDAYS
    start: time = time.min
    end: time = time.min
    holidays: bool = True  # closed on Korean public holidays

    def open(self, day: date) -> bool:
        return WEEK[day.weekday()] in self.days and not (self.holidays and is_holiday(day))


DAYTIME = Hours(WEEK, time(8), time(21), holidays=False)


def next_open(at: datetime, zone: ZoneInfo, hours: Hours) -> datetime:
    """`at` when it is open then, else the next opening (both UTC). Raises ValueError when it never opens."""
    opens, _closes = span(at, zone, hours)
    return max(at, opens)


def span(at: datetime, zone: ZoneInfo, hours: Hours) -> tuple[datetime, datetime]:
    """When it opens and closes (UTC): the hours that `at` is in, else the next ones. Raises ValueError when it never opens."""
    here = at.astimezone(zone).date()
    for day in (here + timedelta(days=ahead) for ahead in range(LONGEST)):
        if not hours.open(day):
            continue
        whole = hours.start == hours.end
        opens = moment(day, time.min if whole else hours.start, zone)
        closes = moment(day + timedelta(days=1), time.min, zone) if whole or hours.end == time.min else moment(day, hours.end, zone)
        if at < closes:
            return opens, closes
    raise ValueError("it never opens")


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local time of a day, in UTC."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def clock(text: str) -> time:
    """`09:00` as a time; empty is midnight."""
    return time.fromisoformat(text) if text else time.min


def is_holiday(day: date) -> bool:
    """Whether a day is a public holiday in Korea: substitutes, elections and one-off holidays included, as far as they are known to the library."""
    return day in _korea()


def holiday(day: date) -> str:
    """The name of a public holiday, in Korean; empty on other days."""
    return _korea().get(day) or ""


@cache
def _korea() -> "HolidayBase":
    from holidays import country_holidays  # here: it costs a quarter of a second, which who never asks need not pay

    return country_holidays("KR", language="ko")


def zones(ids: Sequence[int], object_type: str, whose: Whose) -> dict[int, ZoneInfo]:
    """The time zone of each contact or record: its own where its time zone or its country tells it, else the account's. One query."""
    own = config().zone
    if whose == "account":
        return dict.fromkeys(ids, own)
    table = "contact" if object_type == "contact" else "record"
    found = sql.rows(f"SELECT c.id, c.properties ->> 'time_zone', c.properties ->> 'country' FROM {table} c WHERE c.id = ANY(%s)", [list(ids)])
    return {**dict.fromkeys(ids, own), **{id: of(zone or "", country or "") or own for id, zone, country in found}}


def of(zone: str, country: str) -> ZoneInfo | None:
    """The time zone that somebody's zone or country tells, if one does."""
    return _named(zone) or in_country(country)


def _named(name: str) -> ZoneInfo | None:
    """The zone of this name, as it is usual or as HubSpot writes it (`asia_slash_seoul`)."""
    known = _known().get(name.strip().replace("_slash_", "/").casefold())
    return ZoneInfo(known) if known else None


@cache
def _known() -> Mapping[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def in_country(country: str) -> ZoneInfo | None:
    """The zone of a country that has but one; it may be given as its code, or by its Korean or English name."""
    given = country.strip()
    name = _single().get(given.upper()) or _single().get(_countries().get(given.casefold(), ""))
    return ZoneInfo(name) if name else None


@cache
def _single() -> Mapping[str, str]:
    from babel.core import get_global

    found = {code: [zone for name in names if (zone := _named(name))] for code, names in get_global("territory_zones").items()}
    return {code: some[0].key for code, some in found.items() if some and len({*map(_clock, some)}) == 1} | SAME


def _clock(zone: ZoneInfo) -> tuple[timedelta | None, ...]:
    """What its clocks show in winter and in summer."""
    return tuple(datetime(2026, month, 1, tzinfo=zone).utcoffset() for month in (1, 7))


@cache
def _countries() -> Mapping[str, str]:
    from babel import Locale

    names = {name.casefold(): code for language in ("en", "ko") for code, name in Locale(language).territories.items() if len(code) == 2}
    return {**names, "korea": "KR", "republic of korea": "KR", "한국": "KR", "usa": "US", "uk": "GB"}


def in_words(hours: Hours) -> str:
    """`Mon–Fri 09:00–18:00`, and that holidays are off."""
    days = sorted({*hours.days}, key=WEEK.index)
    parts = [_run(days)] if len(days) < len(WEEK) else [gettext("Every day")]
    if hours.start != hours.end:
        parts.append(f"{hours.start:%H:%M}–{'24:00' if hours.end == time.min else format(hours.end, '%H:%M')}")
    return " ".join(parts) + (gettext(", not on public holidays") if hours.holidays else "")


def _run(days: Sequence[Weekday]) -> str:
    at = WEEK.index(days[0]) if days else 0
    together = len(days) > 2 and tuple(days) == WEEK[at : at + len(days)]
    return f"{SHORT[days[0]]}–{SHORT[days[-1]]}" if together else _joined(str(SHORT[day]) for day in days)


def _joined(words: Iterable[str]) -> str:
    return ", ".join(words)
