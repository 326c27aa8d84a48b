"""What people do with workflows. Each leaves a row in the history."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.automation import edits, graph, versions
from baton.automation import held as holding
from baton.automation.models import Version, Workflow
from baton.crm import types
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid

EMPTY: dict[str, Any] = {"triggers": [], "steps": []}


def create(name: str, actor: Actor, draft: Mapping[str, Any] | None = None, *, object_type: str = "contact", description: str = "") -> Workflow:
    """A new workflow that leads records of a type, not published. Raises Invalid (`name`, or paths of the draft), NotFound (type)."""
    name, kind = _name(name), types.get(object_type)
    stored = graph.parse(draft or EMPTY, kind.key).stored()
    with transaction.atomic():
        workflow = Workflow.objects.create(name=name, draft=stored, object_type=kind.key, description=description.strip())
        history.record(actor, "created", "workflow", workflow.pk, name=name)
    return workflow


def rename(workflow: Workflow, name: str, actor: Actor) -> None:
    """Raises Invalid (`name`)."""
    name = _name(name)
    with transaction.atomic():
        held = holding.hold(workflow)
        history.record(actor, "updated", "workflow", held.pk, name=[held.name, name])
        held.name = workflow.name = name
        held.save(update_fields=["name", "updated_at"])


def save_draft(workflow: Workflow, draft: Mapping[str, Any], actor: Actor, *, seen: edits.Seen | None = None) -> graph.Graph:
    """Keep what is being edited; fields may be missing. Raises Invalid with paths when it cannot be read, Overtaken when `seen` is old (edits.py)."""
    parsed = graph.parse(draft, workflow.object_type)
    with transaction.atomic():
        held = holding.hold(workflow)
        edits.keep(held, parsed.stored(), actor, seen)
        workflow.draft, workflow.draft_at = held.draft, held.draft_at
        history.record(actor, "draft_saved", "workflow", held.pk)
    return parsed


def used_ids(workflow: Workflow) -> set[str]:
    """The ids of all steps that were ever published: a new step gets another one."""
    versions = (graph.readable(id) for id in Version.objects.filter(workflow=workflow).values_list("pk", flat=True))
    return {step.id for version in versions if version is not None for step in version.walk()}


def publish(
    workflow: Workflow,
    actor: Actor,
    note: str = "",
    people: str = versions.STAY,
    steps: Mapping[str, str] | None = None,
    at_once: Collection[str] | None = None,
) -> Version:
    """Make the draft the version that contacts enter from now on, and switch the workflow on; see versions.publish for those inside.

    Raises Invalid with paths when something is missing or does not exist.
    """
    return versions.publish(workflow, actor, note, people, steps, at_once)


def roll_back(workflow: Workflow, to: Version, actor: Actor, note: str = "", steps: Mapping[str, str] | None = None) -> Version:
    """Publish an earlier version again and bring people back to where they stood in it; see versions.rollback."""
    return versions.rollback(workflow, to, actor, note, steps)


def pause(workflow: Workflow, actor: Actor) -> None:
    """Nobody enters, and everybody inside stays where he is until resume(). Raises Conflict when it does not run."""
    _switch(workflow, "on", "paused", actor, "paused", _("Only a workflow that runs can be paused."))


def resume(workflow: Workflow, actor: Actor) -> None:
    """Go on; waits that ended meanwhile end now. Raises Conflict when it is not paused."""
    _switch(workflow, "paused", "on", actor, "resumed", _("Only a paused workflow can be resumed."))


def archive(workflow: Workflow, actor: Actor) -> None:
    """Take the workflow out of use; those inside stay where they are."""
    with transaction.atomic():
        held = holding.hold(workflow)
        held.archived_at = workflow.archived_at = clock.now()
        held.save(update_fields=["archived_at", "updated_at"])
        history.record(actor, "archived", "workflow", held.pk)


def _switch(workflow: Workflow, was: str, becomes: str, actor: Actor, verb: str, refusal: str) -> None:
    with transaction.atomic():
        held = holding.hold(workflow)
        if held.state != was:
            raise Conflict(refusal)
        holding.switch(held, becomes, held.published)
        history.record(actor, verb, "workflow", held.pk)
    holding.copy(held, workflow)


def _name(name: str) -> str:
    if not name.strip():
        raise Invalid.one("name", "REQUIRED", _("A name is required."))
    return name.strip()
