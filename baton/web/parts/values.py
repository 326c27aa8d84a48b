"""Property values for people: as text, and as the field that edits them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.crm import properties
from baton.crm.models import PropertyDefinition

from ..templatetags.fmt import day_only, moment, num, phone


@dataclass(frozen=True)
class Value:
    """One property of a record as a page shows it."""

    name: str
    label: str
    type: str
    raw: Any
    text: str
    href: str = ""  # mailto:, tel: or the web address
    editable: bool = True
    options: tuple[tuple[str, str], ...] = ()

    @property
    def input(self) -> str:
        # a number is typed as text: a number field tells nothing of what it cannot read, and would clear the value
        return {"date": "date", "datetime": "datetime-local", "email": "email", "phone": "tel", "url": "url"}.get(self.type, "text")

    @property
    def chosen(self) -> list[str]:
        """Values of a choice as the options write them."""
        if isinstance(self.raw, list):
            return [str(v) for v in self.raw]
        return ["true" if self.raw is True else "false" if self.raw is False else "" if self.raw is None else str(self.raw)]


def value(definition: PropertyDefinition, raw: Any, users: Sequence[User], *, editable: bool = True) -> Value:
    """What a property's value looks like, and what it may become."""
    options = tuple((o["value"], properties.option_label(definition, o["value"])) for o in definition.options if not o.get("archived"))
    if definition.type == "boolean":
        options = (("true", _("Yes")), ("false", _("No")))
    elif definition.type == "user":
        options = tuple((str(u.pk), u.name) for u in users)
    return Value(
        definition.name,
        properties.label(definition),
        definition.type,
        raw,
        text(definition, raw, users),
        _href(definition.type, raw),
        editable and not definition.read_only,
        options,
    )


def text(definition: PropertyDefinition, raw: Any, users: Sequence[User]) -> str:
    """A stored value in the reader's language."""
    if raw is None or raw == "" or raw == []:
        return ""
    match definition.type:
        case "choice":
            return properties.option_label(definition, str(raw))
        case "multi_choice":
            return ", ".join(properties.option_label(definition, str(v)) for v in raw)
        case "boolean":
            return _("Yes") if raw is True else _("No")
        case "user":
            return next((u.name for u in users if u.pk == raw), _("user {id}").format(id=raw))
        case "number":
            return num(raw)
        case "date":
            return day_only(raw)
        case "datetime":
            return moment(raw)
        case "phone":
            return phone(raw)
    return str(raw)


def _href(type: str, raw: Any) -> str:
    if not raw:
        return ""
    return {"email": f"mailto:{raw}", "phone": f"tel:{raw}", "url": str(raw)}.get(type, "")


def groups(definitions: Mapping[str, PropertyDefinition], values: Mapping[str, Any], users: Sequence[User], *, editable: bool) -> list[tuple[str, list[Value]]]:
    """All properties by group, in display order."""
    found: dict[str, list[Value]] = {}
    for d in definitions.values():
        found.setdefault(d.group, []).append(value(d, values.get(d.name), users, editable=editable))
    return [(group_label(group), rows) for group, rows in found.items()]


def group_label(group: str) -> str:
    """The built-in groups have names in both languages; one's own are shown as they are."""
    return {"basic": _("Basics"), "company": _("Work"), "qualification": _("Qualification")}.get(group, group)
