"""What a filter looks at, so that a change wakes only the definitions that can care."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, assert_never

from .nodes import And, Compare, Everyone, FirstSeen, HasState, InBand, MemberOf, Nobody, Node, Not, Or, Performed, Related, ScoreIs, Subscribed, walk


@dataclass(frozen=True, slots=True)
class Depends:
    """Sets of names. An event with key None means: any event of that kind."""

    properties: frozenset[str] = frozenset()  # of the contact
    events: frozenset[tuple[int, int | None]] = frozenset()
    segments: frozenset[int] = frozenset()
    scores: frozenset[int] = frozenset()
    related: frozenset[tuple[str, str]] = frozenset()  # (object type, property); ("company", "") for the link itself
    states: frozenset[str] = frozenset()  # channels whose consent or suppression matters

    def __or__(self, other: "Depends") -> "Depends":
        return Depends(*(getattr(self, name) | getattr(other, name) for name in _FIELDS))

    def woken_by(self, kind: str, key: str) -> bool:
        """Can a change (see platform.changes.Change) of this kind and key alter who matches?

        `related` changes have the key `<object type>:<property>`, `consent` changes the channel. `edge` and `identity` wake everything.
        """
        match kind:
            case "property":
                return key in self.properties
            case "event":
                number, _, about = key.partition(":")
                return (int(number), None) in self.events or (int(number), int(about or 0)) in self.events
            case "membership":
                return int(key.partition(":")[0]) in self.segments
            case "score":
                return int(key or 0) in self.scores or (not key and bool(self.scores))
            case "related":
                object_type, _, name = key.partition(":")
                return (object_type, name) in self.related if name else any(t == object_type for t, _ in self.related)
            case "consent":
                return key in self.states or (not key and bool(self.states))
            case "stage":
                return "lifecyclestage" in self.properties
            case "booking":
                return False  # becomes an event first
            case _:
                return True

    def to_json(self) -> dict[str, Any]:
        """For a JSON column; sorted, so that equal sets give equal texts."""
        return {name: sorted((list(x) if isinstance(x, tuple) else x for x in getattr(self, name)), key=repr) for name in _FIELDS}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Depends":
        sets: dict[str, Any] = {name: frozenset(tuple(x) if isinstance(x, list) else x for x in stored.get(name, ())) for name in _FIELDS}
        return cls(**sets)


_FIELDS = ("properties", "events", "segments", "scores", "related", "states")


def of(node: Node) -> Depends:
    """All that `node` looks at. Lists are named, not followed: their own changes wake this filter."""
    return union(_own(n) for n in walk(node))


def union(parts: Iterable[Depends]) -> Depends:
    """What several filters look at together."""
    total = Depends()
    for part in parts:
        total |= part
    return total


def _own(node: Node) -> Depends:
    match node:
        case Everyone() | Nobody() | And() | Or() | Not() | FirstSeen():  # where somebody was first seen changes with who he is, and that wakes everything
            return Depends()
        case Compare():
            return Depends(properties=frozenset({node.property})) if node.of == "contact" else Depends(related=frozenset({(node.of, node.property)}))
        case Performed():
            keys: tuple[int | None, ...] = (None,) if node.growing or node.keys is None else node.keys
            return Depends(events=frozenset((kind, key) for kind in node.kinds for key in keys))
        case MemberOf():
            return Depends(segments=frozenset({node.segment_id}))
        case ScoreIs() | InBand():
            return Depends(scores=frozenset({node.model_id}))
        case HasState() | Subscribed():
            return Depends(states=frozenset({node.channel}))
        case Related():
            return Depends(related=frozenset({(node.object_type, "")}))
        case _:
            assert_never(node)
