"""The run ends here, and has reached what the workflow is for."""

from django.utils.translation import gettext_lazy as _

from baton.automation.step import Batch, Step


class Goal(Step):
    key = "goal"
    label = _("Goal reached")
    icon = "flag"
    group = "path"
    ends = "goal"

    def run(self, batch: Batch) -> None:
        """Nothing is done: that the run ends, and how, is said by `ends`."""
