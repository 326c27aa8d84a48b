"""`downloaded brochure.pdf`"""

from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.events.vocabulary import Kind
from baton.query.catalog import Catalog
from baton.query.nodes import Node
from baton.segments.condition import AtAddress


class Downloaded(AtAddress):
    key = "downloaded"
    label = gettext_noop("File downloaded")

    match: Literal["is", "starts", "contains"] = "contains"

    def lower(self, catalog: Catalog) -> Node:
        return self.performed([Kind.DOWNLOAD], self.keys(Kind.DOWNLOAD, catalog))

    def sentence(self, catalog: Catalog) -> str:
        return self.said(self.at(_("downloaded the file {address}"), _("downloaded any file")))
