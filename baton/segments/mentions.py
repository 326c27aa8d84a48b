"""What a stored filter mentions, read from its JSON alone."""

from collections.abc import Iterator
from typing import Any


def lists(stored: Any) -> Iterator[int]:
    """The ids of the lists a stored filter mentions, without checking it."""
    if isinstance(stored, list):
        for item in stored:
            yield from lists(item)
    elif isinstance(stored, dict):
        if stored.get("condition") == "in_segment" and isinstance(stored.get("segment"), int):
            yield stored["segment"]
        for group in ("all", "any", "not"):
            yield from lists(stored.get(group))
