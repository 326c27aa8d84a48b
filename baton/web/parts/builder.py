"""What every builder shows: blocks in their order, a palette of what can be added, and the public page beside them (ts/builder/, css/builder.css)."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.utils.functional import Promise

from ..answer import toast

KEPT = 20  # blocks that were taken away and can be put back, per session


@dataclass(frozen=True, slots=True)
class Block:
    """One line of the list. `marks`: (icon, what it says) pairs; `fault`: what is wrong with it; a `fixed` block cannot be taken away."""

    key: str
    name: str
    kind: str  # in words
    icon: str
    marks: list[tuple[str, str]] = field(default_factory=list)
    fault: str = ""
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that can be added; `key` is what is posted as `kind`."""

    key: str
    label: str | Promise
    icon: str


def remember(session: MutableMapping[str, Any], what: str, key: str, place: int, block: dict[str, Any]) -> None:
    """Keep a block that was taken away from `what` (form:3), so that the toast can bring it back."""
    kept = [*session.get("blocks_gone", []), [what, key, place, block]]
    session["blocks_gone"] = kept[-KEPT:]


def recall(session: MutableMapping[str, Any], what: str, key: str) -> tuple[int, dict[str, Any]] | None:
    """Its place and itself, once; None when it is no longer known."""
    kept = session.get("blocks_gone", [])
    for at in range(len(kept) - 1, -1, -1):
        if kept[at][:2] == [what, key]:
            found = kept[at]
            session["blocks_gone"] = kept[:at] + kept[at + 1 :]
            return found[2], found[3]
    return None


def undoable(response: HttpResponse, text: str, url: str, key: str, target: str = "#blocks") -> HttpResponse:
    """Say that a block is gone, with the way back: the same address with `do` back."""
    return toast(response, text, {"url": url, "target": target, "values": {"do": "back", "block": key}, "swap": "innerMorph"})
