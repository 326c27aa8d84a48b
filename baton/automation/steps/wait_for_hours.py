"""Wait until it is open: on these days, between these hours, not on Korean public holidays. Whoever comes while it is open goes on at once."""

from typing import Annotated

from django.utils.translation import gettext_lazy as _

from baton.automation import opening
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import calendar
from baton.crm.calendar import DAYS, WHOSE, WORKDAYS, Clock, Hours, Weekday, Whose
from baton.platform.errors import Problem


class WaitForHours(Step):
    key = "wait_for_hours"
    label = _("Wait for working hours")
    icon = "calendar-clock"
    group = "time"

    days: Annotated[tuple[Weekday, ...], Input("choices", _("Days of the week"), options=DAYS)] = WORKDAYS
    start: Annotated[Clock, Input("time", _("From"), help=_("Both empty: the whole day."), optional=True)] = "09:00"
    end: Annotated[Clock, Input("time", _("Until"), optional=True)] = "18:00"
    holidays: Annotated[bool, Input("boolean", _("Korean public holidays are days off"))] = True
    zone: Annotated[Whose, Input("choice", _("Time zone"), options=WHOSE)] = "account"

    def run(self, batch: Batch) -> None:
        opening.wait(batch, batch.standing, self._hours, self.zone)

    def resume(self, batch: Batch) -> None:
        self.run(batch)  # the workflow may have been paused until it was closed again

    @property
    def _hours(self) -> Hours:
        return Hours(self.days, calendar.clock(self.start), calendar.clock(self.end), self.holidays)

    def detail(self) -> str:
        return calendar.in_words(self._hours) if self.days else ""

    def problems(self) -> list[Problem]:
        return opening.problems(self.days, self.start, self.end)
