"""`clicked the button “Request a demo”`"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.events.vocabulary import Kind
from baton.query.catalog import Catalog
from baton.query.nodes import Node
from baton.segments.condition import Happened, Text


class CtaClicked(Happened):
    """A button that the site marks with a name; blank is any."""

    key = "cta_clicked"
    label = gettext_noop("Button clicked")

    name: Text = ""

    def lower(self, catalog: Catalog) -> Node:
        return self.performed([Kind.CTA_CLICK], catalog.event_keys(Kind.CTA_CLICK, "is", self.name) if self.name else None)

    def sentence(self, catalog: Catalog) -> str:
        return self.said(_("clicked the button “{name}”").format(name=self.name) if self.name else _("clicked any button"))
