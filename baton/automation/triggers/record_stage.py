"""A deal or a ticket came to a stage of its pipeline, or left it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import staged, valued
from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.crm import types
from baton.platform.changes import Change
from baton.platform.errors import Problem
from baton.query.statement import Sql


class RecordStage(Trigger):
    """One that is made in the stage came to it."""

    key = "record_stage"
    label = _("A deal or ticket came to a stage")
    icon = "columns-3"
    group = "record"
    objects = ("deal", "ticket")
    rejoins = True

    pipeline: Annotated[str, Input("pipeline", _("Pipeline"), optional=True, empty=_("Any pipeline"))] = ""
    stage: Annotated[str, Input("pipeline_stage", _("Stage"), optional=True, empty=_("Any stage"))] = ""
    how: Annotated[Literal["enters", "leaves"], Input("choice", _("Kind of change"), options=staged.HOW)] = "enters"

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return change.kind == "record" and valued.wakes(change)

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        return valued.causes(changes, self._name, self._test(), self.object_type)

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        return valued.past(self._name, self._test(), since, until, object_type)

    def backlog(self, object_type: str) -> Sql | None:
        """Those in the stage now."""
        return None if self.how == "leaves" else valued.holding(self._name, self._test(), object_type)

    @property
    def _name(self) -> str:
        return types.get(self.object_type).stage_property if self.object_type in self.objects else "dealstage"

    def _test(self) -> Sql:
        return staged.test(self.object_type, self.pipeline, self.stage, self.how)

    def heading(self) -> str:
        return staged.heading(self.object_type, self.pipeline, self.stage, self.how) or str(self.label)

    def problems(self) -> list[Problem]:
        if self.object_type not in self.objects:
            return [Problem("stage", "WRONG_TYPE", gettext("Only deals and tickets have stages of a pipeline."))]
        return staged.problems(self.object_type, self.pipeline, self.stage)
