"""`/crm/v3/objects/contacts`: list, create, read, change and archive contacts."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict

from baton.api import auth, errors, paging
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import links, words
from baton.crm import contacts, properties, records
from baton.crm.models import Contact, PropertyHistory, Record
from baton.crm.values import stamp
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem
from baton.platform.transaction import retrying

router = Router(tags=["contacts"])
TYPE = "contact"
DEFAULT = ("firstname", "lastname", "email")  # answered when a program names no properties
MOST, MOST_WITH_HISTORY, USUAL = 100, 50, 10  # rows of a page
Row = Contact | Record
Names = Annotated[list[str], Query(default_factory=list)]
Text = Annotated[str | None, Query(None)]


class Write(Schema):
    """Body of create and update."""

    model_config = ConfigDict(extra="ignore")

    properties: dict[str, Any]
    associations: list[links.Link] = []


@router.get("/crm/v3/objects/contacts", auth=Needs("contacts.read"), response=dict[str, Any])
def listing(
    request: HttpRequest,
    properties: Names,
    propertiesWithHistory: Names,
    associations: Names,
    limit: Text = None,
    after: Text = None,
    archived: bool = False,
) -> dict[str, Any]:
    """Contacts in the order of their ids."""
    size = paging.limit(limit, most=MOST_WITH_HISTORY if propertiesWithHistory else MOST, default=USUAL)
    rows = records.page(TYPE, after=paging.after(after), limit=size + 1, archived=archived)
    shown = rows[:size]
    return paging.page(request, _bodies(shown, properties, propertiesWithHistory, associations), shown[-1].id if len(rows) > size else None)


@router.post("/crm/v3/objects/contacts", auth=Needs("contacts.write"), response={201: dict[str, Any]})
def create(request: HttpRequest, body: Write) -> Status[dict[str, Any]]:
    """A new contact; 409 with the id of the contact that has the e-mail address already."""
    if not body.properties:
        raise Failure(400, "VALIDATION_ERROR", "Error creating CONTACT. Some required properties were not set.")
    try:
        id = _create(body, auth.actor(request))
    except Invalid as error:
        raise _invalid(error, body.properties) from None
    except Conflict as error:
        raise Failure(409, "CONFLICT", f"Contact already exists. Existing ID: {error.existing_id}") from None
    return Status(201, _bodies([records.get(TYPE, id)], [*DEFAULT, *body.properties])[0])


@retrying
def _create(body: Write, actor: Actor) -> int:
    with transaction.atomic():
        id = records.create(TYPE, _incoming(body.properties), actor=actor, source="api")
        links.write(TYPE, id, body.associations, actor=actor)
    return id


@router.get("/crm/v3/objects/contacts/{id}", auth=Needs("contacts.read"), response=dict[str, Any])
def read(
    request: HttpRequest,
    id: str,
    properties: Names,
    propertiesWithHistory: Names,
    associations: Names,
    idProperty: Text = None,
    archived: bool = False,
) -> dict[str, Any]:
    """One contact, by its id or by its e-mail address."""
    row = records.get(TYPE, _id(id, idProperty, archived=archived), archived=archived)
    return _bodies([row], properties, propertiesWithHistory, associations)[0]


@router.patch("/crm/v3/objects/contacts/{id}", auth=Needs("contacts.write"), response=dict[str, Any])
def update(request: HttpRequest, id: str, body: Write, idProperty: Text = None) -> dict[str, Any]:
    """Change the named properties; null and "" clear one."""
    if not body.properties:
        raise Failure(400, "VALIDATION_ERROR", "No properties found to update, please provide at least one.")
    contact_id = _id(id, idProperty)
    try:
        records.update(TYPE, contact_id, _incoming(body.properties), actor=auth.actor(request), source="api")
    except Invalid as error:
        raise _invalid(error, body.properties) from None
    except Conflict as error:
        raise Failure(400, "VALIDATION_ERROR", _taken(contact_id, body.properties.get("email"), error.existing_id)) from None
    return _bodies([records.get(TYPE, contact_id)], [*DEFAULT, *body.properties])[0]


@router.delete("/crm/v3/objects/contacts/{id}", auth=Needs("contacts.write"), response={204: None})
def archive(request: HttpRequest, id: str, idProperty: Text = None) -> HttpResponse:
    """Put a contact aside; it can be restored."""
    records.archive(TYPE, _id(id, idProperty), actor=auth.actor(request))
    return HttpResponse(status=204)


def _id(given: str, id_property: str | None, *, archived: bool = False) -> int:
    """The contact a path names. Raises Failure 404, and 400 for a property that does not identify contacts."""
    if id_property in (None, "", "hs_object_id"):
        if not re.fullmatch(r"[0-9]+", given):
            raise Failure(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.", context={"id": [given[:200]]})
        if int(given[:20]) > paging.LARGEST:
            raise NotFound(given)
        return int(given)
    if id_property != "email":
        raise Failure(400, "VALIDATION_ERROR", f"Property {id_property} is not a unique identifier property of CONTACT. Known: [email, hs_object_id]")
    found = contacts.archived_by_email(given) if archived else contacts.by_email(given)
    if found is None:
        raise NotFound(given)
    return found


def _incoming(sent: dict[str, Any]) -> dict[str, Any]:
    """What a client sent, in Baton's names and values. Raises Invalid for properties the system sets."""
    known = properties.definitions(TYPE)
    fixed = words.system_names(TYPE) & sent.keys()
    if fixed:
        text = '"{name}" is a read only property; its value cannot be set.'
        raise Invalid([Problem(f"properties.{name}", "READ_ONLY_VALUE", text.format(name=name)) for name in sorted(fixed)])
    named = {words.ours(TYPE, name): value for name, value in sent.items()}
    return {name: words.value_in(TYPE, known[name], value) if name in known else value for name, value in named.items()}


def _invalid(error: Invalid, sent: dict[str, Any]) -> Failure:
    """The faults in HubSpot's names; the options of a choice in its words."""
    known = properties.definitions(TYPE)
    faults = []
    for problem in error.problems:
        mine = problem.path.removeprefix("properties.")
        name, text = words.theirs(TYPE, mine), problem.message
        if problem.code == "PROPERTY_DOESNT_EXIST":
            text = f'Property "{name}" does not exist'
        elif problem.code == "INVALID_OPTION" and mine in known:
            options = [words.value_out(TYPE, mine, option["value"]) for option in known[mine].options if not option.get("archived")]
            text = f"{sent.get(name)} was not one of the allowed options: [{', '.join(str(option) for option in options)}]"
        faults.append((name, problem.code, text))
    return errors.invalid_properties(faults)


def _taken(contact_id: int, email: Any, owner: int | None) -> str:
    return (
        "Cannot set PropertyValueCoordinates{portalId=0, objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, propertyName=email,"
        f" value={email}}} on {contact_id}. {owner} already has that value."
    )


def _bodies(rows: Sequence[Row], names: Sequence[str], history: Sequence[str] = (), linked: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Records as HubSpot shows them. Names that do not exist are left out; a property that is not set is null."""
    known = properties.definitions(TYPE)
    fixed = words.system_names(TYPE)
    past = _history([row.id for row in rows], history) if history else {}
    asked = dict.fromkeys([*(names or DEFAULT), *history])
    shown = {name: words.ours(TYPE, name) for name in asked if words.ours(TYPE, name) in known and name not in fixed}
    bodies = [_body(row, shown, past.get(row.id)) for row in rows]
    found = links.read(TYPE, [row.id for row in rows], linked) if linked else {}
    for row, body in zip(rows, bodies, strict=True):
        if row.id in found:
            body["associations"] = found[row.id]
    return bodies


def _body(row: Row, names: dict[str, str], history: dict[str, list[dict[str, Any]]] | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": str(row.id),
        "properties": {**words.system(TYPE, row), **{theirs: words.value_out(TYPE, mine, row.properties.get(mine)) for theirs, mine in names.items()}},
        "createdAt": stamp(row.created_at),
        "updatedAt": stamp(row.updated_at),
        "archived": row.archived_at is not None,
    }
    if row.archived_at is not None:
        body["archivedAt"] = stamp(row.archived_at)
    if history is not None:
        body["propertiesWithHistory"] = history
    return body


def _history(ids: Sequence[int], names: Sequence[str]) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """The earlier values of some properties by record and HubSpot's name, newest first."""
    known = properties.definitions(TYPE)
    mine = {words.ours(TYPE, name): name for name in names if words.ours(TYPE, name) in known}
    found: dict[int, dict[str, list[dict[str, Any]]]] = {id: {name: [] for name in mine.values()} for id in ids}
    for row in PropertyHistory.objects.filter(record_id__in=ids, name__in=mine).order_by("record_id", "-id"):
        entry: dict[str, Any] = {
            "value": words.value_out(TYPE, row.name, row.new) or "",
            "timestamp": stamp(row.at),
            "sourceType": words.SOURCES.get(row.source, "INTERNAL_PROCESSING"),
            "sourceId": row.actor,
        }
        who = Actor.parse(row.actor)
        if who.kind == "user" and who.id is not None:
            entry["updatedByUserId"] = who.id
        found[row.record_id][mine[row.name]].append(entry)
    return found
