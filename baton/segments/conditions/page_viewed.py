"""`viewed /pricing at least twice in the last 90 days`"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.events.vocabulary import Kind
from baton.query.catalog import Catalog
from baton.query.nodes import Node
from baton.segments.condition import AtAddress


class PageViewed(AtAddress):
    key = "page_viewed"
    label = gettext_noop("Page viewed")

    def lower(self, catalog: Catalog) -> Node:
        return self.performed([Kind.PAGE_VIEW], self.keys(Kind.PAGE_VIEW, catalog))

    def sentence(self, catalog: Catalog) -> str:
        return self.said(self.at(_("viewed the page {address}"), _("viewed any page")))
