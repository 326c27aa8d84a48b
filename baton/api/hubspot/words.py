"""HubSpot's names and value forms for Baton's properties, both ways."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from baton.api.hubspot import vocabulary
from baton.crm import types
from baton.crm.models.property import PropertyDefinition, PropertyType
from baton.crm.values import stamp

SOURCES = vocabulary.SOURCES
MILLISECONDS = re.compile(r"-?\d{5,15}")  # since 1970


@cache
def _names(object_type: str) -> Mapping[str, str]:
    return vocabulary.NAMES.get(object_type, vocabulary.OWN_NAMES)


@cache
def _back(object_type: str) -> Mapping[str, str]:
    return {word: mine for mine, word in _names(object_type).items()}


def theirs(object_type: str, name: str) -> str:
    """HubSpot's name of a property."""
    return _names(object_type).get(name, name)


def ours(object_type: str, name: str) -> str:
    """Baton's name of a property; a name that HubSpot does not have is taken as it is."""
    return _back(object_type).get(name, name)


def created_name(object_type: str) -> str:
    """What the moment a record was made is called: createdate, or hs_createdate."""
    return "createdate" if object_type in vocabulary.CREATEDATE else "hs_createdate"


def modified_name(object_type: str) -> str:
    """What the moment of the last change is called: lastmodifieddate of contacts, hs_lastmodifieddate of all others."""
    return "lastmodifieddate" if object_type == "contact" else "hs_lastmodifieddate"


def defaults(object_type: str) -> tuple[str, ...]:
    """The properties that are answered when a program names none, beside the id and the two moments."""
    if object_type in vocabulary.DEFAULTS:
        return vocabulary.DEFAULTS[object_type]
    kind = types.get(object_type)
    return () if kind.activity else tuple(theirs(object_type, name) for name in (kind.primary_property, *kind.secondary_properties))


def options(object_type: str, definition: PropertyDefinition) -> list[str]:
    """The values of a choice that may be set, in HubSpot's words."""
    return [_word(object_type, definition.name, str(option["value"])) for option in definition.options if not option.get("archived")]


def value_out(object_type: str, name: str, value: Any) -> str | None:
    """A stored value as text: `1500`, `true`, `a;b`, null. `name` is Baton's."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(_word(object_type, name, item) for item in value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    if isinstance(value, datetime):
        return stamp(value)
    return _word(object_type, name, str(value))


def value_in(object_type: str, definition: PropertyDefinition, value: Any) -> Any:
    """What a client sent, in Baton's words; times may come as milliseconds since 1970. Faults are left for the validation to find."""
    if definition.type in (PropertyType.DATE, PropertyType.DATETIME):
        moment = as_moment(value)
        if moment is not None:
            return moment.date() if definition.type == PropertyType.DATE else moment
        if definition.type == PropertyType.DATE and isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}T00:00:00(\.0+)?Z", value.strip()):
            return value.strip()[:10]
        if definition.type == PropertyType.DATETIME and isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
            return f"{value.strip()}T00:00:00Z"
        return value
    return word_in(object_type, definition.name, value)


def word_in(object_type: str, name: str, value: Any) -> Any:
    """Baton's word for a value of a choice; several may be joined by `;`."""
    back = {word: mine for mine, word in vocabulary.VALUES.get((object_type, name), {}).items()}
    if not back or not isinstance(value, str):
        return value
    return ";".join(back.get(part.strip(), part) for part in value.split(";"))


def as_moment(value: Any) -> datetime | None:
    """The moment of milliseconds since 1970, as number or text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not MILLISECONDS.fullmatch(str(value).strip()):
        return None
    try:
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    except (ValueError, OverflowError):
        return None


def as_day(text: str) -> date | None:
    """A day written as 2026-11-21."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _word(object_type: str, name: str, value: str) -> str:
    return vocabulary.VALUES.get((object_type, name), {}).get(value, value)
