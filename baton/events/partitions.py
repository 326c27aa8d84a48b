"""The monthly partitions of `event`: made ahead of time, and for the past when history is loaded."""

from datetime import datetime

from baton.events import months
from baton.events.months import month
from baton.platform import sql

AHEAD = 3  # months


def ensure(since: datetime, until: datetime) -> int:
    """Make the partitions for every month from `since` to AHEAD months after `until`; returns how many were missing."""
    have = {name for (name,) in sql.rows("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event'::regclass")}
    made, start, end = 0, month(since), month(until, AHEAD + 1)
    while start < end:
        if months.name(start) not in have:
            for statement in months.statements(start):
                sql.run(statement)
            made += 1
        start = month(start, 1)
    return made
