"""Go one way or the other, by a filter: the same language as lists, asked about those who stand here."""

from typing import Annotated, Any

from django.utils.translation import gettext_lazy as _

from baton.automation.field import Input, join
from baton.automation.step import Batch, Step
from baton.platform import sql
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem
from baton.query import compile
from baton.segments import catalog, filter


class Branch(Step):
    key = "branch"
    label = _("Branch")
    icon = "split"
    labels = (("yes", _("Yes")), ("no", _("No")))

    filter: Annotated[dict[str, Any], Input("filter", _("Condition"))] = {}

    def run(self, batch: Batch) -> None:
        known = catalog.current()
        test = compile.condition(filter.parse(self.filter, known), known, now=batch.now, zone=config().zone, whom=True)
        found = sql.rows(f"SELECT c.id FROM contact c WHERE c.id = ANY(%(ids)s) AND ({test.text})", {**test.params, "ids": batch.contact_ids})
        yes = {contact_id for (contact_id,) in found}
        batch.take("yes", [one for one in batch.standing if one.contact_id in yes])
        batch.take("no", [one for one in batch.standing if one.contact_id not in yes])

    def detail(self) -> str:
        try:
            return filter.sentence(self.filter) if self.filter else ""
        except Invalid:
            return ""

    def problems(self) -> list[Problem]:
        try:
            filter.parse(self.filter, catalog.current())
        except Invalid as error:
            return [Problem(join("filter", p.path) if p.path else "filter", p.code, p.message) for p in error.problems]
        return []
