"""The properties of an object type: which there are, what their values may be, and new ones."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from baton.crm import formulas, uses, values
from baton.crm.models import Contact, ObjectType, PropertyDefinition, PropertyGroup, Record
from baton.crm.models.property import FieldType, PropertyType
from baton.crm.uses import Mention
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

Definitions = dict[str, PropertyDefinition]
FRESH = 1.0  # seconds; a definition made in another process is known here after that
_known: dict[str, tuple[float, Definitions]] = {}
_here: dict[str, tuple[int, Definitions]] = {}  # of a transaction that changes some: how many changes it knew


def definitions(object_type: str) -> Definitions:
    """The live properties of an object type by name, in display order. Do not change what you get. Raises NotFound for an unknown type."""
    if changes := _changed_here():  # seen by this transaction only, so not for the others
        if _here.get(object_type, (0,))[0] != changes:
            _here[object_type] = (changes, _read(object_type))
        return _here[object_type][1]
    at, found = _known.get(object_type, (0.0, {}))
    if not found or time.monotonic() - at > FRESH:
        found = _read(object_type)
        _known[object_type] = (time.monotonic(), found)
    return found


def forget() -> None:
    """Read the definitions again the next time they are asked for."""
    _known.clear()
    _here.clear()


def _changed_here() -> int:
    """How often this transaction has changed definitions and not committed yet; less again when a part of it was rolled back."""
    return sum(entry[1] is forget for entry in connection.run_on_commit)


def _read(object_type: str) -> Definitions:
    found = {d.name: d for d in PropertyDefinition.objects.filter(object_type=object_type, archived_at=None)}
    if not found and not ObjectType.objects.filter(key=object_type).exists():
        raise NotFound(_("There is no object type {name}.").format(name=object_type))
    return found


def clean(object_type: str, raw: Mapping[str, Any], *, partial: bool = True, known: Definitions | None = None) -> dict[str, values.Value | None]:
    """Typed values of what was sent; None means "clear". With `partial=False` required properties must be there.

    `known` are the definitions, when the caller has them.

    Raises Invalid with every fault found, at `properties.<name>`.
    """
    known = definitions(object_type) if known is None else known
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


FIELDS = {  # which field types a type may have; "" is the usual one
    PropertyType.TEXT: {"", FieldType.TEXTAREA, FieldType.HTML, FieldType.FILE},
    PropertyType.NUMBER: {"", FieldType.CURRENCY, FieldType.PERCENT, FieldType.DURATION},
    PropertyType.CHOICE: {"", FieldType.RADIO},
    PropertyType.BOOLEAN: {"", FieldType.RADIO},
}
UNIQUE = {PropertyType.TEXT, PropertyType.NUMBER, PropertyType.PHONE, PropertyType.EMAIL, PropertyType.URL}  # types whose values may be unique
MOST = 1000  # properties of one object type
MOST_OPTIONS = 5000


def define(
    object_type: str,
    name: str,
    label: str,
    type: str,
    *,
    actor: Actor,
    group: str = "",
    options: Sequence[Mapping[str, Any]] | None = None,
    description: str = "",
    field_type: str = "",
    required: bool = False,
    unique_value: bool = False,
    hidden: bool = False,
    form_field: bool = True,
    formula: str = "",
    indexed: bool = False,
    position: int | None = None,
) -> PropertyDefinition:
    """Make a property of one's own. `options` are {"value", "label"} and belong to choices only; a `formula` makes it calculated and read-only.

    Raises Invalid (`name`, `label`, `type`, `field_type`, `group`, `options`, `formula`, `unique_value`), Conflict when the name is taken (an archived
    property keeps its name), NotFound for an unknown object type.
    """
    known = definitions(object_type)
    group = group or next(iter(PropertyGroup.objects.filter(object_type=object_type, archived_at=None).values_list("name", flat=True)), "basic")
    problems = []
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name):
        problems.append(Problem("name", "INVALID_NAME", _("A name has small letters, digits and underscores, and begins with a letter.")))
    if type not in PropertyType.values:
        problems.append(Problem("type", "INVALID_OPTION", _("{value} is not a property type.").format(value=type)))
    if len(known) >= MOST:
        problems.append(Problem("name", "TOO_MANY", _("There are {limit} properties already; no more fit.").format(limit=MOST)))
    fields = {
        "label": label, "group": group, "options": list(options or []), "description": description, "field_type": field_type, "unique_value": unique_value,
        "formula": formula,
    }  # fmt: skip
    problems += _problems(object_type, name, type, fields, known)
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        made, new = PropertyDefinition.objects.get_or_create(
            object_type_id=object_type,
            name=name,
            defaults={
                **fields, "label": label.strip(), "type": type, "required": required, "hidden": hidden, "form_field": form_field and not formula,
                "read_only": bool(formula), "indexed": indexed or unique_value,
                "position": PropertyDefinition.objects.filter(object_type=object_type).count() if position is None else position,
            },
        )  # fmt: skip
        if not new:
            raise Conflict(_("A property named '{name}' already exists.").format(name=name), existing_id=made.pk)
        history.record(actor, "created", "property", f"{object_type}.{name}", label=label, type=type)
        _changed()
    return made


CHANGEABLE = {"label", "description", "group", "options", "field_type", "required", "hidden", "form_field", "formula", "indexed", "position"}


def change(object_type: str, name: str, *, actor: Actor, **fields: Any) -> PropertyDefinition:
    """Change a property; its name, type and uniqueness stay. An option that records still have is archived rather than lost when the new list leaves it out.

    Raises NotFound, Invalid at the field (READ_ONLY for what cannot be changed), Conflict that names the lists, scores and workflows which an option
    that is to go is used by.
    """
    found = PropertyDefinition.objects.filter(object_type=object_type, name=name, archived_at=None).first()
    if found is None:
        raise NotFound(_('Property "{name}" does not exist').format(name=name))
    if wrong := fields.keys() - CHANGEABLE:
        raise Invalid([Problem(one, "READ_ONLY", _("{name} cannot be changed.").format(name=one)) for one in sorted(wrong)])
    if "formula" in fields and bool(fields["formula"]) != bool(found.formula):
        raise Invalid.one("formula", "READ_ONLY", _("Whether a property is calculated is decided when it is made."))
    if problems := _problems(object_type, name, found.type, fields, definitions(object_type)):
        raise Invalid(problems)
    if "options" in fields:
        given = {option["value"] for option in fields["options"]}
        live = {option["value"] for option in fields["options"] if not option.get("archived")}
        for option in found.options:
            if option["value"] not in live and not option.get("archived"):
                uses.refuse(Mention("option", f"{object_type}.{name}", option["value"]), option_label(found, option["value"]))
        kept = [{**option, "archived": True} for option in found.options if option["value"] not in given and _holds(object_type, name, option["value"])]
        fields["options"] = [*fields["options"], *kept]
    with transaction.atomic():
        for field, value in fields.items():
            setattr(found, field, value.strip() if field == "label" else value)
        found.updated_at = clock.now()
        found.save()
        history.record(actor, "changed", "property", f"{object_type}.{name}", **fields)
        _changed()
    return found


def archive(object_type: str, name: str, *, actor: Actor) -> None:
    """Put a property aside: its values stay stored, nobody sees or writes them. Raises NotFound, Conflict for one that is built in or that something needs."""
    found = PropertyDefinition.objects.filter(object_type=object_type, name=name, archived_at=None).first()
    if found is None:
        raise NotFound(_('Property "{name}" does not exist').format(name=name))
    kind = ObjectType.objects.get(key=object_type)
    if found.builtin or name in (kind.primary_property, kind.stage_property):
        raise Conflict(_("A property that Baton needs cannot be removed."))
    for other in definitions(object_type).values():
        if other.formula and name in formulas.names(other.formula):
            raise Conflict(_("The property {label} is calculated from this one.").format(label=label(other)))
    uses.refuse(Mention("property", f"{object_type}.{name}"), label(found))
    with transaction.atomic():
        found.archived_at = clock.now()
        found.save()
        history.record(actor, "archived", "property", f"{object_type}.{name}", label=found.label)
        _changed()


def restore(object_type: str, name: str, *, actor: Actor) -> None:
    """Take a property back, with its values. Raises NotFound."""
    with transaction.atomic():
        if not PropertyDefinition.objects.filter(object_type=object_type, name=name).exclude(archived_at=None).update(archived_at=None, updated_at=clock.now()):
            raise NotFound(_('Property "{name}" does not exist').format(name=name))
        history.record(actor, "restored", "property", f"{object_type}.{name}")
        _changed()


def groups(object_type: str) -> list[PropertyGroup]:
    """The live groups of an object type, in order."""
    return list(PropertyGroup.objects.filter(object_type=object_type, archived_at=None))


def group_label(group: PropertyGroup) -> str:
    """What people call a group, in the current language."""
    return _(group.label) if group.builtin and group.label else group.label


def define_group(object_type: str, name: str, label: str, *, actor: Actor, position: int | None = None) -> PropertyGroup:
    """Make a group. Raises Invalid (`name`, `label`), Conflict when the name is taken, NotFound for an unknown object type."""
    definitions(object_type)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name):
        raise Invalid.one("name", "INVALID_NAME", _("A name has small letters, digits and underscores, and begins with a letter."))
    if not label.strip():
        raise Invalid.one("label", "REQUIRED", _("A label is required."))
    with transaction.atomic():
        place = PropertyGroup.objects.filter(object_type=object_type).count() if position is None else position
        made, new = PropertyGroup.objects.get_or_create(object_type_id=object_type, name=name, defaults={"label": label.strip(), "position": place})
        if not new and made.archived_at is None:
            raise Conflict(_("A group named '{name}' already exists.").format(name=name), existing_id=made.pk)
        if not new:
            made.label, made.position, made.archived_at = label.strip(), place, None
            made.save()
        history.record(actor, "created", "property_group", f"{object_type}.{name}", label=label)
    return made


def change_group(object_type: str, name: str, *, actor: Actor, label: str | None = None, position: int | None = None) -> PropertyGroup:
    """Rename or move a group. Raises NotFound, Invalid."""
    found = _group(object_type, name)
    if label is not None and not label.strip():
        raise Invalid.one("label", "REQUIRED", _("A label is required."))
    with transaction.atomic():
        if label is not None and label.strip() != found.label:
            found.label, found.builtin = label.strip(), False  # a name of one's own is not translated
        found.position = found.position if position is None else position
        found.save()
        history.record(actor, "changed", "property_group", f"{object_type}.{name}", label=found.label, position=found.position)
    return found


def archive_group(object_type: str, name: str, *, actor: Actor) -> None:
    """Put an empty group aside. Raises NotFound, Conflict when properties are in it."""
    found = _group(object_type, name)
    if PropertyDefinition.objects.filter(object_type=object_type, group=name, archived_at=None).exists():
        raise Conflict(_("There are properties in this group. Move them first."))
    with transaction.atomic():
        found.archived_at = clock.now()
        found.save()
        history.record(actor, "archived", "property_group", f"{object_type}.{name}", label=found.label)


def _group(object_type: str, name: str) -> PropertyGroup:
    found = PropertyGroup.objects.filter(object_type=object_type, name=name, archived_at=None).first()
    if found is None:
        raise NotFound(_("There is no such group."))
    return found


def _changed() -> None:
    forget()
    transaction.on_commit(forget)


def _holds(object_type: str, name: str, value: str) -> bool:
    """Does a record have this option?"""
    rows = Contact.objects.all() if object_type == "contact" else Record.objects.filter(object_type=object_type)
    return rows.filter(Q(properties__contains={name: value}) | Q(properties__contains={name: [value]})).exists()


def _problems(object_type: str, name: str, type: str, fields: Mapping[str, Any], known: Definitions) -> list[Problem]:
    """What is wrong with the fields of a property, new or changed."""
    problems = []
    if "label" in fields and not str(fields["label"]).strip():
        problems.append(Problem("label", "REQUIRED", _("A label is required.")))
    if type in (PropertyType.CHOICE, PropertyType.MULTI_CHOICE):
        problems += _option_problems(fields["options"]) if "options" in fields else []
    elif fields.get("options"):
        problems.append(Problem("options", "NOT_ALLOWED", _("Only choices have options.")))
    if type in PropertyType.values and fields.get("field_type", "") not in FIELDS.get(PropertyType(type), {""}):
        problems.append(Problem("field_type", "INVALID_OPTION", _("A property of this type is not shown like that.")))
    if "group" in fields and not PropertyGroup.objects.filter(object_type=object_type, name=fields["group"], archived_at=None).exists():
        problems.append(Problem("group", "INVALID_OPTION", _("There is no group {name}.").format(name=fields["group"])))
    if fields.get("unique_value") and type not in UNIQUE:
        problems.append(Problem("unique_value", "NOT_ALLOWED", _("Values of this type cannot be unique.")))
    if fields.get("formula"):
        problems += _formula_problems(name, type, fields["formula"], known)
    return problems


def _formula_problems(name: str, type: str, formula: str, known: Definitions) -> list[Problem]:
    try:
        mentioned = formulas.names(formula)
    except Invalid as error:
        return error.problems
    problems = [
        Problem("formula", "PROPERTY_DOESNT_EXIST", _("{name} is no number property.").format(name=one))
        for one in sorted(mentioned)
        if one not in known or known[one].type != PropertyType.NUMBER or known[one].formula or one == name
    ]
    if type != PropertyType.NUMBER:
        problems.append(Problem("type", "NOT_ALLOWED", _("A calculated property is a number.")))
    return problems


def _option_problems(options: Sequence[Mapping[str, Any]]) -> list[Problem]:
    problems = []
    if not options:
        problems.append(Problem("options", "REQUIRED", _("A choice needs options.")))
    if len(options) > MOST_OPTIONS:
        problems.append(Problem("options", "TOO_MANY", _("A choice has at most {limit} options.").format(limit=MOST_OPTIONS)))
    seen: set[str] = set()
    for number, option in enumerate(options):
        value = option.get("value")
        if not isinstance(value, str) or not value or ";" in value or value in seen or not option.get("label"):
            problems.append(Problem(f"options.{number}", "INVALID_OPTION", _("An option has a value of its own, without semicolon, and a label.")))
        else:
            seen.add(value)
    return problems
