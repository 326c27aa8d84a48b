"""`sales said: not ready`"""

from datetime import timedelta
from typing import Annotated, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import Field

from baton.events.vocabulary import Kind
from baton.query import describe
from baton.query.catalog import Catalog
from baton.query.errors import FilterError
from baton.query.nodes import Compare, KeyTest, Node, Or, Performed
from baton.segments.condition import Condition, Days

PROPERTY = "sales_verdict"


class Verdict(Condition):
    """What sales said last of a lead, and with `days` that it was said in the last so many; `none`: nothing yet."""

    key = "verdict"
    label = gettext_noop("Verdict of sales")

    verdicts: Annotated[list[Literal["ready", "not_ready", "unqualified", "none"]], Field(min_length=1, max_length=4)]
    days: Days | None = None

    def lower(self, catalog: Catalog) -> Node:
        given: list[str] = [verdict for verdict in self.verdicts if verdict != "none"]
        if self.days is not None:
            if given != self.verdicts:
                raise FilterError("days", "UNEXPECTED_VALUE", gettext_noop("What was not said has no time."))
            last = KeyTest(catalog.event_keys(Kind.VERDICT_GIVEN, "any_of", given))
            return Performed((int(Kind.VERDICT_GIVEN),), within=timedelta(days=self.days), where=(last,), pick="last")
        said: list[Node] = [Compare(PROPERTY, "any_of", tuple(given))] if given else []
        if "none" in self.verdicts:
            said.append(Compare(PROPERTY, "unknown"))
        return said[0] if len(said) == 1 else Or(tuple(said))

    def sentence(self, catalog: Catalog) -> str:
        if self.days is None:
            return super().sentence(catalog)
        said = describe.compared(Compare(PROPERTY, "any_of", tuple(self.verdicts)), catalog, _)
        return ", ".join([said, *describe.time(Performed((0,), within=timedelta(days=self.days)), _)])
