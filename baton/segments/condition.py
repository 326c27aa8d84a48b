"""The contract of a filter condition: its fields, the core nodes it means, and its sentence. One condition, one file in conditions/."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from django.utils.translation import gettext as _
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from baton.platform import registry
from baton.query import describe
from baton.query.catalog import Catalog
from baton.query.check import DAYS, LONGEST, WHOLE
from baton.query.nodes import Node, PayloadTest, Performed, Value


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


def conditions() -> dict[str, type[Condition]]:
    """All conditions by key."""
    return registry.discover("baton.segments.conditions", Condition)


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError(_("The text has letters that cannot be stored."))
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST), AfterValidator(_storable)]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Days = Annotated[int, Field(ge=1, le=DAYS)]


class Happened(Condition):
    """A condition about what people did: how often, and in which time. A most without a least counts those who never did."""

    at_least: Annotated[int, Field(ge=1, le=WHOLE)] | None = None
    at_most: Annotated[int, Field(ge=0, le=WHOLE)] | None = None
    days: Days | None = None

    def performed(
        self,
        kinds: Sequence[int],
        keys: tuple[int, ...] | None,
        *,
        where: tuple[PayloadTest, ...] = (),
        value_at_least: float | None = None,
    ) -> Performed:
        """The core node; keys that came from a name or pattern may become more."""
        return Performed(
            tuple(int(k) for k in kinds),
            keys,
            at_least=self._least,
            at_most=self.at_most,
            within=self._within,
            where=where,
            value_at_least=value_at_least,
            growing=keys is not None,
        )

    def said(self, what: str) -> str:
        """`what`, and how often and when."""
        return ", ".join([what, *describe.occurrences(self._least, self.at_most, self._within, _)])

    @property
    def _least(self) -> int:
        return self.at_least if self.at_least is not None else 1 if self.at_most is None else 0

    @property
    def _within(self) -> timedelta | None:
        return None if self.days is None else timedelta(days=self.days)


class AtAddress(Happened):
    """A condition about pages or files: `address` is `/pricing` (on any host), `host/pricing` or a whole address; blank is any."""

    address: Text = ""
    match: Literal["is", "starts", "contains"] = "is"

    def keys(self, kind: int, catalog: Catalog) -> tuple[int, ...] | None:
        """The event keys the address means now; None: any."""
        return catalog.event_keys(kind, self.match, self.address) if self.address else None

    @property
    def place(self) -> str:
        """The address as part of a sentence."""
        words = {"is": _("“{address}”"), "starts": _("“{address}…”"), "contains": _("“…{address}…”")}
        return words[self.match].format(address=self.address)


def as_value(raw: object) -> Value:
    """A property's value from JSON; lists become tuples. Raises ValueError for objects and lists of lists."""
    if isinstance(raw, list | tuple):
        if any(not isinstance(item, str | int | float) for item in raw):
            raise ValueError(_("A list holds texts, numbers, true or false."))
        return tuple(raw)
    if raw is None or isinstance(raw, str | int | float):
        return raw
    raise ValueError(_("A value is a text, a number, true or false, or a list of them."))
