"""The closed core of the filter language. Every other condition is sugar lowered to these nodes."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from .periods import Period

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...] | None  # what an operator compares with; None where it takes nothing

ScorePart = Literal["total", "fit", "engagement"]
ScoreOperator = Literal["at_least", "at_most", "more_than", "less_than", "is", "is_not"]
State = Literal["opted_in", "opted_out", "bounced", "complained", "unsubscribed"]
Pick = Literal["first", "last"]


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
    case: bool = False  # a text is compared with its capital and small letters


@dataclass(frozen=True, slots=True)
class PayloadTest:
    """A look into an event's payload: is the key there, is it missing, is it this text."""

    key: str
    test: Literal["present", "missing", "is"]
    value: str = ""


@dataclass(frozen=True, slots=True)
class EventTest:
    """A property of an event against a value, by the property's type, as Compare does it for records. `value` is the event's own number."""

    property: str
    operator: str
    value: Value = None
    case: bool = False


@dataclass(frozen=True, slots=True)
class KeyTest:
    """What an event was about is one of these keys, or with `negative` none of them."""

    keys: tuple[int, ...]
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of a number over all that happened, from `at_least` to `at_most`; nothing is 0. `value` is the event's own number."""

    property: str = "value"
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Performed:
    """How often something happened: at_least <= count <= at_most. With at_least=0 those to whom it never happened count too.

    With `pick` one event is looked at, the first or the last of these kinds and keys: it lies in the window and passes the tests.
    With `total` a sum over them is compared instead of their count. There is one window: rolling, fixed or of the calendar.
    """

    kinds: tuple[int, ...]  # events.vocabulary.Kind
    keys: tuple[int, ...] | None = None  # event_key ids; None: whatever it was about; (): matches nothing
    at_least: int = 1
    at_most: int | None = None
    within: timedelta | None = None  # the rolling window [now - within, now - older], both ends in
    since: date | None = None  # [since, until): a day of the account's, or an aware moment (a datetime is a date too)
    until: date | None = None
    where: tuple[PayloadTest | EventTest | KeyTest, ...] = ()
    value_at_least: float | None = None  # seconds of a dwell ...
    growing: bool = False  # keys come from a pattern or a name, so a key made later may match too
    older: timedelta | None = None
    period: Period | None = None
    pick: Pick | None = None
    total: Total | None = None
    event: str = ""  # the name of a company's own event, whose definition says what its properties are

    @property
    def countable(self) -> bool:
        """Whether it is about how often, without an upper end: what points can be given for each time."""
        return self.at_most is None and self.pick is None and self.total is None


@dataclass(frozen=True, slots=True)
class MemberOf:
    """Is in a list now: since at most `within`, since more than `older`, for this reason."""

    segment_id: int
    within: timedelta | None = None
    older: timedelta | None = None
    reason: Literal["filter", "hand"] | None = None


@dataclass(frozen=True, slots=True)
class InBand:
    """The points of a score lie in one of its bands as they are published now, or with `above` in a higher one. A contact without a score has 0."""

    model_id: int
    band: str
    above: bool = False


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """Where a person was first seen, compared as a text: the address of the page, or of the site he came from."""

    what: Literal["first_page", "first_referrer"]
    operator: str
    value: Value = None
    case: bool = False


@dataclass(frozen=True, slots=True)
class ScoreIs:
    """A lead score against a number; a contact without a score has 0."""

    model_id: int
    operator: ScoreOperator
    value: int
    part: ScorePart = "total"


@dataclass(frozen=True, slots=True)
class HasState:
    """Agreed to a channel or refused it. Refused: said no, or must not be written to (bounced, complained, unsubscribed). An agreement may have an end.

    The other states are the one reason for which nothing may be sent; bounced is also who could not be reached for long.
    """

    state: State
    channel: str = "email"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Took one kind of news on a channel, or with `granted` false refused it, by an answer that holds now: it may have an end."""

    news_id: int
    granted: bool = True
    channel: str = "email"


@dataclass(frozen=True, slots=True)
class Related:
    """Has at least one related record (not archived) for which the child holds, or from at_least to at_most of them: 0 to 0 is none.

    In lists and scores the child holds only And, Or, Not and Compare. A table's filter may go deeper: a company with a contact who opened a mail.
    """

    object_type: str
    child: "Node"
    label: str | None = None  # of the association, for example "primary"
    at_least: int = 1
    at_most: int | None = None


Node = Everyone | Nobody | And | Or | Not | Compare | Performed | MemberOf | ScoreIs | InBand | FirstSeen | HasState | Subscribed | Related


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
