"""Calculated properties: a formula over the number properties of the same record, worked out with every write.

Grammar: numbers, property names, + - * /, brackets, and the functions min, max, round and abs. A property without a value counts as 0; when none of
those mentioned has one, the result has none either, and neither has a division by 0.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from baton.platform.errors import Invalid

LONGEST = 500  # characters of a formula
OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max, "round": round, "abs": abs}


def names(formula: str) -> set[str]:
    """The properties a formula mentions. Raises Invalid at `formula`."""
    return set(_parsed(formula)[1])


@lru_cache(maxsize=512)
def _parsed(formula: str) -> tuple[ast.expr, tuple[str, ...]]:
    wrong = Invalid.one("formula", "INVALID_FORMULA", _("A formula has numbers, names of number properties, + - * / and brackets."))
    try:
        tree = ast.parse(formula, mode="eval").body if len(formula) <= LONGEST else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None:
        raise wrong
    found: list[str] = []

    def check(node: ast.expr) -> None:
        match node:
            case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
                pass
            case ast.Name(id=name):
                found.append(name)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
                check(left)
                check(right)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                check(operand)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS and args and (len(args) == 1 or name in ("min", "max")):
                for arg in args:
                    check(arg)
            case _:
                raise wrong

    check(tree)
    return tree, tuple(dict.fromkeys(found))


def result(formula: str, properties: Mapping[str, Any]) -> int | float | None:
    """What a formula is for these values; None when it has no result."""
    tree, mentioned = _parsed(formula)
    values = {name: properties.get(name) for name in mentioned}
    if mentioned and all(not isinstance(value, (int, float)) for value in values.values()):
        return None
    try:
        number = _value(tree, {name: float(value) if isinstance(value, (int, float)) else 0.0 for name, value in values.items()})
    except (ZeroDivisionError, OverflowError, TypeError, ValueError):
        return None
    if not math.isfinite(number):
        return None
    number = round(number, 6)
    return int(number) if number == int(number) else number


def _value(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=number):
            return float(number)  # type: ignore[arg-type]  # `_parsed` let only numbers through
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATIONS[type(op)](_value(left, values), _value(right, values))
        case ast.UnaryOp(operand=operand):
            return -_value(operand, values)
        case ast.Call(func=ast.Name(id=name), args=args):
            given = [_value(arg, values) for arg in args]
            return FUNCTIONS[name](*given) if len(given) > 1 or name in ("round", "abs") else given[0]
    raise AssertionError(node)
