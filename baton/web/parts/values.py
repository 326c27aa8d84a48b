"""Property values for people: as text, and as the field that edits them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.crm import activities, properties, types
from baton.crm.models import PropertyDefinition

from ..templatetags.fmt import day_only, moment, money, num, phone
from . import stages

Places = Mapping[str, Mapping[str, str]]  # property -> key -> label


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
    wide: bool = False  # text of several lines: below its label

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


def value(
    definition: PropertyDefinition, raw: Any, users: Sequence[User], *, editable: bool = True, object_type: str = "", places: Places | None = None
) -> Value:
    """What a property's value looks like, and what it may become. With `object_type` stages and pipelines are named."""
    places = _places(object_type, [definition.name]) if places is None else places
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
        places[definition.name].get(str(raw), str(raw or "")) if definition.name in places else text(definition, raw, users),
        _href(definition.type, raw),
        editable and not definition.read_only,
        options,
        definition.field_type in ("textarea", "html"),
    )


def text(definition: PropertyDefinition, raw: Any, users: Sequence[User], *, object_type: str = "") -> str:
    """A stored value in the reader's language. With `object_type` stages and pipelines are named."""
    if raw is None or raw == "" or raw == []:
        return ""
    if object_type and (places := _places(object_type, [definition.name])):
        return places[definition.name].get(str(raw), str(raw))
    match definition.field_type:
        case "currency" if isinstance(raw, int | float):
            return money(raw)
        case "percent" if isinstance(raw, int | float):
            return f"{num(round(raw * 100, 1))}%"
        case "duration" if isinstance(raw, int | float):
            return _("{n} min").format(n=num(round(raw / 60_000)))
        case "html":
            return activities.plain(str(raw))
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


def groups(
    definitions: Mapping[str, PropertyDefinition], values: Mapping[str, Any], users: Sequence[User], *, editable: bool, object_type: str
) -> list[tuple[str, list[Value]]]:
    """All properties by group, in display order."""
    found: dict[str, list[Value]] = {}
    labels = {group.name: properties.group_label(group) for group in properties.groups(object_type)}
    places = _places(object_type, list(definitions))
    for d in definitions.values():
        found.setdefault(d.group, []).append(value(d, values.get(d.name), users, editable=editable, places=places))
    order = {name: place for place, name in enumerate(labels)}
    return [(labels.get(group) or group, rows) for group, rows in sorted(found.items(), key=lambda item: order.get(item[0], len(order)))]


def _places(object_type: str, names: Sequence[str]) -> Places:
    """What pipelines and stages are called, for those of the names that hold one."""
    kind = types.known().get(object_type)
    mine = {"pipeline", kind.stage_property} & set(names) if kind and kind.stage_property else set()
    return {name: dict(stages.options(object_type, name)) for name in mine}
