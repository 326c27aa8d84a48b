"""Somebody joined a list."""

from collections.abc import Sequence
from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.platform import sql
from baton.platform.changes import Change
from baton.platform.errors import Problem
from baton.segments.models import Segment


class SegmentJoined(Trigger):
    key = "segment_joined"
    label = _("A contact joined a list")
    icon = "list-plus"

    segment: Annotated[int | None, Input("segment", _("List"))] = None

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return change.kind == "membership" and change.key.endswith(":joined")

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        """Those who are members now, each by this very joining; who joined and left within one tick is not enrolled."""
        contact_ids = sorted({c.contact_id for c in changes if c.key == f"{self.segment}:joined"})
        if not contact_ids:
            return {}
        found = sql.rows("SELECT contact_id, joined_at FROM membership WHERE contact_id = ANY(%s) AND segment_id = %s", [contact_ids, self.segment])
        return {contact_id: f"segment:{self.segment}:{joined_at.isoformat()}" for contact_id, joined_at in found}

    def heading(self) -> str:
        name = Segment.objects.filter(pk=self.segment or 0).values_list("name", flat=True).first()
        return gettext("Joined the list: {name}").format(name=name) if name else str(self.label)

    def problems(self) -> list[Problem]:
        if Segment.objects.filter(pk=self.segment or 0, archived_at=None).exists():
            return []
        return [Problem("segment", "NOT_FOUND", gettext("This list does not exist any more."))]
