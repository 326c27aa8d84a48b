"""The columns a table of a type can have: its properties, and what is known of a record beside them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from baton.crm import properties
from baton.crm.builtin import KINDS
from baton.crm.models import ObjectType, PropertyDefinition

from . import stages

SHOWN = 6  # columns of a type that nobody chose columns for
MOST = 30  # columns at once
NUMBERS = ("number", "contacts", "deals")
UNSORTED = ("consent", "company", "contacts", "deals", "multi_choice")


@dataclass(frozen=True)
class Column:
    """One column. `kind` is the property's type, "stage" of a pipeline, or one of what is no property: score, last_seen, consent, company …"""

    name: str
    label: str
    kind: str
    definition: PropertyDefinition | None = None

    @property
    def sortable(self) -> bool:
        return self.kind not in UNSORTED

    @property
    def is_number(self) -> bool:
        return self.kind in NUMBERS

    @property
    def editable(self) -> bool:
        return self.definition is not None and not self.definition.read_only


def known(kind: ObjectType) -> dict[str, Column]:
    """All columns by name, properties first; the name column in front of every row is not among them."""
    found: dict[str, Column] = {}
    for name, definition in properties.definitions(kind.key).items():
        if definition.hidden or (name == kind.primary_property and kind.key != "contact"):
            continue
        shape = "stage" if name == kind.stage_property and name else definition.type
        found[name] = Column(name, properties.label(definition), shape, definition)
    for name, label in _more(kind.key):
        if name == "company" and "company" in found:  # of people: whom they are linked to counts before what they typed
            found[name] = Column(name, _("Company"), "company", found[name].definition)
        else:
            found.setdefault(name, Column(name, label, name))
    return found


def _more(object_type: str) -> Iterable[tuple[str, str]]:
    if object_type == "contact":
        yield from (("company", _("Company")), ("score", _("Score")), ("last_seen", _("Last activity")), ("consent", _("Consent")))
    elif object_type == "company":
        yield from (("contacts", _("Contacts")), ("deals", _("Deals")))
    elif object_type in ("deal", "ticket", "quote"):
        yield "company", _("Company")
    yield from (("created_at", _("Created")), ("updated_at", _("Changed")))


def usual(kind: ObjectType, columns: dict[str, Column]) -> list[str]:
    """The columns of a table before anybody chose some."""
    builtin = KINDS.get(kind.key)
    names = builtin.usual if builtin and builtin.usual else [n for n in columns if n not in ("pipeline", "updated_at")][:SHOWN]
    return [name for name in names if name in columns]


def chosen(text: str, columns: dict[str, Column]) -> list[str]:
    """The columns an address names, in its order; names that are none (any more) are left out."""
    return list(dict.fromkeys(name for name in text.split(",") if name in columns))[:MOST]


def options(kind: ObjectType, column: Column) -> tuple[tuple[str, str], ...]:
    """(value, label) of a choice; empty for what is typed."""
    return stages.options(kind.key, column.name)
