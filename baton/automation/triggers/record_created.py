"""A contact, a company, a deal, a ticket or another record was made."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import valued
from baton.automation.trigger import Trigger
from baton.crm import types
from baton.platform.changes import Change
from baton.query.statement import Sql

CAUSE = "created"  # that happens once


class RecordCreated(Trigger):
    """Whoever was merged and parted again, or archived and taken back, was not made anew."""

    key = "record_created"
    label = _("A record was created")
    icon = "circle-plus"
    group = "record"
    objects = ()

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return valued.is_new(change)

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        return {c.contact_id: CAUSE for c in valued.of_type(changes, self.object_type)}

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        table, of_type = ("contact", "true") if object_type == "contact" else ("record", "r.object_type = %(object_type)s")
        text = f"SELECT r.id, r.created_at, '{CAUSE}' FROM {table} r WHERE {of_type} AND r.created_at > %(since)s AND r.created_at <= %(until)s"
        return Sql(text, {"object_type": object_type, "since": since, "until": until})

    def heading(self) -> str:
        return gettext("Created: {kind}").format(kind=types.label(types.get(self.object_type)))
