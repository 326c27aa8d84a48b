"""Take contacts out of a fixed list."""

from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import whom
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.automation.steps.add_to_list import fixed
from baton.platform.errors import Problem
from baton.segments import verbs
from baton.segments.models import Segment


class RemoveFromList(Step):
    key = "remove_from_list"
    label = _("Remove from a list")
    icon = "list-minus"
    group = "record"

    segment: Annotated[int | None, Input("fixed_segment", _("List"))] = None
    role: whom.Role = ""

    def run(self, batch: Batch) -> None:
        found = whom.targets(batch, "contact", self.role)
        left = set(verbs.change_members(self.segment or 0, remove=whom.each(found), actor=batch.actor).left)
        for one in batch.standing:
            if not (ids := found[one.enrollment_id]):
                batch.skip(one, whom.missing("contact"))
            elif not left.intersection(ids):
                batch.skip(one, gettext("Was not in the list."))

    def detail(self) -> str:
        return Segment.objects.filter(pk=self.segment or 0).values_list("name", flat=True).first() or ""

    def problems(self) -> list[Problem]:
        return fixed(self.segment)
