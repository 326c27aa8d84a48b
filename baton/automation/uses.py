"""Which workflows use a list: as their trigger, or in the condition of a branch. Asked before the list is put aside."""

from collections.abc import Iterator, Sequence
from typing import Any

from baton.automation.models import Workflow
from baton.segments import circles, mentions


@circles.also_used_by
def workflows(segment_ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Names of the workflows whose draft or published version looks at these lists."""
    wanted = set(segment_ids)
    for name, *graphs in Workflow.objects.filter(archived_at=None).order_by("id").values_list("name", "draft", "published__graph"):
        yield from ((id, name) for id in sorted(wanted.intersection(id for graph in graphs for id in _lists(graph))))


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
