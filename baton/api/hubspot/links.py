"""Associations as HubSpot's clients send and read them inside records: numbered types out, named rows in."""

from collections.abc import Sequence
from typing import Any

from ninja import Schema

from baton.api.errors import Failure
from baton.crm import associations
from baton.crm.models import Association
from baton.platform.actor import Actor

# HubSpot's number of an association type, by the record it starts from -> other object type, label.
TYPES = {
    "contact": {279: ("company", ""), 1: ("company", associations.PRIMARY), 4: ("deal", ""), 15: ("ticket", "")},
}
PLURAL = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}
IDS = {"0-1": "contact", "0-2": "company", "0-3": "deal", "0-5": "ticket"}
ASKED = {name: object_type for object_type, plural in PLURAL.items() for name in (object_type, plural)} | IDS


class To(Schema):
    id: str | int


class Kind(Schema):
    associationCategory: str = "HUBSPOT_DEFINED"
    associationTypeId: int


class Link(Schema):
    """One element of `associations` in the body of a create."""

    to: To
    types: list[Kind]


def write(object_type: str, id: int, links: Sequence[Link], *, actor: Actor) -> None:
    """Link a new record as its body says. Raises Failure 400 for types Baton does not have, NotFound for records it does not have."""
    for link in links:
        for kind in link.types:
            if kind.associationCategory != "HUBSPOT_DEFINED" or kind.associationTypeId not in TYPES[object_type]:
                raise Failure(400, "VALIDATION_ERROR", f"There is no association type {kind.associationCategory} {kind.associationTypeId} of {object_type}")
            if not str(link.to.id).isdigit() or len(str(link.to.id)) > 18:
                raise Failure(400, "VALIDATION_ERROR", f"{str(link.to.id)[:50]} is no id of a record")
            other, label = TYPES[object_type][kind.associationTypeId]
            associations.link(object_type, id, other, int(link.to.id), label=label, actor=actor)


def read(object_type: str, ids: Sequence[int], asked: Sequence[str]) -> dict[int, dict[str, Any]]:
    """The links of some records by record and plural name, one row a type; types without links are left out, unknown ones ignored."""
    wanted = {ASKED[name.lower()] for name in asked if name.lower() in ASKED}
    found: dict[int, dict[str, Any]] = {}
    rows = Association.objects.filter(from_id__in=ids, to_type__in=wanted).order_by("from_id", "created_at", "to_id", "-label")
    for from_id, to_type, to_id, label in rows.values_list("from_id", "to_type", "to_id", "label"):
        word = f"{object_type}_to_{to_type}"
        if (object_type, to_type) == ("contact", "company") and label != associations.PRIMARY:
            word += "_unlabeled"
        found.setdefault(from_id, {}).setdefault(PLURAL[to_type], {"results": []})["results"].append({"id": str(to_id), "type": word})
    return found
