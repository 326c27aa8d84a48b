"""Ways by lot: so many of a hundred go each way. The same run always goes the same way, in a rehearsal too."""

from typing import Annotated

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from baton.automation import lot
from baton.automation.field import Input
from baton.automation.lot import Label, Share
from baton.automation.step import Batch, Step
from baton.platform.errors import Problem


class SplitRandom(Step):
    key = "split_random"
    label = _("Split by lot")
    icon = "shuffle"
    group = "path"

    shares: Annotated[dict[Label, Share], Input("shares", _("Share of each way (%)"))] = {"a": 50, "b": 50}

    def run(self, batch: Batch) -> None:
        for label, standing in lot.drawn(batch, self.shares).items():
            batch.take(label, standing)

    def ways(self) -> tuple[tuple[str, str | Promise], ...]:
        return lot.ways(self.shares)

    def detail(self) -> str:
        return lot.in_words(self.shares)

    def problems(self) -> list[Problem]:
        return lot.problems(self.shares)
