"""Jinja's sandbox for what people write: merge fields, conditions and loops that can neither reach the machine nor fill its memory."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from jinja2 import TemplateError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

WIDE = re.compile(r"[0-9]{4}|\*")  # in a format: %9999d
SINGLE = re.compile(r"\{\{((?:(?!\}\}|\{\{).)*)\}\}")
MANY = 1000
LONGEST = 1_000_000  # letters of a text, or entries of a list, that a template puts together
WRONG = (TemplateError, TypeError, ValueError, ArithmeticError)  # what a template can do wrong with somebody's values
NESTED = re.compile(r"\{[^{}]*\{")  # a format whose width is a value: {:{width}}
PADDING = frozenset({"ljust", "rjust", "center", "zfill", "expandtabs"})  # methods of texts


def _range(*ends: int) -> range:
    """Numbers to go through: as many as a mail has lines."""
    if len(found := range(*ends)) > MANY:
        raise SecurityError(f"at most {MANY} numbers")
    return found


def _narrow(work: Callable[..., Any], widths: str = "\0") -> Callable[..., Any]:
    """A filter that makes a text wider, by no more than a line has room for. `widths`: the letter that says in the text itself how wide."""

    def narrow(text: Any, *values: Any, **named: Any) -> Any:
        if (widths in str(text) and WIDE.search(str(text))) or any(isinstance(one, int) and abs(one) > MANY for one in (*values, *named.values())):
            raise SecurityError(f"at most {MANY} letters")
        return work(text, *values, **named)

    return narrow


class _Bounding(CodeGenerator):
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.bounded(")
        super().visit_Concat(node, frame)
        self.write(")")


class Sandbox(ImmutableSandboxedEnvironment):
    """What a few letters of a template can cost is bounded: powers, repeated and padded texts would fill the memory before anybody could stop them."""

    code_generator_class = _Bounding
    intercepted_binops = frozenset({"**", "*", "%", "+"})  # these are not worked out while the template is read either

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.globals["range"] = _range
        del self.globals["lipsum"]  # makes as many words as it is asked for
        for name, widths in (("center", "\0"), ("indent", "\0"), ("batch", "\0"), ("slice", "\0"), ("format", "%")):
            self.filters[name] = _narrow(self.filters[name], widths)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str) and not WIDE.search(left):
            return super().call_binop(context, operator, left, right)
        if operator == "+" and not all(isinstance(one, int | float) for one in (left, right)):
            return self.bounded(super().call_binop(context, operator, left, right))
        if not all(isinstance(one, int | float) and abs(one) < 10**30 for one in (left, right)) or (operator == "**" and abs(right) > 10):
            raise SecurityError(f"{operator} is only for numbers of usual size")
        return super().call_binop(context, operator, left, right)

    def bounded(self, found: Any) -> Any:
        """What was put together, unless it is longer than any mail: a text put to itself thirty times is a thousand million letters."""
        if hasattr(found, "__len__") and len(found) > LONGEST:
            raise SecurityError(f"at most {LONGEST} letters")
        return found

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        work = super().wrap_str_format(value)
        text = str(value.__self__) if work is not None else ""
        if WIDE.search(text) or NESTED.search(text):
            raise SecurityError(f"at most {MANY} letters")
        return work

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in PADDING and super().is_safe_attribute(obj, attr, value)


class Fields:
    """The values a template may read. Not a dict: `contact.items` must be the property, not the method."""

    SCOPES: ClassVar = frozenset({"contact", "owner", "account"})  # the names templates know them by
    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {k: v for k, v in values.items() if v not in (None, "", [])}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]


def get(fields: Fields, name: str) -> Any:
    """The value of this name, or None."""
    return fields._values.get(name)
