"""Go one way or the other, by a filter: the same language as lists, asked about those who stand here."""

from typing import Annotated, Any

from django.utils.translation import gettext_lazy as _

from baton.automation import condition
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.platform.errors import Problem


class Branch(Step):
    key = "branch"
    label = _("Branch")
    icon = "split"
    group = "path"
    labels = (("yes", _("Yes")), ("no", _("No")))

    filter: Annotated[dict[str, Any], Input("filter", _("Condition"))] = {}

    def run(self, batch: Batch) -> None:
        yes = condition.holds(self.filter, batch)
        batch.take("yes", [one for one in batch.standing if one.contact_id in yes])
        batch.take("no", [one for one in batch.standing if one.contact_id not in yes])

    def detail(self) -> str:
        return condition.sentence(self.filter, self.object_type)

    def problems(self) -> list[Problem]:
        return condition.problems(self.filter, self.object_type)
