"""Filters as readable addresses: `stage:mql,sql;score:35..;(industry:logistics|size:300..);!city:부산`.

`;` joins conditions with AND, `( | )` is an OR group, `!` before a condition or a group says NOT, and groups stand within groups
(`(a|b;c)`: a, or b and c). In a condition `a,b` means one of, `lo..hi` is a range with either side open, `last30d` and `next7d` are days from now,
`-` is "no value" and `*` any; a text is looked for anywhere, `=text` exactly, `^text` at the beginning. The address is translated to the stored
filter JSON, which the one compiler understands.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from django.utils.translation import gettext as _

from baton.platform.errors import Invalid

from . import packed
from .filter_fields import Field, Fields
from .filter_fields import fields as fields

NONE, ANY = "-", "*"
DEEPEST = 6  # groups within groups
LARGEST = 60  # conditions
SPECIAL = re.compile(r"[%;|(),!\x00-\x1f]")
AGO = re.compile(r"(last|next)([1-9]\d{0,3})d")


@dataclass(frozen=True)
class Cond:
    """One condition: values of a choice or a text, or a range; `no` turns it round."""

    field: Field
    values: tuple[str, ...] = ()
    low: str = ""
    high: str = ""
    no: bool = False

    def __bool__(self) -> bool:
        return bool(self.values or self.low or self.high)

    def __str__(self) -> str:
        said = ",".join(map(_quoted, self.values)) if self.values else f"{self.low}..{self.high}"
        return f"{'!' if self.no else ''}{self.field.key}:{said}"

    @property
    def how(self) -> str:
        """Of a text: contains, is or starts."""
        first = self.values[0] if self.values else ""
        return {"=": "is", "^": "starts"}.get(first[:1], "contains")

    @property
    def text(self) -> str:
        """Of a text: what is looked for."""
        first = self.values[0] if self.values and self.values[0] not in (NONE, ANY) else ""
        return first[1:] if first[:1] in ("=", "^") else first

    @property
    def days(self) -> str:
        """Of a day: "last" or "next" when it asks for days from now."""
        found = AGO.fullmatch(self.values[0]) if self.values else None
        return found[1] if found else ""

    @property
    def number_of_days(self) -> str:
        found = AGO.fullmatch(self.values[0]) if self.values else None
        return found[2] if found else ""

    @property
    def words(self) -> str:
        """What it asks for, without the field's name."""
        said = self._words()
        return _("not {what}").format(what=said) if self.no else said

    def _words(self) -> str:
        if self.field.is_range and not self.values:
            low, high = (self.field.amount(v) if v else "" for v in (self.low, self.high))
            if low and high:
                return low if self.low == self.high else f"{low} – {high}"
            if self.field.is_day:
                return _("from {day}").format(day=low) if low else _("until {day}").format(day=high)
            return _("{n} or more").format(n=low) if low else _("{n} or less").format(n=high)
        labels = dict(self.field.options)
        return f" {_('or')} ".join(self._word(v, labels) for v in self.values)

    def _word(self, value: str, labels: dict[str, str]) -> str:
        if value == NONE:
            return _("no value")
        if value == ANY:
            return _("any value")
        if found := AGO.fullmatch(value):
            return (_("in the last {n} days") if found[1] == "last" else _("in the next {n} days")).format(n=found[2])
        if self.field.key == packed.KEY:
            return packed.words(value)
        if not self.field.is_text:
            return labels.get(value, value)
        how = {"=": _("exactly ‘{text}’"), "^": _("begins with ‘{text}’")}.get(value[:1])
        return how.format(text=value[1:]) if how else f"‘{value}’"

    def stored(self, me: int) -> dict[str, Any]:
        """The stored filter JSON of segments.filter."""
        tests = [t for v in self.values if (t := self._special(v)) is not None]
        values = [v for v in self.values if self._special(v) is None]
        match self.field.kind:
            case "score":
                tests += [{"condition": "score", **({"at_least": int(self.low)} if self.low else {}), **({"at_most": int(self.high)} if self.high else {})}]
            case "number" | "date" | "datetime" if self.low or self.high:
                least, most = ("at_least", "at_most") if self.field.kind == "number" else ("on_or_after", "on_or_before")
                parts = [self._property(op, _number(v) if self.field.kind == "number" else v) for op, v in ((least, self.low), (most, self.high)) if v]
                tests.append({"all": parts})
            case "user":
                tests += [self._property("any_of", [me if v == "me" else int(v) for v in values])] if values else []
            case "boolean":
                tests += [self._property("is", v == "true") for v in values]
            case packed.KEY:
                tests += [found for v in values if (found := packed.unpack(v))]
            case "list":
                tests += [{"condition": "in_segment", "segment": int(v)} for v in values]
            case "optout":
                tests += [{"condition": "opted_out", "channel": v} for v in values]
            case "choice" | "multi_choice":
                tests += [self._property("any_of", values)] if values else []
            case _:
                operators = {"=": "is", "^": "starts_with"}
                tests += [self._property(operators[v[0]], v[1:]) if v[:1] in operators else self._property("contains", v) for v in values]
        whole = tests[0] if len(tests) == 1 else {"any": tests}
        return {"not": whole} if self.no else whole

    def _special(self, value: str) -> dict[str, Any] | None:
        if value == NONE:
            return self._property("unknown", None)
        if value == ANY:
            return self._property("known", None)
        if self.field.is_day and (found := AGO.fullmatch(value)):
            return self._property("in_last_days" if found[1] == "last" else "in_next_days", int(found[2]))
        return None

    def _property(self, operator: str, value: Any) -> dict[str, Any]:
        given = {} if value is None else {"value": value}
        test = {"condition": "property", "property": self.field.name, "operator": operator, **given}
        return {"related": "company", "filter": test} if self.field.of == "company" else test


@dataclass(frozen=True)
class Group:
    """Conditions and groups of which all or any hold; `no` turns it round."""

    how: str  # all, any
    nodes: "tuple[Node, ...]" = ()
    no: bool = False

    def __bool__(self) -> bool:
        return bool(self.nodes)

    def __str__(self) -> str:
        # `;` binds tighter than `|`: a group of all within one of any needs no brackets of its own, unless it is turned round
        inner = (";" if self.how == "all" else "|").join(_within(n, self.how) for n in self.nodes)
        return f"{'!' if self.no else ''}({inner})"

    @property
    def is_group(self) -> bool:
        return True

    @property
    def joint(self) -> str:
        return _("and") if self.how == "all" else _("or")

    def stored(self, me: int) -> dict[str, Any]:
        inner = {self.how: [n.stored(me) for n in self.nodes]}
        return {"not": inner} if self.no else inner

    def sentence(self) -> str:
        """In words: `Stage MQL or SQL and (Industry Logistics or Employees 300 or more)`."""
        parts = [n.sentence() if isinstance(n, Group) else f"{n.field.label} {n.words}" for n in self.nodes]
        text = f" {self.joint} ".join(f"({p})" if isinstance(n, Group) and not n.no else p for p, n in zip(parts, self.nodes, strict=True))
        return _("not ({what})").format(what=text) if self.no else text


Node = Cond | Group


@dataclass(frozen=True)
class Filter:
    """The filter of an address: a group of all, with what a chip's editor does to it. A place is the way from the top: "0", "0.1", "2.0.1"."""

    top: Group = Group("all")

    def __str__(self) -> str:
        return ";".join(_within(n, "all") for n in self.top.nodes)

    def __bool__(self) -> bool:
        return bool(self.top)

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self.top.nodes

    def stored(self, me: int) -> dict[str, Any]:
        return self.top.stored(me)

    def sentence(self) -> str:
        return self.top.sentence()

    def at(self, place: str) -> Node | None:
        """What stands at a place; None for a new one."""
        node: Node = self.top
        for step in _steps(place):
            if not isinstance(node, Group) or step >= len(node.nodes):
                return None
            node = node.nodes[step]
        return node if _steps(place) else None

    def put(self, place: str, cond: Cond | None) -> "Filter":
        """With a condition put somewhere, or what is there taken away (None or an empty one).

        "new" adds to the end, "2" replaces, "2/or" and "2/and" join it with what stands at 2; a group at 2 gets it as one more.
        """
        where, _slash, joint = place.partition("/")
        if where == "new":
            return self._with(Group("all", (*self.top.nodes, cond)) if cond else self.top)
        if self.at(where) is None:
            return self
        if not joint:
            return self._with(_changed(self.top, _steps(where), lambda _old: cond or None))
        how = "any" if joint == "or" else "all"

        def join(old: Node) -> Node:
            if not cond:
                return old
            if isinstance(old, Group) and old.how == how and not old.no:
                return replace(old, nodes=(*old.nodes, cond))
            return Group(how, (old, cond))

        return self._with(_changed(self.top, _steps(where), join))

    def flip(self, place: str) -> "Filter":
        """With what stands at a place turned round."""
        return self._with(_changed(self.top, _steps(place), lambda old: replace(old, no=not old.no))) if self.at(place) else self

    def _with(self, top: Node | None) -> "Filter":
        found = _simple(top) if top else None
        if found is None:
            return Filter()
        return Filter(found if isinstance(found, Group) and found.how == "all" and not found.no else Group("all", (found,)))

    def count(self) -> int:
        return sum(1 for _cond in _conds(self.top))


def _conds(node: Node) -> Iterator[Cond]:
    if isinstance(node, Cond):
        yield node
    else:
        for inner in node.nodes:
            yield from _conds(inner)


def _within(node: Node, how: str) -> str:
    text = str(node)
    return text[1:-1] if isinstance(node, Group) and not node.no and (how, node.how) == ("any", "all") else text


def _steps(place: str) -> list[int]:
    steps = place.split(".")
    return [int(s) for s in steps] if all(s.isascii() and s.isdigit() and len(s) < 4 for s in steps) else []


def _changed(node: Node, steps: list[int], change: Any) -> Node | None:
    """The tree with what is at the end of the steps changed."""
    if not steps:
        found: Node | None = change(node)
        return found
    assert isinstance(node, Group)
    inner = [_changed(n, steps[1:], change) if i == steps[0] else n for i, n in enumerate(node.nodes)]
    return replace(node, nodes=tuple(n for n in inner if n is not None))


def _simple(node: Node) -> Node | None:
    """The same without groups of one, of none, and of the same kind within each other."""
    if isinstance(node, Cond):
        return node if node else None
    nodes: list[Node] = []
    for inner in (found for n in node.nodes if (found := _simple(n)) is not None):
        nodes += inner.nodes if isinstance(inner, Group) and inner.how == node.how and not inner.no else (inner,)
    if len(nodes) == 1:
        return replace(nodes[0], no=nodes[0].no != node.no)
    return replace(node, nodes=tuple(nodes)) if nodes else None


def cond(known: Fields, key: str, values: Sequence[str] = (), low: str = "", high: str = "", *, no: bool = False) -> Cond:
    """A checked condition. Raises Invalid at `f` for an unknown field or a value the field cannot have."""
    if key not in known:
        raise Invalid.one("f", "PROPERTY_DOESNT_EXIST", _("There is no field ‘{name}’ to filter by.").format(name=key))
    found = known[key]
    low, high = low.strip(), high.strip()
    values = [v.strip() for v in values if v.strip() and v.strip() not in ("=", "^")]
    pattern = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])" if found.is_day else r"-?\d{1,15}" if found.kind == "score" else r"-?\d{1,15}(\.\d{1,6})?"
    for edge in (low, high):
        if edge and not re.fullmatch(pattern, edge):
            raise _wrong(found, edge)
    special = {NONE, ANY} if found.may_be_unset else set()
    for value in values:
        if value in special or (found.is_day and AGO.fullmatch(value)):
            continue
        if found.is_range or (found.kind == "user" and not (value == "me" or (value.isdigit() and len(value) < 19))):
            raise _wrong(found, value)
        if found.kind == packed.KEY and packed.unpack(value) is None:
            raise _wrong(found, value)
        if found.is_choice and found.kind != "user" and value not in dict(found.options):
            raise Invalid.one("f", "INVALID_OPTION", _("{label}: ‘{value}’ is none of the options.").format(label=found.label, value=value))
    return Cond(found, tuple(dict.fromkeys(values)), low, high, no)


def _wrong(field: Field, value: str) -> Invalid:
    return Invalid.one("f", "INVALID_VALUE", _("{label}: ‘{value}’ cannot be compared.").format(label=field.label, value=value))


def parse(text: str, known: Fields) -> Filter:
    """The filter of an address. Raises Invalid at `f`."""
    reader = _Reader(text[:8000], known)
    node = reader.any_of(0)
    if reader.at < len(reader.text):
        raise _broken()
    found = Filter()._with(node)
    if found.count() > LARGEST:
        raise Invalid.one("f", "TOO_MANY_CONDITIONS", _("At most {most} conditions.").format(most=LARGEST))
    return found


def _broken() -> Invalid:
    return Invalid.one("f", "INVALID_FILTER", _("The filter in the address has brackets that do not match."))


class _Reader:
    """Reads `a;b`, `a|b`, `!a` and brackets; `;` binds tighter than `|`."""

    def __init__(self, text: str, known: Fields) -> None:
        self.text, self.known, self.at = text, known, 0

    def any_of(self, depth: int) -> Node:
        nodes = [self.all_of(depth)]
        while self._take("|"):
            nodes.append(self.all_of(depth))
        return nodes[0] if len(nodes) == 1 else Group("any", tuple(nodes))

    def all_of(self, depth: int) -> Node:
        nodes = [n for n in [self.one(depth)] if n]
        while self._take(";"):
            nodes += [n for n in [self.one(depth)] if n]
        return nodes[0] if len(nodes) == 1 else Group("all", tuple(nodes))

    def one(self, depth: int) -> Node | None:
        no = self._take("!")
        if self._take("("):
            if depth >= DEEPEST:
                raise Invalid.one("f", "TOO_DEEP", _("At most {most} groups within each other.").format(most=DEEPEST))
            inner = self.any_of(depth + 1)
            if not self._take(")"):
                raise _broken()
            return replace(inner, no=inner.no != no)
        found = re.compile(r"[^;|()]*").match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self._cond(found[0], no) if found[0] else None

    def _take(self, letter: str) -> bool:
        taken = self.text[self.at : self.at + 1] == letter
        self.at += taken
        return taken

    def _cond(self, text: str, no: bool) -> Cond:
        key, _colon, value = text.partition(":")
        found = cond(self.known, key)
        if found.field.is_range and ".." in value:
            low, _dots, high = value.partition("..")
            return cond(self.known, key, low=low, high=high, no=no)
        return cond(self.known, key, [unquote(v) for v in value.split(",")], no=no)


def _quoted(value: str) -> str:
    """A value as an address writes it: letters of every language as they are, the signs of the grammar escaped."""
    return SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", value)


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)
