"""The contract of a filter condition: its fields, the core nodes it means, and its sentence. One condition, one file in conditions/."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from baton.crm.uses import Mention
from baton.platform import registry
from baton.query import describe
from baton.query.catalog import Catalog
from baton.query.check import DAYS, LONGEST, WHOLE
from baton.query.errors import FilterError
from baton.query.nodes import EventTest, KeyTest, Node, PayloadTest, Performed, Total, Value
from baton.query.operators.date import as_value as as_day
from baton.query.periods import Period


class Condition(BaseModel, ABC):
    """Its fields, beside `"condition": key`, are the stored JSON; unknown fields and wrong types are errors.

    A subclass is a plug-in: it says its `key` (stored, never renamed) and its `label` (English msgid), and is documented in docs/filters.md.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    key: ClassVar[str]
    label: ClassVar[str]

    @abstractmethod
    def lower(self, catalog: Catalog) -> Node:
        """The condition in core nodes. The caller checks them; faults are shown at the field that has the node's field name."""

    def sentence(self, catalog: Catalog) -> str:
        """What it asks for, in the reader's language."""
        return describe.sentence(self.lower(catalog), catalog, _)

    def mentions(self, object_type: str) -> Iterable[Mention]:
        """What it would be broken without, asked about records of this type."""
        return ()


def conditions() -> dict[str, type[Condition]]:
    """All conditions by key."""
    return registry.discover("baton.segments.conditions", Condition)


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError(_("The text has letters that cannot be stored."))
    return text


def _a_day(text: str) -> str:
    try:
        as_day(text)
    except ValueError as error:
        raise ValueError(_("A date is written like 2026-11-21.")) from error
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST), AfterValidator(_storable)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST), AfterValidator(_storable)]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Days = Annotated[int, Field(ge=1, le=DAYS)]
Times = Annotated[int, Field(ge=0, le=WHOLE)]
Number = Annotated[float, Field(allow_inf_nan=False)] | Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Day = Annotated[str, StringConstraints(max_length=40), AfterValidator(_a_day)]  # "2026-11-21", or a moment with its offset


class Happened(Condition):
    """A condition about what people did: how often, and when. A most without a least counts those who never did.

    The time is a rolling window (`days`, and up to `until_days` ago), a fixed one (from `since` up to but not with `until`) or a `period` of the calendar.
    With `which` only the first or the last time is looked at: it lies in that time.
    """

    at_least: Annotated[int, Field(ge=1, le=WHOLE)] | None = None
    at_most: Times | None = None
    exactly: Times | None = None
    never: bool = True  # with at_most, or exactly 0: those to whom it never happened count too
    days: Days | None = None
    until_days: Days | None = None
    since: Day | None = None
    until: Day | None = None
    period: Period | None = None
    which: Literal["first", "last"] | None = None

    def performed(
        self,
        kinds: Sequence[int],
        keys: tuple[int, ...] | None,
        *,
        where: tuple[PayloadTest | EventTest | KeyTest, ...] = (),
        value_at_least: float | None = None,
        total: Total | None = None,
        event: str = "",
    ) -> Performed:
        """The core node; keys that came from a name or pattern may become more."""
        self._agrees(total)
        return Performed(
            tuple(int(k) for k in kinds),
            keys,
            at_least=self._least,
            at_most=self._most,
            within=_length(self.days),
            older=_length(self.until_days),
            since=None if self.since is None else as_day(self.since),
            until=None if self.until is None else as_day(self.until),
            period=self.period,
            pick=self.which,
            where=where,
            value_at_least=value_at_least,
            total=total,
            growing=keys is not None,
            event=event,
        )

    def said(self, what: str, total: Total | None = None) -> str:
        """`what`, and how often and when."""
        often = describe.times(self._least, self._most, _) if total is None and self.which is None else []
        if self.which is not None:
            what = describe.picked(what, self.which, _)
        return ", ".join([what, *often, *describe.time(self.performed((0,), None, total=total), _)])

    def _agrees(self, total: Total | None) -> None:
        """Raises FilterError where fields contradict each other."""
        counted = [name for name in ("at_least", "at_most", "exactly") if getattr(self, name) is not None]
        if self.exactly is not None and len(counted) > 1:
            raise FilterError(counted[0], "UNEXPECTED_VALUE", gettext_noop("Say either how often exactly, or at least and at most."))
        if counted and (self.which is not None or total is not None):
            raise FilterError(counted[0], "UNEXPECTED_VALUE", gettext_noop("The first or last time, and a sum, are not counted."))
        if total is not None and self.which is not None:
            raise FilterError("which", "UNEXPECTED_VALUE", gettext_noop("The first or last time, and a sum, are not counted."))
        windows = [name for name in ("days", "since", "period") if getattr(self, name) is not None]
        windows += ["until_days"] if self.until_days is not None and self.days is None else []
        windows += ["until"] if self.until is not None and self.since is None else []
        if len(windows) > 1:
            raise FilterError(windows[1], "UNEXPECTED_VALUE", gettext_noop("Say one time: the last days, from and until, or a period."))
        if self.days is not None and self.until_days is not None and self.until_days >= self.days:
            raise FilterError("until_days", "INVALID_NUMBER", gettext_noop("The end is before the beginning."))

    @property
    def _least(self) -> int:
        if self.exactly is not None:
            least = self.exactly
        elif self.at_least is not None:
            least = self.at_least
        else:
            least = 1 if self.at_most is None else 0
        return least if self.never or self._most is None else max(least, 1)

    @property
    def _most(self) -> int | None:
        return self.at_most if self.exactly is None else self.exactly


def _length(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


class AtAddress(Happened):
    """A condition about pages or files: `address` is `/pricing` (on any host), `host/pricing` or a whole address; blank is any.

    `tag` asks for content that carries it (see segments/content.py).
    """

    address: Text = ""
    match: Literal["is", "starts", "contains"] = "is"
    tag: Text = ""

    def keys(self, kind: int, catalog: Catalog) -> tuple[int, ...] | None:
        """The event keys the address and the tag mean now; None: any."""
        return both(catalog.event_keys(kind, self.match, self.address) if self.address else None, tagged(kind, self.tag, catalog))

    @property
    def place(self) -> str:
        """The address as part of a sentence."""
        words = {"is": _("“{address}”"), "starts": _("“{address}…”"), "contains": _("“…{address}…”")}
        return words[self.match].format(address=self.address)

    def at(self, somewhere: str, anywhere: str) -> str:
        """`somewhere` with the address, or `anywhere`; and the tag."""
        return with_tag(somewhere.format(address=self.place) if self.address else anywhere, self.tag)


def with_tag(what: str, tag: str) -> str:
    """A sentence about content, and which tag it carries."""
    return _("{what} (tag “{tag}”)").format(what=what, tag=tag) if tag else what


def tagged(kind: int, tag: str, catalog: Catalog) -> tuple[int, ...] | None:
    """The event keys that carry a tag; None: no tag is asked for."""
    return catalog.event_keys(kind, "tagged", tag) if tag else None


def both(some: tuple[int, ...] | None, others: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The keys that are in both; None is all."""
    if some is None or others is None:
        return others if some is None else some
    return tuple(key for key in some if key in others)


def as_value(raw: object) -> Value:
    """A property's value from JSON; lists become tuples. Raises ValueError for objects and lists of lists."""
    if isinstance(raw, list | tuple):
        if any(not isinstance(item, str | int | float) for item in raw):
            raise ValueError(_("A list holds texts, numbers, true or false."))
        return tuple(raw)
    if raw is None or isinstance(raw, str | int | float):
        return raw
    raise ValueError(_("A value is a text, a number, true or false, or a list of them."))


def check_options(field: str, asked: Sequence[str], name: str, catalog: Catalog) -> None:
    """Raises FilterError for the first of a field's values that is no option of a contact's property."""
    prop = catalog.property("contact", name)
    options = {value for value, _label in prop.options} if prop else set[str]()
    for i, value in enumerate(asked):
        if value not in options:
            text = gettext_noop("“{name}” has no option “{value}”.")
            raise FilterError(f"{field}.{i}", "INVALID_OPTION", text, name=prop.label if prop else name, value=value)


def texts(value: Value) -> list[str]:
    """The texts among the values a comparison names: what may be options."""
    return [one for one in (value if isinstance(value, tuple) else (value,)) if isinstance(one, str)]
