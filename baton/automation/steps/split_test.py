"""A test of ways against each other: people are split by lot, and it is counted who of each way reaches the goal in time. Told by split.py."""

from typing import Annotated, Any

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from baton.automation import condition, lot
from baton.automation.field import Input
from baton.automation.lot import Label, Share
from baton.automation.step import Batch, Step
from baton.platform.errors import Problem


class SplitTest(Step):
    key = "split_test"
    label = _("A/B test")
    icon = "flask-conical"
    group = "path"
    objects = ("contact",)

    shares: Annotated[dict[Label, Share], Input("shares", _("Share of each way (%)"))] = {"a": 50, "b": 50}
    goal: Annotated[dict[str, Any], Input("filter", _("Goal"), help=_("What people do counts from here on, within the days below."))] = {}
    days: Annotated[int, Field(ge=1, le=365), Input("number", _("Within days"))] = 14

    def run(self, batch: Batch) -> None:
        for label, standing in lot.drawn(batch, self.shares).items():
            batch.take(label, standing)

    def ways(self) -> tuple[tuple[str, str | Promise], ...]:
        return lot.ways(self.shares)

    def detail(self) -> str:
        said = condition.sentence(self.goal, self.object_type)
        within = ngettext("within {n} day", "within {n} days", self.days).format(n=self.days)
        return gettext("{condition}, {time}").format(condition=said, time=within) if said else lot.in_words(self.shares)

    def problems(self) -> list[Problem]:
        return lot.problems(self.shares) + condition.problems(self.goal, self.object_type, "goal")
