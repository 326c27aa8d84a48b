"""One value of a table: how it is shown, and the field that edits it where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton.accounts.models import User
from baton.crm import properties, types
from baton.crm.models import Contact, ObjectType, PropertyDefinition, Record
from baton.platform.config import config

from . import stages, values
from .columns import Column
from .table_rows import Cell


@dataclass(frozen=True)
class Editor:
    """The field of one value. `shape`: select, checks, area, or the type of an input."""

    name: str
    label: str
    of: str  # whose value it is
    shape: str
    value: str
    chosen: list[str]
    options: tuple[tuple[str, str], ...]

    @property
    def saves_itself(self) -> bool:
        """A choice is made with one click; what is typed is sent when the field is left."""
        return self.shape == "select"


def shown(kind: ObjectType, definition: PropertyDefinition, record: Contact | Record, users: Sequence[User]) -> Cell:
    """The value as the table shows it."""
    name, raw = definition.name, record.properties.get(definition.name)
    places = dict(stages.options(kind.key, name))
    text = places.get(str(raw), str(raw or "")) if places else values.text(definition, raw, users)
    shape = "stage" if name and name == kind.stage_property else definition.type
    return Cell(Column(name, properties.label(definition), shape, definition), text, raw, not definition.read_only)


def editor(kind: ObjectType, definition: PropertyDefinition, record: Contact | Record, users: Sequence[User], *, typed: Any = None) -> Editor:
    """What edits the value; `typed` is what was sent and could not be saved."""
    raw = record.properties.get(definition.name) if typed is None else typed
    of = types.title(kind.key, record.properties) or f"#{record.id}"
    return _editor(kind, definition, raw, users, of)


def blank(kind: ObjectType, definition: PropertyDefinition, users: Sequence[User], raw: Any = None) -> Editor:
    """The field of a property of no record yet, or of many."""
    return _editor(kind, definition, raw, users, "")


def _editor(kind: ObjectType, definition: PropertyDefinition, raw: Any, users: Sequence[User], of: str) -> Editor:
    shown = values.value(definition, None, users)  # what can be chosen, and the kind of input
    options = stages.options(kind.key, definition.name) or shown.options
    if definition.type == "multi_choice":
        shape = "checks"
    elif options:
        shape = "select"
    elif definition.field_type in ("textarea", "html"):
        shape = "area"
    else:
        shape = shown.input
    value = "" if raw is None else _local(raw) if definition.type == "datetime" else str(raw)
    chosen = [str(v) for v in raw] if isinstance(raw, list) else [sent(raw)]
    return Editor(definition.name, properties.label(definition), of, shape, value, chosen, options)


def _local(raw: Any) -> str:
    """A stored moment as a datetime field takes it, in the account's time zone."""
    try:
        return datetime.fromisoformat(str(raw)).astimezone(config().zone).strftime("%Y-%m-%dT%H:%M")
    except ValueError:
        return str(raw)


def sent(raw: Any) -> str:
    """A stored value as a form sends it."""
    if isinstance(raw, list):
        return ";".join(map(str, raw))
    return "" if raw is None else "true" if raw is True else "false" if raw is False else str(raw)
