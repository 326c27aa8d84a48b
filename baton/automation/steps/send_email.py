"""Send an e-mail, at once or when it is open. Who may get it is decided when it is sent, see messaging/gate.py."""

from collections.abc import Sequence
from typing import Annotated, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import opening
from baton.automation.field import Input
from baton.automation.step import Batch, Standing, Step
from baton.crm import calendar
from baton.crm.calendar import DAYS, DAYTIME, WHOSE, WORKDAYS, Clock, Hours, Weekday, Whose
from baton.messaging import gate, outbox
from baton.messaging.mail import render
from baton.messaging.models import Email
from baton.platform.errors import Invalid, Problem

SENDER = (("", _("As the e-mail says")), ("owner", _("The contact’s owner, who gets the answers")))
CONSENT = (("skip", _("Is skipped; the walk goes on")), ("end", _("Ends the run")))
WHEN = (
    ("any", _("At once")),
    ("day", _("Not at night: from 8 to 21 o’clock, where the contact lives")),
    ("hours", _("In these hours")),
)


class SendEmail(Step):
    key = "send_email"
    label = _("Send an e-mail")
    icon = "mail"
    group = "message"
    objects = ("contact",)
    marketing = True

    email: Annotated[int | None, Input("email", _("E-mail"))] = None
    sender: Annotated[Literal["", "owner"], Input("choice", _("Sender"), options=SENDER, optional=True)] = ""
    refused: Annotated[Literal["skip", "end"], Input("choice", _("Who has not agreed, or said no"), options=CONSENT)] = "skip"
    when: Annotated[Literal["any", "day", "hours"], Input("choice", _("When"), options=WHEN)] = "any"
    days: Annotated[tuple[Weekday, ...], Input("choices", _("Days of the week"), options=DAYS, shown_when=("when", "hours"))] = WORKDAYS
    start: Annotated[Clock, Input("time", _("From"), optional=True, shown_when=("when", "hours"))] = "09:00"
    end: Annotated[Clock, Input("time", _("Until"), optional=True, shown_when=("when", "hours"))] = "18:00"
    holidays: Annotated[bool, Input("boolean", _("Korean public holidays are days off"), shown_when=("when", "hours"))] = True
    zone: Annotated[Whose, Input("choice", _("Time zone"), options=WHOSE, shown_when=("when", "hours"))] = "account"

    def run(self, batch: Batch) -> None:
        found = Email.objects.filter(pk=self.email or 0).first()
        if found is None:
            for one in batch.standing:
                batch.fail(one, "no_email")
            return
        going = self._free(batch)
        if self.refused == "end" and going:
            reasons = gate.refused(found.pk, [one.contact_id for one in going])
            unwilling = {id for id, reason in reasons.items() if reason in gate.UNWILLING}
            for one in going:
                if one.contact_id in unwilling:
                    batch.end(one, reasons[one.contact_id])
            going = [one for one in going if one.contact_id not in unwilling]
        outbox.add([outbox.NewMessage(one.contact_id, found.pk, batch.cause(one), self.sender) for one in going])

    def resume(self, batch: Batch) -> None:
        self.run(batch)  # those who came when it was closed; it may be closed again, after a pause

    def _free(self, batch: Batch) -> Sequence[Standing]:
        """Those for whom it is open now; the others wait."""
        if self.when == "any":
            return batch.standing
        if self.when == "day":
            return opening.wait(batch, batch.standing, DAYTIME, "contact")
        return opening.wait(batch, batch.standing, self._hours, self.zone)

    @property
    def _hours(self) -> Hours:
        return Hours(self.days, calendar.clock(self.start), calendar.clock(self.end), self.holidays)

    def detail(self) -> str:
        found = Email.objects.filter(pk=self.email or 0).first()
        hours = {"any": "", "day": calendar.in_words(DAYTIME), "hours": calendar.in_words(self._hours) if self.days else ""}[self.when]
        return " · ".join(part for part in (found.name if found else "", hours) if part)

    def problems(self) -> list[Problem]:
        found = Email.objects.filter(pk=self.email or 0, archived_at=None).first()
        if found is None:
            return [Problem("email", "NOT_FOUND", gettext("This e-mail does not exist any more."))]
        if not found.version and not found.body:
            return [Problem("email", "NOT_PUBLISHED", gettext("“{name}” was not published yet.").format(name=found.name))]
        wrong = opening.problems(self.days, self.start, self.end) if self.when == "hours" else []
        try:
            render.check(subject=found.subject, body=found.body, preheader=found.preheader)
        except Invalid as error:
            wrong += [Problem("email", p.code, f"{found.name}, {p.path}: {p.message}") for p in error.problems]
        return wrong
