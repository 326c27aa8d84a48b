"""`/crm-object-schemas/v3/schemas`: object types a company makes for itself; a new one has its pages and its API at once."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status

from baton.accounts import users
from baton.api import auth
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import kinds, link_numbers, properties, property_words
from baton.crm import properties as definitions
from baton.crm import types
from baton.crm.models import ObjectType, PropertyDefinition
from baton.crm.values import stamp
from baton.platform.errors import Conflict, NotFound
from baton.platform.models import History

router = Router(tags=["schemas"])
PATH = "/crm/v3/schemas"  # versions.py leads /crm-object-schemas/v3/schemas here
ONE = f"{PATH}/{{object_type}}"
READ, WRITE = Needs("schemas.read", "custom.read"), Needs("schemas.write")
LINKED = ("contact", "company", "deal", "ticket")


class Labels(Schema):
    singular: str | None = None
    plural: str | None = None


class NewProperty(Schema):
    """A property of a new object type."""

    name: str
    label: str
    type: str = "string"
    fieldType: str = "text"
    description: str = ""
    options: list[property_words.Option] = []
    hasUniqueValue: bool = False
    hidden: bool = False


class Create(Schema):
    """A new object type."""

    name: str
    labels: Labels
    requiredProperties: list[str]
    properties: list[NewProperty]
    associatedObjects: list[str]
    primaryDisplayProperty: str | None = None
    secondaryDisplayProperties: list[str] = []
    searchableProperties: list[str] = []
    description: str = ""


class Change(Schema):
    """What of an object type is to be different."""

    labels: Labels | None = None
    requiredProperties: list[str] | None = None
    searchableProperties: list[str] | None = None
    primaryDisplayProperty: str | None = None
    secondaryDisplayProperties: list[str] | None = None
    description: str | None = None
    restorable: bool | None = None


class NewLink(Schema):
    fromObjectTypeId: str
    toObjectTypeId: str
    name: str | None = None


class SchemaShown(Schema):
    """An object type."""

    id: str
    objectTypeId: str
    fullyQualifiedName: str
    name: str
    description: str
    labels: Labels
    primaryDisplayProperty: str
    secondaryDisplayProperties: list[str]
    requiredProperties: list[str]
    searchableProperties: list[str]
    properties: list[property_words.Property]
    associations: list[dict[str, Any]]
    archived: bool
    createdAt: str
    updatedAt: str
    createdByUserId: int | None = None
    updatedByUserId: int | None = None
    allowsSensitiveProperties: bool = False


class SchemasShown(Schema):
    results: list[SchemaShown]


@router.get(PATH, auth=READ, response=SchemasShown, exclude_unset=True, summary="List object types")
def listing(request: HttpRequest, archived: bool = False) -> dict[str, Any]:
    """The object types a company made for itself."""
    if archived:
        rows = list(ObjectType.objects.filter(builtin=False, archived_at__isnull=False).order_by("type_id"))
    else:
        rows = [kind for kind in types.all() if not kind.builtin]
    return {"results": [_shown(kind) for kind in rows]}


@router.post(PATH, auth=WRITE, response={201: SchemaShown}, exclude_unset=True, summary="Create an object type")
def create(request: HttpRequest, body: Create) -> Status[dict[str, Any]]:
    """A new object type with its properties; 409 when the name is taken."""
    names = [row.name for row in body.properties]
    unknown = [name for name in {*body.requiredProperties, *body.searchableProperties, *body.secondaryDisplayProperties} if name not in names]
    primary = body.primaryDisplayProperty or next(iter([*body.requiredProperties, *names]), "name")
    if unknown or (names and primary not in names):
        raise Failure(400, "VALIDATION_ERROR", f"The schema has no properties named {', '.join(sorted(unknown or [primary]))}.")
    for word in body.associatedObjects:
        if not kinds.lacking(word):
            kinds.of(word)
    rows = []
    for row in body.properties:
        type, field_type = property_words.type_in(row.type, row.fieldType)
        rows.append(
            {
                "name": row.name,
                "label": row.label,
                "type": type,
                "field_type": field_type,
                "description": row.description,
                "options": property_words.options_in(type, row.options),
                "unique_value": row.hasUniqueValue,
                "hidden": row.hidden,
                "required": row.name in body.requiredProperties,
            }
        )
    made = types.define(
        body.name.lower(),
        body.labels.singular or body.name,
        body.labels.plural or body.labels.singular or body.name,
        actor=auth.actor(request),
        properties=rows,
        primary_property=primary,
        secondary_properties=body.secondaryDisplayProperties,
        searchable=body.searchableProperties,
        description=body.description,
    )
    return Status(201, _shown(made))


@router.get(ONE, auth=READ, response=SchemaShown, exclude_unset=True, summary="Read an object type")
def read(request: HttpRequest, object_type: str) -> dict[str, Any]:
    """One object type, a built-in one too."""
    return _shown(_one(object_type))


@router.patch(ONE, auth=WRITE, response=SchemaShown, exclude_unset=True, summary="Change an object type")
def change(request: HttpRequest, object_type: str, body: Change) -> dict[str, Any]:
    """Other labels, other properties that name, find or are required of a record."""
    kind, actor = _one(object_type), auth.actor(request)
    fields: dict[str, Any] = {
        "label": body.labels.singular if body.labels else None,
        "label_plural": body.labels.plural if body.labels else None,
        "description": body.description,
        "primary_property": body.primaryDisplayProperty,
        "secondary_properties": body.secondaryDisplayProperties,
        "searchable": body.searchableProperties,
    }
    with transaction.atomic():
        if given := {name: value for name, value in fields.items() if value is not None}:
            types.change(kind.key, actor=actor, **given)
        if body.requiredProperties is not None:
            _require(kind, set(body.requiredProperties), request)
    return _shown(types.get(kind.key))


def _require(kind: ObjectType, names: set[str], request: HttpRequest) -> None:
    known = definitions.definitions(kind.key)
    if unknown := names - known.keys():
        raise Failure(400, "VALIDATION_ERROR", f"The schema has no properties named {', '.join(sorted(unknown))}.")
    for name, row in known.items():
        if row.required != (name in names) and not row.read_only:
            definitions.change(kind.key, name, actor=auth.actor(request), required=name in names)


@router.delete(ONE, auth=WRITE, response={204: None}, summary="Archive an object type")
def archive(request: HttpRequest, object_type: str, archived: bool = False) -> HttpResponse:
    """Put an object type aside; 400 while there are records of it."""
    if archived and types.resolve(object_type) is None and ObjectType.objects.filter(key=object_type, builtin=False).exists():
        return HttpResponse(status=204)  # it is put aside already
    try:
        types.archive(_one(object_type).key, actor=auth.actor(request))
    except Conflict as error:
        raise Failure(400, "VALIDATION_ERROR", str(error)) from None
    return HttpResponse(status=204)


@router.post(f"{ONE}/associations", auth=WRITE, response={201: dict[str, Any]}, summary="Link object types")
def link(request: HttpRequest, object_type: str, body: NewLink) -> Status[dict[str, Any]]:
    """Records of every type can be linked with every other; this names the link that is there."""
    return Status(201, _link(kinds.of(body.fromObjectTypeId), kinds.of(body.toObjectTypeId)))


@router.delete(f"{ONE}/associations/{{link_id}}", auth=WRITE, response={204: None}, summary="Unlink object types")
def unlink(request: HttpRequest, object_type: str, link_id: str) -> HttpResponse:
    """Baton links every type with every other, so there is nothing to remove."""
    raise Failure(400, "VALIDATION_ERROR", "Records of every object type can be linked; this cannot be taken away.")


def _one(object_type: str) -> ObjectType:
    """Raises NotFound."""
    found = types.resolve(object_type)
    if found is None:
        raise NotFound(object_type)
    return found


def _shown(kind: ObjectType) -> dict[str, Any]:
    rows = definitions.definitions(kind.key) if kind.archived_at is None else {}
    if kind.archived_at is not None:
        rows = {row.name: row for row in PropertyDefinition.objects.filter(object_type=kind, archived_at=None)}
    listed = properties.every(kind) if kind.archived_at is None else property_words.shown(kind, rows.values())
    others = [types.get(key) for key in LINKED if key != kind.key]
    body: dict[str, Any] = {
        "id": kind.type_id.partition("-")[2],
        "objectTypeId": kind.type_id,
        "fullyQualifiedName": kind.key.upper() if kind.builtin else f"p{users.account().pk}_{kind.key}",
        "name": kind.key,
        "description": kind.description,
        "labels": {"singular": types.label(kind), "plural": types.label(kind, plural=True)},
        "primaryDisplayProperty": kind.primary_property,
        "secondaryDisplayProperties": kind.secondary_properties,
        "requiredProperties": [name for name, row in rows.items() if row.required],
        "searchableProperties": kind.searchable,
        "properties": listed,
        "associations": [] if kind.archived_at else [_link(*pair) for other in others for pair in ((kind, other), (other, kind))],
        "archived": kind.archived_at is not None,
        "createdAt": stamp(kind.created_at),
        "updatedAt": stamp(kind.updated_at),
        "allowsSensitiveProperties": False,
    }
    author = History.objects.filter(subject_type="object_type", subject_id=kind.key, verb="created", actor__startswith="user:").values_list("actor", flat=True)
    if (who := author.first()) is not None:
        body["createdByUserId"] = body["updatedByUserId"] = int(who.partition(":")[2])
    return body


def _link(one: ObjectType, other: ObjectType) -> dict[str, Any]:
    at = stamp(one.created_at)
    return {
        "id": str(link_numbers.plain(one.key, other.key)),
        "fromObjectTypeId": one.type_id,
        "toObjectTypeId": other.type_id,
        "name": f"{one.key}_to_{other.key}",
        "createdAt": at,
        "updatedAt": at,
    }
