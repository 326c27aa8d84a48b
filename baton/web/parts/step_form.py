"""The form of a step or trigger, drawn from what it says about its own fields (automation/field.py), and read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from baton.accounts.models import Team, User
from baton.automation.field import Field, Fields
from baton.crm import properties
from baton.crm.models import PropertyDefinition
from baton.forms.models import Form
from baton.messaging.models import Email
from baton.segments.models import Segment

Option = tuple[str, str]
INTEGERS = ("email", "form", "segment", "user", "team")  # kinds whose value is an id


@dataclass(frozen=True, slots=True)
class Widget:
    """One input of the panel."""

    name: str
    label: str
    help: str
    kind: str  # text, long_text, number, date, select, many, filter
    value: Any
    options: tuple[Option, ...] = ()
    error: str = ""

    @property
    def chosen(self) -> list[str]:
        return [str(v) for v in self.value] if isinstance(self.value, list) else [_text(self.value)]


def draw(item: Fields, errors: Mapping[str, str], given: QueryDict | None = None) -> list[Widget]:
    """The inputs that matter with the present values. What was typed (`given`) is shown again beside its error."""
    return [_widget(f, item, errors.get(f.name, ""), given) for f in item.entries() if item.asks(f.name)]


def _widget(field: Field, item: Fields, error: str, given: QueryDict | None) -> Widget:
    asked = field.input
    kind: str = asked.kind
    value: Any = field.value
    options = [(str(v), str(label)) for v, label in asked.options]
    if asked.kind == "property_value":
        kind, options = _of_property(properties.definitions("contact").get(getattr(item, "property", "")))
    elif asked.kind == "property":
        options = [(d.name, properties.label(d)) for d in _settable()]
    elif asked.kind in INTEGERS:
        options = records(asked.kind)
    elif asked.kind == "choice":
        kind = "select"
    if asked.kind in INTEGERS or asked.kind == "property":
        kind = "select"
        if asked.optional or value in (None, ""):
            options.insert(0, ("", str(asked.empty) or _("Choose …")))
    if kind == "select" and asked.kind == "property_value":
        options.insert(0, ("", str(asked.empty)))
    if error and given is not None and field.name in given:
        value = given.getlist(field.name) if kind == "many" else given[field.name]
    return Widget(field.name, str(asked.label), str(asked.help), kind, value, tuple(options), error)


def _settable() -> list[PropertyDefinition]:
    return [d for d in properties.definitions("contact").values() if not d.read_only and d.name != "email" and d.archived_at is None]


def _of_property(definition: PropertyDefinition | None) -> tuple[str, list[Option]]:
    """How a value of this property is asked for."""
    match definition.type if definition else "text":
        case "choice" | "multi_choice":
            assert definition is not None
            options = [(o["value"], properties.option_label(definition, o["value"])) for o in definition.options if not o.get("archived")]
            return ("many" if definition.type == "multi_choice" else "select"), options
        case "boolean":
            return "select", [("true", _("Yes")), ("false", _("No"))]
        case "user":
            return "select", records("user")
        case "number" | "date" as kind:
            return kind, []
        case _:
            return "text", []


def records(kind: str) -> list[Option]:
    """What can be chosen as an e-mail, a form, a list, a team or a user: (id, name)."""
    match kind:
        case "email":
            return [(str(pk), name) for pk, name in Email.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")]
        case "form":
            return [(str(pk), name) for pk, name in Form.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")]
        case "segment":
            return [(str(pk), name) for pk, name in Segment.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")]
        case "team":
            return [(str(pk), name) for pk, name in Team.objects.order_by("name").values_list("pk", "name")]
        case _:
            return [(str(pk), name) for pk, name in User.objects.filter(is_active=True).order_by("name").values_list("pk", "name")]


def read(item: Fields, given: QueryDict) -> dict[str, Any]:
    """The values of the form in the stored form's types. What cannot be a number stays text: the step's own check refuses it."""
    values: dict[str, Any] = {}
    for field in item.entries():
        if field.name not in given or field.input.kind == "filter":
            continue
        text = str(given[field.name]).strip() if field.input.kind != "long_text" else str(given[field.name])
        if field.input.kind == "number" or field.input.kind in INTEGERS:
            empty: Any = 0 if field.input.kind == "number" else None
            values[field.name] = integer(text) if text else empty
        elif field.input.kind == "property_value":
            values[field.name] = _property_value(getattr(item, "property", ""), [str(v) for v in given.getlist(field.name)])
        else:
            values[field.name] = text
    if "property" in values and values["property"] != getattr(item, "property", ""):
        values["value"] = None  # the old value belongs to another property
    return values


def _property_value(name: str, given: list[str]) -> Any:
    definition = properties.definitions("contact").get(name)
    kind = definition.type if definition else "text"
    if kind == "multi_choice":
        return [v for v in given if v] or None
    text = given[-1].strip()
    if not text:
        return None
    if kind == "boolean":
        return text == "true"
    if kind in ("number", "user"):
        try:
            return int(text) if kind == "user" or "." not in text else float(text)
        except ValueError:
            return text
    return text


def integer(text: str) -> int | str:
    """The number, or the text that is none."""
    try:
        return int(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    return "" if value is None else {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
