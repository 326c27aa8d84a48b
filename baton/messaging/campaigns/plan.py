"""When a campaign goes and how fast: the moment, whose clock it is read on, the hours and days it may be sent in, the pace.

Stored as {"at": "2026-11-25T10:00" (a wall clock's), "zones": "account" | "contact", "days": ["mon" ...], "from": "09:00", "to": "18:00",
"holidays": true (not on public holidays), "per_hour": n, "warm_up": {"first": messages of the first day, "growth": factor a day}}. What is left out: now,
the account's clock, at any hour, as fast as it can be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from baton.crm.calendar import WEEK, Hours, Weekday, Whose
from baton.platform.config import config
from baton.platform.errors import Problem

FASTEST = 10_000_000  # messages an hour that anybody may ask for
GROWTH = (1.0, 10.0)
AHEAD = timedelta(hours=14)  # the first clocks of the world (UTC+14) show a time so long before UTC does
KEYS = {"at", "zones", "days", "from", "to", "holidays", "per_hour", "warm_up"}


@dataclass(frozen=True, slots=True)
class Plan:
    """A stored plan, read."""

    at: datetime | None = None  # without a zone: what the clock shows; None: as soon as somebody starts it
    zones: Whose = "account"
    hours: Hours | None = None  # None: at any hour
    per_hour: int = 0  # 0: as fast as it can be
    first: int = 0  # messages of the first day; 0: no warm-up
    growth: float = 2.0

    @property
    def paced(self) -> bool:
        return bool(self.per_hour or self.first)

    def begins(self, now: datetime) -> datetime:
        """When the campaign starts (UTC): for everybody's own clock, when the first clock of the world shows the time."""
        if self.at is None:
            return now
        if self.zones == "contact":
            return self.at.replace(tzinfo=UTC) - AHEAD
        return self.at.replace(tzinfo=config().zone).astimezone(UTC)

    def not_before(self, zone: ZoneInfo, started: datetime) -> datetime:
        """The earliest moment for people of a zone (UTC). Whoever's hour has passed when the campaign starts gets it at once."""
        if self.at is None or self.zones == "account":
            return started
        return max(started, self.at.replace(tzinfo=zone).astimezone(UTC))

    def limit(self, day: int) -> int:
        """How many messages may go on the warm-up's day 0, 1, 2 ..."""
        return int(min(self.first * self.growth ** min(day, 400), 10**12))


def of(stored: Mapping[str, Any]) -> Plan:
    """Read a plan that `problems` found nothing wrong with."""
    warm_up = stored.get("warm_up") or {}
    return Plan(
        at=datetime.fromisoformat(stored["at"]) if stored.get("at") else None,
        zones=cast(Whose, stored.get("zones") or "account"),
        hours=_hours(stored),
        per_hour=int(stored.get("per_hour") or 0),
        first=int(warm_up.get("first") or 0),
        growth=float(warm_up.get("growth") or 2.0),
    )


def problems(stored: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a plan somebody gave; paths begin with `plan.`."""
    found = [Problem(f"plan.{name}", "INVALID_FIELD", _("There is no such setting.")) for name in sorted(stored.keys() - KEYS)]
    if stored.get("at") and _moment(stored["at"]) is None:
        found.append(Problem("plan.at", "INVALID_DATE", _("Expected a day and a time, for example 2026-11-25T10:00.")))
    if stored.get("zones") not in (None, "", "account", "contact"):
        found.append(Problem("plan.zones", "INVALID_OPTION", _("Expected one of: {options}.").format(options="account, contact")))
    days = stored.get("days")
    if days is not None and (not isinstance(days, list) or not days or not all(day in WEEK for day in days)):
        found.append(Problem("plan.days", "INVALID_OPTION", _("Choose at least one day of the week.")))
    found += [
        Problem(f"plan.{name}", "INVALID_TIME", _("Expected a time, for example 09:00."))
        for name in ("from", "to")
        if stored.get(name) and _clock(stored[name]) is None
    ]
    if not found:
        start, end = _ends(stored)
        if time.min < end < start:
            found.append(Problem("plan.to", "INVALID_TIME", _("The end must come after the beginning.")))
    rate, warm_up = stored.get("per_hour"), stored.get("warm_up") or {}
    if rate is not None and not (type(rate) is int and 0 <= rate <= FASTEST):
        found.append(Problem("plan.per_hour", "INVALID_NUMBER", _("A whole number from {least} to {most}.").format(least=0, most=f"{FASTEST:,}")))
    if warm_up:
        first, growth = warm_up.get("first"), warm_up.get("growth", 2)
        if not (type(first) is int and 1 <= first <= FASTEST):
            found.append(Problem("plan.warm_up.first", "INVALID_NUMBER", _("A whole number from {least} to {most}.").format(least=1, most=f"{FASTEST:,}")))
        if isinstance(growth, bool) or not isinstance(growth, int | float) or not GROWTH[0] <= growth <= GROWTH[1]:
            found.append(Problem("plan.warm_up.growth", "INVALID_NUMBER", _("A number from {least} to {most}.").format(least=1, most=10)))
    return found


def _hours(stored: Mapping[str, Any]) -> Hours | None:
    days = tuple(cast("list[Weekday]", stored.get("days") or WEEK))
    start, end = _ends(stored)
    holidays = bool(stored.get("holidays"))
    if len(days) == len(WEEK) and start == end and not holidays:
        return None
    return Hours(days, start, end, holidays)


def _ends(stored: Mapping[str, Any]) -> tuple[time, time]:
    return _clock(stored.get("from")) or time.min, _clock(stored.get("to")) or time.min


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is None else None


def _clock(text: Any) -> time | None:
    try:
        found = time.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found.replace(second=0, microsecond=0) if found.tzinfo is None else None
