"""Somebody did something, or something happened to him: any kind of event, with conditions on that very event."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext_lazy as _

from baton.automation import happened
from baton.automation.condition import sentence
from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.platform import logs
from baton.platform.changes import Change
from baton.platform.errors import Invalid, Problem
from baton.query.statement import Sql

_log = logs.log(__name__)


class EventHappened(Trigger):
    key = "event_happened"
    label = _("Something happened")
    icon = "activity"
    group = "people"
    happenings: ClassVar[bool] = True  # the editor of its filter offers only what happens

    filter: Annotated[
        dict[str, Any],
        Input("filter", _("What happens"), help=_("A condition about one event, or any of several: a page viewed, a link clicked, an event of your own.")),
    ] = {}

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return change.kind == "event" and bool(change.fact)

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        """The newest event of each contact that fits; two within one tick enroll once."""
        try:
            if not self.filter or not happened.told(changes, self._kinds):
                return {}
            return happened.causes(changes, happened.parse(self.filter))
        except Invalid as error:  # what it names is gone: nobody comes in until it is there again
            _log.warning("a trigger cannot be read", filter=self.filter, error=str(error))
            return {}

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        try:
            return happened.past(happened.parse(self.filter) if self.filter else [], since, until)
        except Invalid:
            return happened.past([], since, until)

    @cached_property
    def _kinds(self) -> list[int]:
        """The kinds of events it listens to, which never change. Raises Invalid when the filter cannot be read."""
        return sorted({int(kind) for node in happened.parse(self.filter) for kind in node.kinds})

    def heading(self) -> str:
        return sentence(self.filter, "contact") or str(self.label)

    def problems(self) -> list[Problem]:
        return happened.problems(self.filter)
