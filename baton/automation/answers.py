"""What is kept of an answer that came as JSON: values by their place, small enough to lie in a run's data."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

LETTERS, LARGEST = 2000, 10_000  # of a kept text, of any other kept value
PART = re.compile(r"""\.?([\w-]+)|\[(\d+)\]|\[(?:'([^']*)'|"([^"]*)")\]""")


def steps_of(path: str) -> list[str | int] | None:
    """`$.data.items[0]['plan name']` -> ["data", "items", 0, "plan name"]; None for what is no such path."""
    rest = path.strip().removeprefix("$")
    found: list[str | int] = []
    at = 0
    while at < len(rest):
        part = PART.match(rest, at)
        if part is None:
            return None
        name, number, single, double = part.groups()
        found.append(int(number) if number is not None else next(word for word in (name, single, double) if word is not None))
        at = part.end()
    return found


def chosen(body: bytes, keep: Mapping[str, str]) -> dict[str, Any]:
    """The values that the step wants kept; what the answer does not have, or what is too large, is left out."""
    if not keep:
        return {}
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    found = {name: _at(answer, steps_of(path) or []) for name, path in keep.items()}
    return {name: kept for name, value in found.items() if (kept := _fitting(value)) is not None}


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def _fitting(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")[:LETTERS]
    if isinstance(value, float) and value != value:
        return None
    text = json.dumps(value, ensure_ascii=False)
    return None if len(text) > LARGEST else json.loads(text.replace("\\u0000", ""))
