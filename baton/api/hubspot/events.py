"""`/events/v3`: events a company sends itself, their definitions, and what happened to people."""

import json
import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from baton.accounts import users
from baton.api import auth, paging
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import kinds
from baton.crm import contacts, records
from baton.crm.values import stamp
from baton.events import evidence, identity, own
from baton.events.models import EventDefinition
from baton.events.own import Occurrence
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound

router = Router(tags=["events"])
DEFINITIONS = "/events/v3/event-definitions"
ONE = f"{DEFINITIONS}/{{name}}"
READ, WRITE = Needs("events.read"), Needs("events.write")
Text = Annotated[str | None, Query(None)]
Shape = dict[str, Any]
MOST, MOST_SENT = 100, 500
RECENT = timedelta(days=30)  # what is looked at when neither a person nor a time is named
FIRST_TYPE = 1_000_000  # number of the first definition's object type: "6-1000001"

# What HubSpot calls what happened -> our kind of event.
NAMES = {
    "e_visited_page": Kind.PAGE_VIEW,
    "e_clicked_cta": Kind.CTA_CLICK,
    "e_document_downloaded": Kind.DOWNLOAD,
    "e_form_submission_v2": Kind.FORM_SUBMISSION,
    "e_sent_email": Kind.EMAIL_SENT,
    "e_opened_email": Kind.EMAIL_OPEN,
    "e_clicked_link_in_email_v2": Kind.EMAIL_CLICK,
    "e_bounced_email": Kind.EMAIL_BOUNCE,
    "e_unsubscribed_email": Kind.EMAIL_UNSUBSCRIBE,
}
JUDGED = (Kind.EMAIL_OPEN, Kind.EMAIL_CLICK, Kind.LINK_CLICK)
WORDS = {kind: word for word, kind in NAMES.items()}


class Sent(Schema):
    """One event."""

    eventName: str
    objectId: str | int | None = None
    email: str | None = None
    utk: str | None = None
    occurredAt: str | int | None = None
    uuid: str | None = None
    properties: dict[str, Any] = {}


class SentMany(Schema):
    inputs: list[Sent]


class Option(Schema):
    label: str
    value: str


class PropertyCreate(Schema):
    label: str
    type: str
    name: str | None = None
    description: str = ""
    options: list[Option] = []


class PropertyChange(Schema):
    label: str | None = None
    description: str | None = None
    options: list[Option] | None = None


class Create(Schema):
    """A new kind of event."""

    label: str
    name: str | None = None
    description: str = ""
    primaryObject: str | None = None
    propertyDefinitions: list[PropertyCreate] = []


class Change(Schema):
    label: str | None = None
    description: str | None = None


@router.post("/events/v3/send", auth=WRITE, response={204: None}, summary="Send an event")
def send(request: HttpRequest, body: Sent) -> HttpResponse:
    """Tell what happened to a contact, named by id, e-mail address or cookie; an unknown address makes a contact."""
    return _send(request, [body])


@router.post("/events/v3/send/batch", auth=WRITE, response={204: None}, summary="Send many events")
def send_many(request: HttpRequest, body: SentMany) -> HttpResponse:
    """The same for at most 500 events, all or none."""
    if len(body.inputs) > MOST_SENT:
        raise Failure(400, "VALIDATION_ERROR", f"At most {MOST_SENT} events at once.")
    return _send(request, body.inputs)


def _send(request: HttpRequest, events: list[Sent]) -> HttpResponse:
    actor, now = auth.actor(request), clock.now()
    try:
        for name in {_short(one.eventName) for one in events}:
            own.find(name)  # before a contact is made for it
        own.send([Occurrence(_short(one.eventName), _subject(one, actor), _at(one.occurredAt, now), one.properties, one.uuid or "") for one in events])
    except NotFound as error:
        raise Failure(400, "VALIDATION_ERROR", str(error) or "There is no such event.") from None
    return HttpResponse(status=204)


def _subject(one: Sent, actor: Actor) -> int:
    """Whom an event happened to. Raises Failure 400 when it names nobody Baton knows."""
    if one.objectId not in (None, ""):
        text = str(one.objectId)
        found = records.many("contact", [int(text)]) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else {}
        if not found:
            raise Failure(400, "VALIDATION_ERROR", f"There is no contact {text[:50]}.")
        return next(iter(found))
    if one.email:
        known = contacts.by_email(one.email)
        if known is not None:
            return known
        try:
            return records.create("contact", {"email": one.email}, actor=actor, source="api")
        except Conflict as error:
            return int(error.existing_id or 0)
        except Invalid:
            raise Failure(400, "VALIDATION_ERROR", f"Email address {one.email[:200]} is invalid") from None
    visitor = identity.visitor(one.utk) if one.utk else None
    if visitor is None:
        raise Failure(400, "VALIDATION_ERROR", "An event needs an objectId, an email or the utk of a known visitor.")
    return visitor


def _at(given: str | int | None, now: datetime) -> datetime:
    """When it happened; not in the future, and within the time that events are kept for. Raises Failure 400."""
    at = now if given in (None, "") else _time(str(given), "occurredAt")
    if not now - timedelta(days=730) <= at <= now + timedelta(minutes=5):
        raise Failure(400, "VALIDATION_ERROR", "occurredAt: expected a time of the last two years.")
    return min(at, now)


def _time(text: str, name: str) -> datetime:
    """A moment in ISO form or in milliseconds. Raises Failure 400."""
    try:
        at = datetime.fromtimestamp(int(text) / 1000, clock.now().tzinfo) if text.isascii() and text.isdigit() else datetime.fromisoformat(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=clock.now().tzinfo)
        at.timestamp()
    except (ValueError, OverflowError, OSError):
        raise Failure(400, "VALIDATION_ERROR", f"{name}: expected a time such as 2026-11-21T10:15:30.123Z, got {text[:50]!r}") from None
    return at


# Definitions


@router.get(DEFINITIONS, auth=READ, response=Shape, summary="List event definitions")
def listing(request: HttpRequest, searchString: Text = None, limit: Text = None, after: Text = None, includeProperties: bool = False) -> Shape:
    """The kinds of events a company sends itself."""
    size = paging.limit(limit, most=MOST, default=100)
    rows = EventDefinition.objects.filter(archived_at=None)
    if searchString:
        rows = rows.filter(label__icontains=searchString)
    found = list(rows.filter(pk__gt=paging.after(after)).order_by("pk")[: size + 1])
    body = paging.page(request, [_shown(row) for row in found[:size]], found[size - 1].pk if len(found) > size else None)
    return {"total": rows.count(), **body}


@router.post(DEFINITIONS, auth=WRITE, response={201: Shape}, summary="Create an event definition")
def create(request: HttpRequest, body: Create) -> Status[Shape]:
    """A new kind of event; without a name it is made from the label."""
    properties = [_property_in(one) for one in body.propertyDefinitions]
    made = own.define(body.label, actor=auth.actor(request), name=_short(body.name or ""), description=body.description, properties=properties)
    return Status(201, _shown(made))


@router.get(ONE, auth=READ, response=Shape, summary="Read an event definition")
def read(request: HttpRequest, name: str) -> Shape:
    """One kind of event."""
    return _shown(own.find(_short(name)))


@router.patch(ONE, auth=WRITE, response=Shape, summary="Change an event definition")
def change(request: HttpRequest, name: str, body: Change) -> Shape:
    """Another label or description."""
    fields = {key: value for key, value in (("label", body.label), ("description", body.description)) if value is not None}
    return _shown(own.change(_short(name), actor=auth.actor(request), **fields))


@router.delete(ONE, auth=WRITE, response={204: None}, summary="Archive an event definition")
def archive(request: HttpRequest, name: str) -> HttpResponse:
    """Take no more of these events; what happened stays."""
    own.archive(_short(name), actor=auth.actor(request))
    return HttpResponse(status=204)


@router.post(f"{ONE}/property", auth=WRITE, response={201: Shape}, summary="Add a property to an event")
def add_property(request: HttpRequest, name: str, body: PropertyCreate) -> Status[Shape]:
    """One more thing that such events tell."""
    row, made = own.find(_short(name)), _property_in(body)
    if any(one["name"] == made["name"] for one in row.properties):
        raise Failure(409, "CONFLICT", f"A property named '{made['name']}' already exists.")
    own.change(row.name, actor=auth.actor(request), properties=[*row.properties, made])
    return Status(201, _property_out(made, row))


@router.patch(f"{ONE}/property/{{property_name}}", auth=WRITE, response=Shape, summary="Change a property of an event")
def change_property(request: HttpRequest, name: str, property_name: str, body: PropertyChange) -> Shape:
    """Another label, description or other options."""
    row = own.find(_short(name))
    given = body.dict(exclude_none=True)
    properties = [{**one, **given} if one["name"] == property_name else one for one in row.properties]
    changed = next((one for one in properties if one["name"] == property_name), None)
    if changed is None:
        raise NotFound(property_name)
    own.change(row.name, actor=auth.actor(request), properties=properties)
    return _property_out(changed, row)


@router.delete(f"{ONE}/property/{{property_name}}", auth=WRITE, response={204: None}, summary="Remove a property of an event")
def remove_property(request: HttpRequest, name: str, property_name: str) -> HttpResponse:
    """Events tell this no more; what they told stays."""
    row = own.find(_short(name))
    own.change(row.name, actor=auth.actor(request), properties=[one for one in row.properties if one["name"] != property_name])
    return HttpResponse(status=204)


def _property_in(one: PropertyCreate) -> Shape:
    name = (one.name or re.sub(r"[^a-z0-9]+", "_", one.label.lower()).strip("_"))[:100]
    return {"name": name, "label": one.label, "type": one.type, "description": one.description, "options": [option.dict() for option in one.options]}


def _property_out(one: Shape, row: EventDefinition) -> Shape:
    options = [{**option, "displayOrder": number, "hidden": False} for number, option in enumerate(one.get("options", []))]
    return {
        "name": one["name"],
        "label": one["label"],
        "type": one["type"],
        "fieldType": {"number": "number", "datetime": "date", "enumeration": "select"}.get(one["type"], "text"),
        "description": one.get("description", ""),
        "groupName": f"{row.name}_properties",
        "options": options,
        "archived": False,
        "createdAt": stamp(row.created_at),
        "updatedAt": stamp(row.updated_at),
    }


def _shown(row: EventDefinition) -> Shape:
    return {
        "id": str(row.pk),
        "name": row.name,
        "fullyQualifiedName": _full(row.name),
        "objectTypeId": f"6-{FIRST_TYPE + row.pk}",
        "labels": {"singular": row.label, "plural": row.label},
        "description": row.description,
        "primaryObject": "CONTACT",
        "primaryObjectId": "0-1",
        "properties": [_property_out(one, row) for one in row.properties],
        "associations": [],
        "archived": row.archived_at is not None,
        "createdAt": stamp(row.created_at),
        "trackingType": "MANUAL",
    }


def _short(name: str) -> str:
    """A name without the account's number: pe12_bought is bought."""
    return re.sub(r"^pe\d+_", "", name.strip().lower())


def _full(name: str) -> str:
    return f"pe{users.account().pk}_{name}"


# What happened


@router.get("/events/v3/events/event-types", auth=READ, response=Shape, summary="List kinds of events")
def event_types(request: HttpRequest) -> Shape:
    """The names that occurrences may be asked for."""
    mine = EventDefinition.objects.filter(archived_at=None).order_by("pk").values_list("name", flat=True)
    return {"eventTypes": [*NAMES, *(_full(name) for name in mine)]}


@router.get("/events/v3/events", auth=READ, response=Shape, summary="List what happened")
def occurrences(
    request: HttpRequest,
    objectType: Text = None,
    eventType: Text = None,
    objectId: Text = None,
    occurredAfter: Text = None,
    occurredBefore: Text = None,
    sort: Text = None,
    limit: Text = None,
    after: Text = None,
) -> Shape:
    """What happened to people, the latest first unless `sort` is occurredAt; without a person and a time, that of the last 30 days."""
    if not objectType and not eventType:
        raise Failure(400, "VALIDATION_ERROR", "Must specify an eventType or objectType")
    if objectType and kinds.of(objectType).key != "contact":
        return {"results": []}
    size, ascending = paging.limit(limit, most=1000, default=100), sort in ("occurredAt", "OCCURRED_AT")
    tests, params = ["e.kind = ANY(%s)"], [[int(kind) for kind in _kinds(eventType)]]
    if eventType and eventType not in NAMES:
        tests.append("k.value = %s")
        params.append(_short(eventType))  # type: ignore[arg-type]
    if objectId:
        if not re.fullmatch(r"\d{1,18}", objectId, re.ASCII):
            raise Failure(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.", context={"id": [objectId[:200]]})
        tests.append("e.contact_id = %s")
        params.append(int(objectId))  # type: ignore[arg-type]
    since = _time(occurredAfter, "occurredAfter") if occurredAfter else None if objectId else clock.now() - RECENT
    for test, at in (("e.ts >= %s", since), ("e.ts < %s", _time(occurredBefore, "occurredBefore") if occurredBefore else None)):
        if at is not None:
            tests.append(test)
            params.append(at)  # type: ignore[arg-type]
    if after:
        at, id = _cursor(after)
        tests.append(f"(e.ts, e.id) {'>' if ascending else '<'} (%s, %s)")
        params += [at, id]  # type: ignore[list-item]
    way = "ASC" if ascending else "DESC"
    rows = sql.rows(
        "SELECT e.contact_id, e.ts, e.id, e.kind, coalesce(k.value, ''), coalesce(k.label, ''), e.payload::text"
        f" FROM event e LEFT JOIN event_key k ON k.id = e.key WHERE {' AND '.join(tests)} ORDER BY e.ts {way}, e.id {way} LIMIT %s",
        [*params, size + 1],
    )
    body = paging.page(request, [_occurrence(*row) for row in rows[:size]], None)
    if len(rows) > size:
        _contact, at, id, *_more = rows[size - 1]
        body |= paging.page(request, body["results"], int(f"{(at - EPOCH) // timedelta(microseconds=1)}{id:016d}"))
    return body


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _kinds(event_type: str | None) -> list[Kind]:
    """Raises Failure 400 for a name that nothing has."""
    if not event_type:
        return [*NAMES.values(), Kind.CUSTOM_EVENT]
    if event_type in NAMES:
        return [NAMES[event_type]]
    if not EventDefinition.objects.filter(name=_short(event_type)).exists():
        raise Failure(400, "VALIDATION_ERROR", f"There is no event type {event_type[:100]}.")
    return [Kind.CUSTOM_EVENT]


def _cursor(after: str) -> tuple[datetime, int]:
    """The time and number of the event a page ended with. Raises Failure 400."""
    if not (after.isascii() and after.isdigit()) or not 17 <= len(after) <= 33:
        raise Failure(400, "VALIDATION_ERROR", "after: expected the value of paging.next.after")
    return EPOCH + timedelta(microseconds=int(after[:-16])), int(after[-16:])


def _judged(payload: Shape) -> Shape:
    """Whether a person did it, how sure that is from 0 to 1, and why: words of docs/evidence.md, separated by semicolons."""
    found = {"is_human": str("machine" not in payload).lower()}
    if "human" in payload:
        found["confidence"] = str(payload["human"])
    if words := evidence.words(payload):
        found["reason"] = ";".join(words)
    return found


def _occurrence(contact_id: int, at: datetime, id: int, kind: int, value: str, label: str, told: str) -> Shape:
    payload: Shape = json.loads(told)
    properties: Shape = {}
    word = Kind(kind)
    match word:
        case Kind.CUSTOM_EVENT:
            properties = {key: str(one) for key, one in (payload.get("properties") or {}).items()}
        case Kind.PAGE_VIEW:
            found = {"hs_url": payload.get("url") or value, "hs_title": payload.get("title") or label, "hs_referrer": payload.get("referrer")}
            properties = {key: str(one) for key, one in found.items() if one}
        case Kind.FORM_SUBMISSION:
            properties = {"hs_form_id": value, "hs_form_name": label, "hs_url": str(payload.get("page") or "")}
        case _:
            properties = {"hs_name": label or value}
    if word in JUDGED:
        properties |= {key: str(payload[key]) for key in ("url",) if payload.get(key)} | _judged(payload)
    return {
        "id": f"{contact_id}-{id}",
        "eventType": _full(value) if word == Kind.CUSTOM_EVENT else WORDS[word],
        "occurredAt": stamp(at),
        "objectType": "CONTACT",
        "objectId": str(contact_id),
        "properties": properties,
    }
