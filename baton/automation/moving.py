"""People inside a workflow taken over by another version: a handful of statements, however many they are.

The runner is kept out by its own locks, so nobody is at a step while he is moved. A move touches no timer of a wait: who waits
until Tuesday still waits until Tuesday. It runs no step either: a step that a walk has run in this turn has its row in step_run,
and the runner does not run it again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from baton.automation import graph as graphs_of
from baton.automation import runs
from baton.automation.graph import Graph
from baton.automation.models import Version, Workflow
from baton.events import record
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.models import BUCKETS

INSIDE = ("active", "failed", "queued")


@dataclass(frozen=True, slots=True)
class Moves:
    """What a version did with the people inside: by the map, out of the workflow, back to where they stood."""

    moved: int = 0
    out: int = 0
    back: int = 0

    def stored(self) -> dict[str, int]:
        return {"moved": self.moved, "out": self.out, "back": self.back}


@dataclass(slots=True)
class Map:
    """Where people go: old step -> new step or "" (out). `at_once`: old steps where nobody waits for his time; `alike`: a wait becomes a wait."""

    steps: dict[str, str]
    at_once: Collection[str] = ()
    alike: dict[str, str] = field(default_factory=dict)


def standing(workflow: Workflow, versions: Collection[int] | None = None) -> dict[tuple[int, str], int]:
    """How many stand where: (version id, step) -> people inside; only of these versions when given. Queued runs have not begun and count at ""."""
    found = sql.rows(
        "SELECT version_id, CASE WHEN state = 'queued' THEN '' ELSE step END, count(*) FROM enrollment"
        " WHERE workflow_id = %s AND state IN ('active', 'failed', 'queued') AND (%s::bigint[] IS NULL OR version_id = ANY(%s::bigint[])) GROUP BY 1, 2",
        [workflow.pk, *[None if versions is None else list(versions)] * 2],
    )
    return {(version, step): count for version, step, count in found}


def keep_out() -> None:
    """No worker moves, enrolls or ends anybody until the transaction ends; waits for those that do right now.

    To be called before the workflow is held: a worker may be about to write on it.
    """
    for lock in (changes.LOCK, runs.LOCK):
        sql.rows("SELECT pg_advisory_xact_lock(%s, b) FROM generate_series(0, %s) AS b", [lock, BUCKETS - 1])


def take(workflow: Workflow, version: Version, graph: Graph, wanted: Map, versions: Sequence[int]) -> None:
    """Write down where everybody inside these versions stands, and where the map leads him."""
    sql.run(
        sql.load("moved_take", __package__),
        {
            "workflow": workflow.pk, "to": version.pk, "from": list(versions), "first": graph.first, "now": clock.now(), "buckets": BUCKETS,
            "old": list(wanted.steps), "new": list(wanted.steps.values()),
        },
    )  # fmt: skip


def take_out(workflow: Workflow, version: Version, later: Sequence[int]) -> None:
    """Those, too, whom one of these versions put out."""
    sql.run(sql.load("moved_out", __package__), {"workflow": workflow.pk, "to": version.pk, "later": list(later), "now": clock.now()})


def back(workflow: Workflow, version: Version, later: Sequence[int], known: Collection[str]) -> int:
    """Bring back to where he stood whoever has done nothing since one of the `later` versions took him over; returns how many."""
    [(count,)] = sql.rows(
        sql.load("moved_back", __package__), {"workflow": workflow.pk, "to": version.pk, "later": list(later), "known": list(known), "buckets": BUCKETS}
    )
    sql.run(
        "DELETE FROM enrollment_moved m USING enrollment e WHERE m.to_version = %s AND m.from_state = 'removed'"
        " AND e.contact_id = m.contact_id AND e.id = m.enrollment_id AND e.version_id <> m.to_version",
        [version.pk],
    )
    return int(count)


def unmapped(version: Version) -> dict[str, int]:
    """Steps for which the map does not say where their people go, with how many."""
    return dict(sql.rows("SELECT from_step, count(*) FROM enrollment_moved WHERE to_version = %s AND to_step IS NULL GROUP BY 1", [version.pk]))


def apply(workflow: Workflow, version: Version, wanted: Map) -> Moves:
    """Put those of `take` who are not back yet where the map leads them."""
    now = clock.now()
    names = {"workflow": workflow.pk, "to": version.pk, "now": now, "buckets": BUCKETS}
    sql.run(sql.load("moved_close", __package__), {**names, "alike_old": list(wanted.alike), "alike_new": list(wanted.alike.values())})
    gone = sql.rows(sql.load("moved_leave", __package__), names)
    sql.run(sql.load("moved_due", __package__), {**names, "at_once": list(wanted.at_once)})
    moved = sql.run(sql.load("moved_go", __package__), names)
    if workflow.object_type == "contact":
        record.add(
            record.NewEvent(
                contact_id,
                Kind.WORKFLOW_FINISHED,
                now,
                str(workflow.pk),
                workflow.name,
                payload={"enrollment": enrollment_id, "outcome": "removed", "reason": "version"},
            )
            for contact_id, enrollment_id in gone
        )
    return Moves(moved, len(gone))


def thaw(workflow: Workflow, since: datetime, until: datetime) -> None:
    """After a pause: the times kept for the way back move as those of the waits themselves do, see runs.thaw."""
    graphs = {pk: found for pk in Version.objects.filter(workflow=workflow).values_list("pk", flat=True) if (found := graphs_of.readable(pk)) is not None}
    lasting = sorted({step.id for found in graphs.values() for step in found.walk() if step.freezes})
    sql.run(
        "UPDATE enrollment_moved SET due_at = due_at + %s WHERE to_version = ANY(%s) AND from_step = ANY(%s) AND due_at > %s AND due_at < '9000-01-01'",
        [until - since, list(graphs), lasting, since],
    )


def same(old: Graph, new: Graph, step: str) -> bool:
    """Whether a step of this id stands in both, and is the same kind of step."""
    was, now = old.get(step), new.get(step)
    return was is not None and now is not None and was.key == now.key


def suggest(old: Graph, new: Graph, step: str) -> str:
    """Where somebody at this step goes if nobody says otherwise: the same step, else the next one on his way that is still there, else out ("")."""
    seen: set[str] = set()
    at = step
    while at and at not in seen and old.get(at) is not None:
        if same(old, new, at):
            return at
        seen.add(at)
        at = old.after(at)
    return ""


def steps_of(graphs: Mapping[int, Graph]) -> dict[str, Graph]:
    """Every step of some versions with the newest graph that has it."""
    return {step.id: graph for _id, graph in sorted(graphs.items()) for step in graph.walk()}
