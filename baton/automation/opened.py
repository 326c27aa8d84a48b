"""What the steps have in common that open something in a pipeline for whoever walks: a deal, a ticket."""

from typing import Annotated, ClassVar

from django.utils.translation import gettext_lazy as _

from baton.automation import made
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.platform.errors import Problem

MERGED = _("May use merge fields: {{ contact.lastname }}")


class Opened(Step):
    """A step says what it `makes` and how its title is asked for."""

    group = "record"
    makes: ClassVar[str]

    title: Annotated[str, Input("text", _("Name"), help=MERGED)] = ""
    pipeline: Annotated[str, Input("pipeline", _("Pipeline"), optional=True, empty=_("The first one"))] = ""
    stage: Annotated[str, Input("pipeline_stage", _("Stage"), optional=True, empty=_("The first one"))] = ""
    values: Annotated[
        dict[str, str], Input("pairs", _("Further values"), help=_("By the name of the property; texts may use merge fields."), optional=True)
    ] = {}
    whose: made.Whose = "owner"
    user: made.Other = None

    def run(self, batch: Batch) -> None:
        made.of_pipeline(batch, self.makes, self.title, self.pipeline, self.stage, self.values, made.owners(batch, self.whose, self.user))

    def detail(self) -> str:
        return f"{self.title} · {made.place(self.makes, self.pipeline, self.stage)}" if self.title else ""

    def problems(self) -> list[Problem]:
        found = made.problems_of_pipeline(self.makes, self.title, self.pipeline, self.stage, self.values)
        return found + made.problems_of_owner(self.whose, self.user)
