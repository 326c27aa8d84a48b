"""Colleagues enroll by hand: from a record, from a list, or many at once from a table."""

from django.utils.translation import gettext_lazy as _

from baton.automation.trigger import Trigger


class Manual(Trigger):
    """Nothing brings anybody in by itself: a workflow that only has this one waits for people (by_hand.py). By hand every workflow that runs can be entered."""

    key = "manual"
    label = _("Enrolled by hand")
    icon = "hand"
    group = "outside"
    objects = ()

    def detail(self) -> str:
        return str(_("From a record, a list, or a table"))
