"""`/crm/v3/objects/{type}/merge` and `/gdpr-delete`: two records become one; a person is forgotten."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from baton.api import auth
from baton.api.errors import Failure
from baton.api.hubspot import kinds, shape, writes
from baton.api.hubspot.access import Records
from baton.crm import erase, records
from baton.crm import merge as merges
from baton.platform.errors import Conflict, NotFound

router = Router(tags=["records"])
PATH = "/crm/v3/objects/{object_type}"


class Erase(Schema):
    objectId: str | int
    idProperty: str | None = None


class Merge(Schema):
    primaryObjectId: str | int
    objectIdToMerge: str | int


@router.post(PATH + "/merge", auth=Records("merge"), response=dict[str, Any])
def merge(request: HttpRequest, object_type: str, body: Merge) -> dict[str, Any]:
    """Merge the second record into the first, which keeps its id and its values; the second one's id leads to it from then on."""
    kind = kinds.of(object_type)
    keep, gone = (writes.one(kind, str(given)) for given in (body.primaryObjectId, body.objectIdToMerge))
    try:
        merges.merge(kind.key, keep, gone, {}, actor=auth.actor(request))
    except Conflict as error:
        raise Failure(400, "VALIDATION_ERROR", str(error)) from None
    names = [*writes.shown(kind, ()), "hs_merged_object_ids", *(["hs_calculated_merged_vids"] if kind.key == "contact" else [])]
    return shape.bodies(kind, [records.get(kind.key, keep)], names)[0]


@router.post(PATH + "/gdpr-delete", auth=Records("delete"), response={204: None})
def forget(request: HttpRequest, object_type: str, body: Erase) -> HttpResponse:
    """Leave no trace of a person, whose addresses are not taken again; one that nobody has is not taken either."""
    kind = kinds.of(object_type)
    if kind.key != "contact":
        raise Failure(400, "VALIDATION_ERROR", f"Only contacts can be erased, not {kind.plural}.")
    given = str(body.objectId)
    try:
        erase.erase(writes.one(kind, given, body.idProperty), actor=auth.actor(request))
    except NotFound:
        if body.idProperty != "email":
            raise
        erase.erase_address(given, actor=auth.actor(request))
    return HttpResponse(status=204)
