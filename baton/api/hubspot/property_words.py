"""Properties and their groups as HubSpot's clients see them: types, field types, options, groups, and the properties every record has."""

from collections.abc import Iterable, Sequence
from typing import Any

from ninja import Schema

from baton.api.errors import Failure
from baton.api.hubspot import computed, vocabulary, words
from baton.crm import pipelines, properties
from baton.crm.models import FieldType, ObjectType, PropertyDefinition, PropertyGroup, PropertyType
from baton.crm.values import stamp


class Option(Schema):
    """One option of a choice."""

    label: str
    value: str
    description: str | None = None
    displayOrder: int = -1
    hidden: bool = False


class Property(Schema):
    """A property."""

    name: str
    label: str
    type: str
    fieldType: str
    description: str
    groupName: str
    options: list[Option]
    displayOrder: int
    hasUniqueValue: bool
    hidden: bool
    hubspotDefined: bool
    formField: bool
    calculated: bool
    externalOptions: bool
    archived: bool
    archivedAt: str | None = None
    calculationFormula: str | None = None
    referencedObjectType: str | None = None
    showCurrencySymbol: bool | None = None
    createdAt: str
    updatedAt: str
    modificationMetadata: dict[str, bool]
    dataSensitivity: str = "non_sensitive"


class Properties(Schema):
    results: list[Property]


class Group(Schema):
    """A heading of properties."""

    name: str
    label: str
    displayOrder: int
    archived: bool


class Groups(Schema):
    results: list[Group]


# How a stored type is called and asked for.
OUT = {
    PropertyType.TEXT: ("string", "text"),
    PropertyType.NUMBER: ("number", "number"),
    PropertyType.DATE: ("date", "date"),
    PropertyType.DATETIME: ("datetime", "date"),
    PropertyType.CHOICE: ("enumeration", "select"),
    PropertyType.MULTI_CHOICE: ("enumeration", "checkbox"),
    PropertyType.BOOLEAN: ("bool", "booleancheckbox"),
    PropertyType.PHONE: ("string", "phonenumber"),
    PropertyType.EMAIL: ("string", "text"),
    PropertyType.URL: ("string", "text"),
    PropertyType.USER: ("enumeration", "select"),
}
FIELDS_OUT = {FieldType.TEXTAREA: "textarea", FieldType.HTML: "html", FieldType.RADIO: "radio", FieldType.FILE: "file"}
STRINGS = {"text": "", "textarea": FieldType.TEXTAREA, "html": FieldType.HTML, "file": FieldType.FILE, "phonenumber": "", "calculation_equation": ""}
CHOICES = {"select": "", "radio": FieldType.RADIO, "checkbox": "", "booleancheckbox": ""}
FIXED = {"number": "number", "datetime": "date", "bool": "booleancheckbox", "enumeration": "checkbox"}
BOOLEANS = [{"label": "True", "value": "true", "displayOrder": 0, "hidden": False}, {"label": "False", "value": "false", "displayOrder": 1, "hidden": False}]


def shown(kind: ObjectType, rows: Iterable[PropertyDefinition]) -> list[dict[str, Any]]:
    """Definitions as HubSpot shows them."""
    return [_shown(kind, row) for row in rows]


def _shown(kind: ObjectType, row: PropertyDefinition) -> dict[str, Any]:
    type, field_type = OUT[PropertyType(row.type)]
    options = _options(kind, row)
    if has_own_options(kind, row):
        type, field_type = "enumeration", "radio" if row.name == kind.stage_property else "select"
    field_type = FIELDS_OUT.get(FieldType(row.field_type), field_type)
    body: dict[str, Any] = {
        "name": words.theirs(kind.key, row.name),
        "label": properties.label(row),
        "type": type,
        "fieldType": "calculation_equation" if row.formula else field_type,
        "description": row.description,
        "groupName": group_out(kind, row.group),
        "options": options,
        "displayOrder": row.position,
        "hasUniqueValue": row.unique_value,
        "hidden": row.hidden,
        "hubspotDefined": row.builtin,
        "formField": row.form_field and not row.read_only and kind.key == "contact",
        "calculated": bool(row.formula),
        "externalOptions": row.type == PropertyType.USER,
        "archived": row.archived_at is not None,
        "createdAt": stamp(row.created_at),
        "updatedAt": stamp(row.updated_at),
        "modificationMetadata": {
            "archivable": not row.builtin,
            "readOnlyDefinition": row.builtin,
            "readOnlyOptions": row.builtin,
            "readOnlyValue": row.read_only and row.name != "additional_emails",
        },
    }
    if row.archived_at is not None:
        body["archivedAt"] = stamp(row.archived_at)
    if row.formula:
        body["calculationFormula"] = row.formula
    if row.type == PropertyType.USER:
        body["referencedObjectType"] = "OWNER"
    if row.field_type == FieldType.CURRENCY:
        body["showCurrencySymbol"] = True
    return body


def has_own_options(kind: ObjectType, row: PropertyDefinition) -> bool:
    """Is this the pipeline or the stage, whose options are the pipelines' business?"""
    return bool(kind.stage_property) and row.name in ("pipeline", kind.stage_property)


def _options(kind: ObjectType, row: PropertyDefinition) -> list[dict[str, Any]]:
    if row.type == PropertyType.BOOLEAN:
        return [dict(option) for option in BOOLEANS]
    if has_own_options(kind, row):
        ways = pipelines.pipelines(kind.key)
        found = [(way.key, pipelines.label(way)) for way in ways]
        if row.name == kind.stage_property:
            found = [(stage.key, pipelines.label(stage)) for way in ways for stage in way.stages_in_order]  # type: ignore[attr-defined]
        return [{"label": label, "value": key, "displayOrder": number, "hidden": False} for number, (key, label) in enumerate(found)]
    named: dict[str | None, dict[str, Any]] = {}
    for number, option in enumerate(row.options):
        value = words.value_out(kind.key, row.name, option["value"])
        named[value] = {  # several of ours may be one of theirs: the last is what it is called
            "label": properties.option_label(row, option["value"]),
            "value": value,
            "description": option.get("description", ""),
            "displayOrder": number,
            "hidden": bool(option.get("archived")),
        }
    return list(named.values())


def system(kind: ObjectType) -> list[dict[str, Any]]:
    """The properties the system works out for every record of a type: those it always has, and when it entered and left each stage."""
    rows = [_fixed(kind, name, one.label, one.type) for name, one in computed.known(kind.key).items()]
    if kind.stage_property:
        keys = dict.fromkeys(stage.key for stages in pipelines.stages(kind.key).values() for stage in stages)
        names = [f"hs_v2_date_{how}_{key}" for key in keys for how in ("entered", "exited")]
        rows += [_fixed(kind, name, one.label, one.type) for name, one in computed.find(kind.key, names).items()]
    return rows


def _fixed(kind: ObjectType, name: str, label: str, type: str) -> dict[str, Any]:
    at = stamp(kind.created_at)
    return {
        "name": name,
        "label": label,
        "type": type,
        "fieldType": FIXED.get(type, "text"),
        "description": "",
        "groupName": group_out(kind, "basic"),
        "options": [dict(option) for option in BOOLEANS] if type == "bool" else [],
        "displayOrder": -1,
        "hasUniqueValue": name == "hs_object_id",
        "hidden": False,
        "hubspotDefined": True,
        "formField": False,
        "calculated": False,
        "externalOptions": False,
        "archived": False,
        "createdAt": at,
        "updatedAt": at,
        "modificationMetadata": {"archivable": False, "readOnlyDefinition": True, "readOnlyOptions": True, "readOnlyValue": True},
    }


def name_in(kind: ObjectType, name: str) -> str:
    """Baton's name of a property."""
    return words.ours(kind.key, name)


def type_in(type: str, field_type: str) -> tuple[str, str]:
    """Baton's type and field type. Raises Failure 400 for a pair nobody has."""
    match type, field_type:
        case "string" | "phone_number", "phonenumber":
            return PropertyType.PHONE, ""
        case "phone_number", _:
            return PropertyType.PHONE, ""
        case "string", _ if field_type in STRINGS:
            return PropertyType.TEXT, STRINGS[field_type]
        case "number" | "currency_number", "number" | "text" | "calculation_equation" | "calculation_rollup":
            return PropertyType.NUMBER, FieldType.CURRENCY if type == "currency_number" else ""
        case "date", "date" | "text" | "calculation_equation":
            return PropertyType.DATE, ""
        case "datetime", "date" | "text" | "calculation_equation":
            return PropertyType.DATETIME, ""
        case ("bool", _) | ("enumeration", "booleancheckbox") if field_type in {*CHOICES, "calculation_equation"}:
            return PropertyType.BOOLEAN, ""
        case "enumeration", "checkbox":
            return PropertyType.MULTI_CHOICE, ""
        case "enumeration" | "string", _ if field_type in CHOICES:
            return PropertyType.CHOICE, CHOICES[field_type]
    raise Failure(
        400,
        "VALIDATION_ERROR",
        f"There is no property of type {type[:50]} with field type {field_type[:50]}.",
        errors=[{"message": "Invalid type or fieldType", "code": "INVALID_TYPE", "context": {"type": [type[:50]], "fieldType": [field_type[:50]]}}],
    )


def type_change(row: PropertyDefinition, type: str | None, field_type: str | None) -> tuple[str, str]:
    """The same for a property that is there and of which only one of the two may be given."""
    now_type, now_field = OUT[PropertyType(row.type)]
    mine, asked = type_in(type or now_type, field_type or FIELDS_OUT.get(FieldType(row.field_type), now_field))
    if type in (None, now_type) and field_type in (None, now_field, FIELDS_OUT.get(FieldType(row.field_type))):
        return row.type, row.field_type  # the same words as before: an e-mail address stays one, money stays money
    return mine, asked


def options_in(type: str, given: Sequence[Option], *, property: tuple[str, str] = ("", "")) -> list[dict[str, Any]]:
    """Options as Baton keeps them, in the order asked for; nothing for types whose options are fixed."""
    if type not in (PropertyType.CHOICE, PropertyType.MULTI_CHOICE):
        return []
    placed = sorted(enumerate(given), key=lambda at: (at[1].displayOrder < 0, at[1].displayOrder, at[0]))
    known = {theirs: mine for mine, theirs in vocabulary.VALUES.get(property, {}).items()}
    return [
        {
            "value": known.get(option.value, option.value),
            "label": option.label,
            **({"description": option.description} if option.description else {}),
            **({"archived": True} if option.hidden else {}),
        }
        for _number, option in placed
    ]


def group_out(kind: ObjectType, name: str) -> str:
    """HubSpot's name of a group: the first one is called after its type."""
    return f"{kind.key.replace('_', '')}information" if name == "basic" else name


def group_in(kind: ObjectType, name: str) -> str:
    """Baton's name of a group."""
    return "basic" if name in (group_out(kind, "basic"), f"{kind.key}_information", f"{kind.key}information") else name


def group(kind: ObjectType, row: PropertyGroup) -> dict[str, Any]:
    """A group as HubSpot shows it."""
    return {"name": group_out(kind, row.name), "label": properties.group_label(row), "displayOrder": row.position, "archived": row.archived_at is not None}
