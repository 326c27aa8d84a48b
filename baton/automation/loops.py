"""Ways that lead back without ever waiting: whoever came into one would run in circles."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baton.automation.graph import Graph


def endless(graph: "Graph") -> list[str]:
    """The ids of `go_to` steps, in the order of the drawing, that lead back on a way on which nobody has to wait."""
    leads = {step.id: _targets(graph, step.id) for step in graph.walk() if not step.lasts()}
    return [step.id for step in graph.walk() if step.target() in leads and _reaches(leads, step.target(), step.id)]


def _targets(graph: "Graph", step_id: str) -> list[str]:
    step = graph.get(step_id)
    ways = [way.label for way in step.paths] if step else []
    return [to for to in {graph.after(step_id, label) for label in ways or [""]} if to]


def _reaches(leads: Mapping[str, list[str]], start: str, end: str) -> bool:
    """Whether there is a way from one step to another on which nobody has to wait."""
    seen, todo = set[str](), [start]
    while todo:
        here = todo.pop()
        if here == end:
            return True
        if here in seen or here not in leads:
            continue
        seen.add(here)
        todo += leads[here]
    return False
