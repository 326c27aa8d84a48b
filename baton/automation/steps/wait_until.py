"""Wait until something happens or holds, but not for ever: one way for those for whom it came true, one for whom the time was over first.

What people do counts from when they came here on. Those who wait are woken as soon as it happens; what only time changes ("nothing in the last 7 days")
is looked at every hour.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation import condition, length
from baton.automation.field import Input
from baton.automation.step import Batch, Step, Stored
from baton.platform.errors import Invalid, Problem
from baton.query import edges
from baton.segments import catalog, filter, meanwhile

COUNTS = (("here", _("What happens from here on")), ("ever", _("What ever happened")))
PACE = timedelta(hours=1)  # between two looks at what only time changes


class WaitUntil(Step):
    key = "wait_until"
    label = _("Wait until something happens")
    icon = "hourglass"
    group = "time"
    freezes = True
    labels = (("met", _("It happened")), ("timeout", _("Time is over")))

    filter: Annotated[dict[str, Any], Input("filter", _("Until this holds"))] = {}
    counts: Annotated[Literal["here", "ever"], Input("choice", _("What counts"), options=COUNTS)] = "here"
    days: Annotated[int, Field(ge=0, le=3650), Input("number", _("At most: days"), optional=True)] = 7
    hours: Annotated[int, Field(ge=0, le=8760), Input("number", _("At most: hours"), optional=True)] = 0
    minutes: Annotated[int, Field(ge=0, le=525600), Input("number", _("At most: minutes"), optional=True)] = 0

    def run(self, batch: Batch) -> None:
        """At once where it holds already; else stay until the time is over. What came in time counts, also where both are seen at once."""
        came = {one.enrollment_id: one.entered_at or batch.now for one in batch.standing}
        over = {one.enrollment_id: came[one.enrollment_id] + self._length + one.frozen for one in batch.standing}
        spans = {one.contact_id: (came[one.enrollment_id], over[one.enrollment_id]) for one in batch.standing}
        met = condition.holds(self.filter, batch, spans if self.counts == "here" else None)
        batch.take("met", [one for one in batch.standing if one.contact_id in met])
        rest = [one for one in batch.standing if one.contact_id not in met]
        batch.take("timeout", [one for one in rest if over[one.enrollment_id] <= batch.now])
        slowly = bool(rest) and self._turns_by_itself()
        for one in rest:
            if (end := over[one.enrollment_id]) > batch.now:
                taken = {"frozen": one.frozen.total_seconds()} if one.frozen else {}  # by pauses: kept for the next look
                batch.wait(one, min(end, batch.now + PACE) if slowly else end, **taken)

    def resume(self, batch: Batch) -> None:
        self.run(batch)

    def _turns_by_itself(self) -> bool:
        """Whether time alone can make it true."""
        return bool(edges.windows(filter.parse(self.filter, catalog.current(), object_type=self.object_type)))

    def watches(self) -> Stored | None:
        return self.filter or None

    @property
    def _length(self) -> timedelta:
        return timedelta(days=self.days, hours=self.hours, minutes=self.minutes)

    def lasts(self) -> bool:
        """With what happens from here on, nobody passes at once who passes again and again."""
        if not self._length or self.counts != "here":
            return False
        try:
            return bool(meanwhile.happenings(filter.parse(self.filter, catalog.current(), object_type=self.object_type)))
        except Invalid:
            return False

    def detail(self) -> str:
        most = length.in_words(self.days, self.hours, self.minutes)
        said = condition.sentence(self.filter, self.object_type)
        return gettext("{condition}; at most {time}").format(condition=said, time=most) if said else ""

    def problems(self) -> list[Problem]:
        found = [] if self._length else [Problem("days", "REQUIRED", gettext("Say how long to wait at most."))]
        return condition.problems(self.filter, self.object_type) + found
