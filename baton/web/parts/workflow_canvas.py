"""A workflow drawn as a tree of steps with live counts (placeholder until the graph's reader is there)."""

from baton.automation.models import Workflow


def live_parts(workflow: Workflow) -> dict[str, str]:
    """The parts of the page that change by themselves: element id -> HTML."""
    return {}
