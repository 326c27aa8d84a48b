"""The closed core of the filter language. Every other condition is sugar lowered to these nodes."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...] | None  # what an operator compares with; None where it takes nothing

ScorePart = Literal["total", "fit", "engagement"]
ScoreOperator = Literal["at_least", "at_most", "more_than", "less_than", "is", "is_not"]
State = Literal["opted_in", "opted_out"]


@dataclass(frozen=True, slots=True)
class Everyone:
    """Holds for each contact."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """Holds for none: what an empty filter means."""


@dataclass(frozen=True, slots=True)
class And:
    """All hold; without children it holds for everyone."""

    children: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one holds; without children it holds for nobody."""

    children: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Logical negation: exactly those for whom the child does not hold, people with nothing known included."""

    child: "Node"


@dataclass(frozen=True, slots=True)
class Compare:
    """A property against a value; the property's type decides which operators there are."""

    property: str
    operator: str
    value: Value = None
    of: str = "contact"  # the object type asked about; inside Related that of the relation


@dataclass(frozen=True, slots=True)
class PayloadTest:
    """A look into an event's payload: is the key there, is it missing, is it this text."""

    key: str
    test: Literal["present", "missing", "is"]
    value: str = ""


@dataclass(frozen=True, slots=True)
class Performed:
    """How often something happened: at_least <= count <= at_most. With at_least=0 those to whom it never happened count too."""

    kinds: tuple[int, ...]  # events.vocabulary.Kind
    keys: tuple[int, ...] | None = None  # event_key ids; None: whatever it was about; (): matches nothing
    at_least: int = 1
    at_most: int | None = None
    within: timedelta | None = None  # the rolling window [now - within, now], both ends in
    since: datetime | None = None  # aware; both ends in
    until: datetime | None = None
    where: tuple[PayloadTest, ...] = ()
    value_at_least: float | None = None  # seconds of a dwell ...
    growing: bool = False  # keys come from a pattern or a name, so a key made later may match too


@dataclass(frozen=True, slots=True)
class MemberOf:
    """Is in a list now."""

    segment_id: int


@dataclass(frozen=True, slots=True)
class ScoreIs:
    """A lead score against a number; a contact without a score has 0."""

    model_id: int
    operator: ScoreOperator
    value: int
    part: ScorePart = "total"


@dataclass(frozen=True, slots=True)
class HasState:
    """Agreed to a channel or refused it. Refused: said no, or must not be written to (bounced, complained, unsubscribed)."""

    state: State
    channel: str = "email"


@dataclass(frozen=True, slots=True)
class Related:
    """Has at least one related record (not archived) for which the child holds.

    In lists and scores the child holds only And, Or, Not and Compare. A table's filter may go deeper: a company with a contact who opened a mail.
    """

    object_type: str
    child: "Node"
    label: str | None = None  # of the association, for example "primary"


Node = Everyone | Nobody | And | Or | Not | Compare | Performed | MemberOf | ScoreIs | HasState | Related


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, a relation's child included."""
    match node:
        case And(below) | Or(below):
            return below
        case Not(child) | Related(_, child):
            return (child,)
        case _:
            return ()


def about(node: Node, object_type: str) -> Node:
    """The same filter asked about records of another type: comparisons outside relations are of that type."""
    match node:
        case And(below):
            return And(tuple(about(child, object_type) for child in below))
        case Or(below):
            return Or(tuple(about(child, object_type) for child in below))
        case Not(child):
            return Not(about(child, object_type))
        case Compare():
            return replace(node, of=object_type)
        case _:
            return node


def walk(node: Node) -> "list[Node]":
    """The node and all below it, top first."""
    found = [node]
    for child in children(node):
        found += walk(child)
    return found
