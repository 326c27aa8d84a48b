"""How a change names one event: `<microseconds since 1970>:<id>`; with the contact that is its key."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)


def place(ts: datetime, id: int) -> str:
    """The event of this time and number, as `Change.fact`."""
    return f"{micros(ts)}:{id}"


def micros(ts: datetime) -> int:
    """A moment as microseconds since 1970."""
    return (ts - EPOCH) // MICRO


def read(fact: str) -> tuple[datetime, int]:
    """The time and the number that `place` wrote down."""
    micros, _, id = fact.partition(":")
    return EPOCH + int(micros) * MICRO, int(id)
