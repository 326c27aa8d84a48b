"""Choices, several choices at once, and users: values that are exactly equal or not."""

import json
from typing import Any

from ..moment import Moment
from ..nodes import Scalar, Value
from ..operator import BLANK, Cell, Operator, by_key, gettext_noop, is_number, is_text, negated


def _many(value: Value) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _equal(stored: Any, value: Scalar) -> bool:
    """The same JSON value: true is not 1."""
    return isinstance(stored, bool) == isinstance(value, bool) and isinstance(stored, str | int | float) and stored == value


def _any(cell: Cell, value: Value, _: Moment) -> str:
    return "(" + " OR ".join(cell.equals(v) for v in _many(value)) + ")" if _many(value) else "false"


def _any_in_list(cell: Cell, value: Value, _: Moment) -> str:
    return "(" + " OR ".join(cell.equals([v]) for v in _many(value)) + ")" if _many(value) else "false"


def _listed(stored: Any, value: Scalar) -> bool:
    return isinstance(stored, list) and any(_equal(item, value) for item in stored)


def _words(known: Operator, is_: Operator, any_of: Operator, *more: Operator) -> dict[str, Operator]:
    return by_key(
        any_of,
        negated(any_of, "none_of", gettext_noop("is none of"), gettext_noop("{property} is none of {value}")),
        *more,
        is_,
        negated(is_, "is_not", gettext_noop("is not"), gettext_noop("{property} is not {value}")),
        known,
        negated(known, "unknown", gettext_noop("is unknown"), gettext_noop("{property} is unknown")),
    )


_IS = Operator(
    "is",
    gettext_noop("is"),
    "one",
    gettext_noop("{property} is {value}"),
    sql=_any,
    holds=lambda stored, value, _: any(_equal(stored, v) for v in _many(value)),
)
_ANY_OF = Operator(
    "any_of",
    gettext_noop("is any of"),
    "many",
    gettext_noop("{property} is any of {value}"),
    sql=_any,
    holds=lambda stored, value, _: any(_equal(stored, v) for v in _many(value)),
)
_KNOWN_TEXT = Operator(
    "known",
    gettext_noop("is known"),
    "nothing",
    gettext_noop("{property} is known"),
    sql=lambda cell, _value, _: cell.typed("string", f"btrim({cell.text}, {cell.bind(BLANK)}) <> ''"),
    holds=lambda stored, _value, _: is_text(stored),
)
_KNOWN_USER = Operator(
    "known",
    gettext_noop("is known"),
    "nothing",
    gettext_noop("{property} is known"),
    sql=lambda cell, _value, _: cell.typed("number", "true"),
    holds=lambda stored, _value, _: is_number(stored),
)
_KNOWN_LIST = Operator(
    "known",
    gettext_noop("is known"),
    "nothing",
    gettext_noop("{property} is known"),
    sql=lambda cell, _value, _: cell.typed("array", f"{cell.json} <> '[]'::jsonb"),
    holds=lambda stored, _value, _: isinstance(stored, list) and stored != [],
)
_LIST_IS = Operator(
    "is",
    gettext_noop("includes"),
    "one",
    gettext_noop("{property} includes {value}"),
    sql=_any_in_list,
    holds=lambda stored, value, _: any(_listed(stored, v) for v in _many(value)),
)
_LIST_ANY = Operator(
    "any_of",
    gettext_noop("includes any of"),
    "many",
    gettext_noop("{property} includes any of {value}"),
    sql=_any_in_list,
    holds=lambda stored, value, _: any(_listed(stored, v) for v in _many(value)),
)
_LIST_ALL = Operator(
    "all_of",
    gettext_noop("includes all of"),
    "many",
    gettext_noop("{property} includes all of {value}"),
    sql=lambda cell, value, _: cell.equals(list(_many(value))),
    holds=lambda stored, value, _: isinstance(stored, list) and all(_listed(stored, v) for v in _many(value)),
)

_LIST_EXACTLY = Operator(
    "exactly",
    gettext_noop("is exactly"),
    "many",
    gettext_noop("{property} is exactly {value}"),
    sql=lambda cell, value, _: f"({cell.equals(list(_many(value)))} AND {cell.json} <@ {cell.bind(json.dumps(list(_many(value)), ensure_ascii=False))}::jsonb)",
    holds=lambda stored, value, _: (
        isinstance(stored, list) and all(_listed(stored, v) for v in _many(value)) and all(any(_equal(item, v) for v in _many(value)) for item in stored)
    ),
)

CHOICE = _words(_KNOWN_TEXT, _IS, _ANY_OF)
USER = _words(_KNOWN_USER, _IS, _ANY_OF)
MULTI_CHOICE = _words(_KNOWN_LIST, _LIST_IS, _LIST_ANY, _LIST_ALL, _LIST_EXACTLY)
