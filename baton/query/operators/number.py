"""Numbers, stored as JSON numbers; 0 is a value."""

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .. import expression
from ..moment import Moment
from ..nodes import Scalar, Value
from ..operator import Cell, Operator, by_key, gettext_noop, is_number, negated


def _exact(value: Scalar | None) -> Decimal:
    """The number as written: 0.1 is 0.1, not its binary neighbour."""
    return Decimal(str(value))


def _ordered(key: str, label: str, sentence: str, symbol: str, compare: Callable[[Decimal, Decimal], bool]) -> Operator:
    def condition(cell: Cell, value: Value, _: Moment) -> str:
        assert not isinstance(value, tuple)
        return cell.compared(expression.number, f"{{}} {symbol} {cell.bind(_exact(value))}")

    def meaning(stored: Any, value: Value, _: Moment) -> bool:
        assert not isinstance(value, tuple)
        return is_number(stored) and compare(_exact(stored), _exact(value))

    return Operator(key, label, "one", sentence, condition, meaning)


def _pair(value: Value) -> tuple[Decimal, Decimal]:
    assert isinstance(value, tuple)
    low, high = value
    return _exact(low), _exact(high)


def _between(cell: Cell, value: Value, _: Moment) -> str:
    low, high = _pair(value)
    return cell.compared(expression.number, f"{{}} BETWEEN {cell.bind(low)} AND {cell.bind(high)}")


def _is_between(stored: Any, value: Value, _: Moment) -> bool:
    low, high = _pair(value)
    return is_number(stored) and low <= _exact(stored) <= high


IS = Operator(
    "is",
    gettext_noop("is"),
    "one",
    gettext_noop("{property} is {value}"),
    sql=lambda cell, value, _: cell.equals(value),
    holds=lambda stored, value, _: is_number(stored) and not isinstance(value, tuple) and _exact(stored) == _exact(value),
)
KNOWN = Operator(
    "known",
    gettext_noop("is known"),
    "nothing",
    gettext_noop("{property} is known"),
    sql=lambda cell, _value, _: cell.typed("number", "true"),
    holds=lambda stored, _value, _: is_number(stored),
)

OPERATORS = by_key(
    IS,
    negated(IS, "is_not", gettext_noop("is not"), gettext_noop("{property} is not {value}")),
    _ordered("at_least", gettext_noop("is at least"), gettext_noop("{property} is at least {value}"), ">=", operator.ge),
    _ordered("at_most", gettext_noop("is at most"), gettext_noop("{property} is at most {value}"), "<=", operator.le),
    _ordered("more_than", gettext_noop("is more than"), gettext_noop("{property} is more than {value}"), ">", operator.gt),
    _ordered("less_than", gettext_noop("is less than"), gettext_noop("{property} is less than {value}"), "<", operator.lt),
    Operator("between", gettext_noop("is between"), "two", gettext_noop("{property} is from {value}"), _between, _is_between),
    KNOWN,
    negated(KNOWN, "unknown", gettext_noop("is unknown"), gettext_noop("{property} is unknown")),
)
