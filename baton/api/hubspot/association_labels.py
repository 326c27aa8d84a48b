"""`/crm/v4/associations/{from}/{to}/labels`: which kinds of links there are between two object types, and names of one's own."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from baton.api import auth
from baton.api.errors import Failure
from baton.api.hubspot import kinds, link_numbers
from baton.api.hubspot.access import Records
from baton.api.hubspot.kinds import NeedsType
from baton.crm import labels
from baton.crm.models import AssociationLabel
from baton.platform.errors import Conflict, NotFound

router = Router(tags=["association labels"])
PATH = "/crm/v4/associations/{object_type}/{to_type}/labels"
READ, WRITE = Records("view", to_type="view"), NeedsType("write")
Body = dict[str, Any]


class Create(Schema):
    label: str
    name: str
    inverseLabel: str | None = None


class Change(Schema):
    associationTypeId: int
    label: str
    inverseLabel: str | None = None


@router.get(PATH, auth=READ, response=Body)
def listing(request: HttpRequest, object_type: str, to_type: str) -> Body:
    """All kinds of links from one object type to another."""
    if kinds.lacking(object_type) or kinds.lacking(to_type):
        return {"results": []}
    return {"results": [kind.typed for kind in link_numbers.of_pair(kinds.of(object_type).key, kinds.of(to_type).key)]}


@router.post(PATH, auth=WRITE, response=Body)
def create(request: HttpRequest, object_type: str, to_type: str, body: Create) -> Body:
    """A label of one's own, with a number on either side."""
    made = labels.define(kinds.of(object_type).key, kinds.of(to_type).key, body.name, body.label, inverse=body.inverseLabel or "", actor=auth.actor(request))
    return {"results": [{"category": "USER_DEFINED", "typeId": row.type_id, "label": row.label} for row in made]}


@router.put(PATH, auth=WRITE, response={204: None})
def change(request: HttpRequest, object_type: str, to_type: str, body: Change) -> HttpResponse:
    """Call a label otherwise."""
    _there(object_type, to_type, body.associationTypeId)
    try:
        labels.change(body.associationTypeId, label=body.label, inverse=body.inverseLabel, actor=auth.actor(request))
    except Conflict as error:
        raise Failure(400, "VALIDATION_ERROR", str(error)) from None
    return HttpResponse(status=204)


@router.delete(PATH + "/{number}", auth=WRITE, response={204: None})
def remove(request: HttpRequest, object_type: str, to_type: str, number: str) -> HttpResponse:
    """Take a label away; records that had it stay linked."""
    if not (number.isascii() and number.isdigit()) or len(number) > 9:
        raise NotFound(number)
    _there(object_type, to_type, int(number))
    try:
        labels.remove(int(number), actor=auth.actor(request))
    except Conflict as error:
        raise Failure(400, "VALIDATION_ERROR", str(error)) from None
    return HttpResponse(status=204)


def _there(object_type: str, to_type: str, number: int) -> None:
    """Raises NotFound when the pair has no label of this number."""
    one, other = kinds.of(object_type).key, kinds.of(to_type).key
    if not (0 < number < 2**31) or not AssociationLabel.objects.filter(type_id=number, from_type=one, to_type=other).exists():
        raise NotFound(str(number))
