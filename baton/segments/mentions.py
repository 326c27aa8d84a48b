"""What a stored filter mentions, read from its JSON alone."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from baton.crm.uses import Mention
from baton.segments.condition import conditions


def lists(stored: Any) -> Iterator[int]:
    """The ids of the lists a stored filter mentions, without checking it."""
    if isinstance(stored, list):
        for item in stored:
            yield from lists(item)
    elif isinstance(stored, dict):
        if stored.get("condition") == "in_segment" and isinstance(stored.get("segment"), int):
            yield stored["segment"]
        for group in ("all", "any", "not", "filter"):
            yield from lists(stored.get(group))


def things(stored: Any, object_type: str = "contact") -> Iterator[Mention]:
    """All that a stored filter about records of a type would be broken without. A condition that cannot be read mentions nothing."""
    match stored:
        case [*parts]:
            for part in parts:
                yield from things(part, object_type)
        case {"condition": str(key), **fields}:
            kind = conditions().get(key)
            try:
                yield from kind.model_validate(fields).mentions(object_type) if kind else ()
            except ValidationError:
                return
        case {"related": str(other), **rest}:
            yield from things(rest.get("filter"), other)
        case {**groups}:
            for word in ("all", "any", "not"):
                yield from things(groups.get(word), object_type)
