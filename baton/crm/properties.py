"""The properties of an object type: which there are, what their values may be, and new ones."""

import re
import time
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from baton.crm import values
from baton.crm.models import ObjectType, PropertyDefinition
from baton.crm.models.property import PropertyType
from baton.platform import history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

Definitions = dict[str, PropertyDefinition]
FRESH = 1.0  # seconds; a definition made in another process is known here after that
_known: dict[str, tuple[float, Definitions]] = {}


def definitions(object_type: str) -> Definitions:
    """The live properties of an object type by name, in display order. Do not change what you get. Raises NotFound for an unknown type."""
    if _changed_here():
        return _read(object_type)  # seen by this transaction only, so not for the others
    at, found = _known.get(object_type, (0.0, {}))
    if not found or time.monotonic() - at > FRESH:
        found = _read(object_type)
        _known[object_type] = (time.monotonic(), found)
    return found


def forget() -> None:
    """Read the definitions again the next time they are asked for."""
    _known.clear()


def _changed_here() -> bool:
    """Has this transaction changed definitions and not committed yet?"""
    return any(entry[1] is forget for entry in connection.run_on_commit)


def _read(object_type: str) -> Definitions:
    found = {d.name: d for d in PropertyDefinition.objects.filter(object_type=object_type, archived_at=None)}
    if not found and not ObjectType.objects.filter(key=object_type).exists():
        raise NotFound(_("There is no object type {name}.").format(name=object_type))
    return found


def clean(object_type: str, raw: Mapping[str, Any], *, partial: bool = True) -> dict[str, values.Value | None]:
    """Typed values of what was sent; None means "clear". With `partial=False` required properties must be there.

    Raises Invalid with every fault found, at `properties.<name>`.
    """
    known = definitions(object_type)
    good: dict[str, values.Value | None] = {}
    problems: list[Problem] = []
    for name, value in raw.items():
        if name not in known:
            problems.append(Problem(f"properties.{name}", "PROPERTY_DOESNT_EXIST", _('Property "{name}" does not exist').format(name=name)))
        elif known[name].read_only:
            problems.append(Problem(f"properties.{name}", "READ_ONLY", _("{name} is set by Baton and cannot be changed.").format(name=name)))
        else:
            try:
                good[name] = values.convert(known[name], value)
            except values.Fault as fault:
                problems.append(Problem(f"properties.{name}", fault.code, fault.message))
    for name, definition in known.items():
        if definition.required and good.get(name) is None and (name in good or (not partial and name not in raw)):
            problems.append(Problem(f"properties.{name}", "REQUIRED", _("{label} is required.").format(label=label(definition))))
    if problems:
        raise Invalid(problems)
    return good


def label(definition: PropertyDefinition) -> str:
    """What people read, in the current language."""
    return _(definition.label) if definition.builtin and definition.label else definition.label


def option_label(definition: PropertyDefinition, value: str) -> str:
    """The label of one option in the current language; the value itself when it is none of them."""
    for option in definition.options:
        if option["value"] == value:
            label = str(option["label"])
            return _(label) if definition.builtin else label
    return value


def define(
    object_type: str,
    name: str,
    label: str,
    type: str,
    *,
    actor: Actor,
    group: str = "basic",
    options: list[dict[str, Any]] | None = None,
    required: bool = False,
) -> PropertyDefinition:
    """Make a property of one's own. `options` are {"value", "label"} and belong to choices only.

    Raises Invalid (`name`, `label`, `type`, `options`), Conflict when the name is taken, NotFound for an unknown object type.
    """
    problems = []
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name):
        problems.append(Problem("name", "INVALID_NAME", _("A name has small letters, digits and underscores, and begins with a letter.")))
    if not label.strip():
        problems.append(Problem("label", "REQUIRED", _("A label is required.")))
    if type not in PropertyType.values:
        problems.append(Problem("type", "INVALID_OPTION", _("{value} is not a property type.").format(value=type)))
    if type in (PropertyType.CHOICE, PropertyType.MULTI_CHOICE):
        problems += _option_problems(options or [])
    elif options:
        problems.append(Problem("options", "NOT_ALLOWED", _("Only choices have options.")))
    if problems:
        raise Invalid(problems)
    definitions(object_type)  # raises NotFound
    with transaction.atomic():
        position = PropertyDefinition.objects.filter(object_type=object_type).count()
        made, new = PropertyDefinition.objects.get_or_create(
            object_type_id=object_type,
            name=name,
            defaults={"label": label.strip(), "type": type, "group": group, "options": options or [], "required": required, "position": position},
        )
        if not new:
            raise Conflict(_("A property named '{name}' already exists.").format(name=name), existing_id=made.pk)
        history.record(actor, "created", "property", f"{object_type}.{name}", label=label, type=type)
        forget()
        transaction.on_commit(forget)
    return made


def _option_problems(options: list[dict[str, Any]]) -> list[Problem]:
    problems = []
    if not options:
        problems.append(Problem("options", "REQUIRED", _("A choice needs options.")))
    seen: set[str] = set()
    for number, option in enumerate(options):
        value = option.get("value")
        if not isinstance(value, str) or not value or ";" in value or value in seen or not option.get("label"):
            problems.append(Problem(f"options.{number}", "INVALID_OPTION", _("An option has a value of its own, without semicolon, and a label.")))
        else:
            seen.add(value)
    return problems
