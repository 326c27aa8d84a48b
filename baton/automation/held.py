"""A workflow held for a change: nobody else changes it, or its state, until the transaction ends."""

from django.utils.translation import gettext as _

from baton.automation.models import Version, Workflow
from baton.platform import live, sql
from baton.platform.errors import NotFound


def hold(workflow: Workflow, *, archived: bool = False) -> Workflow:
    """The row as it is now, locked, with its published version. Raises NotFound when it was archived (with `archived`: when it was not)."""
    found = Workflow.objects.select_for_update(of=("self",)).select_related("published").filter(pk=workflow.pk, archived_at__isnull=not archived).first()
    if found is None:
        raise NotFound(_("This workflow does not exist any more."))
    return found


def switch(held: Workflow, state: str, version: Version | None) -> None:
    """Give it a state and a live version; open pages and the timers hear of it."""
    held.state, held.published = state, version
    held.save(update_fields=["state", "published", "updated_at"])
    live.publish(f"workflow:{held.pk}", what="counts")
    sql.run("NOTIFY baton_timer")  # a resumed workflow may have steps that are due


def copy(held: Workflow, workflow: Workflow) -> None:
    """The caller's object says what the database says."""
    workflow.state, workflow.published, workflow.paused_at = held.state, held.published, held.paused_at
