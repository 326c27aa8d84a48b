"""`is in the list “Pricing visitors”`"""

from django.utils.translation import gettext_noop

from baton.query.catalog import Catalog
from baton.query.nodes import MemberOf, Node
from baton.segments.condition import Condition, Id


class InSegment(Condition):
    key = "in_segment"
    label = gettext_noop("In a list")

    segment: Id

    def lower(self, catalog: Catalog) -> Node:
        return MemberOf(self.segment)
