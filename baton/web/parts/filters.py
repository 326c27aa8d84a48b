"""Filters as readable addresses: `stage:mql,sql;score:35..;(industry:logistics|size:300..)`.

`;` joins conditions with AND, `( | )` is an OR group, `a,b` means one of, `lo..hi` is a range with either side open,
`-` is "no value". The address is translated to the stored filter JSON, which the one compiler understands.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote

from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.crm import properties
from baton.platform.errors import Invalid

from ..templatetags.fmt import day_only, num

NONE = "-"
SHORT = {"stage": "lifecyclestage", "owner": "owner_id", "source": "lead_source", "rank": "seniority", "size": "numberofemployees"}
ICONS = {
    "score": "gauge", "lifecyclestage": "milestone", "owner_id": "user-round-check", "lead_source": "route", "industry": "factory",
    "numberofemployees": "users-round", "seniority": "id-card", "jobtitle": "briefcase", "company": "building-2", "city": "map-pin", "email": "mail",
}  # fmt: skip
KIND_ICONS = {
    "choice": "list",
    "multi_choice": "list-checks",
    "number": "hash",
    "boolean": "toggle-left",
    "date": "calendar",
    "datetime": "calendar",
    "user": "user-round",
}
FIRST = ("stage", "score", "owner", "source", "industry", "size", "rank")  # what people filter by most leads the menu
RANGES = ("number", "date", "score")
CHOICES = ("choice", "multi_choice", "user", "boolean")


@dataclass(frozen=True)
class Field:
    """Something a condition can be about. `of` is contact, company or score."""

    key: str
    name: str
    label: str
    kind: str
    of: str = "contact"
    options: tuple[tuple[str, str], ...] = ()

    @property
    def icon(self) -> str:
        return ICONS.get(self.name, KIND_ICONS.get(self.kind, "text-cursor-input"))

    @property
    def is_range(self) -> bool:
        return self.kind in RANGES

    @property
    def is_choice(self) -> bool:
        return self.kind in CHOICES

    @property
    def input(self) -> str:
        """Type of the editor's <input>."""
        return "date" if self.kind == "date" else "number" if self.is_range else "text"

    def amount(self, value: str) -> str:
        if self.kind == "date":
            return day_only(value)
        text = num(float(value))
        return _("{n} points").format(n=text) if self.of == "score" else _("{n} people").format(n=text) if self.name == "numberofemployees" else text


Fields = Mapping[str, Field]


def fields(users: Sequence[User]) -> Fields:
    """All fields by key, the frequent ones first. Two reads at most, both cached by their owners."""
    names = {v: k for k, v in SHORT.items()}
    people = tuple((str(u.pk), u.name) for u in users)
    found = {"score": Field("score", "score", _("Score"), "score", "score")}
    for of in ("contact", "company"):
        for d in properties.definitions(of).values():
            key = names.get(d.name, d.name) if of == "contact" else f"company.{d.name}"
            label = properties.label(d) if of == "contact" else _("Company: {label}").format(label=properties.label(d))
            kind = "text" if d.type in ("phone", "email", "url") else "date" if d.type == "datetime" else d.type
            if kind == "boolean":
                options: tuple[tuple[str, str], ...] = (("true", _("Yes")), ("false", _("No")))
            elif kind == "user":
                options = (("me", _("Me")), *people)
            else:
                options = tuple((o["value"], properties.option_label(d, o["value"])) for o in d.options if not o.get("archived"))
            found[key] = Field(key, d.name, label, kind, of, options)
    return {**{k: found[k] for k in FIRST if k in found}, **found}


@dataclass(frozen=True)
class Cond:
    """One condition: values of a choice or a text, or a range."""

    field: Field
    values: tuple[str, ...] = ()
    low: str = ""
    high: str = ""

    def __bool__(self) -> bool:
        return bool(self.values or self.low or self.high)

    def __str__(self) -> str:
        if self.field.is_range and not self.values:
            return f"{self.field.key}:{self.low}..{self.high}"
        return f"{self.field.key}:{','.join(quote(v, safe=' @') for v in self.values)}"

    @property
    def words(self) -> str:
        """What it asks for, without the field's name."""
        if self.field.is_range and not self.values:
            low, high = (self.field.amount(v) if v else "" for v in (self.low, self.high))
            if low and high:
                return f"{low} – {high}"
            if self.field.kind == "date":
                return _("from {day}").format(day=low) if low else _("until {day}").format(day=high)
            return _("{n} or more").format(n=low) if low else _("{n} or less").format(n=high)
        labels = {NONE: _("no value"), **dict(self.field.options)}
        return f" {_('or')} ".join(labels.get(v, v) if self.field.is_choice or v == NONE else f"‘{v}’" for v in self.values)

    def stored(self, me: int) -> dict[str, Any]:
        """The stored filter JSON of segments.filter."""
        tests = []
        if NONE in self.values:
            tests.append(self._property("unknown", None))
        values = [v for v in self.values if v != NONE]
        match self.field.kind:
            case "score":
                parts: list[dict[str, Any]] = [{"condition": "score", "at_least": int(self.low)}] if self.low else []
                parts += [{"not": {"condition": "score", "at_least": int(self.high) + 1}}] if self.high else []
                tests.append({"all": parts})
            case "number" | "date" if self.low or self.high:
                value = (lambda v: float(v) if "." in v else int(v)) if self.field.kind == "number" else str
                least, most = ("at_least", "at_most") if self.field.kind == "number" else ("on_or_after", "on_or_before")
                parts = [self._property(op, value(v)) for op, v in ((least, self.low), (most, self.high)) if v]
                tests.append({"all": parts})
            case "user":
                tests += [self._property("any_of", [me if v == "me" else int(v) for v in values])] if values else []
            case "boolean":
                tests += [self._property("is", v == "true") for v in values]
            case "choice" | "multi_choice":
                tests += [self._property("any_of", values)] if values else []
            case _:
                tests += [self._property("contains", v) for v in values]
        return tests[0] if len(tests) == 1 else {"any": tests}

    def _property(self, operator: str, value: Any) -> dict[str, Any]:
        condition = "company_property" if self.field.of == "company" else "property"
        given = {} if value is None else {"value": value}
        return {"condition": condition, "property": self.field.name, "operator": operator, **given}


@dataclass(frozen=True)
class OneOf:
    """At least one of these holds."""

    conds: tuple[Cond, ...]

    def __str__(self) -> str:
        return f"({'|'.join(map(str, self.conds))})"

    def stored(self, me: int) -> dict[str, Any]:
        return {"any": [c.stored(me) for c in self.conds]}


Node = Cond | OneOf


@dataclass(frozen=True)
class Filter:
    """The conditions of an address, all of which must hold."""

    nodes: tuple[Node, ...] = field(default=())

    def __str__(self) -> str:
        return ";".join(map(str, self.nodes))

    def __bool__(self) -> bool:
        return bool(self.nodes)

    def stored(self, me: int) -> dict[str, Any]:
        return {"all": [n.stored(me) for n in self.nodes]}

    def at(self, place: str) -> Cond | None:
        """The condition at "2" or "2.1"; None for a new one."""
        index, _dot, inner = place.partition(".")
        if not index.isdigit() or int(index) >= len(self.nodes):
            return None
        node = self.nodes[int(index)]
        if isinstance(node, OneOf):
            return node.conds[int(inner)] if inner.isdigit() and int(inner) < len(node.conds) else None
        return node if not inner else None

    def put(self, place: str, cond: Cond | None) -> "Filter":
        """With the condition at a place replaced, or removed when None or empty: "new" appends, "2.or" adds to place 2 as an alternative."""
        if place == "new":
            return Filter((*self.nodes, cond)) if cond else self
        index, _dot, inner = place.partition(".")
        if not index.isdigit() or int(index) >= len(self.nodes):
            return self
        nodes = list(self.nodes)
        node = nodes[int(index)]
        conds = list(node.conds) if isinstance(node, OneOf) else [node]
        if inner == "or":
            conds += [cond] if cond else []
        elif inner.isdigit() or not isinstance(node, OneOf):
            spot = int(inner or 0)
            conds[spot : spot + 1] = [cond] if cond else []
        else:
            conds = [cond] if cond else []
        nodes[int(index) : int(index) + 1] = [] if not conds else [conds[0] if len(conds) == 1 else OneOf(tuple(conds))]
        return Filter(tuple(nodes))


def cond(known: Fields, key: str, values: Sequence[str] = (), low: str = "", high: str = "") -> Cond:
    """A checked condition. Raises Invalid at `f` for an unknown field or a value the field cannot have."""
    if key not in known:
        raise Invalid.one("f", "PROPERTY_DOESNT_EXIST", _("There is no field ‘{name}’ to filter by.").format(name=key))
    found = known[key]
    low, high = low.strip(), high.strip()
    pattern = r"\d{4}-\d{2}-\d{2}" if found.kind == "date" else r"-?\d{1,15}" if found.kind == "score" else r"-?\d{1,15}(\.\d{1,6})?"
    for edge in (low, high):
        if edge and not re.fullmatch(pattern, edge):
            raise Invalid.one("f", "INVALID_VALUE", _("{label}: ‘{value}’ cannot be compared.").format(label=found.label, value=edge))
    if found.is_choice:
        allowed = {NONE, *(v for v, _label in found.options)}
        if found.kind == "user":
            values = [v for v in values if v in allowed or v.isdigit()]
        elif bad := [v for v in values if v not in allowed]:
            raise Invalid.one("f", "INVALID_OPTION", _("{label}: ‘{value}’ is none of the options.").format(label=found.label, value=bad[0]))
    return Cond(found, tuple(dict.fromkeys(v.strip() for v in values if v.strip())), low, high)


def parse(text: str, known: Fields) -> Filter:
    """The filter of an address. Raises Invalid at `f`."""
    nodes: list[Node] = []
    for part in filter(None, text.split(";")):
        if part.startswith("(") and part.endswith(")"):
            conds = tuple(c for p in part[1:-1].split("|") if (c := _cond(p, known)))
            nodes += [OneOf(conds)] if len(conds) > 1 else conds
        elif one := _cond(part, known):
            nodes.append(one)
    return Filter(tuple(nodes))


def _cond(text: str, known: Fields) -> Cond:
    key, _colon, value = text.partition(":")
    empty = cond(known, key)
    if empty.field.is_range and value != NONE:
        low, _dots, high = value.partition("..")
        return cond(known, key, low=low, high=high)
    return replace(empty, values=cond(known, key, [unquote(v) for v in value.split(",")]).values)
