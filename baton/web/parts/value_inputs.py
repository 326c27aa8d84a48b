"""The value of a comparison as an input, by what the operator takes and the property's type; and back."""

from typing import Any

from django.utils.translation import gettext as _

from baton.query.catalog import Property

from .choices import records
from .condition_words import PERIODS, WHEN
from .inputs import Input, integer, number

Option = tuple[str, str]


def value_input(made: Any, prop: Property, takes: str, value: Any) -> Input:
    """The input of a comparison's value. `made(field, kind, value, options, **more)` makes it."""
    choices = options(prop)
    given = [str(v) for v in value] if isinstance(value, list | tuple) else []
    found: Input
    if takes == "many":
        found = made("value", "many", given, choices) if choices else made("value", "text", ", ".join(given), help=_("Several, with commas"))
    elif takes == "two":
        found = made("value", "two", given, shape="number" if prop.type == "number" else "date")
    elif takes == "days":
        found = made("value", "number", value, narrow=True)
    elif takes == "period":
        found = made("value", "select", value, [(key, str(words)) for key, words in (WHEN | PERIODS).items() if key not in ("", "days", "ago", "dates")])
    elif choices:
        found = made("value", "select", value, choices if value is not None else [("", _("Choose …")), *choices])
    else:
        day = prop.type in ("date", "datetime") and len(str(value or "")) in (0, 10)
        found = made("value", "number" if prop.type == "number" else "date" if day else "text", value)
    return found


def typed(given: list[str], prop: Property, takes: str) -> Any:
    """The texts of the form as a JSON value of the property's type."""
    if takes == "many":
        parts = given if options(prop) else [p.strip() for p in (given or [""])[-1].split(",")]
        return [_one(p, prop) for p in parts if p]
    if takes == "two":
        return [_one(p.strip(), prop) for p in given if p.strip()]
    text = given[-1].strip() if given else ""
    return integer(text) if takes == "days" else text if takes == "period" else _one(text, prop)


def _one(text: str, prop: Property) -> Any:
    if prop.type == "boolean":
        return text == "true"
    return number(text) if prop.type in ("number", "user") else text


def options(prop: Property) -> list[Option]:
    """What can be chosen as a value; nothing for what is typed."""
    if prop.type == "boolean":
        return [("true", _("Yes")), ("false", _("No"))]
    return records("user") if prop.type == "user" else list(prop.options)
