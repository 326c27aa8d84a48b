"""Somebody sent a form."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation import happened
from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.events import keys
from baton.events.vocabulary import Kind
from baton.forms.models import Form
from baton.platform.changes import Change
from baton.platform.errors import Problem
from baton.query.nodes import Performed
from baton.query.statement import Sql

PREFIX = f"{int(Kind.FORM_SUBMISSION)}:"
# Every answer that is asked for was given, whatever its capital letters; of a field with several answers one is enough.
ANSWERED = """EXISTS (
    SELECT 1 FROM form_submission s WHERE s.contact_id = e.contact_id AND s.id::text = e.payload ->> 'submission'
    AND NOT EXISTS (
        SELECT 1 FROM jsonb_each_text(%(answers)s::jsonb) AS a(field, wanted)
        WHERE NOT coalesce(CASE jsonb_typeof(s.values -> a.field)
            WHEN 'array' THEN EXISTS (SELECT 1 FROM jsonb_array_elements_text(s.values -> a.field) AS g(given) WHERE lower(g.given) = lower(a.wanted))
            ELSE lower(btrim(s.values ->> a.field)) = lower(btrim(a.wanted)) OR a.wanted = '' AND s.values ->> a.field <> '' END, false)
    )
)"""


class FormSubmitted(Trigger):
    key = "form_submitted"
    label = _("A form was submitted")
    icon = "clipboard-list"
    group = "people"

    form: Annotated[int | None, Input("form", _("Form"), optional=True, empty=_("Any form"))] = None
    answers: Annotated[
        dict[str, str],
        Field(max_length=10),
        Input("pairs", _("Only with these answers"), help=_("The name of a field and the answer; an empty answer means any."), optional=True),
    ] = {}

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return change.kind == "event" and change.key.startswith(PREFIX) and bool(change.fact)

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        """The newest submission of each contact; two within one tick enroll once."""
        return happened.causes(changes, [self._such()], self._answered())

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        return happened.past([self._such()], since, until, self._answered())

    def _such(self) -> Performed:
        own = None if self.form is None else tuple(keys.matching(Kind.FORM_SUBMISSION, "is", str(self.form)))
        return Performed((int(Kind.FORM_SUBMISSION),), own)

    def _answered(self) -> Sql | None:
        return Sql(ANSWERED, {"answers": happened.as_json(self.answers)}) if self.answers else None

    def heading(self) -> str:
        name = Form.objects.filter(pk=self.form).values_list("name", flat=True).first() if self.form is not None else None
        return gettext("Form submitted: {name}").format(name=name) if name else str(self.label)

    def detail(self) -> str:
        return ", ".join(f"{field}: {answer or gettext('any answer')}" for field, answer in self.answers.items())

    def problems(self) -> list[Problem]:
        if self.form is None or Form.objects.filter(pk=self.form, archived_at=None).exists():
            return []
        return [Problem("form", "NOT_FOUND", gettext("This form does not exist any more."))]
