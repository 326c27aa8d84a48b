"""A workflow drawn as a tree: cards with live counts, and the ways out of branches with the share of people who take them."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from baton.accounts.rights import Rights
from baton.automation import graph, standing
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.automation.settings import AGAIN
from baton.automation.standing import Counts
from baton.automation.step import Step
from baton.platform.errors import Invalid, Problem

from . import workflow_log

TONES = {"yes": "good", "no": "quiet"}
WIDTHS = 5  # steps of a line's width: the share of people in fifths


@dataclass(frozen=True, slots=True)
class Node:
    """A card: a step or a trigger, with its people."""

    id: str
    kind: str
    group: str
    icon: str
    label: str
    title: str
    detail: str
    at: str  # the place before it: `root:2`, `s3.yes:0`
    after: str  # the place behind it
    counts: Counts
    problem: bool
    ways: "tuple[Way, ...]" = ()
    ends: bool = False  # nobody goes on from here
    goes: str = ""  # the step where the walk goes on instead
    goes_title: str = ""

    @property
    def closed(self) -> bool:
        """Whether nothing leads on to what stands below it."""
        return self.ends or bool(self.goes) or (bool(self.ways) and all(way.closed for way in self.ways))


@dataclass(frozen=True, slots=True)
class Way:
    """A way out of a branch."""

    id: str
    step: str
    outcome: str  # its label in the stored form, by which people are counted
    label: str
    tone: str
    people: int
    share: int  # % of those who passed the branch
    steps: tuple[Node, ...]
    end: str  # the place behind its last step

    @property
    def width(self) -> int:
        return max(1, -(-self.share * WIDTHS // 100))

    @property
    def closed(self) -> bool:
        return any(node.closed for node in self.steps)


@dataclass(frozen=True, slots=True)
class Canvas:
    triggers: tuple[Node, ...]
    rules: str  # the settings of the workflow in a few words
    rules_problem: bool
    steps: tuple[Node, ...]
    end: str

    @property
    def closed(self) -> bool:
        return any(node.closed for node in self.steps)

    def walk(self) -> Iterator[Node]:
        yield from self.triggers
        yield from _walk(self.steps)

    def ways(self) -> Iterator[Way]:
        for node in self.walk():
            yield from node.ways


def _walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        yield node
        for way in node.ways:
            yield from _walk(way.steps)


def read(workflow: Workflow) -> Graph:
    """The draft as a graph; a broken one (never stored by the product itself) is shown empty."""
    try:
        return graph.parse(workflow.draft or {}, workflow.object_type)
    except Invalid:
        return graph.parse({}, workflow.object_type)


class _Drawing:
    def __init__(self, found: Graph, workflow: Workflow, problems: list[Problem]) -> None:
        self.found = found
        self.counts = standing.counts(workflow)
        self.taken = standing.ways(workflow)
        self.faulty = [p.path for p in problems]

    def node(self, step: Step, name: str, i: int) -> Node:
        here = self.found.where(step.id)
        goal = self.found.get(step.target()) if step.target() else None
        return Node(
            step.id, step.key, step.group, step.icon, str(step.label), step.heading(), step.detail(), f"{name}:{i}", f"{name}:{i + 1}",
            self.counts.get(step.id, Counts()), any(p == here or (p.startswith(f"{here}.") and not p.startswith(f"{here}.paths[")) for p in self.faulty),
            self.ways(step), bool(step.ends), step.target(), goal.heading() if goal else "",
        )  # fmt: skip

    def ways(self, step: Step) -> tuple[Way, ...]:
        names, whole = dict(step.ways()), sum(n for (of, _label), n in self.taken.items() if of == step.id)
        return tuple(
            Way(
                f"{step.id}-{number}", step.id, path.label, str(names.get(path.label, path.label)), TONES.get(path.label, ""),
                people := self.taken.get((step.id, path.label), 0), round(people * 100 / whole) if whole else 0,
                tuple(self.node(s, f"{step.id}.{path.label}", i) for i, s in enumerate(path.steps)), f"{step.id}.{path.label}:{len(path.steps)}",
            )
            for number, path in enumerate(step.paths)
        )  # fmt: skip

    def triggers(self) -> tuple[Node, ...]:
        return tuple(
            Node(
                t.id, t.key, "trigger", t.icon, str(t.label), t.heading(), t.detail(), "", "root:0",
                self.counts.get(t.id, Counts()), any(p == f"triggers[{i}]" or p.startswith(f"triggers[{i}].") for p in self.faulty),
            )
            for i, t in enumerate(self.found.triggers)
        )  # fmt: skip


def draw(found: Graph, workflow: Workflow, problems: list[Problem] | None = None) -> Canvas:
    """The tree of a graph with the counts of the workflow: a query each for counts and ways, and what the steps' own words need."""
    drawing = _Drawing(found, workflow, found.problems() if problems is None else problems)
    steps = tuple(drawing.node(s, "root", i) for i, s in enumerate(found.steps))
    return Canvas(drawing.triggers(), rules(found), any(p.startswith("settings") for p in drawing.faulty), steps, f"root:{len(steps)}")


@dataclass(frozen=True, slots=True)
class Number:
    """A key number of the workflow, which opens its people."""

    label: str
    outcome: str
    n: int
    share: float | None = None
    bad: bool = False


def kpis(workflow: Workflow) -> list[Number]:
    """The numbers above the canvas."""
    states = standing.states_of(workflow)
    enrolled, goal = sum(states.values()), states.get("goal", 0)
    end = Number(_("Reached the goal"), "goal", goal, goal / enrolled) if goal else Number(_("Finished"), "finished", states.get("finished", 0))
    inside = Number(_("Inside now"), "active", states.get("active", 0))
    return [Number(_("Enrolled"), "enrolled", enrolled), inside, end, Number(_("Failed"), "failed", states.get("failed", 0), None, True)]


def rules(found: Graph) -> str:
    """The settings of a workflow in a few words."""
    settings = found.settings
    again = _("Again {n} days later").format(n=settings.again_days) if settings.again == "after_days" else str(dict(AGAIN)[settings.again])
    parts = [again, _("only some") if settings.audience else "", _("lists left out") if settings.suppress else "", _("goal") if settings.goal else ""]
    return " · ".join(part for part in parts if part)


def live_parts(workflow: Workflow, held: Rights) -> dict[str, str]:
    """The parts of the page that change by themselves: element id -> HTML."""
    found = read(workflow)
    canvas = draw(found, workflow, [])
    parts = {f"counts-{n.id}": render_to_string("workflows/counts.html", {"n": n, "workflow": workflow}) for n in canvas.walk()}
    parts |= {f"share-{w.id}": render_to_string("workflows/share.html", {"way": w, "workflow": workflow}) for w in canvas.ways()}
    parts["kpis"] = render_to_string("workflows/kpis.html", {"kpis": kpis(workflow), "workflow": workflow})
    parts["log-rows"] = render_to_string("workflows/log_rows.html", {"log": workflow_log.rows(workflow, found, held)})
    return {target: html.strip() for target, html in parts.items()}
