"""End the run of whoever walks in another workflow, or those of the people linked to a deal or ticket."""

from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import runs, whom
from baton.automation.field import Input
from baton.automation.models import Workflow
from baton.automation.step import Batch, Step
from baton.automation.steps.enroll_in import gone, name
from baton.platform import sql
from baton.platform.errors import Problem


class Leave(Step):
    key = "leave"
    label = _("Leave another workflow")
    icon = "log-out"
    group = "path"

    workflow: Annotated[int | None, Input("workflow", _("Workflow"))] = None
    role: whom.Role = ""

    def run(self, batch: Batch) -> None:
        other = Workflow.objects.filter(pk=self.workflow or 0).exclude(pk=batch.workflow_id).first()
        if other is None:
            for one in batch.standing:
                batch.skip(one, gettext("This workflow does not exist any more."))
            return
        found = whom.targets(batch, other.object_type, self.role)
        rows = sql.rows(
            "SELECT DISTINCT contact_id FROM enrollment WHERE contact_id = ANY(%s) AND workflow_id = %s AND state IN ('active', 'queued', 'failed')",
            [whom.each(found), other.pk],
        )
        inside = {id for (id,) in rows}
        if inside:
            runs.remove(other, sorted(inside), batch.actor, gettext("A step of another workflow"))
        for one in batch.standing:
            if not inside.intersection(found[one.enrollment_id]):
                batch.skip(one, gettext("Was not inside."))

    def detail(self) -> str:
        return name(self.workflow)

    def problems(self) -> list[Problem]:
        return gone(self.workflow)
