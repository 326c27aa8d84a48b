"""The form that adds a record: its name, what the type requires, and what people usually know of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.crm import properties, records, types
from baton.crm.models import ObjectType
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid

from ..answer import faults
from ..templatetags.fmt import within
from . import cells, columns
from .cells import Editor

PEOPLE = ("lastname", "firstname", "email", "company", "jobtitle", "phone", "owner_id")
MOST = 8  # fields; the record's page has the rest


@dataclass(frozen=True)
class Row:
    """One field with its fault."""

    editor: Editor
    fault: str
    required: bool


class Form:
    """A form as it is shown; `save` creates the record, or notes the faults."""

    def __init__(self, kind: ObjectType, users: Sequence[User], given: Mapping[str, Any]) -> None:
        self.kind, self.users, self.given = kind, users, given
        self.faults: dict[str, str] = {}
        self.existing: int | None = None

    @property
    def label(self) -> str:
        return within(types.label(self.kind))

    @property
    def names(self) -> list[str]:
        known = properties.definitions(self.kind.key)
        if self.kind.key == "contact":
            wanted = [*PEOPLE, *(name for name, d in known.items() if d.required)]
        else:
            required = [name for name, d in known.items() if d.required]
            usual = [c for c in columns.usual(self.kind, columns.known(self.kind)) if c in known]
            wanted = [self.kind.primary_property, *required, *usual, *self.kind.secondary_properties, "owner_id"]
        usable = [n for n in dict.fromkeys(wanted) if n in known and not known[n].read_only and not known[n].hidden]
        return usable if len(usable) <= MOST else [n for i, n in enumerate(usable) if i < MOST or known[n].required]

    @property
    def rows(self) -> list[Row]:
        known = properties.definitions(self.kind.key)
        return [
            Row(cells.blank(self.kind, known[name], self.users, self._value(name)), self.faults.get(name, ""), known[name].required or self._named(name))
            for name in self.names
        ]

    @property
    def first(self) -> str:
        """Where the cursor goes."""
        return next((name for name in self.names if name in self.faults), self.names[0] if self.names else "")

    @property
    def others(self) -> list[str]:
        """Faults of fields that are not shown."""
        return [text for name, text in self.faults.items() if name not in self.names]

    def save(self, actor: Actor) -> int | None:
        """The new record's id; None with the faults noted."""
        values = {name: self._value(name) for name in self.names}
        try:
            self._check(values)
            return records.create(self.kind.key, values, actor=actor, source="page")
        except Invalid as error:
            self.faults = faults(error)
        except Conflict as error:
            name = "email" if self.kind.key == "contact" else self.names[0]
            said = _("A contact with this address exists already.") if name == "email" else str(error)
            self.faults, self.existing = {name: said}, error.existing_id
        return None

    def _check(self, values: Mapping[str, Any]) -> None:
        if self.kind.key == "contact":
            if not any(str(values.get(name) or "").strip() for name in ("email", "lastname", "firstname", "phone")):
                raise Invalid.one("properties.email", "REQUIRED", _("Enter an e-mail address, a name or a phone number."))
        elif self._named(name := self.kind.primary_property) and not str(values.get(name) or "").strip():
            raise Invalid.one(f"properties.{name}", "REQUIRED", _("Enter a name, so that people find it again."))

    def _named(self, name: str) -> bool:
        """Whether this is what the record is called by, and typed by people."""
        return self.kind.key != "contact" and name == self.kind.primary_property and name in self.names

    def _value(self, name: str) -> Any:
        if isinstance(self.given, QueryDict):
            values = self.given.getlist(name)
            return values if properties.definitions(self.kind.key)[name].type == "multi_choice" else (values or [""])[-1]
        return self.given.get(name)
