"""The contract of an operator: one object carries all its faces, so that they cannot drift apart.

Unset means: the value is missing, null, blank text, an empty list, or of another type than the property's.
A comparison never holds for unset; a negative operator is the negation of its positive one and so does.
"""

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from .moment import Moment
from .nodes import Value
from .statement import Binder

Takes = Literal["nothing", "one", "many", "two", "days", "period"]


def gettext_noop(message: str) -> str:
    """Marks a text for the translators; whoever shows it translates it."""
    return message


@dataclass(frozen=True, slots=True)
class Cell:
    """One stored property as SQL: of which record, by which name, and how values are bound."""

    record: str  # a jsonb object: c.properties
    name: str
    bind: Binder
    column: str | None = None  # an SQL expression that holds the value instead, of the property's type; never null

    @property
    def json(self) -> str:
        return f"{self.record} -> {self.bind(self.name)}"

    @property
    def text(self) -> str:
        return f"{self.record} ->> {self.bind(self.name)}"

    def compared(self, expression: Callable[[str, str], str], test: str, also: str = "") -> str:
        """A test of the property's value as it is sorted by, written over `{}`: an index over that expression can answer it. Never NULL."""
        if self.column is not None:
            return f"({test.format(self.column)})"
        value = expression(self.record, self.bind(self.name))
        return f"({value} IS NOT NULL AND {test.replace('{}', value)}{also and ' AND ' + also})"

    def equals(self, value: Any) -> str:
        """The stored value is this JSON value or, for a list, contains all of this one. Never NULL; the GIN index can answer it."""
        if self.column is not None:
            return f"{self.column} = {self.bind(value)}"
        return f"{self.record} @> {self.bind(json.dumps({self.name: value}, ensure_ascii=False))}::jsonb"

    def typed(self, kind: Literal["string", "number", "boolean", "array"], condition: str) -> str:
        """The condition where the stored value has this JSON type, else false. CASE keeps casts away from other types."""
        if self.column is not None:
            return condition
        return f"CASE WHEN jsonb_typeof({self.json}) = '{kind}' THEN {condition} ELSE false END"


@dataclass(frozen=True, slots=True)
class Operator:
    """`sql` gives a condition that is never NULL; `holds` is the same meaning in plain Python over the raw stored value.

    `turned` gives the condition of those for whom time alone may have changed the answer after the first moment and up to the second; None: for nobody.
    """

    key: str
    label: str  # English msgid: "is at least"
    takes: Takes
    sentence: str  # English msgid with {property} and {value}
    sql: Callable[[Cell, Value, Moment], str]
    holds: Callable[[Any, Value, Moment], bool]
    turned: "Callable[[Cell, Value, Moment, Moment], str | None] | None" = None
    positive: "Operator | None" = None  # of a negative one: what it is the negation of
    cased: "Operator | None" = None  # of text: the same with capital and small letters


def negated(positive: Operator, key: str, label: str, sentence: str) -> Operator:
    """The operator that holds exactly where `positive` does not, unset included."""
    return Operator(
        key,
        label,
        positive.takes,
        sentence,
        sql=lambda cell, value, moment: f"NOT ({positive.sql(cell, value, moment)})",
        holds=lambda stored, value, moment: not positive.holds(stored, value, moment),
        turned=positive.turned,
        positive=positive,
        cased=positive.cased and negated(positive.cased, key, label, sentence),
    )


def by_key(*operators: Operator) -> dict[str, Operator]:
    return {operator.key: operator for operator in operators}


BLANK = " \t\r\n"  # text of nothing but these is blank


def is_text(stored: Any) -> bool:
    """Text that says something."""
    return isinstance(stored, str) and stored.strip(BLANK) != ""


def is_number(stored: Any) -> bool:
    return isinstance(stored, int | float | Decimal) and not isinstance(stored, bool)


def fold(text: str) -> str:
    """Text as it is compared: composed (NFC), lower case letter by letter as PostgreSQL does it."""
    return "".join(letter.lower()[0] for letter in unicodedata.normalize("NFC", text))
