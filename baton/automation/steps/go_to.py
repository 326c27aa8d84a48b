"""Go on at another step: a way back, or over to another branch. A way back that never waits is refused before publishing, see loops.py."""

from typing import Annotated

from django.utils.translation import gettext_lazy as _

from baton.automation.field import Input
from baton.automation.step import Batch, Step


class GoTo(Step):
    key = "go_to"
    label = _("Go to another step")
    icon = "corner-up-left"
    group = "path"

    to: Annotated[str, Input("step", _("Step"), help=_("Steps that are passed again run again: a mail is sent again."))] = ""

    def run(self, batch: Batch) -> None:
        """Nothing is done: where the walk goes on is said by `target`."""

    def target(self) -> str:
        return self.to
