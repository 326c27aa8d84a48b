"""Move contacts between the stages of the life cycle: forward, back, into recycling, out of the way. What may not be is skipped, with the reason."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation import whom
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import life, stages
from baton.crm.models import Contact
from baton.crm.stages import PROPERTY
from baton.platform.errors import Conflict, DomainError, Problem
from baton.segments import pauses, verdicts

HOW = (
    ("forward", _("Forward to a stage")),
    ("back", _("Clear the stage first, then set it: also back")),
    ("clear", _("Clear the stage")),
    ("recycle", _("Into recycling, without marketing for some days")),
    ("dead_end", _("To a dead end, for good")),
    ("not_ready", _("Verdict: not ready, back to MQL")),
    ("unqualified", _("Verdict: unqualified, no marketing")),
)
KINDS = {"recycle": "recycle", "dead_end": "dead_end"}  # of stages that a way leads to
VERDICTS = ("not_ready", "unqualified")


class SetStage(Step):
    key = "set_stage"
    label = _("Set the life-cycle stage")
    icon = "route"
    group = "record"

    how: Annotated[Literal["forward", "back", "clear", "recycle", "dead_end", "not_ready", "unqualified"], Input("choice", _("Move"), options=HOW)] = "forward"
    stage: Annotated[str, Input("lifecycle", _("Stage"), shown_when=("how", "forward", "back", "recycle", "dead_end"))] = ""
    days: Annotated[int, Field(ge=1, le=3650), Input("number", _("Days without marketing"), shown_when=("how", "recycle"))] = 90
    reason: Annotated[str, Input("text", _("Reason"), help=_("Stands with the move in the contact's history."), optional=True)] = ""
    role: whom.Role = ""

    def run(self, batch: Batch) -> None:
        found = whom.targets(batch, "contact", self.role)
        ids = whom.each(found)
        reason = self.reason or self.heading()
        if self.how == "recycle":
            outcomes = self._recycle(ids, batch, reason)
        elif self.how in VERDICTS:
            outcomes = self._judge(ids, batch, reason)
        else:
            if self.how == "back":  # who cannot leave his stage is refused by the second move too
                stages.move([id for id, now in _standing(ids).items() if now not in ("", self.stage)], "", actor=batch.actor, source="workflow", reason=reason)
            into = "" if self.how == "clear" else self.stage
            outcomes = dict(stages.move(ids, into, actor=batch.actor, source="workflow", reason=reason))
        whom.account(batch, found, "contact", outcomes)

    def _recycle(self, ids: list[int], batch: Batch, reason: str) -> Mapping[int, DomainError | bool | None]:
        """A pause for those who may be recycled; the others are told apart before, since a pause is for all or nobody."""
        kinds = {stage.key: stage.kind for stage in stages.known()}
        end = Conflict(gettext("Who is at a dead end gets no marketing and is never recycled."))
        outcomes: dict[int, DomainError | bool | None] = {id: end for id, now in _standing(ids).items() if kinds.get(now) == "dead_end"}
        good = [id for id in ids if id not in outcomes]
        if good:
            pauses.pause(good, batch.now + timedelta(days=self.days), reason=reason, into=self.stage, actor=batch.actor, source="workflow")
        return outcomes

    def _judge(self, ids: list[int], batch: Batch, reason: str) -> Mapping[int, DomainError | bool | None]:
        """What sales would say, with all that follows from it: points, stage, marketing. Each is judged by his own score, one after the other."""
        outcomes: dict[int, DomainError | bool | None] = {}
        for id in ids:
            try:
                verdicts.give(id, self.how, reason=reason, actor=batch.actor)
            except DomainError as error:
                outcomes[id] = error
        return outcomes

    def detail(self) -> str:
        stage = life.by_key().get(self.stage)
        if self.how in ("forward", "back", "recycle", "dead_end"):
            return f"{'← ' if self.how == 'back' else '→ '}{stage.label}" if stage else ""
        return str(dict(HOW)[self.how])

    def problems(self) -> list[Problem]:
        if self.how in ("clear", *VERDICTS):
            return []
        stage = life.by_key().get(self.stage)
        if stage is None:
            return [Problem("stage", "NOT_FOUND", gettext("There is no such stage."))]
        if self.how in KINDS and stage.kind != KINDS[self.how]:
            return [Problem("stage", "INVALID_OPTION", gettext("Choose a stage of this kind."))]
        if self.how in ("forward", "back") and stage.kind in KINDS.values():
            return [Problem("how", "INVALID_OPTION", gettext("This stage has a way of its own."))]
        return []


def _standing(ids: list[int]) -> dict[int, str]:
    """The stage of each."""
    rows = Contact.objects.filter(id__in=ids, archived_at=None).values_list("id", f"properties__{PROPERTY}")
    return {id: str(stage or "") for id, stage in rows}
