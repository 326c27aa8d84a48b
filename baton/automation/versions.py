"""Published versions: made, rolled back, and what becomes of the people inside. A version never changes; a way back is a new one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from baton.automation import circles, difference, edits, graph, held, moving
from baton.automation.graph import Graph
from baton.automation.models import Version, Workflow
from baton.automation.moving import Map, Moves
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

STAY, MOVE = "stay", "move"


@dataclass(frozen=True, slots=True)
class Stand:
    """A step where people stand, and where a new version would lead them. `there`: it is in the new version as it is."""

    step: str
    title: str
    count: int
    there: bool
    suggested: str  # step id, "": out
    at_once: bool  # whether those moved elsewhere go on without waiting for their time


def publish(
    workflow: Workflow,
    actor: Actor,
    note: str = "",
    people: str = STAY,
    steps: Mapping[str, str] | None = None,
    at_once: Collection[str] | None = None,
) -> Version:
    """Make the draft the version that people enter from now on, and switch the workflow on.

    People inside earlier versions `stay` in theirs, or `move`: a step that is still there keeps its people, those at a step that is gone
    go where `steps` says (old step -> new step, "" for out). A wait keeps its time; those moved to another kind of step come there when
    their time is over, or now for the steps of `at_once` (without it: where they wait for something else than time). No step runs twice.
    Raises Invalid: paths of the graph, `people`, `steps.<id>` for a step with people that the map must name.
    """
    if people not in (STAY, MOVE):
        raise Invalid.one("people", "INVALID_OPTION", _("Expected one of {types}.").format(types=f"{STAY}, {MOVE}"))
    with transaction.atomic():
        if people == MOVE:
            moving.keep_out()
        row = held.hold(workflow)
        parsed = graph.parse(row.draft, row.object_type)
        if problems := parsed.problems() + circles.problems(row, parsed):
            raise Invalid(problems)
        stored = parsed.stored()
        version, moves = row.published, Moves()
        if version is None or version.graph != stored:
            version = _new(row, stored, note, actor)
        elif note:
            Version.objects.filter(pk=version.pk).update(note=note)
        if people == MOVE:
            moves = _move(row, version, parsed, steps or {}, at_once)
        held.switch(row, "on", version)
        told = {"note": note} if note else {}
        history.record(actor, "published", "workflow", row.pk, version=version.number, **told, **(moves.stored() if people == MOVE else {}))
    held.copy(row, workflow)
    return version


def rollback(workflow: Workflow, to: Version, actor: Actor, note: str = "", steps: Mapping[str, str] | None = None) -> Version:
    """Publish an earlier version's graph again, as a new version; answers it, with the `counts` of its people.

    Whom later versions took over and who has done nothing since goes back to where he stood, with his timer, also when he was put out.
    Everybody else inside a later version goes by step: the same, `steps`, or the next that is still there.
    Raises Conflict when this is the live version, NotFound when it is another workflow's, Invalid when it cannot be published any more.
    """
    if to.workflow_id != workflow.pk:
        raise NotFound(_("There is no such version."))
    with transaction.atomic():
        moving.keep_out()
        row = held.hold(workflow)
        if row.published_id == to.pk:
            raise Conflict(_("This version is the one that runs."))
        parsed = graph.parse(to.graph, row.object_type)
        if problems := parsed.problems():
            raise Invalid(problems)
        later = list(Version.objects.filter(workflow=row, number__gt=to.number).values_list("pk", flat=True))
        version = _new(row, to.graph, note, actor, restores=to.number)
        moves = _back(row, version, parsed, later, steps or {})
        edits.keep(row, to.graph, actor, None)
        held.switch(row, "on" if row.state != "paused" else "paused", version)
        history.record(actor, "rolled_back", "workflow", row.pk, version=version.number, restores=to.number, note=note, **moves.stored())
    held.copy(row, workflow)
    workflow.draft, workflow.draft_at = row.draft, row.draft_at
    return version


def stands(workflow: Workflow, new: Graph, versions: Collection[int] | None = None) -> list[Stand]:
    """Where people inside stand, and where they would go in a new graph: what a person looks at before he moves them. In the order of the steps."""
    counts: dict[str, int] = {}
    ids: set[int] = set()
    for (version_id, step), count in moving.standing(workflow, versions).items():
        ids.add(version_id)
        if step:
            counts[step] = counts.get(step, 0) + count
    of = moving.steps_of({id: found for id in ids if (found := graph.readable(id)) is not None})
    order = {step: number for number, step in enumerate(of)}
    return [_stand(step, counts[step], of.get(step), new) for step in sorted(counts, key=lambda step: order.get(step, 0))]


def _stand(step: str, count: int, old: Graph | None, new: Graph) -> Stand:
    found = old.get(step) if old else None
    if old is None or found is None:
        return Stand(step, step, count, False, "", False)
    return Stand(step, difference.title(found), count, moving.same(old, new, step), moving.suggest(old, new, step), found.watches() is not None)


def of(workflow: Workflow) -> list[Version]:
    """All versions, the newest first, without their graphs."""
    return list(Version.objects.filter(workflow=workflow).defer("graph").order_by("-number"))


def get(workflow: Workflow, number: int) -> Version:
    """A version by its number. Raises NotFound."""
    found = Version.objects.filter(workflow=workflow, number=number).first()
    if found is None:
        raise NotFound(_("There is no such version."))
    return found


def _new(row: Workflow, stored: dict[str, Any], note: str, actor: Actor, restores: int | None = None) -> Version:
    number = (Version.objects.filter(workflow=row).aggregate(last=Max("number"))["last"] or 0) + 1
    return Version.objects.create(
        workflow=row, number=number, graph=stored, note=note.strip(), restores=restores, published_at=clock.now(), published_by=str(actor)
    )


def _move(row: Workflow, version: Version, new: Graph, given: Mapping[str, str], at_once: Collection[str] | None) -> Moves:
    """Everybody inside the versions before goes by the map. Raises Invalid (`steps.<id>`) where somebody stands and the map says nothing."""
    before = list(Version.objects.filter(workflow=row, number__lt=version.number).values_list("pk", flat=True))
    if not before:
        return Moves()
    wanted = _map(row, new, before, given, at_once, every=False)
    moving.take(row, version, new, wanted, before)
    if missing := moving.unmapped(version):
        raise Invalid([Problem(f"steps.{s}", "REQUIRED", _("Say where the people at this step go on.")) for s in sorted(missing)])
    return _told(version, wanted, moving.apply(row, version, wanted))


def _back(row: Workflow, version: Version, new: Graph, later: list[int], given: Mapping[str, str]) -> Moves:
    if not later:
        return Moves()
    wanted = _map(row, new, later, given, None, every=True)
    moving.take(row, version, new, wanted, later)
    moving.take_out(row, version, later)
    back = moving.back(row, version, later, [step.id for step in new.walk()])
    moves = moving.apply(row, version, wanted)
    return _told(version, wanted, Moves(moves.moved, moves.out, back))


def _map(row: Workflow, new: Graph, versions: list[int], given: Mapping[str, str], at_once: Collection[str] | None, *, every: bool) -> Map:
    """What is said, completed: steps that are still there keep their people; with `every`, the others go to the next step that is there."""
    known = {step.id for step in new.walk()}
    if wrong := [old for old, to in given.items() if to and to not in known]:
        raise Invalid([Problem(f"steps.{old}", "NOT_FOUND", _("There is no step {id}.").format(id=given[old])) for old in wrong])
    graphs = {id: found for id in versions if (found := graph.readable(id)) is not None}
    wanted = Map({}, at_once if at_once is not None else [])
    for step, of_step in moving.steps_of(graphs).items():
        was = of_step.get(step)
        assert was is not None
        to = given.get(step, step if moving.same(of_step, new, step) else moving.suggest(of_step, new, step) if every else None)
        if to is None:
            continue
        wanted.steps[step] = to
        becomes = new.get(to)
        if to != step and becomes is not None and becomes.key == was.key:
            wanted.alike[step] = to
        elif to != step and at_once is None and was.watches() is not None:
            wanted.at_once = [*wanted.at_once, step]
    return wanted


def _told(version: Version, wanted: Map, moves: Moves) -> Moves:
    """Keep with the version where people went: only the steps that lead elsewhere."""
    version.steps = {old: to for old, to in wanted.steps.items() if old != to}
    version.counts = moves.stored()
    version.save(update_fields=["steps", "counts"])
    return moves
