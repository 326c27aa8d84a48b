"""Send an e-mail. Whether the contact may get it is decided when it is sent, see messaging/delivery.py."""

from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.messaging import outbox, render
from baton.messaging.models import Email
from baton.platform.errors import Invalid, Problem


class SendEmail(Step):
    key = "send_email"
    label = _("Send an e-mail")
    icon = "mail"
    group = "message"
    marketing = True

    email: Annotated[int | None, Input("email", _("E-mail"))] = None

    def run(self, batch: Batch) -> None:
        found = Email.objects.filter(pk=self.email or 0).first()
        if found is None:
            for one in batch.standing:
                batch.fail(one, "no_email")
            return
        outbox.add([outbox.NewMessage(one.contact_id, found.pk, batch.cause(one)) for one in batch.standing])

    def detail(self) -> str:
        found = Email.objects.filter(pk=self.email or 0).first()
        return found.name if found else ""

    def problems(self) -> list[Problem]:
        found = Email.objects.filter(pk=self.email or 0, archived_at=None).first()
        if found is None:
            return [Problem("email", "NOT_FOUND", gettext("This e-mail does not exist any more."))]
        try:
            render.check(subject=found.subject, body=found.body, preheader=found.preheader)
        except Invalid as error:
            return [Problem("email", p.code, f"{found.name}, {p.path}: {p.message}") for p in error.problems]
        return []
