"""`/crm/v3/properties/{type}`: which properties an object type has, their groups, new ones, and many at once."""

from collections.abc import Sequence
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from baton.api import auth
from baton.api.hubspot import batches, kinds, property_words
from baton.api.hubspot.kinds import NeedsType
from baton.crm import properties
from baton.crm.models import ObjectType, PropertyDefinition, PropertyGroup
from baton.platform.errors import NotFound

router = Router(tags=["properties"])
PATH = "/crm/v3/properties/{object_type}"
READ, WRITE = NeedsType("read"), NeedsType("write")


class Create(Schema):
    """A new property."""

    name: str
    label: str
    type: str
    fieldType: str
    groupName: str
    description: str = ""
    options: list[property_words.Option] = []
    displayOrder: int | None = None
    hasUniqueValue: bool = False
    hidden: bool = False
    formField: bool = True
    externalOptions: bool = False
    referencedObjectType: str | None = None
    calculationFormula: str | None = None


class Change(Schema):
    """What of a property is to be different."""

    label: str | None = None
    type: str | None = None
    fieldType: str | None = None
    groupName: str | None = None
    description: str | None = None
    options: list[property_words.Option] | None = None
    displayOrder: int | None = None
    hidden: bool | None = None
    formField: bool | None = None
    calculationFormula: str | None = None


class Creates(Schema):
    inputs: list[Create]


class Named(Schema):
    name: str


class Names(Schema):
    inputs: list[Named]
    archived: bool = False


class GroupCreate(Schema):
    name: str
    label: str
    displayOrder: int = -1


class GroupChange(Schema):
    label: str | None = None
    displayOrder: int | None = None


@router.get(PATH, auth=READ, response=property_words.Properties, summary="List properties")
def listing(
    request: HttpRequest,
    object_type: str,
    archived: bool = False,
    includeHidden: Annotated[bool, Query(True)] = True,
) -> dict[str, Any]:
    """All properties of an object type, the system's own included."""
    if kinds.lacking(object_type):
        return {"results": []}
    return {"results": every(kinds.of(object_type), archived=archived)}


def every(kind: ObjectType, *, archived: bool = False) -> list[dict[str, Any]]:
    """The properties of a type as HubSpot shows them, in display order; archived ones instead when asked."""
    if archived:
        rows = PropertyDefinition.objects.filter(object_type=kind, archived_at__isnull=False)
        return property_words.shown(kind, rows)
    return [*property_words.shown(kind, properties.definitions(kind.key).values()), *property_words.system(kind)]


@router.post(PATH, auth=WRITE, response={201: property_words.Property}, summary="Create a property")
def create(request: HttpRequest, object_type: str, body: Create) -> Status[dict[str, Any]]:
    """A new property; 409 when the name is taken."""
    kind = kinds.of(object_type)
    return Status(201, property_words.shown(kind, [_create(request, kind, body)])[0])


def _create(request: HttpRequest, kind: ObjectType, body: Create) -> PropertyDefinition:
    type, field_type = property_words.type_in(body.type, body.fieldType)
    return properties.define(
        kind.key,
        body.name,
        body.label,
        type,
        actor=auth.actor(request),
        group=property_words.group_in(kind, body.groupName),
        options=property_words.options_in(type, body.options),
        description=body.description,
        field_type=field_type,
        unique_value=body.hasUniqueValue,
        hidden=body.hidden,
        form_field=body.formField,
        formula=body.calculationFormula or "",
        position=None if body.displayOrder is None or body.displayOrder < 0 else body.displayOrder,
    )


@router.post(f"{PATH}/batch/create", auth=WRITE, response={201: batches.Answer}, summary="Create many properties")
def batch_create(request: HttpRequest, object_type: str, body: Creates) -> Status[dict[str, Any]]:
    """Several new properties: all of them or none."""
    kind, started = kinds.of(object_type), batches.start(body.inputs)
    with transaction.atomic():
        made = [_create(request, kind, one) for one in body.inputs]
    return Status(201, batches.answer(started, property_words.shown(kind, made)))


@router.post(f"{PATH}/batch/read", auth=READ, response={200: batches.Answer, 207: batches.Answer}, summary="Read many properties")
def batch_read(request: HttpRequest, object_type: str, body: Names) -> Status[dict[str, Any]]:
    """The properties with these names; 207 when some do not exist."""
    kind, started = kinds.of(object_type), batches.start(body.inputs)
    found = {row["name"]: row for row in every(kind, archived=body.archived)}
    names = list(dict.fromkeys(one.name for one in body.inputs))
    missing = [name for name in names if name not in found]
    errors = [batches.missing("Could not get some properties, they may be archived or not exist.", name=missing)] if missing else []
    return batches.status(started, [found[name] for name in names if name in found], errors)


@router.post(f"{PATH}/batch/archive", auth=WRITE, response={204: None}, summary="Archive many properties")
def batch_archive(request: HttpRequest, object_type: str, body: Names) -> HttpResponse:
    """Put properties aside; names that do not exist are ignored."""
    kind = kinds.of(object_type)
    batches.start(body.inputs)
    known = properties.definitions(kind.key)
    with transaction.atomic():
        for name in dict.fromkeys(property_words.name_in(kind, one.name) for one in body.inputs):
            if name in known:
                properties.archive(kind.key, name, actor=auth.actor(request))
    return HttpResponse(status=204)


@router.get(f"{PATH}/groups", auth=READ, response=property_words.Groups, summary="List property groups")
def groups(request: HttpRequest, object_type: str) -> dict[str, Any]:
    """The headings under which the properties of an object type stand."""
    if kinds.lacking(object_type):
        return {"results": []}
    kind = kinds.of(object_type)
    return {"results": [property_words.group(kind, row) for row in properties.groups(kind.key)]}


@router.post(f"{PATH}/groups", auth=WRITE, response={201: property_words.Group}, summary="Create a property group")
def create_group(request: HttpRequest, object_type: str, body: GroupCreate) -> Status[dict[str, Any]]:
    """A new heading; 409 when the name is taken."""
    kind = kinds.of(object_type)
    position = body.displayOrder if body.displayOrder >= 0 else None
    made = properties.define_group(kind.key, body.name, body.label, actor=auth.actor(request), position=position)
    return Status(201, property_words.group(kind, made))


@router.get(f"{PATH}/groups/{{name}}", auth=READ, response=property_words.Group, summary="Read a property group")
def read_group(request: HttpRequest, object_type: str, name: str) -> dict[str, Any]:
    """One heading."""
    kind = kinds.of(object_type)
    return property_words.group(kind, _group(kind, name))


@router.patch(f"{PATH}/groups/{{name}}", auth=WRITE, response=property_words.Group, summary="Change a property group")
def change_group(request: HttpRequest, object_type: str, name: str, body: GroupChange) -> dict[str, Any]:
    """Another label, another place."""
    kind = kinds.of(object_type)
    row = _group(kind, name)
    if body.label is not None or body.displayOrder is not None:
        row = properties.change_group(kind.key, row.name, actor=auth.actor(request), label=body.label, position=body.displayOrder)
    return property_words.group(kind, row)


@router.delete(f"{PATH}/groups/{{name}}", auth=WRITE, response={204: None}, summary="Archive a property group")
def archive_group(request: HttpRequest, object_type: str, name: str) -> HttpResponse:
    """Take a heading away; one that properties stand under stays."""
    kind = kinds.of(object_type)
    properties.archive_group(kind.key, _group(kind, name).name, actor=auth.actor(request))
    return HttpResponse(status=204)


def _group(kind: ObjectType, name: str) -> PropertyGroup:
    mine = property_words.group_in(kind, name)
    found = next((row for row in properties.groups(kind.key) if row.name == mine), None)
    if found is None:
        raise NotFound(name)
    return found


@router.get(f"{PATH}/{{name}}", auth=READ, response=property_words.Property, summary="Read a property")
def read(request: HttpRequest, object_type: str, name: str, archived: bool = False) -> dict[str, Any]:
    """One property."""
    return _one(kinds.of(object_type), name, archived=archived)


@router.patch(f"{PATH}/{{name}}", auth=WRITE, response=property_words.Property, summary="Change a property")
def change(request: HttpRequest, object_type: str, name: str, body: Change) -> dict[str, Any]:
    """Change a property; `options` is the whole new list. The name is fixed."""
    kind = kinds.of(object_type)
    known = properties.definitions(kind.key).get(property_words.name_in(kind, name))
    if known is None:
        raise NotFound(name)
    fields: dict[str, Any] = {
        "label": body.label,
        "description": body.description,
        "group": None if body.groupName is None else property_words.group_in(kind, body.groupName),
        "position": None if body.displayOrder is None or body.displayOrder < 0 else body.displayOrder,
        "hidden": body.hidden,
        "form_field": body.formField,
        "formula": body.calculationFormula,
    }
    if body.type or body.fieldType:
        type, field_type = property_words.type_change(known, body.type, body.fieldType)
        fields |= {"type": None if type == known.type else type, "field_type": field_type}
    if body.options is not None and not property_words.has_own_options(kind, known):
        fields["options"] = property_words.options_in(known.type, body.options, property=(kind.key, known.name))
    if given := {key: value for key, value in fields.items() if value is not None and value != getattr(known, key)}:
        properties.change(kind.key, known.name, actor=auth.actor(request), **given)
    return _one(kind, name)


@router.delete(f"{PATH}/{{name}}", auth=WRITE, response={204: None}, summary="Archive a property")
def archive(request: HttpRequest, object_type: str, name: str) -> HttpResponse:
    """Put a property aside; its values stay."""
    kind = kinds.of(object_type)
    properties.archive(kind.key, property_words.name_in(kind, name), actor=auth.actor(request))
    return HttpResponse(status=204)


def _one(kind: ObjectType, name: str, *, archived: bool = False) -> dict[str, Any]:
    """Raises NotFound."""
    found: Sequence[dict[str, Any]] = [row for row in every(kind, archived=archived) if row["name"] == name]
    if not found:
        raise NotFound(name)
    return found[0]
