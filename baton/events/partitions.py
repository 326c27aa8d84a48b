"""The monthly partitions of `event`: made ahead of time, and for the past when history is loaded."""

from datetime import UTC, datetime

from baton.platform import sql

AHEAD = 3  # months


def month(at: datetime, plus: int = 0) -> datetime:
    """The first moment of the month of `at`, moved by `plus` months, in UTC."""
    number = at.year * 12 + at.month - 1 + plus
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def ensure(since: datetime, until: datetime) -> int:
    """Make the partitions for every month from `since` to AHEAD months after `until`; returns how many were missing.

    A partition is made beside the table and then attached: that does not wait for open transactions.
    """
    have = {name for (name,) in sql.rows("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event'::regclass")}
    made, start, end = 0, month(since), month(until, AHEAD + 1)
    while start < end:
        following = month(start, 1)
        name = f"event_{start:%Y%m}"
        if name not in have:
            sql.run(f"CREATE TABLE IF NOT EXISTS {name} (LIKE event INCLUDING ALL)")
            sql.run(f"ALTER TABLE event ATTACH PARTITION {name} FOR VALUES FROM ('{start:%Y-%m-%d}Z') TO ('{following:%Y-%m-%d}Z')")
            made += 1
        start = following
    return made
