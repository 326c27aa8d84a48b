"""A template read once and filled in for many people: what is the same for all is written once, and only values are worked out for each.

Three ways, the first that fits: slots (merge fields only: no Jinja runs for the usual ones), flow (with if and for: Jinja runs over text that is
written already), whole (what catches its own output, as set blocks and macros do: Jinja runs as usual and the result is written then).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from jinja2 import ChainableUndefined, Template, nodes
from markupsafe import Markup

from baton.messaging.mail import encode
from baton.messaging.mail.sandbox import Fields, Sandbox, get

CATCHES = (nodes.AssignBlock, nodes.FilterBlock, nodes.CallBlock, nodes.Macro, nodes.Block, nodes.EvalContextModifier, nodes.Include, nodes.Import)
OURS = "_mail"  # the token of the message, which stands in the addresses of its pixel and its links: see frame.py
WRITTEN = {"unsubscribe_url": "_unsubscribe", "preferences_url": "_preferences"}  # addresses, and as what they are found where they are written already
EVERYTHING = frozenset({"*"})
Values = dict[str, Any]  # what a template may read; names that begin with _ are ours, bytes that are written already (`ours`)
Read = Callable[[Values], Any]


@dataclass(frozen=True)
class Writing:
    """How the pieces of a template are written: as quoted-printable of HTML or text, or as the text of a header."""

    environment: Sandbox  # gives the values as they are
    writing: Sandbox  # gives them written
    piece: Callable[[str], Any]
    value: Callable[[Any], Any]


def ours(text: str) -> bytes:
    """A text of letters, digits, - and _ as it stands between two pieces."""
    return text.encode() + encode.BREAK


def _writing(piece: Callable[[str], Any], value: Callable[[Any], Any], *, html: bool) -> Writing:
    def written(found: Any) -> str:
        result = value(found)
        return Markup(result if isinstance(result, str) else result.decode("ascii"))  # as Jinja must not escape it again

    plain = Sandbox(autoescape=html, undefined=ChainableUndefined, keep_trailing_newline=True)
    return Writing(plain, Sandbox(autoescape=html, undefined=ChainableUndefined, keep_trailing_newline=True, finalize=written), piece, value)


HTML = _writing(encode.piece, encode.html_value, html=True)
TEXT = _writing(encode.piece, encode.text_value, html=False)
LINE = _writing(str, encode.line_value, html=False)


class Filling(ABC):
    """A template that can be filled in."""

    fields: frozenset[str]  # the contact's properties it reads; EVERYTHING when only running it can tell

    @abstractmethod
    def fill(self, values: Values) -> Any:
        """Bytes for HTML and TEXT, a text for LINE. Raises what a template can do wrong with somebody's values (sandbox.WRONG)."""

    def parts(self, values: Values) -> list[Any]:
        """The same in parts: whoever puts a mail together copies each of them once."""
        return [self.fill(values)]


class Slots(Filling):
    def __init__(self, pieces: list[Any], slots: list[tuple[int, Read]], ours: list[int], fields: frozenset[str], empty: Any) -> None:
        self.pieces, self.slots, self.ours, self.fields, self.empty = pieces, slots, ours, fields, empty

    def fill(self, values: Values) -> Any:
        return self.empty.join(self.parts(values))

    def parts(self, values: Values) -> list[Any]:
        found = self.pieces.copy()
        if self.ours:
            token = values.get(OURS, self.empty)
            for place in self.ours:
                found[place] = token
        for place, read in self.slots:
            found[place] = read(values)
        return found


class Flow(Filling):
    def __init__(self, template: Template, fields: frozenset[str], *, as_bytes: bool) -> None:
        self.template, self.fields, self.as_bytes = template, fields, as_bytes

    def fill(self, values: Values) -> Any:
        text = "".join(self.template.root_render_func(self.template.new_context(values)))
        return text.encode("ascii") if self.as_bytes else text


class Whole(Filling):
    def __init__(self, template: Template, piece: Callable[[str], Any]) -> None:
        self.template, self.piece, self.fields = template, piece, EVERYTHING

    def fill(self, values: Values) -> Any:
        given = {name: value.decode().removesuffix("=\r\n") if type(value) is bytes else value for name, value in values.items()}
        return self.piece(encode.clean(self.template.render(given)))


def read(source: str, how: Writing) -> Filling:
    """Raises jinja2.TemplateSyntaxError."""
    tree = how.environment.parse(source)
    if any(tree.find_all(CATCHES)) or any(loop.recursive for loop in tree.find_all(nodes.For)):
        return Whole(how.environment.from_string(source), how.piece)
    fields = _fields(tree)
    if all(isinstance(node, nodes.Output) for node in tree.body):
        return _slots(tree, how, fields)
    for data in tree.find_all(nodes.TemplateData):
        written = how.piece(data.data)
        data.data = written if isinstance(written, str) else written.decode("ascii")
    return Flow(_template(tree, how), fields, as_bytes=how.piece is not str)


def _slots(tree: nodes.Template, how: Writing, fields: frozenset[str]) -> Slots:
    empty = how.piece("")
    pieces: list[Any] = []
    slots: list[tuple[int, Read]] = []
    ours: list[int] = []
    static = ""
    for node in (one for output in cast(list[nodes.Output], tree.body) for one in output.nodes):
        if isinstance(node, nodes.TemplateData):
            static += node.data
            continue
        pieces += [how.piece(static), empty]
        static = ""
        if isinstance(node, nodes.Name) and node.name == OURS and empty == b"":
            ours.append(len(pieces) - 1)
        else:
            slots.append((len(pieces) - 1, _reader(node, how)))
    return Slots([*pieces, how.piece(static)], slots, ours, fields, empty)


def _reader(node: nodes.Expr, how: Writing) -> Read:
    """What a merge field says for somebody. The usual forms are read without Jinja: `contact.x`, `contact.x|default("y")`, `unsubscribe_url`."""
    value, fallback, strict = how.value, how.piece(""), True
    if isinstance(node, nodes.Name):
        name = node.name
        if name in WRITTEN and fallback == b"":
            written = WRITTEN[name]
            return lambda values: values[written] if written in values else value(values[name]) if name in values else fallback
        return lambda values: value(values[name]) if name in values else fallback
    thing: nodes.Expr | None = node
    if (
        isinstance(node, nodes.Filter)
        and node.name in ("default", "d")
        and not node.kwargs
        and node.dyn_args is None
        and node.dyn_kwargs is None
        and node.args
        and all(isinstance(arg, nodes.Const) for arg in node.args)
    ):
        said = [cast(nodes.Const, arg).value for arg in node.args]
        fallback, strict, thing = value(said[0]), not (len(said) > 1 and said[1]), node.node
    if isinstance(thing, nodes.Getattr) and isinstance(thing.node, nodes.Name) and not thing.attr.startswith("_"):
        scope, attribute = thing.node.name, thing.attr

        def simple(values: Values) -> Any:
            found = get(values[scope], attribute) if scope in values else None
            return fallback if found is None or not (strict or found) else value(found)

        if scope in Fields.SCOPES:
            return simple
    template = _template(nodes.Template([nodes.Output([node], lineno=1)], lineno=1), how)

    def run(values: Values) -> Any:
        text = "".join(template.root_render_func(template.new_context(values)))
        return text if how.piece is str else text.encode("ascii")

    return run


def _template(tree: nodes.Template, how: Writing) -> Template:
    tree.set_environment(how.writing)
    code = how.writing.compile(tree)
    return how.writing.template_class.from_code(how.writing, code, how.writing.make_globals(None))


def _fields(tree: nodes.Template) -> frozenset[str]:
    """The properties of the contact a template reads, as far as can be seen."""
    found, told = set(), 0
    for node in _attributes(tree):
        found.add(node.attr if isinstance(node, nodes.Getattr) else str(cast(nodes.Const, node.arg).value))
        told += 1
    return frozenset(found) if told == sum(name.name == "contact" for name in tree.find_all(nodes.Name)) else EVERYTHING


def _attributes(tree: nodes.Template) -> Iterator[nodes.Getattr | nodes.Getitem]:
    found: list[nodes.Getattr | nodes.Getitem] = [*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem)]
    for node in found:
        if isinstance(node.node, nodes.Name) and node.node.name == "contact" and (isinstance(node, nodes.Getattr) or isinstance(node.arg, nodes.Const)):
            yield node
