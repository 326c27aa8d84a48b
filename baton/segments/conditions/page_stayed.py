"""`stayed on a page for at least 60 seconds`"""

from typing import Annotated

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import Field

from baton.events.vocabulary import Kind
from baton.query.catalog import Catalog
from baton.query.nodes import Node
from baton.segments.condition import AtAddress


class PageStayed(AtAddress):
    """The seconds are those of one view during which the page could be seen."""

    key = "page_stayed"
    label = gettext_noop("Stayed on a page")

    seconds: Annotated[int, Field(ge=1, le=86_400)] = 60

    def lower(self, catalog: Catalog) -> Node:
        return self.performed([Kind.PAGE_DWELL], self.keys(Kind.PAGE_DWELL, catalog), value_at_least=float(self.seconds))

    def sentence(self, catalog: Catalog) -> str:
        somewhere = _("stayed on the page {address} for {n} seconds or more").replace("{n}", str(self.seconds))
        return self.said(self.at(somewhere, _("stayed on a page for {n} seconds or more").format(n=self.seconds)))
