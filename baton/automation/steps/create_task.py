"""Make a task about whoever walks: due some days later at an hour, for his owner or a colleague."""

from datetime import datetime, time, timedelta
from typing import Annotated, ClassVar

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation import made, words
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import activities
from baton.crm.values import stamp
from baton.messaging.mail import render
from baton.platform.config import config
from baton.platform.errors import Problem


class CreateTask(Step):
    key = "create_task"
    label = _("Create a task")
    icon = "square-check"
    group = "record"
    makes: ClassVar[str] = "task"

    title: Annotated[str, Input("text", _("Title"), help=_("May use merge fields: {{ contact.lastname }}"))] = ""
    text: Annotated[str, Input("long_text", _("Note"), optional=True)] = ""
    days: Annotated[int, Field(ge=0, le=3650), Input("number", _("Due after days"))] = 1
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"), Input("time", _("At"))] = "09:00"
    whose: made.Whose = "owner"
    user: made.Other = None

    def run(self, batch: Batch) -> None:
        known = words.people(batch, self.title, self.text)
        owners = made.owners(batch, self.whose, self.user)
        zone = config().zone
        day = batch.now.astimezone(zone).date() + timedelta(days=self.days)
        due = stamp(datetime.combine(day, time.fromisoformat(self.at), zone))
        wanted = {}
        for one in batch.standing:
            title = render.line(self.title, known[one.contact_id])
            if not title:
                batch.skip(one, gettext("A title is required."))
                continue
            wanted[one.enrollment_id] = {
                "subject": title,
                "status": "NOT_STARTED",
                "at": due,
                "body": activities.html(render.text(self.text, known[one.contact_id])),
                "owner_id": owners[one.contact_id],
            }
        made.make(batch, "task", wanted)

    def detail(self) -> str:
        due = ngettext("due after {n} day", "due after {n} days", self.days).format(n=self.days)
        return f"{self.title} · {due}" if self.title else ""

    def problems(self) -> list[Problem]:
        return words.check("title", self.title) + words.check("text", self.text) + made.problems_of_owner(self.whose, self.user)
