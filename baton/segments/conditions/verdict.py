"""`sales said: not ready`"""

from typing import Annotated, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from baton.query.catalog import Catalog
from baton.query.nodes import Compare, Node, Or
from baton.segments.condition import Condition

PROPERTY = "sales_verdict"


class Verdict(Condition):
    """What sales said last of a lead; `none`: nothing yet."""

    key = "verdict"
    label = gettext_noop("Verdict of sales")

    verdicts: Annotated[list[Literal["ready", "not_ready", "unqualified", "none"]], Field(min_length=1, max_length=4)]

    def lower(self, catalog: Catalog) -> Node:
        said: list[Node] = [Compare(PROPERTY, "any_of", given)] if (given := tuple(v for v in self.verdicts if v != "none")) else []
        if "none" in self.verdicts:
            said.append(Compare(PROPERTY, "unknown"))
        return said[0] if len(said) == 1 else Or(tuple(said))
