"""The form of a step, a trigger or the settings, drawn from what it says about its own fields (automation/field.py), and read back.

A new kind of input is a line in step_choices.CHOICES, or a widget here and in templates/workflows/widget.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from baton.automation.field import Field, Fields
from baton.crm.models import PropertyDefinition

from . import choices, step_choices
from .inputs import integer, number
from .step_choices import About, Option

IDS = ("email", "form", "segment", "fixed_segment", "user", "team", "score", "workflow")  # kinds whose value is an id
MANY_IDS = ("segments", "users")
SELECTS = (
    *IDS,
    "choice",
    "band",
    "lifecycle",
    "step",
    "property",
    "date_property",
    "event_kind",
    "object_type",
    "pipeline",
    "pipeline_stage",
    "role",
    "user_role",
)
LINED = ("pairs", "values", "shares", "rules")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MOST_WAYS = 10  # out of one branch
NARROWED = 8  # from so many choices on, a list has a box that narrows it


@dataclass(frozen=True, slots=True)
class Line:
    """One line of pairs, values or shares; an empty one stands at the end."""

    name: str  # what its inputs' names begin with
    key: str
    value: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One of several rules that choose a colleague; its filter is edited apart."""

    field: str
    number: int
    filter: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Widget:
    """One input of the panel."""

    name: str
    label: str
    help: str
    kind: str  # text, long_text, number, date, time, url, secret, check, select, many, pairs, values, shares, rules, filter
    value: Any
    options: tuple[Option, ...] = ()
    error: str = ""
    optional: bool = False
    lines: tuple[Line, ...] = ()
    again: bool = False  # another field depends on it: the panel is drawn anew

    @property
    def chosen(self) -> list[str]:
        return [_text(v) for v in self.value] if isinstance(self.value, list | tuple) else [_text(self.value)]

    @property
    def narrowed(self) -> bool:
        return len(self.options) >= NARROWED

    @property
    def text(self) -> str:
        """The value as an input shows it."""
        return "\n".join(_text(v) for v in self.value) if isinstance(self.value, list | tuple) else _text(self.value)


def draw(item: Fields, about: About, errors: Mapping[str, str], given: QueryDict | None = None) -> list[Widget]:
    """The inputs that matter with the present values. What was typed (`given`) is shown again beside its error."""
    return [_widget(f, item, about, errors.get(f.name, ""), given) for f in item.entries() if item.asks(f.name)]


def _widget(field: Field, item: Fields, about: About, error: str, given: QueryDict | None) -> Widget:
    asked, value = field.input, field.value
    kind: str = asked.kind
    offered = [(str(v), str(label)) for v, label in asked.options] or step_choices.options(kind, item, about)
    if kind == "property_value":
        kind, offered = step_choices.of_property(step_choices.definition(item, about))
        if kind == "select":
            offered = [("", str(asked.empty)), *offered]
    elif kind == "values":
        offered = [(str(v), str(label)) for v, label in item.offered(field.name)]
    elif kind in SELECTS:
        kind = "select"
        known = {v for v, _label in offered}
        if (asked.optional and "" not in known) or _text(value) not in known:
            offered = [("", str(asked.empty) if asked.optional else _("Choose …")), *offered]
        if _text(value) and _text(value) not in known and asked.kind != "choice":
            offered.append((_text(value), _("{value} (not found)").format(value=_text(value))))
    elif kind == "rules":
        offered = [("", _("Choose …")), *_whom()]
    elif kind in MANY_IDS or kind == "choices":
        kind = "many"
    elif kind == "boolean":
        kind = "check"
    elif kind == "hook":
        value = f"/workflows/{about.workflow.pk}/hooks/{about.selected}/"
    if error and given is not None and field.name in given and kind not in LINED:
        value = given.getlist(field.name) if kind == "many" else given[field.name]
    lines = _lines(field, value, kind)
    return Widget(field.name, str(asked.label), str(asked.help), kind, value, tuple(offered), error, asked.optional, lines)


def rules(item: Fields, about: About) -> list[Rule]:
    """The rules of the item, whose filters have editors of their own."""
    return [
        Rule(f.name, i, dict(rule.get("filter") or {}))
        for f in item.entries() if f.input.kind == "rules" and item.asks(f.name) for i, rule in enumerate(f.value or ())
    ]  # fmt: skip


def with_filter(item: Fields, name: str, stored: dict[str, Any]) -> dict[str, Any]:
    """The values of the field that an edited filter belongs to: `audience`, or `rules-0` for the first rule. Raises KeyError."""
    if name in item.inputs() and item.inputs()[name].kind == "filter":
        return {name: stored}
    field, _dash, number = name.rpartition("-")
    rows = [dict(rule) for rule in getattr(item, field)] if item.inputs()[field].kind == "rules" else []
    if not number.isdecimal() or int(number) >= len(rows):
        raise KeyError(name)
    rows[int(number)]["filter"] = stored
    return {field: rows}


def _whom() -> list[Option]:
    users = [(f"user:{value}", label) for value, label in choices.colleagues()]
    return [*users, *((f"team:{value}", _("Team {name}").format(name=label)) for value, label in choices.teams())]


def _lines(field: Field, value: Any, kind: str) -> tuple[Line, ...]:
    """The lines of an input that holds several, by their labels; an empty one at the end asks for one more."""
    if kind not in LINED:
        return ()
    rows = list(value.items()) if isinstance(value, Mapping) else []
    if kind == "rules":
        whom = [f"user:{r['user']}" if r.get("user") else f"team:{r['team']}" if r.get("team") else "" for r in value or ()]
        return tuple(Line(f"{field.name}.{i}", str(i), who, str(i + 1)) for i, who in enumerate([*whom, ""]))
    if kind == "pairs":
        return tuple(Line(f"{field.name}.{i}", str(k), _text(v)) for i, (k, v) in enumerate([*rows, ("", "")]))
    used = [str(k) for k, _v in rows]
    rows = [(letter, value.get(letter, "")) for letter in used] + [(next(c for c in LETTERS if c not in used), "")] * (len(used) < MOST_WAYS)
    return tuple(Line(f"{field.name}.{i}", str(k), _text(v), str(k).upper()) for i, (k, v) in enumerate(rows))


# Reading ---------------------------------------------------------------------


def read(item: Fields, about: About, given: QueryDict) -> dict[str, Any]:
    """The values of the form in the stored form's types. What cannot be a number stays text: the step's own check refuses it."""
    values: dict[str, Any] = {}
    for field in item.entries():
        found = _read(field, item, about, given)
        if found is not _ABSENT:
            values[field.name] = found
    if "property" in values and values["property"] != getattr(item, "property", ""):  # the old value belongs to another property
        values |= {f.name: _empty(item, f.name) for f in item.entries() if f.input.kind in ("property_value", "values")}
    return values


_ABSENT: Any = object()


def _read(field: Field, item: Fields, about: About, given: QueryDict) -> Any:
    name, kind = field.name, field.input.kind
    if kind == "filter":
        return _ABSENT  # edited apart
    if kind == "rules":
        return _rules(field, given) if f"{name}.0.key" in given else _ABSENT
    if kind in LINED:
        return _several(field, given) if f"{name}.0.key" in given else _ABSENT
    marked = f"{name}?" in given  # boxes that are not ticked are not sent; this says that they were there
    if name not in given and not marked:
        return _ABSENT
    text = str(given.get(name, ""))
    text = text if kind == "long_text" else text.strip()
    if kind == "boolean":
        return name in given
    if kind == "secret":
        return text or (_ABSENT if f"{name}!" not in given else "")
    if kind in MANY_IDS:
        return [integer(v) for v in given.getlist(name) if v]
    if kind == "choices":
        return [str(v) for v in given.getlist(name) if v]
    if kind == "property_value":
        return _property_value(step_choices.definition(item, about), [str(v) for v in given.getlist(name)])
    if not text:
        return _empty(item, name)
    if kind == "number":
        return number(text)
    return integer(text) if kind in IDS and not isinstance(_empty(item, name), str) else text


def _empty(item: Fields, name: str) -> Any:
    """What an input without a value means: what the field has when nobody filled it in."""
    value = type(item).model_fields[name].get_default(call_default_factory=True)
    if isinstance(value, tuple):
        return list(value)
    if item.inputs()[name].kind == "number" and value is not None:
        return 0 if not item.inputs()[name].optional or value == 0 else None if _may_be_none(item, name) else value
    if isinstance(value, str) and item.inputs()[name].kind in ("text", "long_text", "url", "time"):
        return ""
    return value


def _may_be_none(item: Fields, name: str) -> bool:
    return "None" in str(type(item).model_fields[name].annotation)


def _several(field: Field, given: QueryDict) -> dict[str, Any]:
    """The lines of an input that holds several; what has no name, or no value where that is what counts, goes."""
    rows: dict[str, Any] = {}
    i = 0
    while f"{field.name}.{i}.key" in given:
        key, value = str(given[f"{field.name}.{i}.key"]).strip(), str(given.get(f"{field.name}.{i}.value", "")).strip()
        if key and (value or field.input.kind == "pairs"):
            rows[key] = number(value) if field.input.kind == "shares" else value
        i += 1
    return rows


def _rules(field: Field, given: QueryDict) -> list[dict[str, Any]]:
    """The rules with whom each chooses; a rule without anybody goes, a new one has no condition yet."""
    rows: list[dict[str, Any]] = []
    old = list(field.value or ())
    for i in range(len(old) + 1):
        kind, _colon, id = str(given.get(f"{field.name}.{i}.value", "")).partition(":")
        if id.isdecimal():
            rows.append(
                {
                    "filter": old[i].get("filter") or {} if i < len(old) else {},
                    "user": int(id) if kind == "user" else None,
                    "team": int(id) if kind == "team" else None,
                }
            )
    return rows


def _property_value(definition: PropertyDefinition | None, given: list[str]) -> Any:
    kind = definition.type if definition else "text"
    if kind == "multi_choice":
        return [v for v in given if v] or None
    text = given[-1].strip() if given else ""
    if not text:
        return None
    if kind == "boolean":
        return text == "true"
    if kind in ("number", "user"):
        return integer(text) if kind == "user" else number(text)
    return text


def _text(value: Any) -> str:
    return "" if value is None else {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
