"""A value of a contact, a company, a deal or another record changed."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import valued
from baton.automation.field import Input
from baton.automation.trigger import Trigger
from baton.crm import properties, types
from baton.crm.models import PropertyDefinition
from baton.platform.changes import Change
from baton.platform.errors import Problem
from baton.query.statement import Sql

HOW = (
    ("any", _("Changes in any way")),
    ("to", _("Becomes a certain value")),
    ("known", _("Is filled in, and was empty")),
    ("cleared", _("Is emptied")),
)


class PropertyChanged(Trigger):
    """What a new record comes with counts as filled in."""

    key = "property_changed"
    label = _("A property changed")
    icon = "pencil"
    group = "record"
    objects = ()
    rejoins = True
    writes: ClassVar[bool] = False  # so what only Baton may write is offered too

    property: Annotated[str, Input("property", _("Property"))] = ""
    how: Annotated[Literal["any", "to", "known", "cleared"], Input("choice", _("Kind of change"), options=HOW)] = "any"
    was: Annotated[Any, Input("property_value", _("Old value"), shown_when=("how", "to"), optional=True, empty=_("Any value"))] = None
    value: Annotated[Any, Input("property_value", _("New value"), shown_when=("how", "to"))] = None

    @classmethod
    def wakes(cls, change: Change) -> bool:
        return valued.wakes(change)

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        return valued.causes(changes, self.property, self._test(), self.object_type) if self.property else {}

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        return valued.past(self.property, self._test(), since, until, object_type)

    def backlog(self, object_type: str) -> Sql | None:
        """Those who have the value now."""
        if self.how == "to" and self.value not in (None, "", []):
            return valued.holding(self.property, Sql(_is("v.new", "becomes"), self._values()), object_type)
        return valued.holding(self.property, Sql(KNOWN, {}), object_type) if self.how == "known" else None

    def _test(self) -> Sql:
        match self.how:
            case "any":
                return Sql(f"({KNOWN} OR {HAD})", {})
            case "known":
                return Sql(f"({KNOWN} AND NOT {HAD})", {})
            case "cleared":
                return Sql(f"({HAD} AND NOT {KNOWN})", {})
        before = f" AND {_is('v.old', 'was')}" if self.was not in (None, "", []) else ""
        return Sql(f"({_is('v.new', 'becomes')} AND NOT {_is('v.old', 'becomes')}{before})", self._values())

    def _values(self) -> dict[str, Any]:
        return {"becomes": json.dumps(self.value), "was": json.dumps(self.was)}

    def heading(self) -> str:
        name = self._definition()
        label = properties.label(name) if name else self.property
        if not label:
            return str(self.label)
        match self.how:
            case "known":
                return gettext("{property} is filled in").format(property=label)
            case "cleared":
                return gettext("{property} is emptied").format(property=label)
            case "to" if self.value not in (None, "", []):
                return gettext("{property} becomes {value}").format(property=label, value=_said(name, self.value))
        return gettext("{property} changes").format(property=label)

    def detail(self) -> str:
        if self.how == "to" and self.was not in (None, "", []):
            return gettext("from {value}").format(value=_said(self._definition(), self.was))
        return ""

    def _definition(self) -> PropertyDefinition | None:
        """The property, of the first object type that has one of this name."""
        for kind in types.all(activities=False) if self.property else ():
            if found := properties.definitions(kind.key).get(self.property):
                return found
        return None

    def problems(self) -> list[Problem]:
        if self._definition() is None:
            return [Problem("property", "NOT_FOUND", gettext("This property does not exist any more."))]
        return []


KNOWN = "(coalesce(v.new, 'null') <> 'null')"
HAD = "(coalesce(v.old, 'null') <> 'null')"


def _is(column: str, name: str) -> str:
    """Whether a stored value is that of a parameter; of several options, whether all of those are among them."""
    stored, asked = f"coalesce({column}, 'null')", f"%({name})s::jsonb"
    return f"CASE WHEN jsonb_typeof({stored}) = 'array' THEN {stored} @> {asked} ELSE {stored} = {asked} OR {asked} = jsonb_build_array({stored}) END"


def _said(definition: PropertyDefinition | None, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_said(definition, one) for one in value)
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    return properties.option_label(definition, str(value)) if definition else str(value)
