"""What people do with workflows. Each leaves a row in the history."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.automation import edits, graph, moving, runs, versions
from baton.automation import held as holding
from baton.automation.models import Version, Workflow
from baton.automation.settings import Settings
from baton.automation.step import steps
from baton.automation.trigger import triggers
from baton.crm import types, uses
from baton.crm.uses import Mention
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, Problem
from baton.segments.models import Segment

LISTS = ("segment", "fixed_segment", "segments")  # kinds of fields that hold lists
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
    """Nobody enters, and everybody inside stays where he is, his time standing still, until resume(). Raises Conflict when it does not run."""
    _switch(workflow, "on", "paused", actor, "paused", _("Only a workflow that runs can be paused."))


def resume(workflow: Workflow, actor: Actor) -> None:
    """Go on: a wait lasts as long as it still had, a date that passed is now. Raises Conflict when it is not paused."""
    _switch(workflow, "paused", "on", actor, "resumed", _("Only a paused workflow can be resumed."))


def describe(workflow: Workflow, description: str, actor: Actor) -> None:
    """Say what it is for."""
    _keep(workflow, actor, description=description.strip())


def set_owner(workflow: Workflow, owner_id: int | None, actor: Actor) -> None:
    """Who is told of failures; None: nobody in particular. Raises Invalid (`owner`)."""
    if owner_id is not None and not User.objects.filter(pk=owner_id, is_active=True).exists():
        raise Invalid.one("owner", "NOT_FOUND", _("This user does not exist any more."))
    _keep(workflow, actor, owner_id=owner_id)


def lists_of(workflow: Workflow) -> list[Segment]:
    """The lists that its draft names: a clone may name others."""
    found: dict[int, int] = {}
    _swapped(workflow.draft, lambda id: found.setdefault(id, id))
    return list(Segment.objects.filter(pk__in=found).order_by("name"))


def clone(workflow: Workflow, name: str, actor: Actor, swap: Mapping[int, int] | None = None) -> Workflow:
    """A new draft with the same triggers, settings and steps, and `swap` in place of the lists it names (old list -> new list). Nobody is in it.

    Raises Invalid (`name`, `swap.<list>` of a list that is not there).
    """
    wanted = dict(swap or {})
    there = set(Segment.objects.filter(pk__in=wanted.values(), archived_at=None).values_list("pk", flat=True))
    if gone := [old for old, new in wanted.items() if new not in there]:
        raise Invalid([Problem(f"swap.{old}", "NOT_FOUND", _("This list does not exist any more.")) for old in gone])
    draft = _swapped(workflow.draft, lambda id: wanted.get(id, id))
    with transaction.atomic():
        made = create(name, actor, draft, object_type=workflow.object_type, description=workflow.description)
        history.record(actor, "cloned", "workflow", made.pk, of=workflow.pk)
    return made


def archive(workflow: Workflow, actor: Actor, *, people: Literal["stay", "out"] = "stay") -> None:
    """Take the workflow out of use. Those inside `stay` where they are, with their time standing still until restore(), or all go `out`.

    Raises Conflict when another workflow enrolls in it.
    """
    from baton.automation import jobs

    with transaction.atomic():
        held = holding.hold(workflow)
        uses.refuse(Mention("workflow", str(held.pk)), held.name)
        held.archived_at = workflow.archived_at = clock.now()
        if held.state == "on":
            held.state, held.paused_at = "paused", held.archived_at
        held.save(update_fields=["archived_at", "updated_at", "state", "paused_at"])
        history.record(actor, "archived", "workflow", held.pk, people=people)
        if people == "out":
            jobs.remove_everybody.defer(workflow_id=held.pk, actor=str(actor), reason="archived")
    holding.copy(held, workflow)


def restore(workflow: Workflow, actor: Actor) -> None:
    """Take it back into use: paused, if it was published, so that a person looks before anything goes on. Raises NotFound when it is not archived."""
    with transaction.atomic():
        held = holding.hold(workflow, archived=True)
        held.archived_at = workflow.archived_at = None
        held.save(update_fields=["archived_at", "updated_at"])
        history.record(actor, "restored", "workflow", held.pk)
    holding.copy(held, workflow)


def _keep(workflow: Workflow, actor: Actor, **values: Any) -> None:
    with transaction.atomic():
        held = holding.hold(workflow)
        history.record(actor, "updated", "workflow", held.pk, **{name: [getattr(held, name), value] for name, value in values.items()})
        for name, value in values.items():
            setattr(held, name, value)
            setattr(workflow, name, value)
        held.save(update_fields=[*values, "updated_at"])


def _swapped(stored: Any, swap: Callable[[int], int]) -> Any:
    """A stored graph with other lists: in fields that hold lists, and in conditions about them."""
    if isinstance(stored, list):
        return [_swapped(item, swap) for item in stored]
    if not isinstance(stored, dict):
        return stored
    kind = steps().get(str(stored.get("type"))) or triggers().get(str(stored.get("type")))
    asked = kind.inputs() if kind else Settings.inputs() if "suppress" in stored else {}
    made = {}
    for name, value in stored.items():
        if (name in asked and asked[name].kind in LISTS) or (name == "segment" and stored.get("condition") == "in_segment"):
            made[name] = [swap(id) for id in value] if isinstance(value, list) else swap(value) if isinstance(value, int) else value
        else:
            made[name] = _swapped(value, swap)
    return made


def _switch(workflow: Workflow, was: str, becomes: str, actor: Actor, verb: str, refusal: str) -> None:
    with transaction.atomic():
        held = holding.hold(workflow)
        if held.state != was:
            raise Conflict(refusal)
        if becomes == "on" and held.paused_at is not None:
            now = clock.now()
            runs.thaw(held, held.paused_at, now)
            moving.thaw(held, held.paused_at, now)
        held.paused_at = clock.now() if becomes == "paused" else None
        held.save(update_fields=["paused_at"])
        holding.switch(held, becomes, held.published)
        history.record(actor, verb, "workflow", held.pk)
    holding.copy(held, workflow)


def _name(name: str) -> str:
    if not name.strip():
        raise Invalid.one("name", "REQUIRED", _("A name is required."))
    return name.strip()
