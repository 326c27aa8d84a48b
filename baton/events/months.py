"""The monthly partitions of `event` as words: their names, bounds and statements. Pure Python: the collector makes a missing one too."""

from datetime import UTC, datetime

LOCK = 0xBA7A_0001  # advisory lock: one at a time makes a partition


def month(at: datetime, plus: int = 0) -> datetime:
    """The first moment of the month of `at`, moved by `plus` months, in UTC."""
    at = at.astimezone(UTC)
    number = at.year * 12 + at.month - 1 + plus
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def name(start: datetime) -> str:
    """The table that holds the month beginning at `start`."""
    return f"event_{start:%Y%m}"


def statements(start: datetime) -> tuple[str, str]:
    """Make the month's table beside the big one, then attach it: that does not wait for open transactions."""
    return (
        f"CREATE TABLE IF NOT EXISTS {name(start)} (LIKE event INCLUDING ALL)",
        f"ALTER TABLE event ATTACH PARTITION {name(start)} FOR VALUES FROM ('{start:%Y-%m-%d}Z') TO ('{month(start, 1):%Y-%m-%d}Z')",
    )
