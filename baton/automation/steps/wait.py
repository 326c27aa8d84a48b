"""Wait for a fixed time."""

from datetime import timedelta
from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation import length
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.platform.errors import Problem


class Wait(Step):
    key = "wait"
    label = _("Wait")
    icon = "clock"
    group = "time"
    freezes = True

    days: Annotated[int, Field(ge=0, le=3650), Input("number", _("Days"), optional=True)] = 0
    hours: Annotated[int, Field(ge=0, le=8760), Input("number", _("Hours"), optional=True)] = 0
    minutes: Annotated[int, Field(ge=0, le=525600), Input("number", _("Minutes"), optional=True)] = 0

    def run(self, batch: Batch) -> None:
        until = batch.now + self._length
        for one in batch.standing:
            batch.wait(one, until)

    @property
    def _length(self) -> timedelta:
        return timedelta(days=self.days, hours=self.hours, minutes=self.minutes)

    def lasts(self) -> bool:
        return bool(self._length)

    def detail(self) -> str:
        return length.in_words(self.days, self.hours, self.minutes)

    def problems(self) -> list[Problem]:
        return [] if self._length else [Problem("days", "REQUIRED", gettext("Say how long to wait."))]
