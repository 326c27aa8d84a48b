"""Companies, deals, contacts and tickets in the words of versions 1 and 2, as far as taps and connectors still speak them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router, Schema

from baton.api import auth
from baton.api.auth import Needs
from baton.api.hubspot import legacy, writes
from baton.api.hubspot.legacy import Shape, Value
from baton.crm import associations, contacts, records, types
from baton.crm.models import Record
from baton.platform.errors import NotFound

router = Router(tags=["versions 1 and 2"])
Names = Annotated[list[str], Query(default_factory=list)]
Text = Annotated[str | None, Query(None)]
Flag = Annotated[bool, Query(False)]
MOST = 250
LATEST = 10_000  # of `recent`


class Write(Schema):
    properties: list[Value] = []


class DealLinks(Schema):
    associatedCompanyIds: list[int] = []
    associatedVids: list[int] = []


class DealWrite(Schema):
    properties: list[Value] = []
    associations: DealLinks = DealLinks()


class Domain(Schema):
    limit: int = 100
    requestOptions: dict[str, Any] = {}
    offset: dict[str, Any] = {}


# Companies


@router.get("/companies/v2/companies/paged", auth=Needs("companies.read"), response=Shape, summary="List companies (v2)")
def companies(request: HttpRequest, properties: Names, limit: Text = None, offset: Text = None) -> Shape:
    """Companies in the order of their ids."""
    size = _size(limit)
    rows = records.page("company", after=legacy.number(offset, "offset"), limit=size + 1)
    shown = rows[:size]
    return {"companies": _companies(shown, properties), "has-more": len(rows) > size, "offset": shown[-1].id if shown else legacy.number(offset, "offset")}


@router.get("/companies/v2/companies/recent/modified", auth=Needs("companies.read"), response=Shape, summary="Companies changed lately (v2)")
def recent_companies(request: HttpRequest, properties: Names, since: Text = None, count: Text = None, offset: Text = None) -> Shape:
    """Companies changed since a moment, the latest first."""
    rows, more, total = _recent("company", since, count, offset)
    return {"results": _companies(rows, properties), "hasMore": more, "offset": legacy.number(offset, "offset") + len(rows), "total": total}


@router.post("/companies/v2/companies", auth=Needs("companies.write"), response=Shape, summary="Create a company (v2)")
def create_company(request: HttpRequest, body: Write) -> Shape:
    """A new company."""
    return _company(legacy.create(request, types.get("company"), legacy.sent(body.properties)))


@router.get("/companies/v2/companies/{id}", auth=Needs("companies.read"), response=Shape, summary="Read a company (v2)")
def company(request: HttpRequest, id: str) -> Shape:
    """One company with all its properties."""
    return _company(_id(id))


@router.put("/companies/v2/companies/{id}", auth=Needs("companies.write"), response=Shape, summary="Change a company (v2)")
def change_company(request: HttpRequest, id: str, body: Write) -> Shape:
    """Change the named properties."""
    legacy.update(request, types.get("company"), _id(id), legacy.sent(body.properties))
    return _company(_id(id))


@router.delete("/companies/v2/companies/{id}", auth=Needs("companies.write"), response=Shape, summary="Archive a company (v2)")
def archive_company(request: HttpRequest, id: str) -> Shape:
    """Put a company aside."""
    records.archive("company", _id(id), actor=auth.actor(request))
    return {"companyId": _id(id), "deleted": True}


@router.post("/companies/v2/domains/{domain}/companies", auth=Needs("companies.read"), response=Shape, summary="Companies of a domain (v2)")
def companies_of(request: HttpRequest, domain: str, body: Domain) -> Shape:
    """Companies with a domain."""
    rows = Record.objects.filter(object_type="company", archived_at=None, properties__contains={"domain": domain.lower()}).order_by("id")[:MOST]
    names = [str(name) for name in body.requestOptions.get("properties", []) if isinstance(name, str)] if isinstance(body.requestOptions, dict) else []
    return {"results": _companies(list(rows), names), "hasMore": False, "offset": {"isPrimary": True, "companyId": 0}}


def _company(id: int) -> Shape:
    row = records.get("company", id)
    return {**_bare(row.id, "companyId"), "properties": legacy.maps(types.get("company"), [row], every=True)[row.id]}


def _companies(rows: Sequence[Any], names: Sequence[str]) -> list[Shape]:
    found = legacy.maps(types.get("company"), rows, [*names, "name", "domain"] if names else ["name", "domain"])
    return [{**_bare(row.id, "companyId"), "properties": found[row.id]} for row in rows]


# Deals


@router.get("/deals/v1/deal/paged", auth=Needs("deals.read"), response=Shape, summary="List deals (v1)")
def deals(
    request: HttpRequest, properties: Names, limit: Text = None, offset: Text = None, includeAssociations: Flag = False, includeAllProperties: Flag = False
) -> Shape:
    """Deals in the order of their ids."""
    size = _size(limit)
    rows = records.page("deal", after=legacy.number(offset, "offset"), limit=size + 1)
    shown = rows[:size]
    found = _deals(shown, properties, every=includeAllProperties, linked=includeAssociations)
    return {"deals": found, "hasMore": len(rows) > size, "offset": shown[-1].id if shown else legacy.number(offset, "offset")}


@router.get("/deals/v1/deal/recent/created", auth=Needs("deals.read"), response=Shape, summary="Deals made lately (v1)")
def recently_made_deals(request: HttpRequest, since: Text = None, count: Text = None, offset: Text = None) -> Shape:
    """Deals made since a moment, the latest first."""
    return _recent_deals("created_at", since, count, offset)


@router.get("/deals/v1/deal/recent/modified", auth=Needs("deals.read"), response=Shape, summary="Deals changed lately (v1)")
def recently_changed_deals(request: HttpRequest, since: Text = None, count: Text = None, offset: Text = None) -> Shape:
    """Deals changed since a moment, the latest first."""
    return _recent_deals("updated_at", since, count, offset)


def _recent_deals(field: str, since: str | None, count: str | None, offset: str | None) -> Shape:
    rows, more, total = _recent("deal", since, count, offset, field=field)
    return {"results": _deals(rows, (), every=True, linked=True), "hasMore": more, "offset": legacy.number(offset, "offset") + len(rows), "total": total}


@router.post("/deals/v1/deal", auth=Needs("deals.write"), response=Shape, summary="Create a deal (v1)")
def create_deal(request: HttpRequest, body: DealWrite) -> Shape:
    """A new deal with its companies and contacts."""
    links = [*(("company", id) for id in body.associations.associatedCompanyIds), *(("contact", id) for id in body.associations.associatedVids)]
    return _deal(legacy.create(request, types.get("deal"), legacy.sent(body.properties), links))


@router.get("/deals/v1/deal/{id}", auth=Needs("deals.read"), response=Shape, summary="Read a deal (v1)")
def deal(request: HttpRequest, id: str) -> Shape:
    """One deal with all its properties and links."""
    return _deal(_id(id))


@router.put("/deals/v1/deal/{id}", auth=Needs("deals.write"), response=Shape, summary="Change a deal (v1)")
def change_deal(request: HttpRequest, id: str, body: DealWrite) -> Shape:
    """Change the named properties."""
    legacy.update(request, types.get("deal"), _id(id), legacy.sent(body.properties))
    return _deal(_id(id))


@router.delete("/deals/v1/deal/{id}", auth=Needs("deals.write"), response={204: None}, summary="Archive a deal (v1)")
def archive_deal(request: HttpRequest, id: str) -> HttpResponse:
    """Put a deal aside."""
    records.archive("deal", _id(id), actor=auth.actor(request))
    return HttpResponse(status=204)


def _deal(id: int) -> Shape:
    return _deals([records.get("deal", id)], (), every=True, linked=True)[0]


def _deals(rows: Sequence[Any], names: Sequence[str], *, every: bool, linked: bool) -> list[Shape]:
    found, ids = legacy.maps(types.get("deal"), rows, names, every=every), [row.id for row in rows]
    words = {"contact": "associatedVids", "company": "associatedCompanyIds", "deal": "associatedDealIds"}
    links = {word: associations.linked(ids, kind) if linked else {} for kind, word in words.items()}
    return [
        {
            **_bare(row.id, "dealId"),
            "associations": {**{word: [to for to, _labels in one.get(row.id, [])] for word, one in links.items()}, "associatedTicketIds": []},
            "properties": found[row.id],
            "stateChanges": [],
        }
        for row in rows
    ]


# Contacts


@router.post("/contacts/v1/contact/createOrUpdate/email/{email}", auth=Needs("contacts.write"), response=Shape, summary="Create or change a contact (v1)")
def upsert_contact(request: HttpRequest, email: str, body: Write) -> Shape:
    """A contact by e-mail address: made when there is none."""
    kind, values = types.get("contact"), legacy.sent(body.properties)
    found = contacts.by_email(email)
    if found is None:
        return {"vid": legacy.create(request, kind, {"email": email, **values}), "isNew": True}
    legacy.update(request, kind, found, values)
    return {"vid": found, "isNew": False}


@router.get("/contacts/v1/contact/vid/{id}/profile", auth=Needs("contacts.read"), response=Shape, summary="Read a contact (v1)")
def contact(request: HttpRequest, id: str) -> Shape:
    """One contact with all its properties."""
    row = records.get("contact", _id(id))
    addresses = [{"type": "EMAIL", "value": one.email, "timestamp": legacy.ms(row.created_at)} for one in contacts.emails(row.id)]
    return {
        "vid": row.id,
        "canonical-vid": row.id,
        "merged-vids": [],
        "portal-id": writes.portal(),
        "is-contact": True,
        "properties": legacy.maps(types.get("contact"), [row], every=True)[row.id],
        "identity-profiles": [{"vid": row.id, "saved-at-timestamp": legacy.ms(row.created_at), "identities": addresses}],
        "list-memberships": [],
    }


@router.delete("/contacts/v1/contact/vid/{id}", auth=Needs("contacts.write"), response=Shape, summary="Archive a contact (v1)")
def archive_contact(request: HttpRequest, id: str) -> Shape:
    """Put a contact aside."""
    records.archive("contact", _id(id), actor=auth.actor(request))
    return {"vid": _id(id), "deleted": True, "reason": "OK"}


# Tickets


@router.get("/crm-objects/v1/objects/tickets/paged", auth=Needs("tickets.read"), response=Shape, summary="List tickets (v1)")
def tickets(request: HttpRequest, properties: Names, offset: Text = None) -> Shape:
    """Tickets in the order of their ids."""
    start = legacy.number(offset, "offset")
    rows = records.page("ticket", after=start, limit=101)
    shown = rows[:100]
    return {"objects": _tickets(shown, properties), "hasMore": len(rows) > 100, "offset": shown[-1].id if shown else start}


@router.post("/crm-objects/v1/objects/tickets", auth=Needs("tickets.write"), response=Shape, summary="Create a ticket (v1)")
def create_ticket(request: HttpRequest, body: Annotated[list[Value], Body(...)]) -> Shape:
    """A new ticket."""
    return _ticket(legacy.create(request, types.get("ticket"), legacy.sent(body)))


@router.get("/crm-objects/v1/objects/tickets/{id}", auth=Needs("tickets.read"), response=Shape, summary="Read a ticket (v1)")
def ticket(request: HttpRequest, id: str) -> Shape:
    """One ticket with all its properties."""
    return _ticket(_id(id))


@router.put("/crm-objects/v1/objects/tickets/{id}", auth=Needs("tickets.write"), response=Shape, summary="Change a ticket (v1)")
def change_ticket(request: HttpRequest, id: str, body: Annotated[list[Value], Body(...)]) -> Shape:
    """Change the named properties."""
    legacy.update(request, types.get("ticket"), _id(id), legacy.sent(body))
    return _ticket(_id(id))


@router.delete("/crm-objects/v1/objects/tickets/{id}", auth=Needs("tickets.write"), response={204: None}, summary="Archive a ticket (v1)")
def archive_ticket(request: HttpRequest, id: str) -> HttpResponse:
    """Put a ticket aside."""
    records.archive("ticket", _id(id), actor=auth.actor(request))
    return HttpResponse(status=204)


def _ticket(id: int) -> Shape:
    row = records.get("ticket", id)
    return {"objectType": "TICKET", **_bare(row.id, "objectId"), "properties": legacy.maps(types.get("ticket"), [row], every=True)[row.id]}


def _tickets(rows: Sequence[Any], names: Sequence[str]) -> list[Shape]:
    found = legacy.maps(types.get("ticket"), rows, names)
    return [{"objectType": "TICKET", **_bare(row.id, "objectId"), "properties": found[row.id]} for row in rows]


def _recent(object_type: str, since: str | None, count: str | None, offset: str | None, *, field: str = "updated_at") -> tuple[list[Record], bool, int]:
    """Records of the last LATEST made or changed since a moment; the latest first."""
    rows = Record.objects.filter(object_type=object_type, archived_at=None)
    if since:
        rows = rows.filter(**{f"{field}__gte": datetime.fromtimestamp(min(legacy.number(since, "since"), 10**14) / 1000, UTC)})
    start, size = min(legacy.number(offset, "offset"), LATEST), _size(count)
    found = list(rows.order_by(f"-{field}", "-id")[start : start + size + 1])
    return found[:size], len(found) > size, min(rows.count(), LATEST)


def _bare(id: int, word: str) -> Shape:
    return {"portalId": writes.portal(), word: id, "isDeleted": False}


def _size(limit: str | None) -> int:
    return min(max(1, legacy.number(limit, "limit", 100)), MOST)


def _id(text: str) -> int:
    """Raises NotFound for what is no id."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise NotFound(text)
    return int(text)
