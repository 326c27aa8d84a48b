"""`the lifecycle stage is MQL, for more than 30 days`"""

from collections.abc import Iterable
from typing import Annotated

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import Field

from baton.crm.uses import Mention
from baton.events.vocabulary import Kind
from baton.query import describe
from baton.query.catalog import Catalog
from baton.query.errors import FilterError
from baton.query.nodes import And, Compare, Node, Or, Performed
from baton.segments.condition import Condition, Days, Word, check_options

PROPERTY, SINCE = "lifecyclestage", "stage_since"


class Stage(Condition):
    """Is in one of the stages now: entered it in the last `entered_days`, is there for more than `longer_days`; or, with `ever`, was in one at any time."""

    key = "stage"
    label = gettext_noop("Lifecycle stage")

    stages: Annotated[list[Word], Field(min_length=1, max_length=100)]
    entered_days: Days | None = None
    longer_days: Days | None = None
    ever: bool = False

    def lower(self, catalog: Catalog) -> Node:
        check_options("stages", self.stages, PROPERTY, catalog)
        now = self._now()
        if self.ever:
            if self.entered_days is not None or self.longer_days is not None:
                raise FilterError("ever", "UNEXPECTED_VALUE", gettext_noop("How long is asked of the stage somebody is in now."))
            came = Performed((int(Kind.STAGE_CHANGED),), catalog.event_keys(Kind.STAGE_CHANGED, "any_of", self.stages), growing=True)
            return Or((now, came))
        tests: list[Node] = [now]
        if self.entered_days is not None:
            tests.append(Compare(SINCE, "in_last_days", self.entered_days))
        if self.longer_days is not None:
            tests.append(Compare(SINCE, "more_than_days_ago", self.longer_days))
        return tests[0] if len(tests) == 1 else And(tuple(tests))

    def sentence(self, catalog: Catalog) -> str:
        said = [describe.compared(self._now(), catalog, _)]
        if self.ever:
            return _("{filter}, or ever was").format(filter=said[0])
        if self.entered_days is not None:
            said.append(_("entered in the last {n} days").format(n=self.entered_days))
        if self.longer_days is not None:
            said.append(_("for more than {n} days").format(n=self.longer_days))
        return ", ".join(said)

    def mentions(self, object_type: str) -> Iterable[Mention]:
        return (Mention("option", f"contact.{PROPERTY}", stage) for stage in self.stages)

    def _now(self) -> Compare:
        return Compare(PROPERTY, "any_of", tuple(self.stages))
