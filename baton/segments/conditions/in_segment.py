"""`is in the list “Pricing visitors” for more than 7 days`"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from django.utils.translation import gettext_noop

from baton.crm.uses import Mention
from baton.query.catalog import Catalog
from baton.query.nodes import MemberOf, Node
from baton.segments.condition import Condition, Days, Id


class InSegment(Condition):
    """Is in the list now: joined in the last `joined_days`, there for longer than `longer_days`, found by the filter or put in by hand."""

    key = "in_segment"
    label = gettext_noop("In a list")

    segment: Id
    joined_days: Days | None = None
    longer_days: Days | None = None
    reason: Literal["filter", "hand"] | None = None

    def lower(self, catalog: Catalog) -> Node:
        within, older = (None if n is None else timedelta(days=n) for n in (self.joined_days, self.longer_days))
        return MemberOf(self.segment, within, older, self.reason)

    def mentions(self, object_type: str) -> Iterable[Mention]:
        yield Mention("segment", str(self.segment))
