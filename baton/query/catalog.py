"""What a filter may mention. The language sees only this Protocol; segments/catalog.py fills it from the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

Type = Literal["text", "number", "date", "datetime", "choice", "multi_choice", "boolean", "phone", "email", "url", "user"]
TYPES: tuple[str, ...] = get_args(Type)
Match = Literal["is", "starts", "contains", "any_of", "tagged"]
Column = Literal["id", "created_at", "updated_at", "archived_at"]


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an object type.

    `column` names the column that holds it where it is not in `properties`: a datetime (created_at, updated_at), a number (id),
    or a boolean that is true when the column is not null (archived_at).
    """

    name: str
    label: str
    type: Type
    options: tuple[tuple[str, str], ...] = ()  # (value, label) of a choice
    column: Column | None = None


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A list: its name and the lists its filter mentions."""

    name: str
    mentions: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Band:
    """Contacts with `at_least` points or more, up to the next band."""

    key: str
    label: str
    at_least: int


@dataclass(frozen=True, slots=True)
class News:
    """A kind of news that people take or refuse; a `separate` one goes only to those who took it itself."""

    name: str
    separate: bool = False


class Catalog(Protocol):
    """Names and types. Labels are in the reader's language."""

    def property(self, object_type: str, name: str) -> Property | None: ...

    def relation(self, object_type: str) -> str | None:
        """The label of an object type; None when there is no such type."""

    def link(self, from_type: str, to_type: str, name: str) -> str | None:
        """What people call a label of links between records of two types; None when there is no such label."""

    def segment(self, segment_id: int) -> SegmentInfo | None: ...

    def score(self, model_id: int) -> str | None:
        """The name of a score model."""

    def score_named(self, key: str) -> int | None:
        """The id of the score model with this key."""

    def bands(self, model_id: int) -> tuple[Band, ...]:
        """The published bands of a score model, lowest first."""

    def first_score(self) -> int | None:
        """The id of the score model that decides the life-cycle stage."""

    def news(self, news_id: int) -> News | None:
        """A kind of news; None when there never was one."""

    def event_keys(self, kind: int, how: Match, value: str | Sequence[str]) -> tuple[int, ...]:
        """The event_key ids a pattern means now, in order."""

    def event(self, name: str) -> str | None:
        """The label of an event that the company sends itself; None when there is no such event."""

    def event_property(self, kind: int, event: str, name: str) -> Property | None:
        """A property of the payload of events of a kind; `event` is the name of the company's own event."""

    def key_label(self, kind: int, value: str) -> str:
        """How people call what an event was about: a form's name for its id. The value itself when unknown."""

    def key_names(self, keys: Sequence[int]) -> list[str]:
        """What events with these keys were about, as people call it."""

    def kind_label(self, kind: int) -> str:
        """How people call a kind of event: "page viewed"."""
