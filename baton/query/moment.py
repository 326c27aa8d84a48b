"""Now, and what "today" and "that day" mean: days are those of the account's time zone, whatever the connection's zone is."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo

from . import periods
from .nodes import Performed


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

    def start(self, day: date) -> datetime:
        """A moment as it is, a day as the moment it begins."""
        return day if isinstance(day, datetime) else self.midnight(day)

    def window(self, node: Performed) -> "Window":
        """The time that events must lie in."""
        if node.period is not None:
            first, after = periods.days(node.period, self.today)
            return Window(self.midnight(first), self.midnight(after), open=True)
        if node.since is not None or node.until is not None:
            low, high = (None if day is None else self.start(day) for day in (node.since, node.until))
            return Window(low, high, open=True)
        if node.within is None and node.older is None:
            return Window()
        return Window(None if node.within is None else self.now - node.within, self.now if node.older is None else self.now - node.older)

    def reach(self, node: Performed) -> datetime | None:
        """Events before this moment make no difference; None: all of them may."""
        return None if node.pick == "first" else self.window(node).low


@dataclass(frozen=True, slots=True)
class Window:
    """From `low` (in) to `high` (in, or before it when `open`); None is endless."""

    low: datetime | None = None
    high: datetime | None = None
    open: bool = False

    def has(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return (self.low is None or self.low <= at) and (self.high is None or at < self.high or (at == self.high and not self.open))


def stamp(at: datetime) -> str:
    """A moment as text that sorts like time against stored datetimes: `2026-11-21T05:00:00`, UTC, with a fraction only if there is one."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat()
