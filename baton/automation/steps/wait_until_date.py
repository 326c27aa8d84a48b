"""Wait until a day: a fixed one or that of a property, some days before or after it, at an hour. When the property changes meanwhile, so does the wait."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation.field import Input
from baton.automation.step import Batch, Step, Stored
from baton.crm import calendar
from baton.crm.calendar import WHOSE, Clock, Whose
from baton.platform import sql
from baton.platform.errors import Problem
from baton.query.catalog import Property
from baton.segments import catalog

WHAT = (("property", _("The day in a property")), ("date", _("A fixed day")))
SIDE = (("on", _("On the day itself")), ("before", _("Before it")), ("after", _("After it")))
At = date | datetime
LAST = date(9000, 1, 1)  # later than anybody waits, and far from where days end


class WaitUntilDate(Step):
    key = "wait_until_date"
    label = _("Wait until a day")
    icon = "calendar-days"
    group = "time"

    of: Annotated[Literal["property", "date"], Input("choice", _("Which day"), options=WHAT)] = "property"
    property: Annotated[str, Input("date_property", _("Property"), help=_("Without a value the walk goes on at once."), shown_when=("of", "property"))] = ""
    date: Annotated[str, Input("date", _("Day"), shown_when=("of", "date"))] = ""
    side: Annotated[Literal["on", "before", "after"], Input("choice", _("When"), options=SIDE)] = "on"
    days: Annotated[int, Field(ge=0, le=3650), Input("number", _("Days before or after"), optional=True)] = 0
    time: Annotated[Clock, Input("time", _("At"), help=_("Empty: as the day begins, or at the very moment in the property."), optional=True)] = "09:00"
    zone: Annotated[Whose, Input("choice", _("Time zone"), options=WHOSE)] = "account"

    def run(self, batch: Batch) -> None:
        """A day that is over does not stop the walk."""
        wanted = self._wanted(batch)
        zones = calendar.zones(batch.contact_ids, batch.object_type, self.zone)
        for one in batch.standing:
            if (day := wanted.get(one.contact_id)) is None:
                batch.skip(one, "no_date")
                continue
            at = day.astimezone(zones[one.contact_id]) if isinstance(day, datetime) else day
            shifted = _shifted(at, self._days())
            if isinstance(shifted, datetime) and not self.time:
                until = shifted
            else:
                until = calendar.moment(_day(shifted), calendar.clock(self.time), zones[one.contact_id])
            if until > batch.now:
                batch.wait(one, until)
            else:
                batch.note(one, was=until.isoformat())

    def resume(self, batch: Batch) -> None:
        self.run(batch)  # the day in the property may be another by now

    def watches(self) -> Stored | None:
        """Whoever's day changes is looked at anew; this holds for everybody."""
        if self.of != "property" or not self.property:
            return None
        return {"any": [{"condition": "property", "property": self.property, "operator": word} for word in ("known", "unknown")]}

    def _days(self) -> int:
        return {"on": 0, "before": -self.days, "after": self.days}[self.side]

    def _wanted(self, batch: Batch) -> Mapping[int, At | None]:
        if self.of == "date":
            return dict.fromkeys(batch.contact_ids, _read(self.date))
        known = self._known(batch.object_type)
        if known is None:
            return {}
        table = "contact" if batch.object_type == "contact" else "record"
        if known.column:
            return dict(sql.rows(f"SELECT c.id, c.{known.column} FROM {table} c WHERE c.id = ANY(%s)", [batch.contact_ids]))
        found = sql.rows(f"SELECT c.id, c.properties ->> %s FROM {table} c WHERE c.id = ANY(%s)", [known.name, batch.contact_ids])
        return {id: _read(text) for id, text in found}

    def _known(self, object_type: str) -> Property | None:
        found = catalog.current().property(object_type, self.property)
        return found if found is not None and found.type in ("date", "datetime") else None

    def detail(self) -> str:
        if self.of == "date":
            day = self.date
        else:
            known = self._known(self.object_type)
            day = known.label if known else self.property
        if not day:
            return ""
        n = self.days
        if n and self.side == "before":
            day = ngettext("{n} day before {day}", "{n} days before {day}", n).format(n=n, day=day)
        elif n and self.side == "after":
            day = ngettext("{n} day after {day}", "{n} days after {day}", n).format(n=n, day=day)
        return f"{day} {self.time}".strip()

    def problems(self) -> list[Problem]:
        found = []
        if self.of == "property" and self._known(self.object_type) is None:
            code, text = "PROPERTY_DOESNT_EXIST", gettext("There is no date property {name}.").format(name=self.property)
            found.append(Problem("property", code, text))
        if self.of == "date" and not isinstance(_read(self.date), date):
            found.append(Problem("date", "INVALID_DATE", gettext("Expected a day such as 2026-11-21.")))
        if self.side != "on" and not self.days:
            found.append(Problem("days", "REQUIRED", gettext("Say how many days before or after.")))
        return found


def _read(text: str | None) -> At | None:
    """A stored day or moment; None for nothing, and for what is neither."""
    try:
        return (date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)) if text else None
    except ValueError:
        return None


def _day(at: At) -> date:
    return at.date() if isinstance(at, datetime) else at


def _shifted(at: At, days: int) -> At:
    """So many days later by the calendar: at the same time of the day."""
    return at + timedelta(days=days) if _day(at) < LAST else at
