"""The one place that knows what time it is, so that tests can move it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_shift = timedelta()
_stopped: ContextVar[datetime | None] = ContextVar("stopped", default=None)


def now() -> datetime:
    """The current time, aware, in UTC."""
    return _stopped.get() or datetime.now(UTC) + _shift


@contextmanager
def stopped(at: datetime) -> Iterator[None]:
    """For this thread or task it is this very moment, whatever the others read."""
    token = _stopped.set(at)
    try:
        yield
    finally:
        _stopped.reset(token)


def shift(by: timedelta) -> None:
    """Move the clock of this process by `by` from real time (tests and rehearsals only)."""
    global _shift
    _shift = by
