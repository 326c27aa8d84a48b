"""`/engagements/v1/engagements`: notes, tasks, calls, meetings and logged mails as one kind of thing, as version 1 had it."""

import heapq
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from baton.api import auth
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import legacy, vocabulary, writes
from baton.api.hubspot.legacy import Shape
from baton.crm import records, types
from baton.crm.models import Association, Record
from baton.platform.actor import Actor
from baton.platform.errors import NotFound

router = Router(tags=["versions 1 and 2"])
PATH = "/engagements/v1/engagements"
READ, WRITE = Needs("contacts.read"), Needs("contacts.write")
KINDS = ("note", "task", "call", "meeting", "email")
LINKS = {"contact": "contactIds", "company": "companyIds", "deal": "dealIds", "ticket": "ticketIds", "quote": "quoteIds"}
MOST, MOST_LATEST = 250, 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Text = Annotated[str | None, Query(None)]

# What an engagement's `metadata` holds: kind -> word there -> Baton's property.
METADATA = {
    "note": {"body": "body"},
    "task": {"body": "body", "subject": "subject", "status": "status", "priority": "priority", "taskType": "kind"},
    "call": {
        "body": "body", "title": "title", "toNumber": "to_number", "fromNumber": "from_number", "status": "status", "durationMilliseconds": "duration",
        "recordingUrl": "recording_url", "disposition": "outcome",
    },
    "meeting": {
        "body": "body", "title": "title", "startTime": "starts_at", "endTime": "ends_at", "internalMeetingNotes": "internal_notes", "location": "location",
        "meetingOutcome": "outcome",
    },
    "email": {"subject": "subject", "html": "html", "text": "text", "status": "status"},
}  # fmt: skip
MOMENTS = ("startTime", "endTime")


class Engagement(Schema):
    """What happened, when, by whom."""

    type: str | None = None
    ownerId: int | None = None
    timestamp: int | None = None
    active: bool = True


class Links(Schema):
    contactIds: list[int] = []
    companyIds: list[int] = []
    dealIds: list[int] = []
    ticketIds: list[int] = []
    ownerIds: list[int] = []
    quoteIds: list[int] = []


class Write(Schema):
    """Body of create and change."""

    engagement: Engagement = Engagement()
    associations: Links = Links()
    metadata: dict[str, Any] = {}


@router.get(f"{PATH}/paged", auth=READ, response=Shape, summary="List engagements (v1)")
def paged(request: HttpRequest, limit: Text = None, count: Text = None, offset: Text = None) -> Shape:
    """All of them in the order of their ids."""
    start, size = legacy.number(offset, "offset"), min(max(1, legacy.number(limit or count, "limit", 100)), MOST)
    pages = (records.page(kind, after=start, limit=size + 1) for kind in KINDS)
    rows: list[Any] = heapq.nsmallest(size + 1, (row for page in pages for row in page), key=lambda row: row.id)
    shown = rows[:size]
    return {"results": _shown(shown), "hasMore": len(rows) > size, "offset": shown[-1].id if shown else start, "total": _live().count()}


@router.get(f"{PATH}/recent/modified", auth=READ, response=Shape, summary="Engagements changed lately (v1)")
def recent(request: HttpRequest, since: Text = None, count: Text = None, offset: Text = None) -> Shape:
    """Those changed since a moment, the latest first."""
    start, size = legacy.number(offset, "offset"), min(max(1, legacy.number(count, "count", 20)), MOST_LATEST)
    rows = _live().filter(updated_at__gte=_moment(legacy.number(since, "since")))
    found = list(rows.order_by("-updated_at", "-id")[start : start + size + 1])
    return {"results": _shown(found[:size]), "hasMore": len(found) > size, "offset": start + len(found[:size]), "total": rows.count()}


@router.get(f"{PATH}/modified/after", auth=READ, response=Shape, summary="Engagements changed after (v1)")
def modified_after(request: HttpRequest, after: Text = None, limit: Text = None) -> Shape:
    """Those changed after a moment (in milliseconds) or after the page whose `after` this is; the earliest first."""
    size = min(max(1, legacy.number(limit, "limit", 100)), MOST)
    at, id = _cursor(after or "0")
    found = list(_live().filter(Q(updated_at__gt=at) | Q(updated_at=at, id__gt=id)).order_by("updated_at", "id")[: size + 1])
    shown = found[:size]
    last = f"{(shown[-1].updated_at - EPOCH) // timedelta(microseconds=1):016d}{shown[-1].id:019d}" if shown else after or "0"
    return {"results": _shown(shown), "hasMore": len(found) > size, "after": last}


@router.post(PATH, auth=WRITE, response=Shape, summary="Create an engagement (v1)")
def create(request: HttpRequest, body: Write) -> Shape:
    """Write down something that happened, with whom."""
    kind = str(body.engagement.type or "").lower()
    if kind not in KINDS:
        raise Failure(400, "VALIDATION_ERROR", f"engagement.type is NOTE, TASK, CALL, MEETING or EMAIL, not {str(body.engagement.type)[:50]}")
    links = [(to_type, id) for to_type, word in LINKS.items() for id in getattr(body.associations, word)]
    id = legacy.create(request, types.get(kind), _sent(kind, body), links)
    return _shown([_one(id)])[0]


@router.get(f"{PATH}/{{id}}", auth=READ, response=Shape, summary="Read an engagement (v1)")
def read(request: HttpRequest, id: str) -> Shape:
    """One of them."""
    return _shown([_one(_number(id))])[0]


@router.patch(f"{PATH}/{{id}}", auth=WRITE, response=Shape, summary="Change an engagement (v1)")
def change(request: HttpRequest, id: str, body: Write) -> Shape:
    """Change what is named."""
    row = _one(_number(id))
    legacy.update(request, types.get(row.object_type), row.id, _sent(row.object_type, body))
    return _shown([_one(row.id)])[0]


@router.delete(f"{PATH}/{{id}}", auth=WRITE, response={204: None}, summary="Archive an engagement (v1)")
def archive(request: HttpRequest, id: str) -> HttpResponse:
    """Put it aside."""
    row = _one(_number(id))
    records.archive(row.object_type, row.id, actor=auth.actor(request))
    return HttpResponse(status=204)


def _live() -> Any:
    return Record.objects.filter(object_type__in=KINDS, archived_at=None)


def _one(id: int) -> Record:
    found: Record | None = _live().filter(id=id).first()
    if found is None:
        raise NotFound(str(id))
    return found


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise NotFound(text)
    return int(text)


def _moment(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=min(milliseconds, 10**14))


def _cursor(after: str) -> tuple[datetime, int]:
    """The moment and the record a page ended with. Raises Failure 400."""
    if re.fullmatch(r"\d{35}", after, re.ASCII):
        return EPOCH + timedelta(microseconds=int(after[:16])), int(after[16:])
    return _moment(legacy.number(after, "after")), 0


def _sent(kind: str, body: Write) -> dict[str, Any]:
    """The properties a body writes, in HubSpot's names of version 3."""
    names = vocabulary.NAMES[kind]
    given = {names.get(mine, mine): body.metadata[word] for word, mine in METADATA[kind].items() if word in body.metadata}
    if body.engagement.timestamp is not None:
        given["hs_timestamp"] = body.engagement.timestamp
    if body.engagement.ownerId is not None:
        given["hubspot_owner_id"] = body.engagement.ownerId
    if kind == "email":
        given |= _addresses(body.metadata)
    return given


def _addresses(metadata: dict[str, Any]) -> dict[str, Any]:
    found = {}
    sender, to = metadata.get("from"), metadata.get("to")
    if isinstance(sender, dict) and sender.get("email"):
        found["hs_email_from_email"] = sender["email"]
    if isinstance(to, list):
        found["hs_email_to_email"] = "; ".join(str(one["email"]) for one in to if isinstance(one, dict) and one.get("email"))
    return found


def _shown(rows: Sequence[Record]) -> list[Shape]:
    """Engagements with their links: two statements, however many."""
    linked: dict[int, dict[str, list[int]]] = {}
    found = Association.objects.filter(from_id__in=[row.id for row in rows], to_type__in=LINKS).order_by("to_id")
    for from_id, to_type, to_id in found.values_list("from_id", "to_type", "to_id"):
        ids = linked.setdefault(from_id, {}).setdefault(LINKS[to_type], [])
        if to_id not in ids:
            ids.append(to_id)
    portal = writes.portal() if rows else 0
    return [_body(row, linked.get(row.id, {}), portal) for row in rows]


def _body(row: Record, linked: dict[str, list[int]], portal: int) -> Shape:
    values, who = row.properties, Actor.parse(row.created_by)
    at = values.get("at")
    metadata: Shape = {word: _value(row.object_type, word, mine, values.get(mine)) for word, mine in METADATA[row.object_type].items()}
    if row.object_type == "task":
        metadata["forObjectType"] = "CONTACT"
    if row.object_type == "email":
        metadata |= {
            "from": {"email": values.get("from_email", ""), "firstName": "", "lastName": ""},
            "to": [{"email": one.strip()} for one in str(values.get("to_email") or "").split(";") if one.strip()],
            "cc": [],
            "bcc": [],
        }
    return {
        "engagement": {
            "id": row.id,
            "portalId": portal,
            "active": row.archived_at is None,
            "createdAt": legacy.ms(row.created_at),
            "lastUpdated": legacy.ms(row.updated_at),
            "createdBy": who.id if who.kind == "user" else None,
            "modifiedBy": None,
            "ownerId": row.owner_id,
            "type": row.object_type.upper(),
            "timestamp": legacy.ms(datetime.fromisoformat(at) if at else row.created_at),
            "bodyPreview": str(values.get("body") or values.get("text") or "")[:200],
        },
        "associations": {word: linked.get(word, []) for word in LINKS.values()} | {"ownerIds": [], "workflowIds": [], "contentIds": []},
        "attachments": [{"id": int(one)} for one in str(values.get("files") or "").split(";") if one.isdigit()],
        "metadata": {word: value for word, value in metadata.items() if value is not None},
    }


def _value(kind: str, word: str, mine: str, value: Any) -> Any:
    if word in MOMENTS and value:
        return legacy.ms(datetime.fromisoformat(value))
    return vocabulary.VALUES.get((kind, mine), {}).get(value, value) if isinstance(value, str) else value
