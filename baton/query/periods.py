"""Periods of the calendar, in days of the account: today, last week (from Monday), next quarter."""

from datetime import date, timedelta
from typing import Literal, get_args

Period = Literal[
    "today",
    "yesterday",
    "tomorrow",
    "this_week",
    "last_week",
    "next_week",
    "this_month",
    "last_month",
    "next_month",
    "this_quarter",
    "last_quarter",
    "next_quarter",
    "this_year",
    "last_year",
    "next_year",
]
PERIODS: tuple[Period, ...] = get_args(Period)

_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_STEPS = {"last": -1, "this": 0, "next": 1}
_MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}


def days(period: Period, today: date) -> tuple[date, date]:
    """The first day of the period and the first one after it."""
    if period in _DAYS:
        start = today + timedelta(days=_DAYS[period])
        return start, start + timedelta(days=1)
    which, _, unit = period.partition("_")
    step = _STEPS[which]
    if unit == "week":
        start = today - timedelta(days=today.weekday()) + timedelta(weeks=step)
        return start, start + timedelta(weeks=1)
    length = _MONTHS[unit]
    month = today.year * 12 + today.month - 1
    start_month = month - month % length + step * length
    return _first(start_month), _first(start_month + length)


def _first(month: int) -> date:
    """The first day of a month, counted from the year 0."""
    return date(month // 12, month % 12 + 1, 1)
