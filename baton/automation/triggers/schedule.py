"""At set times all who match a filter then: each day, week or month, or once."""

from collections.abc import Iterator
from datetime import date as Date
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation import condition
from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.crm import calendar
from baton.events import facts
from baton.platform import clock, logs, sql
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem
from baton.query import compile
from baton.query.nodes import Everyone, Node
from baton.query.statement import Sql
from baton.segments import catalog, filter, finder
from baton.segments import past as then

_log = logs.log(__name__)
HOW = (("daily", _("Each day")), ("weekly", _("Each week")), ("monthly", _("Each month")), ("once", _("Once")))
LONGEST = 400  # days that one question may span
MOST = 62  # moments of the past that are asked


class Schedule(Trigger):
    """In the account's zone. In a month without that day: on its last."""

    key = "schedule"
    label = _("At set times")
    icon = "alarm-clock"
    group = "time"
    objects = ()

    how: Annotated[Literal["daily", "weekly", "monthly", "once"], Input("choice", _("Repeats"), options=HOW)] = "weekly"
    days: Annotated[tuple[calendar.Weekday, ...], Input("choices", _("On these days"), options=calendar.DAYS, shown_when=("how", "weekly"))] = ("mon",)
    day: Annotated[int, Field(ge=1, le=31), Input("number", _("On the day of the month"), shown_when=("how", "monthly"))] = 1
    date: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$"), Input("date", _("On this day"), shown_when=("how", "once"))] = ""
    at: Annotated[calendar.Clock, Input("time", _("At"))] = "09:00"
    filter: Annotated[dict[str, Any], Input("filter", _("All who match this then"))] = {}

    def due(self, since: datetime, until: datetime, object_type: str) -> dict[int, str]:
        """All who match now, by the moment (`schedule:<microseconds>`): the last of those that came since the last look."""
        moments = list(self._moments(since, until))
        if not moments or (found := self._matching(object_type)) is None:
            return {}
        return dict.fromkeys((id for (id,) in sql.rows(found.text, found.params)), _cause(moments[-1]))

    def backlog(self, object_type: str) -> Sql | None:
        """All who match now."""
        found = self._matching(object_type)
        return Sql("SELECT 0::bigint, '' WHERE false", {}) if found is None else Sql(f"SELECT q.id, 'schedule:now' FROM ({found.text}) q", found.params)

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        """Those who matched at each moment: contacts as they were then, other records by what they are now."""
        node = self._node(object_type)
        parts, params = [], dict[str, Any]()
        for number, moment in enumerate(list(self._moments(since, until))[-MOST:] if node else ()):
            found = _as_of(node or Everyone(), moment) if object_type == "contact" else self._matching(object_type, moment)
            if found is None:
                continue
            text = found.text
            for name, value in found.params.items():
                text = text.replace(f"%({name})s", f"%(m{number}_{name})s")
                params[f"m{number}_{name}"] = value
            parts.append(f"SELECT q.id, %(at{number})s::timestamptz AS at, '{_cause(moment)}' AS cause FROM ({text}) q")
            params[f"at{number}"] = moment
        return Sql(" UNION ALL ".join(parts) or "SELECT 0::bigint, now(), '' WHERE false", params)

    def _matching(self, object_type: str, by: datetime | None = None) -> Sql | None:
        node = self._node(object_type)
        found = finder.condition(finder.Find(object_type, node)) if node else None
        if found is None:
            return None
        table = "contact" if object_type == "contact" else "record"
        return Sql(f"SELECT c.id FROM {table} c WHERE {found.text} AND c.created_at <= %(by)s", {**found.params, "by": by or clock.now()})

    def _node(self, object_type: str) -> Node | None:
        if not self.filter:
            return None
        try:
            return filter.parse(self.filter, catalog.current(), object_type=object_type)
        except Invalid as error:  # what it names is gone: nobody comes in
            _log.warning("a trigger cannot be read", filter=self.filter, error=str(error))
            return None

    def _moments(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """The moments in (since, until], in order."""
        zone, at = config().zone, calendar.clock(self.at)
        first = max(since, until - timedelta(days=LONGEST)).astimezone(zone).date() - timedelta(days=1)
        for ahead in range((until.astimezone(zone).date() - first).days + 2):
            day = first + timedelta(days=ahead)
            if self._on(day) and since < (moment := calendar.moment(day, at, zone)) <= until:
                yield moment

    def _on(self, day: Date) -> bool:
        match self.how:
            case "daily":
                return True
            case "weekly":
                return calendar.WEEK[day.weekday()] in self.days
            case "monthly":
                return day.day == self.day or (day.day < self.day and (day + timedelta(days=1)).day == 1)
        return day.isoformat() == self.date

    def heading(self) -> str:
        match self.how:
            case "daily":
                return gettext("Each day at {time}").format(time=self.at)
            case "weekly":
                days = ", ".join(str(calendar.SHORT[day]) for day in calendar.WEEK if day in self.days)
                return gettext("Each week: {days} at {time}").format(days=days, time=self.at)
            case "monthly":
                return gettext("Each month on day {day} at {time}").format(day=self.day, time=self.at)
        return gettext("Once: {day} at {time}").format(day=_said(self.date), time=self.at) if self.date else str(self.label)

    def detail(self) -> str:
        return condition.sentence(self.filter, self.object_type)

    def problems(self) -> list[Problem]:
        found = condition.problems(self.filter, self.object_type)
        if self.how == "once" and _day(self.date) is None:
            found.append(Problem("date", "INVALID_VALUE", gettext("There is no such day.")))
        return found


def _as_of(node: Node, moment: datetime) -> Sql:
    known = then.tables([node], moment)
    asked = compile.members(node, catalog.current(), now=moment, zone=config().zone)
    return Sql(f"WITH {known.text} {asked.text}", {**known.params, **asked.params})


def _cause(moment: datetime) -> str:
    return f"schedule:{facts.micros(moment)}"


def _day(text: str) -> Date | None:
    try:
        return Date.fromisoformat(text)
    except ValueError:
        return None


def _said(text: str) -> str:
    day = _day(text)
    return date_format(day, "DATE_FORMAT") if day else text
