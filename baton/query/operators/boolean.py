"""Yes or no; false is a value."""

from ..operator import Operator, by_key, gettext_noop, negated

IS = Operator(
    "is",
    gettext_noop("is"),
    "one",
    gettext_noop("{property} is {value}"),
    sql=lambda cell, value, _: cell.equals(value),
    holds=lambda stored, value, _: isinstance(stored, bool) and stored == value,
)
KNOWN = Operator(
    "known",
    gettext_noop("is known"),
    "nothing",
    gettext_noop("{property} is known"),
    sql=lambda cell, _value, _: cell.typed("boolean", "true"),
    holds=lambda stored, _value, _: isinstance(stored, bool),
)

OPERATORS = by_key(
    IS,
    negated(IS, "is_not", gettext_noop("is not"), gettext_noop("{property} is not {value}")),
    KNOWN,
    negated(KNOWN, "unknown", gettext_noop("is unknown"), gettext_noop("{property} is unknown")),
)
