"""A date that a record has, or a day some days before or after it, has come; each year too."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.crm import calendar, properties
from baton.crm.models import PropertyDefinition
from baton.platform import clock, sql
from baton.platform.config import config
from baton.platform.errors import Problem
from baton.query.statement import Sql

WHEN = (("before", _("Days before it")), ("on", _("On the day")), ("after", _("Days after it")))
LONGEST = 1200  # days that one question may span
# The days that count at each moment: `target` is the date a record must have; `feb` also the 29th of February, where the year has none.
MOMENTS = "unnest(%(moments)s::timestamptz[], %(days)s::text[], %(targets)s::text[], %(feb)s::text[]) AS m(at, day, target, feb)"
DATE = "left({0}, 10)"
LOCAL = "to_char(({0})::timestamptz AT TIME ZONE %(zone)s, 'YYYY-MM-DD')"
# What the value was, from when until when: what the record began with, and each change.
THEN = """
SELECT h.record_id AS id, h.new #>> '{{}}' AS value, h.at AS since, lead(h.at) OVER (PARTITION BY h.record_id ORDER BY h.at, h.id) AS until
FROM property_history h WHERE h.object_type = %(object_type)s AND h.name = %(property)s
UNION ALL
SELECT r.id, CASE WHEN f.id IS NULL THEN r.properties ->> %(property)s ELSE f.old #>> '{{}}' END, r.created_at, f.at
FROM {table} r LEFT JOIN LATERAL
    (SELECT h.id, h.at, h.old FROM property_history h WHERE h.record_id = r.id AND h.name = %(property)s ORDER BY h.at, h.id LIMIT 1) f ON true
WHERE {which}
"""


class DateArrives(Trigger):
    """At an hour of the day in the account's zone. Whose date is written down only after that moment is not enrolled."""

    key = "date_arrives"
    label = _("A date has come")
    icon = "calendar-clock"
    group = "time"
    objects = ()

    property: Annotated[str, Input("date_property", _("Date"))] = ""
    when: Annotated[Literal["before", "on", "after"], Input("choice", _("When"), options=WHEN)] = "on"
    days: Annotated[int, Field(ge=1, le=3650), Input("number", _("How many days"), shown_when=("when", "before", "after"))] = 7
    at: Annotated[calendar.Clock, Input("time", _("At"))] = "09:00"
    yearly: Annotated[bool, Input("boolean", _("Each year again"), optional=True)] = False

    def due(self, since: datetime, until: datetime, object_type: str) -> dict[int, str]:
        """By the day on which it came, `date:<property>:<day>`; of several since the last look the last."""
        found = self._now(since, until, object_type)
        return dict(sql.rows(f"SELECT q.id, q.cause FROM ({found.text}) q(id, at, cause) ORDER BY q.at", found.params)) if found else {}

    def backlog(self, object_type: str) -> Sql | None:
        """Those for whom it came today."""
        now = clock.now()
        zone = config().zone
        found = self._now(calendar.moment(now.astimezone(zone).date(), calendar.clock(""), zone) - timedelta(microseconds=1), now, object_type)
        return Sql(f"SELECT q.id, q.cause FROM ({found.text}) q(id, at, cause)", found.params) if found else Sql("SELECT 0::bigint, '' WHERE false", {})

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        """By the values that were there at each moment."""
        table, which = ("contact", "true") if object_type == "contact" else ("record", "r.object_type = %(object_type)s")
        text = (
            f"SELECT v.id, m.at, 'date:' || %(property)s || ':' || m.day FROM {MOMENTS} JOIN ({THEN.format(table=table, which=which)}) v"
            f" ON v.value <> '' AND v.since <= m.at AND (v.until IS NULL OR v.until > m.at) AND {self._fits(object_type)}"
        )
        return Sql(text, self._values(list(self._moments(since, until)), object_type))

    def _now(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        moments = list(self._moments(since, until))
        if not moments or not self.property:
            return None
        table, which = ("contact", "true") if object_type == "contact" else ("record", "r.object_type = %(object_type)s")
        text = (
            f"SELECT v.id, m.at, 'date:' || %(property)s || ':' || m.day"
            f" FROM (SELECT r.id, r.properties ->> %(property)s AS value FROM {table} r"
            f" WHERE r.archived_at IS NULL AND r.properties ? %(property)s AND {which}) v"
            f" JOIN {MOMENTS} ON {self._fits(object_type)}"
        )
        return Sql(text, self._values(moments, object_type))

    def _moments(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, date]]:
        """The moments in (since, until], with their days."""
        zone, at = config().zone, calendar.clock(self.at)
        first = max(since, until - timedelta(days=LONGEST)).astimezone(zone).date() - timedelta(days=1)
        for ahead in range((until.astimezone(zone).date() - first).days + 2):
            day = first + timedelta(days=ahead)
            if since < (moment := calendar.moment(day, at, zone)) <= until:
                yield moment, day

    def _fits(self, object_type: str) -> str:
        definition = self._definition(object_type)
        day = (LOCAL if definition and definition.type == "datetime" else DATE).format("v.value")
        return f"{day} <= m.target AND (right({day}, 5) = right(m.target, 5) OR right({day}, 5) = m.feb)" if self.yearly else f"{day} = m.target"

    def _values(self, moments: list[tuple[datetime, date]], object_type: str) -> dict[str, Any]:
        away = timedelta(days={"before": self.days, "on": 0, "after": -self.days}[self.when])
        targets = [day + away for _moment, day in moments]
        return {
            "property": self.property,
            "object_type": object_type,
            "zone": str(config().zone),
            "moments": [moment.astimezone(UTC) for moment, _day in moments],
            "days": [day.isoformat() for _moment, day in moments],
            "targets": [target.isoformat() for target in targets],
            "feb": ["02-29" if (t.month, t.day) == (2, 28) and (t + timedelta(days=1)).month == 3 else None for t in targets],
        }

    def _definition(self, object_type: str) -> PropertyDefinition | None:
        return properties.definitions(object_type).get(self.property) if self.property else None

    def heading(self) -> str:
        definition = self._definition(self.object_type)
        if definition is None:
            return str(self.label)
        label = properties.label(definition)
        match self.when:
            case "before":
                return ngettext("{n} day before {date}", "{n} days before {date}", self.days).format(n=self.days, date=label)
            case "after":
                return ngettext("{n} day after {date}", "{n} days after {date}", self.days).format(n=self.days, date=label)
        return gettext("On the day: {date}").format(date=label)

    def detail(self) -> str:
        return gettext("each year at {time}").format(time=self.at) if self.yearly else gettext("at {time}").format(time=self.at)

    def problems(self) -> list[Problem]:
        definition = self._definition(self.object_type)
        if definition is None or definition.type not in ("date", "datetime"):
            return [Problem("property", "NOT_FOUND", gettext("There is no such date any more."))]
        return []
