"""Now, and what "today" and "that day" mean: days are those of the account's time zone, whatever the connection's zone is."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo


@dataclass(frozen=True, slots=True)
class Moment:
    """`now` is aware; `zone` is the account's."""

    now: datetime
    zone: tzinfo

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The moment a day begins in the account's zone, in UTC."""
        return datetime.combine(day, time.min, tzinfo=self.zone).astimezone(UTC)


def stamp(at: datetime) -> str:
    """A moment as text that sorts like time against stored datetimes: `2026-11-21T05:00:00`, UTC, with a fraction only if there is one."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat()
