"""Which workflows need a list, a property, a form or the like: in their trigger, their steps, or the condition of a branch. Asked before it is put aside."""

from collections.abc import Iterator, Sequence
from typing import Any

from baton.automation.models import Workflow
from baton.crm import uses
from baton.crm.uses import Mention
from baton.segments import circles, mentions


@circles.also_used_by
def workflows(segment_ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Names of the workflows whose draft or published version looks at these lists."""
    wanted = {str(id) for id in segment_ids}
    for name, found in _workflows():
        yield from ((int(key), name) for key in sorted({m.key for m in found if m.kind == "segment"} & wanted))


@uses.also_used_by
def needed_by(thing: Mention) -> Iterator[str]:
    """Names of the workflows whose draft or published version mentions it."""
    return (name for name, found in _workflows() if thing in found)


def _workflows() -> Iterator[tuple[str, set[Mention]]]:
    for name, *graphs in Workflow.objects.filter(archived_at=None).order_by("id").values_list("name", "draft", "published__graph"):
        yield name, {mention for graph in graphs for mention in _mentions(graph)}


def _mentions(stored: Any) -> Iterator[Mention]:
    """What a stored graph, or a part of it, mentions: by the names that triggers and steps give their fields."""
    if isinstance(stored, list):
        for item in stored:
            yield from _mentions(item)
    elif isinstance(stored, dict):
        if isinstance(stored.get("segment"), int):
            yield Mention("segment", str(stored["segment"]))
        if isinstance(stored.get("form"), int):
            yield Mention("form", str(stored["form"]))
        if isinstance(stored.get("email"), int):
            yield Mention("email", str(stored["email"]))
        if isinstance(name := stored.get("property"), str) and name:
            yield Mention("property", f"contact.{name}")
            if isinstance(value := stored.get("value"), str):
                yield Mention("option", f"contact.{name}", value)
        yield from mentions.things(stored.get("filter"))
        yield from (Mention("segment", str(id)) for id in mentions.lists(stored.get("filter")))
        for part in ("triggers", "steps", "paths"):
            yield from _mentions(stored.get(part))
