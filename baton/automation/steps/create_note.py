"""Write a note on the page of whoever walks."""

from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import made, words
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import activities
from baton.crm.values import stamp
from baton.messaging.mail import render
from baton.platform.errors import Problem


class CreateNote(Step):
    key = "create_note"
    label = _("Write a note")
    icon = "sticky-note"
    group = "record"

    text: Annotated[str, Input("long_text", _("Note"), help=_("May use merge fields: {{ steps.s3.plan }}"))] = ""

    def run(self, batch: Batch) -> None:
        known = words.people(batch, self.text)
        owners = made.owners(batch, "owner", None)
        wanted = {}
        for one in batch.standing:
            text = render.text(self.text, known[one.contact_id]).strip()[: activities.LONGEST // 4]
            if text:
                wanted[one.enrollment_id] = {"body": activities.html(text), "at": stamp(batch.now), "owner_id": owners[one.contact_id]}
            else:
                batch.skip(one, gettext("The text is empty."))
        made.make(batch, "note", wanted)

    def detail(self) -> str:
        return " ".join(self.text.split())[:80]

    def problems(self) -> list[Problem]:
        return words.check("text", self.text)
