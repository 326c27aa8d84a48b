"""Begin another workflow for whoever walks, or for the people linked to a deal or ticket. Its own rules decide who may enter."""

from typing import Annotated

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import enroll, whom
from baton.automation.field import Input
from baton.automation.models import Workflow
from baton.automation.step import Batch, Step
from baton.platform import sql
from baton.platform.errors import Problem


class EnrollIn(Step):
    key = "enroll_in"
    label = _("Enroll in another workflow")
    icon = "log-in"
    group = "path"

    workflow: Annotated[int | None, Input("workflow", _("Workflow"))] = None
    role: whom.Role = ""

    def run(self, batch: Batch) -> None:
        other = Workflow.objects.filter(pk=self.workflow or 0).first()
        if other is None or other.archived_at is not None or other.state != "on" or other.pk == batch.workflow_id:
            for one in batch.standing:
                batch.skip(one, gettext("The other workflow does not run."))
            return
        found = whom.targets(batch, other.object_type, self.role)
        causes = {id: batch.cause(one) for one in batch.standing for id in found[one.enrollment_id]}
        enroll.enter(other, causes, actor=batch.actor)
        rows = sql.rows("SELECT contact_id, cause FROM enrollment WHERE contact_id = ANY(%s) AND workflow_id = %s", [list(causes), other.pk])
        entered = {id for id, cause in rows if causes[id] == cause}
        for one in batch.standing:
            if not (ids := found[one.enrollment_id]):
                batch.skip(one, whom.missing(other.object_type))
            elif not entered.intersection(ids):
                batch.skip(one, gettext("The other workflow did not let anybody in: inside already, or its rules forbid it."))

    def detail(self) -> str:
        return name(self.workflow)

    def problems(self) -> list[Problem]:
        return gone(self.workflow)


def name(workflow: int | None) -> str:
    return Workflow.objects.filter(pk=workflow or 0).values_list("name", flat=True).first() or ""


def gone(workflow: int | None) -> list[Problem]:
    """What is wrong with a workflow that a step names."""
    if Workflow.objects.filter(pk=workflow or 0, archived_at=None).exists():
        return []
    return [Problem("workflow", "NOT_FOUND", gettext("This workflow does not exist any more."))]
