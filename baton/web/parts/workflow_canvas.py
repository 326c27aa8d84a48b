"""A workflow drawn as a tree: cards with live counts, branches whose lines are as wide as the share of people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from baton.automation import graph, standing
from baton.automation.graph import Graph
from baton.automation.models import Enrollment, Workflow
from baton.automation.standing import Counts, Totals
from baton.automation.step import Step
from baton.platform.errors import Invalid

TONES = {"yes": "good", "no": "quiet"}
WIDTHS = 5  # steps of a line's width: the share of people in fifths
LOG = 8  # rows of the log


@dataclass(frozen=True, slots=True)
class Node:
    """A card: a step or the trigger, with its people."""

    id: str
    kind: str
    icon: str
    label: str
    title: str
    detail: str
    at: str  # the place before it: `root:2`, `s3.yes:0`
    counts: Counts  # (passed, waiting, failed)
    problem: bool
    paths: "tuple[Branch, ...]"


@dataclass(frozen=True, slots=True)
class Branch:
    """A way out of a branch."""

    id: str
    label: str
    tone: str
    share: int  # % of those who passed the branch
    steps: tuple[Node, ...]
    end: str  # the place behind its last step

    @property
    def width(self) -> int:
        return max(1, -(-self.share * WIDTHS // 100))


@dataclass(frozen=True, slots=True)
class Canvas:
    trigger: Node | None
    steps: tuple[Node, ...]
    end: str

    def walk(self) -> Iterator[Node]:
        if self.trigger:
            yield self.trigger
        yield from _walk(self.steps)

    def branches(self) -> Iterator[Branch]:
        for node in self.walk():
            yield from node.paths


def _walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        yield node
        for way in node.paths:
            yield from _walk(way.steps)


def read(data: Mapping[str, Any]) -> Graph:
    """A draft as a graph; a broken one (never stored by the product itself) is shown empty."""
    try:
        return graph.parse(data or {})
    except Invalid:
        return graph.parse({})


def draw(found: Graph, workflow: Workflow) -> Canvas:
    """The tree of a graph with the counts of the workflow: three queries, and what the steps' own words need."""
    counts = standing.counts(workflow)
    taken = standing.ways(workflow)
    faulty = [p.path for p in found.problems()]

    def node(step: Step, at: str) -> Node:
        here = found.where(step.id)
        whole = sum(n for (of, _label), n in taken.items() if of == step.id)
        ways = tuple(
            Branch(
                f"{step.id}-{path.label}",
                str(dict(step.labels).get(path.label, path.label)),
                TONES.get(path.label, ""),
                round(taken.get((step.id, path.label), 0) * 100 / whole) if whole else 0,
                tuple(node(s, f"{step.id}.{path.label}:{i}") for i, s in enumerate(path.steps)),
                f"{step.id}.{path.label}:{len(path.steps)}",
            )
            for path in step.paths
        )
        problem = any(p == here or (p.startswith(f"{here}.") and not p.startswith(f"{here}.paths[")) for p in faulty)
        return Node(step.id, step.key, step.icon, str(step.label), step.heading(), step.detail(), at, counts.get(step.id, Counts()), problem, ways)

    trigger = found.triggers[0] if found.triggers else None
    head = None
    if trigger is not None:
        problem = any(p.startswith("trigger") for p in faulty)
        head = Node(trigger.id, "trigger", trigger.icon, str(trigger.label), trigger.heading(), trigger.detail(), "", counts.get("t", Counts()), problem, ())
    return Canvas(head, tuple(node(s, f"root:{i}") for i, s in enumerate(found.steps)), f"root:{len(found.steps)}")


def totals(workflow_ids: list[int]) -> dict[int, Totals]:
    """The numbers of several workflows, by id, with one query for all."""
    states: dict[int, dict[str, int]] = {pk: {} for pk in workflow_ids}
    for pk, state, n in Enrollment.objects.filter(workflow_id__in=workflow_ids).values_list("workflow_id", "state").annotate(Count("id")).order_by():
        states[pk][state] = n
    return {pk: Totals(sum(n.values()), n.get("active", 0), n.get("finished", 0), n.get("failed", 0)) for pk, n in states.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log in words."""

    at: datetime
    contact_id: int
    name: str
    company: str
    what: str
    state: str
    tone: str


def log(workflow: Workflow, found: Graph, step: str = "", limit: int = LOG) -> list[Entry]:
    """The newest moves, of all steps or one."""
    return [_entry(move, found) for move in standing.recent(workflow, limit, step)]


def _entry(move: standing.Move, found: Graph) -> Entry:
    step = found.get(move.step)
    title = step.heading() if step else _("a step of an earlier version")
    name = move.name or f"#{move.contact_id}"
    match move.outcome:
        case "enrolled":
            what, state, tone = found.triggers[0].heading() if found.triggers else _("Enrolled"), _("Enrolled"), ""
        case "waiting":
            what, state, tone = title, _("Waiting"), "warn"
        case "failed":
            what, state, tone = f"{title} – {_reason(move)}", _("Failed"), "bad"
        case "skipped":
            what, state, tone = f"{title} – {_reason(move)}", _("Skipped"), ""
        case "done":
            what, state, tone = title, _("Done"), "good"
        case way:
            names = dict(step.labels) if step else {}
            what, state, tone = title, str(names.get(way, way)), ""
    return Entry(move.at, move.contact_id, name, move.company, what, state, tone)


def _reason(move: standing.Move) -> str:
    reason = str(move.detail.get("reason", ""))
    known = {"nobody": _("nobody to tell"), "no_email": _("the e-mail does not exist any more")}
    return known.get(reason, reason)


def live_parts(workflow: Workflow) -> dict[str, str]:
    """The parts of the page that change by themselves: element id -> HTML."""
    found = read(workflow.draft)
    canvas = draw(found, workflow)
    parts = {f"counts-{n.id}": render_to_string("workflows/counts.html", {"n": n}) for n in canvas.walk()}
    parts |= {f"share-{b.id}": render_to_string("workflows/share.html", {"way": b}) for b in canvas.branches()}
    parts["kpis"] = render_to_string("workflows/kpis.html", {"totals": standing.totals(workflow)})
    parts["log-rows"] = render_to_string("workflows/log_rows.html", {"log": log(workflow, found)})
    return {target: html.strip() for target, html in parts.items()}
