"""`/crm/v3/objects/{type}`: list, create, read, change and archive records of every object type."""

from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict

from baton.api import auth, paging
from baton.api.errors import Failure
from baton.api.hubspot import access, alongside, kinds, links, shape, writes
from baton.api.hubspot.access import Records
from baton.crm import associations, records
from baton.crm.models import ObjectType
from baton.platform.actor import Actor
from baton.platform.errors import DomainError, NotFound
from baton.platform.transaction import retrying

router = Router(tags=["records"])
PATH = "/crm/v3/objects/{object_type}"
MOST, MOST_WITH_HISTORY, USUAL = 100, 50, 10  # rows of a page
Names = Annotated[list[str], Query(default_factory=list)]
Text = Annotated[str | None, Query(None)]
Body = dict[str, Any]


class Write(Schema):
    """Body of create and change."""

    model_config = ConfigDict(extra="ignore")

    properties: dict[str, Any]
    associations: list[links.Link] = []


@router.get(PATH, auth=Records("view"), response=Body)
def listing(
    request: HttpRequest,
    object_type: str,
    properties: Names,
    propertiesWithHistory: Names,
    associations: Names,
    limit: Text = None,
    after: Text = None,
    archived: bool = False,
) -> Body:
    """Records in the order of their ids."""
    size = paging.limit(limit, most=MOST_WITH_HISTORY if propertiesWithHistory else MOST, default=USUAL)
    start = paging.after(after)
    access.readable(request, associations)
    if kinds.lacking(object_type):
        return {"results": []}
    kind = kinds.of(object_type)
    rows = records.page(kind.key, after=start, limit=size + 1, archived=archived)
    shown = rows[:size]
    return paging.page(request, shape.bodies(kind, shown, properties, propertiesWithHistory, associations), shown[-1].id if len(rows) > size else None)


@router.post(PATH, auth=Records("create"), response={201: Body})
def create(request: HttpRequest, object_type: str, body: Write) -> Status[Body]:
    """A new record with its links, or none at all; 409 with the id of the record that has a value which only one may have."""
    kind = kinds.of(object_type)
    if not body.properties:
        raise Failure(400, "VALIDATION_ERROR", f"Error creating {kind.key.upper()}. Some required properties were not set.")
    try:
        id = _create(kind, body, request)
    except DomainError as error:
        raise writes.failure(kind, error, body.properties) from None
    return Status(201, _written(kind, id, body.properties))


@retrying
def _create(kind: ObjectType, body: Write, request: HttpRequest) -> int:
    actor = auth.actor(request)
    targets = links.check(request, kind.key, [body.associations])[0]
    if isinstance(targets, Failure):
        raise targets
    alongside.raise_fault(kind, None, body.properties)
    with transaction.atomic():
        id = records.create(kind.key, writes.incoming(kind, body.properties, new=True), actor=actor, source="api")
        alongside.write(kind, {id: body.properties}, actor)
        associations.link_many([associations.Link(kind.key, id, target.to_type, target.to_id, target.name) for target in targets], actor=actor)
    return id


@router.get(PATH + "/{id}", auth=Records("view"), response=Body)
def read(
    request: HttpRequest,
    object_type: str,
    id: str,
    properties: Names,
    propertiesWithHistory: Names,
    associations: Names,
    idProperty: Text = None,
    archived: bool = False,
) -> Body:
    """One record, by its id or by a value that only one record has."""
    access.readable(request, associations)
    kind = kinds.of(object_type)
    row = records.get(kind.key, writes.one(kind, id, idProperty, archived=archived), archived=archived)
    return shape.bodies(kind, [row], properties, propertiesWithHistory, associations)[0]


@router.patch(PATH + "/{id}", auth=Records("edit"), response=Body)
def update(request: HttpRequest, object_type: str, id: str, body: Write, idProperty: Text = None) -> Body:
    """Change the named properties; null and "" clear one."""
    kind = kinds.of(object_type)
    if not body.properties:
        raise Failure(400, "VALIDATION_ERROR", "No properties found to update, please provide at least one.")
    found = writes.one(kind, id, idProperty)
    try:
        _update(kind, found, body, auth.actor(request))
    except DomainError as error:
        raise writes.failure(kind, error, body.properties, of=found) from None
    return _written(kind, found, body.properties)


@retrying
def _update(kind: ObjectType, id: int, body: Write, actor: Actor) -> None:
    alongside.raise_fault(kind, id, body.properties)
    with transaction.atomic():
        records.update(kind.key, id, writes.incoming(kind, body.properties), actor=actor, source="api")
        alongside.write(kind, {id: body.properties}, actor)


@router.delete(PATH + "/{id}", auth=Records("delete"), response={204: None})
def archive(request: HttpRequest, object_type: str, id: str, idProperty: Text = None) -> HttpResponse:
    """Put a record aside; it can be restored."""
    if kinds.lacking(object_type):
        raise NotFound(id)
    kind = kinds.of(object_type)
    records.archive(kind.key, writes.one(kind, id, idProperty), actor=auth.actor(request))
    return HttpResponse(status=204)


def _written(kind: ObjectType, id: int, sent: Body) -> Body:
    return shape.bodies(kind, [records.get(kind.key, id)], writes.shown(kind, sent))[0]
