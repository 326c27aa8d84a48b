"""Stored filter JSON -> core nodes: `{"all": [...]}`, `{"any": [...]}`, `{"not": {...}}` over conditions. Errors carry the path."""

from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from baton.platform.errors import Invalid, Problem
from baton.query import check, describe
from baton.query.catalog import Catalog
from baton.query.errors import FilterError
from baton.query.nodes import And, Nobody, Node, Not, Or
from baton.segments import catalog as catalogs
from baton.segments.condition import Condition, conditions

Stored = dict[str, Any]

DEEPEST = 20  # groups within groups
LARGEST = 500  # conditions


def parse(stored: Stored, catalog: Catalog, *, segment: int | None = None) -> Node:
    """The filter as checked core nodes; an empty one means nobody. `segment`: the list it belongs to, which it must not lead back to.

    Raises Invalid with all faults, each at its path: `all.0.any.1.value`.
    """
    if stored in ({}, {"all": []}, {"any": []}):
        return Nobody()
    reader = _Reader(catalog)
    node = reader.node(stored, "", 0)
    if not reader.problems and segment is not None:
        try:
            check.check(node, catalog, segment=segment)
        except FilterError as error:
            reader.fault(error.path, error.code, _(error.message).format(**error.params))
    if reader.problems:
        raise Invalid(reader.problems)
    return node


def sentence(stored: Stored) -> str:
    """The filter as people read it, in the current language. A condition that can no longer be read is said to be so."""
    return _sentence(stored, catalogs.current()) if stored else describe.sentence(Nobody(), catalogs.current(), _)


def _sentence(stored: Any, catalog: Catalog) -> str:
    match stored:
        case {"all": [*parts]} | {"any": [*parts]}:
            how = "all" if "all" in stored else "any"
            return describe.joined([_sentence(p, catalog) for p in parts], how, _) if parts else describe.sentence(Nobody(), catalog, _)
        case {"not": inner}:
            return describe.negated(_sentence(inner, catalog), _)
    reader = _Reader(catalog)
    condition = reader.condition(stored, "") if isinstance(stored, dict) else None
    if condition is None or reader.checked(condition, "") is None:
        return _("a condition that can no longer be read")
    return condition.sentence(catalog)


class _Reader:
    """One pass over a stored filter that gathers faults and goes on."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.problems: list[Problem] = []
        self.count = 0

    def fault(self, path: str, code: str, message: str) -> Nobody:
        self.problems.append(Problem(path or "filter", code, message))
        return Nobody()

    def node(self, stored: Any, path: str, depth: int) -> Node:
        if not isinstance(stored, dict):
            return self.fault(path, "INVALID_FILTER", _("A filter is an object with “all”, “any”, “not” or “condition”."))
        found = [word for word in ("all", "any", "not", "condition") if word in stored]
        if len(found) != 1:
            return self.fault(path, "INVALID_FILTER", _("A filter is an object with “all”, “any”, “not” or “condition”."))
        if found == ["condition"]:
            return self._leaf(stored, path)
        if len(stored) > 1:
            other = next(key for key in stored if key != found[0])
            return self.fault(_at(path, str(other)), "UNKNOWN_FIELD", _("There is no such field."))
        if depth >= DEEPEST:
            return self.fault(path, "TOO_DEEP", _("At most {most} groups within each other.").format(most=DEEPEST))
        return self._group(found[0], stored[found[0]], _at(path, found[0]), depth + 1)

    def _group(self, word: str, inner: Any, path: str, depth: int) -> Node:
        if word == "not":
            return Not(self.node(inner, path, depth))
        if not isinstance(inner, list):
            return self.fault(path, "INVALID_FILTER", _("A group is a list of conditions."))
        if not inner:
            return self.fault(path, "EMPTY_GROUP", _("This group has no condition."))
        children = tuple(self.node(child, _at(path, str(i)), depth) for i, child in enumerate(inner))
        if len(children) == 1:
            return children[0]
        return And(children) if word == "all" else Or(children)

    def _leaf(self, stored: Stored, path: str) -> Node:
        self.count += 1
        if self.count > LARGEST:
            if self.count == LARGEST + 1:
                self.fault(path, "TOO_MANY_CONDITIONS", _("At most {most} conditions.").format(most=LARGEST))
            return Nobody()
        condition = self.condition(stored, path)
        return (condition and self.checked(condition, path)) or Nobody()

    def condition(self, stored: Stored, path: str) -> Condition | None:
        """The condition, or None with its faults noted."""
        fields = {str(name): value for name, value in stored.items() if name != "condition"}
        kind = conditions().get(stored["condition"]) if isinstance(stored.get("condition"), str) else None
        if kind is None:
            self.fault(_at(path, "condition"), "CONDITION_DOESNT_EXIST", _("There is no condition “{name}”.").format(name=stored.get("condition")))
            return None
        try:
            return kind.model_validate(fields)
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                self.fault(_at(path, *(str(step) for step in fault["loc"][:1])), *_said(fault["type"], fault.get("ctx", {}), fault["msg"]))
            return None

    def checked(self, condition: Condition, path: str) -> Node | None:
        """The condition's nodes, or None with its fault noted."""
        try:
            node = condition.lower(self.catalog)
            check.check(node, self.catalog)
        except FilterError as error:
            self.fault(_at(path, *_field(error.path)), error.code, _(error.message).format(**error.params))
            return None
        return node


def _at(path: str, *steps: str) -> str:
    return ".".join([*([path] if path else []), *steps])


def _field(path: str) -> list[str]:
    """The field that a path through the lowered nodes ends in: `children.0.child.value.1` is `value.1`."""
    steps = path.split(".") if path else []
    while steps and steps[0] in {"child", "children"}:
        steps = steps[2 if steps[0] == "children" else 1 :]
    return steps


def _said(kind: str, context: dict[str, Any], message: str) -> tuple[str, str]:
    """A fault of a field as code and words."""
    match kind:
        case "missing":
            return "REQUIRED", _("This is required.")
        case "extra_forbidden":
            return "UNKNOWN_FIELD", _("There is no such field.")
        case "int_type" | "int_from_float" | "int_parsing":
            return "INVALID_NUMBER", _("Expected a whole number.")
        case "greater_than_equal":
            return "INVALID_NUMBER", _("Expected {n} or more.").format(n=context.get("ge"))
        case "less_than_equal":
            return "INVALID_NUMBER", _("Expected {n} or less.").format(n=context.get("le"))
        case "literal_error":
            return "INVALID_OPTION", _("Expected one of: {options}.").format(options=context.get("expected"))
        case "string_type":
            return "INVALID_TEXT", _("Expected a text.")
        case "string_too_long":
            return "TOO_LONG", _("At most {most} letters.").format(most=context.get("max_length"))
        case "value_error":
            return "INVALID_VALUE", str(context["error"])
        case _:
            return "INVALID_VALUE", _("This value cannot be used: {why}").format(why=message)
