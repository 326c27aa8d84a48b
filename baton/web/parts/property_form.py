"""The form of a property: what people choose as its kind, and options as lines of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from baton.crm import properties
from baton.crm.models import PropertyDefinition


@dataclass(frozen=True, slots=True)
class Kind:
    """What people call a type of property: the type it is stored as, and how it is asked for."""

    key: str
    label: str | Promise
    type: str
    field_type: str = ""


CALCULATED = "calculated"
KINDS = (
    Kind("text", _("One line of text"), "text"),
    Kind("textarea", _("Several lines of text"), "text", "textarea"),
    Kind("html", _("Text with format"), "text", "html"),
    Kind("number", _("Number"), "number"),
    Kind("currency", _("Money"), "number", "currency"),
    Kind("percent", _("Percent"), "number", "percent"),
    Kind("date", _("Date"), "date"),
    Kind("datetime", _("Date and time"), "datetime"),
    Kind("choice", _("Choice"), "choice"),
    Kind("radio", _("Choice, all shown"), "choice", "radio"),
    Kind("multi_choice", _("Several choices"), "multi_choice"),
    Kind("boolean", _("Yes or no"), "boolean"),
    Kind("phone", _("Phone number"), "phone"),
    Kind("email", _("E-mail address"), "email"),
    Kind("url", _("Web address"), "url"),
    Kind("user", _("Colleague"), "user"),
    Kind(CALCULATED, _("Calculated number"), "number"),
)
BY_KEY = {kind.key: kind for kind in KINDS}
OTHERS = {"duration": _("Length of time"), "file": _("Files")}  # of built-in properties; not to be chosen


def kind_of(definition: PropertyDefinition) -> str:
    """The key of what people chose, or "duration", "file"."""
    if definition.formula:
        return CALCULATED
    if definition.field_type in OTHERS:
        return definition.field_type
    return next((kind.key for kind in KINDS if (kind.type, kind.field_type) == (definition.type, definition.field_type)), definition.type)


def kind_label(definition: PropertyDefinition) -> str:
    key = kind_of(definition)
    return str(BY_KEY[key].label if key in BY_KEY else OTHERS.get(key, key))


def options_text(definition: PropertyDefinition) -> str:
    """One live option a line: its label, or `value = label` where the two differ."""
    rows = [(o["value"], properties.option_label(definition, o["value"])) for o in definition.options if not o.get("archived")]
    return "\n".join(label if label == value else f"{value} = {label}" for value, label in rows)


def options(text: str, before: Sequence[Mapping[str, Any]], builtin: Mapping[str, str]) -> list[dict[str, Any]]:
    """The options of such a text. A line whose label an option had keeps its value, so that renaming is `value = new label`.

    `builtin`: value -> label in the reader's language of options Baton brought; an unchanged one keeps the label that is translated.
    """
    stored = {str(o["value"]): o for o in before}
    by_label = {label: value for value, label in builtin.items()} | {str(o["label"]): str(o["value"]) for o in before}
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        left, mark, right = (part.strip() for part in line.partition("="))
        value, label = (left, right or left) if mark else (by_label.get(left, left), left)
        if value in stored and builtin.get(value) == label:
            label = str(stored[value]["label"])
        found.append({"value": value, "label": label})
    return found


def fields(given: Mapping[str, str], definition: PropertyDefinition | None) -> dict[str, Any]:
    """Arguments of properties.define, or of properties.change for a property there is."""
    key = kind_of(definition) if definition else given.get("kind", "text")
    kind = BY_KEY.get(key)
    found: dict[str, Any] = {
        "label": given.get("label", ""), "description": given.get("description", "").strip(), "group": given.get("group", ""),
        "required": "required" in given, "hidden": "hidden" in given, "form_field": "form_field" in given, "indexed": "indexed" in given,
    }  # fmt: skip
    if kind and kind.type in ("choice", "multi_choice"):
        builtin = {str(o["value"]): properties.option_label(definition, o["value"]) for o in definition.options} if definition and definition.builtin else {}
        found["options"] = options(given.get("options", ""), definition.options if definition else [], builtin)
    if key == CALCULATED:
        found["formula"] = given.get("formula", "").strip()
    if definition is None:
        found |= {"type": kind.type if kind else "", "field_type": kind.field_type if kind else "", "unique_value": "unique_value" in given}
    return found
