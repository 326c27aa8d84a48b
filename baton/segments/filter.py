"""Stored filter JSON -> core nodes: `{"all": [...]}`, `{"any": [...]}`, `{"not": {...}}` over conditions. Errors carry the path."""

from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from baton.platform.errors import Invalid, Problem
from baton.query import check, describe
from baton.query.catalog import Catalog
from baton.query.errors import FilterError
from baton.query.nodes import And, Everyone, Nobody, Node, Not, Or, Related, about
from baton.segments import catalog as catalogs
from baton.segments.condition import Condition, conditions

Stored = dict[str, Any]

DEEPEST = 20  # groups within groups
LARGEST = 500  # conditions


def parse(stored: Stored, catalog: Catalog, *, segment: int | None = None, object_type: str = "contact", deep: bool | None = None) -> Node:
    """The filter as checked core nodes; an empty one means nobody. `segment`: the list it belongs to, which it must not lead back to.

    `object_type` is what it asks about. `deep` lets `related` groups lead further and to people; it is usual for all but contacts, whose
    filters become lists, and those cannot follow that far: tables of contacts say deep=True.
    Raises Invalid with all faults, each at its path: `all.0.any.1.value`.
    """
    if stored in ({}, {"all": []}, {"any": []}):
        return Nobody()
    reader = _Reader(catalog, object_type, object_type != "contact" if deep is None else deep)
    node = reader.node(stored, "", 0)
    if not reader.problems and segment is not None:
        try:
            check.check(node, catalog, segment=segment)
        except FilterError as error:
            reader.fault(error.path, error.code, _(error.message).format(**error.params))
    if reader.problems:
        raise Invalid(reader.problems)
    return node


def sentence(stored: Stored, object_type: str = "contact") -> str:
    """The filter as people read it, in the current language. A condition that can no longer be read is said to be so."""
    return _sentence(stored, catalogs.current(), object_type) if stored else describe.sentence(Nobody(), catalogs.current(), _)


def _sentence(stored: Any, catalog: Catalog, object_type: str) -> str:
    match stored:
        case {"all": [*parts]} | {"any": [*parts]}:
            how = "all" if "all" in stored else "any"
            return describe.joined([_sentence(p, catalog, object_type) for p in parts], how, _) if parts else describe.sentence(Nobody(), catalog, _)
        case {"not": inner}:
            return describe.negated(_sentence(inner, catalog, object_type), _)
        case {"related": str(kind), "filter": dict(inner)} if inner:
            return describe.related(_counted(stored, kind, Nobody()), _sentence(inner, catalog, kind), catalog, _)
        case {"related": str(kind)}:
            return describe.related(_counted(stored, kind, Everyone()), "", catalog, _)
    reader = _Reader(catalog, object_type, True)
    condition = reader.condition(stored, "") if isinstance(stored, dict) else None
    node = None if condition is None else reader.checked(condition, "", object_type)
    if condition is None or node is None:
        return _("a condition that can no longer be read")
    return condition.sentence(catalog) if object_type == "contact" else describe.sentence(node, catalog, _)


def _counted(stored: Stored, kind: str, child: Node) -> Related:
    """A group about linked records whose fields have been read."""
    most = stored.get("at_most")
    least = stored.get("at_least")
    return Related(kind, child, stored.get("label"), least if least is not None else 1 if most is None else 0, most)


class _Reader:
    """One pass over a stored filter that gathers faults and goes on."""

    def __init__(self, catalog: Catalog, object_type: str, deep: bool) -> None:
        self.catalog, self.of, self.deep = catalog, object_type, deep
        self.problems: list[Problem] = []
        self.count = 0

    def fault(self, path: str, code: str, message: str) -> Nobody:
        self.problems.append(Problem(path or "filter", code, message))
        return Nobody()

    def node(self, stored: Any, path: str, depth: int, of: str = "") -> Node:
        """`of` is the object type asked about; the filter's own when it is not given."""
        of = of or self.of
        if not isinstance(stored, dict):
            return self.fault(path, "INVALID_FILTER", _("A filter is an object with “all”, “any”, “not” or “condition”."))
        found = [word for word in ("all", "any", "not", "condition", "related") if word in stored]
        if len(found) != 1:
            return self.fault(path, "INVALID_FILTER", _("A filter is an object with “all”, “any”, “not” or “condition”."))
        if found == ["condition"]:
            return self._leaf(stored, path, of)
        if found == ["related"] and depth < DEEPEST:
            return self._related(stored, path, depth + 1, of)
        if len(stored) > 1:
            other = next(key for key in stored if key != found[0])
            return self.fault(_at(path, str(other)), "UNKNOWN_FIELD", _("There is no such field."))
        if depth >= DEEPEST:
            return self.fault(path, "TOO_DEEP", _("At most {most} groups within each other.").format(most=DEEPEST))
        return self._group(found[0], stored[found[0]], _at(path, found[0]), depth + 1, of)

    def _related(self, stored: Stored, path: str, depth: int, of: str) -> Node:
        """`{"related": "company", "filter": {...}, "label": "primary", "at_least": 2}`; without a filter: has any such record; `at_most` 0: has none."""
        if other := next((key for key in stored if key not in ("related", "filter", "label", "at_least", "at_most")), None):
            return self.fault(_at(path, str(other)), "UNKNOWN_FIELD", _("There is no such field."))
        kind, label = stored["related"], stored.get("label")
        if not isinstance(kind, str) or self.catalog.relation(kind) is None or (kind == "contact" and not self.deep):
            return self.fault(_at(path, "related"), "OBJECT_DOESNT_EXIST", _("There is no object “{name}”.").format(name=kind))
        if of != "contact" and not self.deep:
            return self.fault(_at(path, "related"), "NOT_ABOUT_A_PERSON", _("A related record is filtered by its properties only."))
        if not (label is None or (isinstance(label, str) and "\0" not in label)):
            return self.fault(_at(path, "label"), "INVALID_TEXT", _("Expected a text."))
        if label and self.catalog.link(of, kind, label) is None:
            return self.fault(_at(path, "label"), "INVALID_OPTION", _("There is no label “{name}”.").format(name=label))
        for name in ("at_least", "at_most"):
            number = stored.get(name)
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= check.WHOLE):
                return self.fault(_at(path, name), "INVALID_NUMBER", _("Expected a whole number."))
        inner = stored.get("filter") or {}
        child = self.node(inner, _at(path, "filter"), depth, kind) if inner else Everyone()
        made = _counted(stored, kind, child)
        if made.at_most is not None and made.at_least > made.at_most:
            return self.fault(_at(path, "at_most"), "INVALID_NUMBER", _("The most must not be less than the least."))
        return made

    def _group(self, word: str, inner: Any, path: str, depth: int, of: str) -> Node:
        if word == "not":
            return Not(self.node(inner, path, depth, of))
        if not isinstance(inner, list):
            return self.fault(path, "INVALID_FILTER", _("A group is a list of conditions."))
        if not inner:
            return self.fault(path, "EMPTY_GROUP", _("This group has no condition."))
        children = tuple(self.node(child, _at(path, str(i)), depth, of) for i, child in enumerate(inner))
        if len(children) == 1:
            return children[0]
        return And(children) if word == "all" else Or(children)

    def _leaf(self, stored: Stored, path: str, of: str) -> Node:
        self.count += 1
        if self.count > LARGEST:
            if self.count == LARGEST + 1:
                self.fault(path, "TOO_MANY_CONDITIONS", _("At most {most} conditions.").format(most=LARGEST))
            return Nobody()
        condition = self.condition(stored, path)
        return (condition and self.checked(condition, path, of)) or Nobody()

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
                self.fault(_at(path, *_place(fault["loc"])), *said(fault["type"], fault.get("ctx", {}), fault["msg"]))
            return None

    def checked(self, condition: Condition, path: str, of: str) -> Node | None:
        """The condition's nodes, asked about an object type, or None with its fault noted."""
        try:
            node = about(condition.lower(self.catalog), of)
            # inside a relation of a list only what is known of the record itself may be asked
            check.check(node, self.catalog, of=of, deep=self.deep)
        except FilterError as error:
            self.fault(_at(path, *_field(error.path)), error.code, _(error.message).format(**error.params))
            return None
        return node


def _at(path: str, *steps: str) -> str:
    return ".".join([*([path] if path else []), *steps])


def _place(steps: tuple[int | str, ...]) -> list[str]:
    """A field, or a place in a list of parts or in a part: `tests.0.operator`, `sum.of`. Which of several types was tried is left out."""
    deep = len(steps) > 1 and (isinstance(steps[1], int) or steps[0] == "sum")
    return [str(step) for step in (steps[:3] if deep else steps[:1])]


def _field(path: str) -> list[str]:
    """The field that a path through the lowered nodes ends in: `children.0.child.value.1` is `value.1`."""
    steps = path.split(".") if path else []
    while steps and steps[0] in {"child", "children"}:
        steps = steps[2 if steps[0] == "children" else 1 :]
    return steps


def said(kind: str, context: dict[str, Any], message: str) -> tuple[str, str]:
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
