"""What to look at before publishing: what is missing (graph.problems), and what only the whole shows. Each check says where to mend it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from baton.automation.graph import Graph
from baton.automation.models import Workflow


@dataclass(frozen=True, slots=True)
class Check:
    """One thing found. `step` is the id of the step or trigger it is about, "settings", or ""; the fix is an address and the words of its button."""

    path: str
    step: str
    message: str
    fix_url: str
    fix_label: str
    blocks: bool  # publishing is refused; else it is a hint


def found(graph: Graph, workflow: Workflow) -> list[Check]:
    """Everything found, what blocks first, each in the order of the drawing."""
    checks = [*_problems(graph, workflow)]
    return sorted(checks, key=lambda check: not check.blocks)


def _problems(graph: Graph, workflow: Workflow) -> Iterator[Check]:
    for problem in graph.problems():
        step = at(graph, problem.path)
        yield Check(problem.path, step, problem.message, f"/workflows/{workflow.pk}/?node={step}", _("Open"), True)


def at(graph: Graph, path: str) -> str:
    """The id of the step or trigger that a path leads to, "settings", or "" for the whole."""
    if path.startswith("settings"):
        return "settings"
    for number, trigger in enumerate(graph.triggers):
        if path.startswith(f"triggers[{number}]"):
            return trigger.id
    places = [(graph.where(step.id), step.id) for step in graph.walk()]
    return max(((place, id) for place, id in places if path == place or path.startswith(f"{place}.")), key=lambda one: len(one[0]), default=("", ""))[1]
