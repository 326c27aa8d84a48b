"""Somebody left a list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import lists
from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.events.vocabulary import Kind
from baton.platform.changes import Change
from baton.platform.errors import Problem
from baton.query.statement import Sql


class SegmentLeft(Trigger):
    key = "segment_left"
    label = _("A contact left a list")
    icon = "list-minus"
    group = "place"
    rejoins = True

    segment: Annotated[int | None, Input("segment", _("List"))] = None

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return change.kind == "membership" and change.key.endswith(":left") and bool(change.fact)

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        """Those who are no members now, each by this very leaving; who left and came back within one tick is not enrolled."""
        return lists.left(changes, self.segment or 0)

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        return lists.past(Kind.SEGMENT_LEFT, self.segment or 0, since, until)

    def heading(self) -> str:
        name = lists.name(self.segment)
        return gettext("Left the list: {name}").format(name=name) if name else str(self.label)

    def problems(self) -> list[Problem]:
        return lists.problems(self.segment)
