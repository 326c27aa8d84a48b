"""Jinja's sandbox for what people write: merge fields, conditions and loops that can neither reach the machine, nor fill its memory, nor keep it busy.

Whatever a template does costs steps, and a mail may take so many for one person (STEPS): each time round a loop, each filter, call and value that is
put out is one, and so are every 100 letters and every entry of a list that one of them has to go through. Steps are counted, not timed, so a mail
that was published goes out on a busy machine, too.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from types import CodeType
from typing import Any, ClassVar, cast

from django.utils.translation import gettext as _
from jinja2 import Environment, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import _PassArg

WIDE = re.compile(r"[0-9]{4}|\*")  # in a format: %9999d
SINGLE = re.compile(r"\{\{((?:(?!\}\}|\{\{).)*)\}\}")
STEPS = 10_000  # of one mail for one person: less than a tenth of a second
LETTERS = 100  # that cost one step
MANY = 1000
LONGEST = 200_000  # letters of a text that a template puts together: mails are cut off at 102 kB
WRONG = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError)  # what a template can do wrong with somebody's values
NESTED = re.compile(r"\{[^{}]*\{")  # a format whose width is a value: {:{width}}
PLACE = re.compile(r"[{%]")
# Methods of texts that make much of little, or something else than a text.
UNSAFE = frozenset({"ljust", "rjust", "center", "zfill", "expandtabs", "translate", "maketrans", "encode", "format_map"})
GONE = ("urlize", "wordwrap", "pprint", "xmlattr")  # filters that nobody needs in a mail, and whose cost cannot be told from outside
LIGHT = frozenset(
    {"default", "d", "upper", "lower", "capitalize", "title", "int", "float", "round", "length", "count", "escape", "e"}
)  # make no more of a text
WIDENING = frozenset({"center", "indent", "batch", "slice", "tojson"})
BUDGET = " steps"  # among a template's values, where no template can name it


class TooMuch(SecurityError):
    """A template that does more than a mail may."""

    def __init__(self) -> None:
        super().__init__(_("This does too much for one mail: more than {n} steps for one person.").format(n=f"{STEPS:,}"))


class Budget:
    """The steps that are left."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEPS

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooMuch


class _Now(threading.local):
    """What is filled in by this thread at this moment."""

    def __init__(self) -> None:
        self.budget = Budget()


_now = _Now()


def weigh(value: Any) -> int:
    """Pay for going through a value, whatever is in it; returns its letters."""
    if isinstance(value, str):
        budget = _now.budget
        budget.left -= 1 + len(value) // LETTERS
        if budget.left < 0:
            raise TooMuch
        return len(value)
    if isinstance(value, Mapping):
        return weigh(list(value)) + weigh(list(value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return sum(map(weigh, value)) + 4 * len(value)
    _now.budget.spend(1)
    return 20


def bounded(found: Any) -> Any:
    """What was put together, paid for; unless it is longer than any mail."""
    if weigh(found) > LONGEST:
        raise SecurityError(f"at most {LONGEST} letters")
    return _counted(found) if isinstance(found, Iterator) else found


def _counted(items: Iterable[Any], cost: int = 1) -> Iterator[Any]:
    """The same, each paid for."""
    for item in items:
        _now.budget.spend(cost)
        yield item


def _makes(letters: int) -> None:
    """Pay for what is going to be made, before it is."""
    if letters > LONGEST:
        raise SecurityError(f"at most {LONGEST} letters")
    _now.budget.spend(letters // LETTERS)


def _joined(text: str, items: list[Any]) -> None:
    _makes(weigh(items) + len(text) * len(items))


def _replaced(text: str, old: Any, new: Any) -> None:
    _makes(len(text) + (text.count(str(old)) if str(old) else len(text) + 1) * len(str(new)))


def _formatted(text: str, values: Iterable[Any]) -> None:
    _makes(len(text) + len(PLACE.findall(text)) * (MANY + max(map(weigh, values), default=0)))


def _range(*ends: int) -> range:
    """Numbers to go through: as many as a mail has lines."""
    if len(found := range(*ends)) > MANY:
        raise SecurityError(f"at most {MANY} numbers")
    return found


def _narrow(*values: Any) -> None:
    """No number says that something should be wider than a line has room for."""
    if any(isinstance(one, int) and abs(one) > MANY for one in values):
        raise SecurityError(f"at most {MANY} letters")


def _expect(name: str, text: Any, values: list[Any]) -> None:
    """Pay for what this filter or method of a text makes of it and its values, where that may be much more than they are."""
    match name, values:
        case "join", _:
            _joined(str(values[0]) if values else "", list(text))
        case "replace", [old, new, *_rest]:
            _replaced(str(text), old, new)
        case "format", _:
            if WIDE.search(str(text)):
                raise SecurityError(f"at most {MANY} letters")
            _formatted(str(text), values)
        case "indent", _:
            _makes((str(text).count("\n") + 2) * max((len(one) if isinstance(one, str) else MANY for one in values), default=4) if values else 0)
        case "trim" | "strip" | "lstrip" | "rstrip", [str() as letters]:
            _now.budget.spend(len(letters) * len(str(text)) // 10_000)
        case "striptags", _:
            _now.budget.spend(str(text).count("<") * len(str(text)) // 10_000)


def _paid(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that costs what it goes through and what it makes."""
    if name in LIGHT:

        @wraps(work)
        def light(value: Any, *values: Any, **named: Any) -> Any:
            weigh(value)
            return work(value, *values, **named)

        return light
    skipped = 1 if _PassArg.from_obj(work) is not None or getattr(work, "jinja_async_variant", False) else 0

    @wraps(work)
    def paid(*given: Any, **named: Any) -> Any:
        first, values, more = given[:skipped], list(given[skipped:]), [*given[skipped + 1 :], *named.values()]
        if name == "join" and values and not isinstance(values[0], str):
            values[0] = list(values[0])
        for one in (*values, *named.values()):
            weigh(one)
        if name in WIDENING:
            _narrow(*more)
        if values:
            _expect(name, values[0], more)
        return bounded(work(*first, *values, **named))

    return paid


class _Bounding(CodeGenerator):
    def _bounded(self, visit: Callable[[Any, Frame], None], node: Any, frame: Frame) -> None:
        self.write("environment.bounded(")
        visit(node, frame)
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self._bounded(super().visit_Concat, nodes.Concat([_paying(one) for one in node.nodes], lineno=node.lineno), frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self._bounded(super().visit_List, node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self._bounded(super().visit_Dict, node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        super().visit_Tuple(node, frame) if node.ctx == "store" else self._bounded(super().visit_Tuple, node, frame)

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        written = sum(len(data.data) for data in node.find_all(nodes.TemplateData))
        cost = nodes.Const(1 + written // LETTERS, lineno=node.lineno)
        own = nodes.For(
            node.target,
            _call("counted", cast(nodes.Expr, node.iter), cost),
            node.body,
            node.else_,
            node.test,
            node.recursive,
            lineno=node.lineno,
            environment=node.environment,
        )
        super().visit_For(own, frame)


def _call(name: str, *values: nodes.Expr) -> nodes.Call:
    lineno = values[0].lineno
    made = nodes.Call(nodes.EnvironmentAttribute(name, lineno=lineno), list(values), [], None, None, lineno=lineno)
    made.set_environment(cast(Environment, values[0].environment))
    return made


def _paying(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const | nodes.TemplateData) else _call("bounded", node)


class _Template(Template):
    def new_context(self, vars: dict[str, Any] | None = None, shared: bool = False, locals: Mapping[str, Any] | None = None) -> Context:
        """What the parts of a mail have in common are the values of one person: they share the steps, too."""
        given: dict[str, Any] = {} if vars is None else vars
        _now.budget = given.setdefault(BUDGET, Budget())
        return super().new_context(given, shared, locals)


class Sandbox(ImmutableSandboxedEnvironment):
    """What a few letters of a template can cost is bounded: powers, repeated and padded texts would fill the memory before anybody could stop them."""

    code_generator_class = _Bounding
    template_class = _Template
    intercepted_binops = frozenset({"**", "*", "%", "+"})  # these are not worked out while the template is read either
    bounded = staticmethod(bounded)
    counted = staticmethod(_counted)

    def __init__(self, *, finalize: Callable[[Any], Any] | None = None, **options: Any) -> None:
        def told(value: Any) -> Any:
            if type(value) is str and len(value) < LETTERS:  # what nearly all are, each of millions
                budget = _now.budget
                budget.left -= 1
                if budget.left < 0:
                    raise TooMuch
            else:
                weigh(value)
            return finalize(value) if finalize is not None else value

        super().__init__(finalize=told, optimized=False, **options)
        self.globals["range"] = _range
        del self.globals["lipsum"]  # makes as many words as it is asked for
        self.filters = {name: _paid(name, work) for name, work in self.filters.items() if name not in GONE}

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            _expect("format", left, list(right) if isinstance(right, tuple) else [right])
            return bounded(super().call_binop(context, operator, left, right))
        if operator == "+" and not all(isinstance(one, int | float) for one in (left, right)):
            return bounded(super().call_binop(context, operator, left, right))
        if not all(isinstance(one, int | float) and abs(one) < 10**30 for one in (left, right)) or (operator == "**" and abs(right) > 10):
            raise SecurityError(f"{operator} is only for numbers of usual size")
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # as Jinja has it: templates name arguments
        if __obj is _counted:
            _now.budget.spend(1)
            return _counted(*args)
        if __obj is bounded:
            return bounded(*args)
        for one in (*args, *kwargs.values()):
            weigh(one)
        if isinstance(text := getattr(__obj, "__self__", None), str):
            weigh(text)
            name = __obj.__name__
            _expect(name, *((args[0] if args else (), [text]) if name == "join" else (text, [*args, *kwargs.values()])))
        if isinstance(__obj, LoopContext):
            args = (_counted(*args),)
        return bounded(super().call(__context, __obj, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        work = super().wrap_str_format(value)
        if work is None:
            return None
        text = str(value.__self__)
        if WIDE.search(text) or NESTED.search(text):
            raise SecurityError(f"at most {MANY} letters")

        def formatted(*values: Any, **named: Any) -> str:
            _formatted(text, [*values, *named.values()])
            return work(*values, **named)

        return formatted

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in UNSAFE and not isinstance(obj, int | float | bytes) and super().is_safe_attribute(obj, attr, value)

    def compile_expression(self, source: str, undefined_to_none: bool = True) -> TemplateExpression:
        with _Shallow():
            return super().compile_expression(source, undefined_to_none)

    def _generate(self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False) -> str:
        _now.budget = Budget()  # what is the same for all is worked out while a template is read
        with _Shallow():
            return super()._generate(source, name, filename, defer_init)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        with _Shallow():
            return super()._parse(source, name, filename)

    def _compile(self, source: str, filename: str) -> CodeType:
        with _Shallow():
            return super()._compile(source, filename)


class _Shallow:
    """Python has an end where things lie in one another; Jinja leaves it at that."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _at: object) -> None:
        if isinstance(error, RecursionError | MemoryError | SyntaxError | OverflowError) or (type(error) is ValueError):
            raise TemplateSyntaxError(_("Too many things lie in one another here."), 1) from None


class Fields:
    """The values a template may read. Not a dict: `contact.items` must be the property, not the method."""

    SCOPES: ClassVar = frozenset({"contact", "owner", "account"})  # the names templates know them by
    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {k: v for k, v in values.items() if v or v not in (None, "", [])}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __str__(self) -> str:
        return ""  # a template names one of the values, not all of them


def get(fields: Fields, name: str) -> Any:
    """The value of this name, or None."""
    return fields._values.get(name)


class _Anybody(Fields):
    """Somebody of whom everything is known, to try a template with."""

    def __getitem__(self, name: str) -> Any:
        return "가나다 abc 123 " * 10


ANYBODY = _Anybody({})
