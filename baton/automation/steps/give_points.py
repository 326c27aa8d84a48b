"""Give points in a score, or take some: an entry of the ledger, with the reason, once for each run."""

from typing import Annotated

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation import whom
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.platform.errors import Problem
from baton.segments import entries
from baton.segments.card import MOST
from baton.segments.models import ScoreModel


class GivePoints(Step):
    key = "give_points"
    label = _("Give or take points")
    icon = "gauge"
    group = "record"

    score: Annotated[int | None, Input("score", _("Score"))] = None
    points: Annotated[int, Field(ge=-MOST, le=MOST), Input("number", _("Points"), help=_("With a minus they are taken."))] = 0
    reason: Annotated[str, Field(max_length=entries.LONGEST), Input("text", _("Reason"), help=_("Stands with the points on the contact's page."))] = ""
    expires_days: Annotated[int, Field(ge=0, le=entries.DAYS), Input("number", _("Expire after days"), help=_("0: never."), optional=True)] = 0
    role: whom.Role = ""

    def run(self, batch: Batch) -> None:
        found = whom.targets(batch, "contact", self.role)
        model = ScoreModel.objects.filter(pk=self.score or 0).first()
        if model is None:
            for one in batch.standing:
                batch.skip(one, gettext("This score does not exist any more."))
            return
        rounds: list[dict[int, str]] = []  # each with every contact once: who stands behind two of the deals gets points for both
        for one in batch.standing:
            if not found[one.enrollment_id]:
                batch.skip(one, whom.missing("contact"))
            for id in found[one.enrollment_id]:
                free = next((causes for causes in rounds if id not in causes), None)
                if free is None:
                    rounds.append(free := {})
                free[id] = batch.cause(one)
        for causes in rounds:
            entries.add(list(causes), model, self.points, reason=self.reason, actor=batch.actor, cause=causes, expires_days=self.expires_days or None)

    def detail(self) -> str:
        name = ScoreModel.objects.filter(pk=self.score or 0).values_list("name", flat=True).first()
        points = ngettext("{n} point", "{n} points", abs(self.points)).format(n=f"{self.points:+d}")
        return f"{name}: {points}" if name else ""

    def problems(self) -> list[Problem]:
        if not ScoreModel.objects.filter(pk=self.score or 0, archived_at=None, object_type="contact").exists():
            return [Problem("score", "NOT_FOUND", gettext("This score does not exist any more."))]
        return [] if self.points else [Problem("points", "REQUIRED", gettext("Say how many points."))]
