"""The one place that knows what time it is, so that tests can move it."""

from datetime import UTC, datetime, timedelta

_shift = timedelta()


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC) + _shift


def shift(by: timedelta) -> None:
    """Move the clock of this process by `by` from real time (tests and rehearsals only)."""
    global _shift
    _shift = by
