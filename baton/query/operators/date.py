"""Dates and moments. Both are stored as text that sorts like time, so they are compared as text: no stored value can break a query.

A date is a day. A moment is compared by the second; asked about a day, it is the day in the account's time zone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .. import expression, periods
from ..moment import Moment, stamp
from ..nodes import Value
from ..operator import Cell, Operator, by_key, gettext_noop, negated
from ..periods import PERIODS, Period

# Only days that exist: the same pattern is read by PostgreSQL and by Python, so both take the same texts for dates.
_LEAP = "0[48]|[2468][048]|[13579][26]"
_CALENDAR = (
    "([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    f"|([0-9]{{2}}({_LEAP})|({_LEAP})00)-02-29)"
)
FIRST = "0001"  # there is no year 0000
DAY = f"^{_CALENDAR}$"
INSTANT = rf"^{_CALENDAR}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?Z$"


@dataclass(frozen=True, slots=True)
class Span:
    """From `low` (in) to `high` (in, or before it when `open`); None is endless. Texts of the stored shape."""

    low: str | None = None
    high: str | None = None
    open: bool = False  # high itself is out


Bounds = Callable[[Value, Moment], Span]  # what the operator's value means now
Turned = Callable[[Cell, Value, Moment, Moment], str | None]  # see Operator.turned


def _date_sql(bounds: Bounds) -> Callable[[Cell, Value, Moment], str]:
    return lambda cell, value, moment: spanned(cell, bounds(value, moment), moment=False)


def _moment_sql(bounds: Bounds) -> Callable[[Cell, Value, Moment], str]:
    return lambda cell, value, moment: spanned(cell, bounds(value, moment), moment=True)


def spanned(cell: Cell, span: Span, *, moment: bool) -> str:
    """The stored date, or the stored moment, is in the span; false for anything else."""
    if cell.column is not None:
        return _in_column(cell, span)
    tests = [f"{{}} >= {cell.bind(span.low or FIRST)}"]
    if span.high is not None:
        tests.append(f"{{}} {'<' if span.open else '<='} {cell.bind(span.high)}")
    shape = cell.typed("string", f"{cell.text} ~ {cell.bind(INSTANT if moment else DAY)}")  # last: it costs ten times the others
    return cell.compared(expression.moment if moment else expression.date, " AND ".join(tests), shape)


def _in_column(cell: Cell, span: Span) -> str:
    """The same for a moment in a column, which is compared by the second too: its fraction is cut off by where the span begins and ends."""
    tests = []
    if span.low is not None:
        tests.append(f"{cell.column} >= {cell.bind(_second(span.low, up=True))}::timestamptz")
    if span.high is not None:
        tests.append(f"{cell.column} < {cell.bind(_second(span.high, up=span.open, after=not span.open))}::timestamptz")
    return f"({' AND '.join(tests) or 'true'})"


def _second(text: str, *, up: bool, after: bool = False) -> str:
    """A moment of a span as a whole second: cut, or the next one when it has a fraction (`up`) or in any case (`after`)."""
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    whole = at.replace(microsecond=0)
    return stamp(whole + timedelta(seconds=1) if after or (up and at != whole) else whole) + "Z"


def as_value(text: Any) -> date | datetime:
    """A filter's date ("2026-11-21") or moment with an offset ("2026-11-21T09:00:00+09:00"). Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("not a date")
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return date.fromisoformat(text)
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a moment needs its offset")
    return at


def _days(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _period(value: Value) -> Period:
    assert value in PERIODS
    return value


def _one(value: Value) -> date | datetime:
    return as_value(value)


def _two(value: Value) -> tuple[date | datetime, date | datetime]:
    assert isinstance(value, tuple)
    return as_value(value[0]), as_value(value[1])


# --- what each operator means for a stored date -----------------------------------------------------------------------


def _day(value: Value) -> str:
    return _one(value).isoformat()


def _day_between(value: Value, _: Moment) -> Span:
    low, high = _two(value)
    return Span(low.isoformat(), high.isoformat())


def _ago(moment: Moment, days: int) -> str:
    return (moment.today - timedelta(days=days)).isoformat()


_DATE: dict[str, Bounds] = {
    "is": lambda v, _: Span(_day(v), _day(v)),
    "before": lambda v, _: Span(high=_day(v), open=True),
    "on_or_before": lambda v, _: Span(high=_day(v)),
    "after": lambda v, _: Span(low=(_one(v) + timedelta(days=1)).isoformat()),
    "on_or_after": lambda v, _: Span(low=_day(v)),
    "between": _day_between,
    "in_last_days": lambda v, m: Span(_ago(m, _days(v)), _ago(m, 0)),
    "in_next_days": lambda v, m: Span(_ago(m, 0), _ago(m, -_days(v))),
    "more_than_days_ago": lambda v, m: Span(high=_ago(m, _days(v)), open=True),
    "more_than_days_ahead": lambda v, m: Span(low=_ago(m, -_days(v) - 1)),
    "in_period": lambda v, m: _date_period(v, m, m),
    "known": lambda _v, _: Span(),
}


def _date_period(value: Value, since: Moment, until: Moment) -> Span:
    """The period's days, or those of all periods from one moment to another."""
    return Span(periods.days(_period(value), since.today)[0].isoformat(), periods.days(_period(value), until.today)[1].isoformat(), open=True)


# --- and for a stored moment ------------------------------------------------------------------------------------------


def _start(value: date | datetime, moment: Moment) -> str:
    return stamp(value.replace(microsecond=0) if isinstance(value, datetime) else moment.midnight(value))


def _end(value: date | datetime, moment: Moment) -> Span:
    """Up to and with the moment, or to the end of the day."""
    if isinstance(value, datetime):
        return Span(high=stamp(value))
    return Span(high=stamp(moment.midnight(value + timedelta(days=1))), open=True)


def _moment_after(value: Value, moment: Moment) -> Span:
    at = _one(value)
    if isinstance(at, datetime):
        return Span(low=stamp(at.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)))  # stored moments are whole seconds
    return Span(low=stamp(moment.midnight(at + timedelta(days=1))))


def _moment_between(value: Value, moment: Moment) -> Span:
    low, high = _two(value)
    end = _end(high, moment)
    return Span(_start(low, moment), end.high, end.open)


def _moment_is(value: Value, moment: Moment) -> Span:
    end = _end(_one(value), moment)
    return Span(_start(_one(value), moment), end.high, end.open)


def _shift(moment: Moment, days: int) -> str:
    return stamp(moment.now + timedelta(days=days))


_MOMENT: dict[str, Bounds] = {
    "is": _moment_is,
    "before": lambda v, m: Span(high=_start(_one(v), m), open=True),
    "on_or_before": lambda v, m: _end(_one(v), m),
    "after": _moment_after,
    "on_or_after": lambda v, m: Span(low=_start(_one(v), m)),
    "between": _moment_between,
    "in_last_days": lambda v, m: Span(_shift(m, -_days(v)), _shift(m, 0)),
    "in_next_days": lambda v, m: Span(_shift(m, 0), _shift(m, _days(v))),
    "more_than_days_ago": lambda v, m: Span(high=_shift(m, -_days(v)), open=True),
    "more_than_days_ahead": lambda v, m: Span(low=stamp((m.now + timedelta(days=_days(v))).replace(microsecond=0) + timedelta(seconds=1))),
    "in_period": lambda v, m: _moment_period(v, m, m),
    "known": lambda _v, _: Span(),
}


def _moment_period(value: Value, since: Moment, until: Moment) -> Span:
    first, after = periods.days(_period(value), since.today)[0], periods.days(_period(value), until.today)[1]
    return Span(stamp(since.midnight(first)), stamp(since.midnight(after)), open=True)


# --- days that come back every year -----------------------------------------------------------------------------------


def _days_of_year(first: date, count: int) -> list[str]:
    """Month and day ("11-21") of `count` days; who was born on 29 February has his day on the 28th where there is no 29th."""
    found = []
    for day in (first + timedelta(days=n) for n in range(min(count, 366))):
        found.append(f"{day:%m-%d}")
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).day == 1:
            found.append("02-29")
    return found


def _on_days(cell: Cell, days: list[str], moment: Moment, *, stored: bool) -> str:
    """The stored date, or with `stored` false the stored moment, lies on one of these days of a year; false for anything else."""
    asked = f"= ANY({cell.bind(days)}::text[])"
    local = f"AT TIME ZONE {cell.bind(str(moment.zone))}"
    if cell.column is not None:
        return f"(to_char({cell.column} {local}, 'MM-DD') {asked})"
    day = f"substr({cell.text}, 6, 5)" if stored else f"to_char(({cell.text})::timestamptz {local}, 'MM-DD')"
    shape = f'{cell.text} ~ {cell.bind(DAY if stored else INSTANT)} AND ({cell.text}) COLLATE "C" >= {cell.bind(FIRST)}'
    return cell.typed("string", f"CASE WHEN {shape} THEN {day} {asked} ELSE false END")


def _anniversary(stored: bool) -> Callable[[Cell, Value, Moment], str]:
    return lambda cell, value, moment: _on_days(cell, _days_of_year(moment.today, _days(value) + 1), moment, stored=stored)


def _anniversary_turned(stored: bool) -> Turned:
    """Who comes in at the far end, and who goes out with the day."""

    def turned(cell: Cell, value: Value, since: Moment, until: Moment) -> str | None:
        passed = (until.today - since.today).days
        if not passed:
            return None
        gone = _days_of_year(since.today, passed)
        come = _days_of_year(since.today + timedelta(days=min(_days(value), 366) + 1), passed)
        return _on_days(cell, sorted({*gone, *come}), until, stored=stored)

    return turned


def _has_anniversary(at: date, value: Value, moment: Moment) -> bool:
    """Counted year by year: the day in one of the years around falls on one of the days asked about."""
    for year in range(moment.today.year - 1, moment.today.year + 3):
        try:
            day = at.replace(year=year)
        except ValueError:
            day = date(year, 2, 28)
        if moment.today <= day <= moment.today + timedelta(days=min(_days(value), 366)):
            return True
    return False


# --- the same meaning in plain Python, written on its own: over dates and moments, not over texts and spans ------------


def _meets(key: str, at: Any, value: Value, moment: Moment, as_day: Callable[[datetime], Any]) -> bool:
    """`at` is the stored date or moment. `as_day(moment)` gives the day of a moment, to compare with a day."""
    if key == "known":
        return True
    if key in {"in_period", "anniversary_in_days"}:
        day = as_day(at) if isinstance(at, datetime) else at
        if key == "anniversary_in_days":
            return _has_anniversary(day, value, moment)
        first, after = periods.days(_period(value), moment.today)
        return bool(first <= day < after)
    if key in {"in_last_days", "in_next_days", "more_than_days_ago", "more_than_days_ahead"}:
        here = moment.now if isinstance(at, datetime) else moment.today
        away: timedelta = at - here
        limit = timedelta(days=_days(value))
        zero = timedelta()
        return {
            "in_last_days": -limit <= away <= zero,
            "in_next_days": zero <= away <= limit,
            "more_than_days_ago": away < -limit,
            "more_than_days_ahead": away > limit,
        }[key]

    def against(other: date | datetime) -> int:
        mine: Any = as_day(at) if isinstance(at, datetime) and not isinstance(other, datetime) else at
        other = other.replace(microsecond=0) if isinstance(other, datetime) else other
        return 1 if mine > other else -1 if mine < other else 0

    if key == "between":
        low, high = _two(value)
        return against(low) >= 0 and against(high) <= 0
    sign = against(_one(value))
    return {"is": sign == 0, "before": sign < 0, "on_or_before": sign <= 0, "after": sign > 0, "on_or_after": sign >= 0}[key]


def _date_holds(key: str) -> Callable[[Any, Value, Moment], bool]:
    def holds(stored: Any, value: Value, moment: Moment) -> bool:
        if not isinstance(stored, str) or not re.fullmatch(DAY, stored) or stored < FIRST:
            return False
        return _meets(key, date.fromisoformat(stored), value, moment, lambda at: at)

    return holds


def _moment_holds(key: str) -> Callable[[Any, Value, Moment], bool]:
    def holds(stored: Any, value: Value, moment: Moment) -> bool:
        if not isinstance(stored, str) or not re.fullmatch(INSTANT, stored) or stored < FIRST:
            return False
        at = datetime.fromisoformat(stored[:19]).replace(tzinfo=UTC)
        return _meets(key, at, value, moment, lambda when: when.astimezone(moment.zone).date())

    return holds


# --- the operators ----------------------------------------------------------------------------------------------------

# key, label, what it takes, sentence, whole days from now where time alone turns the answer
_WORDS: tuple[tuple[str, str, Any, str, Callable[[Value], tuple[int, ...]]], ...] = (
    ("is", gettext_noop("is"), "one", gettext_noop("{property} is {value}"), lambda _: ()),
    ("before", gettext_noop("is before"), "one", gettext_noop("{property} is before {value}"), lambda _: ()),
    ("on_or_before", gettext_noop("is on or before"), "one", gettext_noop("{property} is on or before {value}"), lambda _: ()),
    ("after", gettext_noop("is after"), "one", gettext_noop("{property} is after {value}"), lambda _: ()),
    ("on_or_after", gettext_noop("is on or after"), "one", gettext_noop("{property} is on or after {value}"), lambda _: ()),
    ("between", gettext_noop("is between"), "two", gettext_noop("{property} is from {value}"), lambda _: ()),
    ("in_last_days", gettext_noop("is in the last days"), "days", gettext_noop("{property} is in the last {value} days"), lambda v: (-_days(v), 0)),
    ("in_next_days", gettext_noop("is in the next days"), "days", gettext_noop("{property} is in the next {value} days"), lambda v: (0, _days(v))),
    (
        "more_than_days_ago",
        gettext_noop("is more than so many days ago"),
        "days",
        gettext_noop("{property} is more than {value} days ago"),
        lambda v: (-_days(v),),
    ),
    (
        "more_than_days_ahead",
        gettext_noop("is more than so many days ahead"),
        "days",
        gettext_noop("{property} is more than {value} days ahead"),
        lambda v: (_days(v),),
    ),
    ("in_period", gettext_noop("is in the period"), "period", gettext_noop("{property} is {value}"), lambda _: ()),
    ("known", gettext_noop("is known"), "nothing", gettext_noop("{property} is known"), lambda _: ()),
)


def _date_passed(offsets: Callable[[Value], tuple[int, ...]]) -> Turned:
    """Now, moved by some days, passed the stored date: a whole day, so only when the day changed."""

    def turned(cell: Cell, value: Value, since: Moment, until: Moment) -> str | None:
        if since.today == until.today:
            return None
        spans = [Span((since.today + by).isoformat(), (until.today + by).isoformat()) for by in map(_by, offsets(value))]
        return f"({' OR '.join(spanned(cell, span, moment=False) for span in spans)})"

    return turned


def _moment_passed(offsets: Callable[[Value], tuple[int, ...]]) -> Turned:
    """The same for moments; stored ones are whole seconds, so it begins with the second in which `since` lies."""

    def turned(cell: Cell, value: Value, since: Moment, until: Moment) -> str | None:
        spans = [Span(stamp((since.now + by).replace(microsecond=0)), stamp(until.now + by)) for by in map(_by, offsets(value))]
        return f"({' OR '.join(spanned(cell, span, moment=True) for span in spans)})"

    return turned


def _by(days: int) -> timedelta:
    return timedelta(days=days)


def _period_turned(*, moment: bool) -> Turned:
    """Whoever lies in the period that ended, in the one that began, or in one between them."""

    def turned(cell: Cell, value: Value, since: Moment, until: Moment) -> str | None:
        if periods.days(_period(value), since.today) == periods.days(_period(value), until.today):
            return None
        return spanned(cell, (_moment_period if moment else _date_period)(value, since, until), moment=moment)

    return turned


def _operators(moment: bool) -> dict[str, Operator]:
    bounds, sql, holds, passed = (_MOMENT, _moment_sql, _moment_holds, _moment_passed) if moment else (_DATE, _date_sql, _date_holds, _date_passed)

    def turned(key: str, offsets: Callable[[Value], tuple[int, ...]], takes: str) -> Turned | None:
        return _period_turned(moment=moment) if takes == "period" else passed(offsets) if takes == "days" else None

    made = by_key(
        *(Operator(key, label, takes, said, sql(bounds[key]), holds(key), turned(key, offsets, takes)) for key, label, takes, said, offsets in _WORDS)
    )
    anniversary = Operator(
        "anniversary_in_days",
        gettext_noop("has its day of the year in the next days"),
        "days",
        gettext_noop("{property} has its day of the year in the next {value} days"),
        _anniversary(not moment),
        holds("anniversary_in_days"),
        _anniversary_turned(not moment),
    )
    return made | by_key(
        anniversary,
        negated(made["is"], "is_not", gettext_noop("is not"), gettext_noop("{property} is not {value}")),
        negated(made["in_period"], "not_in_period", gettext_noop("is not in the period"), gettext_noop("{property} is not {value}")),
        negated(made["known"], "unknown", gettext_noop("is unknown"), gettext_noop("{property} is unknown")),
    )


DATE = _operators(moment=False)
DATETIME = _operators(moment=True)
