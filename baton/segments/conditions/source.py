"""`came by organic search`, `came by the campaign spring`, `first saw /blog/hr`, `came from naver.com`"""

from collections.abc import Iterable
from typing import Annotated, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from baton.crm.uses import Mention
from baton.query.catalog import Catalog
from baton.query.errors import FilterError
from baton.query.nodes import And, Compare, FirstSeen, Node, Or
from baton.segments.condition import Condition, Text, Word, check_options

PROPERTY = "lead_source"
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign")


class Source(Condition):
    """Where a person came from. All that are said must fit.

    `sources` is what people noted on the record. `classes` and `detail` (engine, site, campaign, file …; either of the two) are what Baton worked out, of the
    first visit or the latest one; the campaign words, the first page and the site before it are of the first one.
    """

    key = "source"
    label = gettext_noop("Source")

    classes: Annotated[list[Word], Field(max_length=100)] = []
    which: Literal["first", "latest"] = "first"
    detail: Text = ""
    utm_source: Text = ""
    utm_medium: Text = ""
    utm_campaign: Text = ""
    sources: Annotated[list[Word], Field(max_length=100)] = []
    first_page: Text = ""
    referrer: Text = ""
    match: Literal["is", "starts", "contains"] = "contains"

    def lower(self, catalog: Catalog) -> Node:
        check_options("sources", self.sources, PROPERTY, catalog)
        worked_out = {"first": "original_source", "latest": "latest_source"}[self.which]
        check_options("classes", self.classes, worked_out, catalog)
        tests: list[Node] = [Compare(worked_out, "any_of", tuple(self.classes))] if self.classes else []
        tests += [Compare(PROPERTY, "any_of", tuple(self.sources))] if self.sources else []
        operator = {"is": "is", "starts": "starts_with", "contains": "contains"}[self.match]
        if self.detail:
            tests.append(Or(tuple(Compare(f"{worked_out}_{n}", operator, self.detail) for n in (1, 2))))
        tests += [Compare(f"first_{name}", operator, word) for name in CAMPAIGN if (word := getattr(self, name))]
        if self.first_page:
            tests.append(FirstSeen("first_page", operator, self.first_page))
        if self.referrer:
            tests.append(FirstSeen("first_referrer", operator, self.referrer))
        if not tests:
            raise FilterError("sources", "REQUIRED", gettext_noop("Say a source, a campaign, a first page or where people came from."))
        return tests[0] if len(tests) == 1 else And(tuple(tests))

    def mentions(self, object_type: str) -> Iterable[Mention]:
        return (Mention("option", f"contact.{PROPERTY}", source) for source in self.sources)  # classes are Baton's own
