"""`came by search`, `first saw /blog/hr`, `came from naver.com`"""

from collections.abc import Iterable
from typing import Annotated, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from baton.crm.uses import Mention
from baton.query.catalog import Catalog
from baton.query.errors import FilterError
from baton.query.nodes import And, Compare, FirstSeen, Node
from baton.segments.condition import Condition, Text, Word, check_options

PROPERTY = "lead_source"


class Source(Condition):
    """Where a person came from: the source noted on the record, the first page he saw, the site he came to it from. All that are said must fit."""

    key = "source"
    label = gettext_noop("Source")

    sources: Annotated[list[Word], Field(max_length=100)] = []
    first_page: Text = ""
    referrer: Text = ""
    match: Literal["is", "starts", "contains"] = "contains"

    def lower(self, catalog: Catalog) -> Node:
        check_options("sources", self.sources, PROPERTY, catalog)
        tests: list[Node] = [Compare(PROPERTY, "any_of", tuple(self.sources))] if self.sources else []
        operator = {"is": "is", "starts": "starts_with", "contains": "contains"}[self.match]
        if self.first_page:
            tests.append(FirstSeen("first_page", operator, self.first_page))
        if self.referrer:
            tests.append(FirstSeen("first_referrer", operator, self.referrer))
        if not tests:
            raise FilterError("sources", "REQUIRED", gettext_noop("Say a source, a first page or where people came from."))
        return tests[0] if len(tests) == 1 else And(tuple(tests))

    def mentions(self, object_type: str) -> Iterable[Mention]:
        return (Mention("option", f"contact.{PROPERTY}", source) for source in self.sources)
