"""Periods of the account: a month, a quarter, twelve months; the one before; the months of a trend. Days begin in the account's time zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext

from baton.platform import clock
from baton.platform.config import config

SPANS = {"month": 1, "quarter": 3, "year": 12}  # months
TREND = 12
EARLIEST, LATEST = date(1990, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """From `first` to before `until`; both are first days of months."""

    span: str
    first: date
    until: date

    @property
    def days(self) -> int:
        """Days of it that have begun."""
        return max(0, (asof(self.until) - self.first).days + 1)

    @property
    def running(self) -> bool:
        return self.first <= today() < self.until

    def before(self) -> "Period":
        """The one before, just as long."""
        return Period(self.span, add(self.first, -SPANS[self.span]), self.first)


def today() -> date:
    return clock.now().astimezone(config().zone).date()


def add(day: date, months: int) -> date:
    """The first day of the month so many months later."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def add_days(day: date, days: int) -> date:
    """So many days later."""
    return day + timedelta(days=days)


def asof(until: date) -> date:
    """From which day a stretch of time is looked back upon: its last one, or today while it runs."""
    return min(add_days(until, -1), today())


def refusal() -> str:
    """What somebody is told whose address names no stretch of time."""
    return gettext("Two days are needed, the first of them earlier: 2026-11-01.")


def at(day: date) -> datetime:
    """When a day begins."""
    return datetime.combine(day, time(), config().zone)


def of(span: str = "", month: str = "") -> Period:
    """The period of a span (month, quarter, or the year that ends with the month) around a month `2026-11`; this month when nothing fits."""
    span = span if span in SPANS else "month"
    try:
        first = date.fromisoformat(f"{month}-01")
        if not EARLIEST <= first < LATEST:
            raise ValueError(month)
    except ValueError:
        first = today().replace(day=1)
    if span == "quarter":
        first = date(first.year, (first.month - 1) // 3 * 3 + 1, 1)
    elif span == "year":
        first = add(first, -11)
    return Period(span, first, add(first, SPANS[span]))


def trend(period: Period, months: int = TREND) -> list[date]:
    """The first days of so many months, the last of which ends with the period."""
    return [add(period.until, -n) for n in range(months, 0, -1)]
