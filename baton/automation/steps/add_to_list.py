"""Put contacts in a fixed list; each membership shows this workflow as its reason."""

from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import whom
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.platform.errors import Problem
from baton.segments import verbs
from baton.segments.models import Segment


class AddToList(Step):
    key = "add_to_list"
    label = _("Add to a list")
    icon = "list-plus"
    group = "record"

    segment: Annotated[int | None, Input("fixed_segment", _("List"))] = None
    role: whom.Role = ""

    def run(self, batch: Batch) -> None:
        found = whom.targets(batch, "contact", self.role)
        joined = set(verbs.change_members(self.segment or 0, add=whom.each(found), actor=batch.actor).joined)
        for one in batch.standing:
            if not (ids := found[one.enrollment_id]):
                batch.skip(one, whom.missing("contact"))
            elif not joined.intersection(ids):
                batch.skip(one, gettext("Was in the list already."))

    def detail(self) -> str:
        return Segment.objects.filter(pk=self.segment or 0).values_list("name", flat=True).first() or ""

    def problems(self) -> list[Problem]:
        return fixed(self.segment)


def fixed(segment: int | None) -> list[Problem]:
    """What is wrong with a list that people are put in or taken out of."""
    kind = Segment.objects.filter(pk=segment or 0, archived_at=None).values_list("kind", flat=True).first()
    if kind is None:
        return [Problem("segment", "NOT_FOUND", gettext("This list does not exist any more."))]
    if kind != "fixed":
        return [Problem("segment", "INVALID_OPTION", gettext("An active list follows its filter. Choose a fixed one."))]
    return []
