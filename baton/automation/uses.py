"""Which workflows use a list: as their trigger, or in the condition of a branch. Asked before the list is put aside."""

from collections.abc import Iterator
from typing import Any

from baton.automation.models import Workflow
from baton.segments import circles, mentions


@circles.also_used_by
def workflows(segment_id: int) -> list[str]:
    """Names of the workflows whose draft or published version looks at this list."""
    found = Workflow.objects.filter(archived_at=None).order_by("id").values_list("name", "draft", "published__graph")
    return [name for name, *graphs in found if any(segment_id in _lists(graph) for graph in graphs)]


def _lists(stored: Any) -> Iterator[int]:
    """The ids of lists that a stored graph, or a part of it, mentions."""
    if isinstance(stored, list):
        for item in stored:
            yield from _lists(item)
    elif isinstance(stored, dict):
        if isinstance(stored.get("segment"), int):
            yield stored["segment"]
        yield from mentions.lists(stored.get("filter"))
        for part in ("trigger", "steps", "paths"):
            yield from _lists(stored.get(part))
