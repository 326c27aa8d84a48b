"""Somebody sent a form."""

from collections.abc import Sequence
from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.events import keys
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.platform import sql
from baton.platform.changes import Change
from baton.platform.errors import Problem

PREFIX = f"{int(Kind.FORM_SUBMISSION)}:"


class FormSubmitted(Trigger):
    key = "form_submitted"
    label = _("A form was submitted")
    icon = "clipboard-list"

    form: Annotated[int | None, Input("form", _("Form"), optional=True, empty=_("Any form"))] = None

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return change.kind == "event" and change.key.startswith(PREFIX)

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        """The newest submission of each contact; two within one tick enroll once."""
        wanted = sorted({int(c.key.removeprefix(PREFIX)) for c in changes})
        if self.form is not None:
            own = keys.ids(Kind.FORM_SUBMISSION, [str(self.form)])[str(self.form)]
            wanted = [own] if own in wanted else []
        contact_ids = sorted({c.contact_id for c in changes if int(c.key.removeprefix(PREFIX)) in wanted})
        if not contact_ids:
            return {}
        found = sql.rows(
            "SELECT DISTINCT ON (contact_id) contact_id, id FROM event"
            " WHERE contact_id = ANY(%s) AND kind = %s AND key = ANY(%s) ORDER BY contact_id, ts DESC, id DESC",
            [contact_ids, int(Kind.FORM_SUBMISSION), wanted],
        )
        return {contact_id: f"form:{event_id}" for contact_id, event_id in found}

    def heading(self) -> str:
        name = Form.objects.filter(pk=self.form).values_list("name", flat=True).first() if self.form is not None else None
        return gettext("Form submitted: {name}").format(name=name) if name else str(self.label)

    def problems(self) -> list[Problem]:
        if self.form is None or Form.objects.filter(pk=self.form, archived_at=None).exists():
            return []
        return [Problem("form", "NOT_FOUND", gettext("This form does not exist any more."))]
