"""Enrolling many by hand: those chosen in a table, all that match it, the members of a list. One change of many, with progress and a way back."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from baton.automation import enroll, runs
from baton.automation.models import Workflow
from baton.platform import sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid
from baton.segments import bulk
from baton.segments.models import BulkChange

ACTION = "enroll"


def offered(object_type: str) -> list[tuple[int, str]]:
    """(number, name) of the workflows that run and lead such records."""
    found = Workflow.objects.filter(object_type=object_type, state="on", archived_at=None).exclude(published=None)
    return list(found.order_by("name", "pk").values_list("pk", "name"))


def check(object_type: str, detail: Mapping[str, Any]) -> None:
    """Raises Invalid (`workflow`) when it does not run or leads others."""
    if not any(pk == detail.get("workflow") for pk, _name in offered(object_type)):
        raise Invalid.one("workflow", "NOT_FOUND", _("This workflow does not run."))


def act(asked: BulkChange, ids: list[int], actor: Actor) -> list[int]:
    """Enroll these; returns those whose run begins. Who is kept out (inside already, not of its audience …) is passed over."""
    workflow = Workflow.objects.select_related("published").get(pk=asked.detail["workflow"])
    cause = f"bulk:{asked.pk}"
    enroll.enroll(workflow, ids, cause, actor)
    found = sql.rows("SELECT contact_id FROM enrollment WHERE contact_id = ANY(%s) AND workflow_id = %s AND cause = %s", [ids, workflow.pk, cause])
    return sorted(id for (id,) in found)


def back(asked: BulkChange, ids: list[int], actor: Actor) -> int:
    """Take those out whose run is still on its way; what steps did stays done."""
    workflow = Workflow.objects.get(pk=asked.detail["workflow"])
    found = sql.rows(
        "SELECT contact_id FROM enrollment WHERE contact_id = ANY(%s) AND workflow_id = %s AND cause = %s AND state IN ('active', 'queued')",
        [ids, workflow.pk, f"bulk:{asked.pk}"],
    )
    return runs.remove(workflow, [id for (id,) in found], actor) if found else 0


bulk.also(ACTION, bulk.Doing("edit", check, act, back))
