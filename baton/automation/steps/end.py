"""The run ends here."""

from django.utils.translation import gettext_lazy as _

from baton.automation.step import Batch, Step


class End(Step):
    key = "end"
    label = _("End")
    icon = "square"
    group = "path"
    ends = "finished"

    def run(self, batch: Batch) -> None:
        """Nothing is done: that the run ends is said by `ends`."""
