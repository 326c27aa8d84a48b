"""Wait for a fixed time."""

from datetime import timedelta
from typing import Annotated

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.platform.errors import Problem


class Wait(Step):
    key = "wait"
    label = _("Wait")
    icon = "clock"

    days: Annotated[int, Field(ge=0, le=3650), Input("number", _("Days"), optional=True)] = 0
    hours: Annotated[int, Field(ge=0, le=8760), Input("number", _("Hours"), optional=True)] = 0
    minutes: Annotated[int, Field(ge=0, le=525600), Input("number", _("Minutes"), optional=True)] = 0

    def run(self, batch: Batch) -> None:
        until = batch.now + timedelta(days=self.days, hours=self.hours, minutes=self.minutes)
        for one in batch.standing:
            batch.wait(one, until)

    def detail(self) -> str:
        parts = [
            ngettext("{n} day", "{n} days", self.days).format(n=self.days) if self.days else "",
            ngettext("{n} hour", "{n} hours", self.hours).format(n=self.hours) if self.hours else "",
            ngettext("{n} minute", "{n} minutes", self.minutes).format(n=self.minutes) if self.minutes else "",
        ]
        return " ".join(p for p in parts if p)

    def problems(self) -> list[Problem]:
        return [] if self.days or self.hours or self.minutes else [Problem("days", "REQUIRED", gettext("Say how long to wait."))]
