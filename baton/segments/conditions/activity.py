"""`had at least one meeting in the last 90 days`"""

from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.crm import properties
from baton.events.logged import ABOUT, KINDS
from baton.query.catalog import Catalog
from baton.query.nodes import Node
from baton.segments.condition import Happened, Text

SAID = {
    "note": gettext_noop("a note was written"),
    "call": gettext_noop("was called"),
    "meeting": gettext_noop("was met"),
    "task": gettext_noop("a task was done"),
    "email": gettext_noop("an e-mail was logged"),
    "communication": gettext_noop("a message was logged"),
}


class Activity(Happened):
    """What colleagues logged about the person. `outcome` is that of a call or meeting, a mail's direction, a message's channel; blank is any."""

    key = "activity"
    label = gettext_noop("Activity logged")

    kind: Literal["call", "meeting", "note", "task", "email", "communication"] = "call"
    outcome: Text = ""

    def lower(self, catalog: Catalog) -> Node:
        kind = KINDS[self.kind]
        return self.performed([kind], catalog.event_keys(kind, "is", self.outcome) if self.outcome else None)

    def sentence(self, catalog: Catalog) -> str:
        if not self.outcome:
            return self.said(_(SAID[self.kind]))
        definition = properties.definitions(self.kind).get(ABOUT.get(self.kind, ""))
        outcome = properties.option_label(definition, self.outcome) if definition else self.outcome
        return self.said(_("{what} (“{outcome}”)").format(what=_(SAID[self.kind]), outcome=outcome))
