"""`/email/public/v1`: what happened with mails, one by one, and the mails it happened with ("campaigns"), as taps read them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid5

from django.http import HttpRequest
from ninja import Query, Router

from baton.accounts import users
from baton.api import paging
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import mail_words
from baton.api.hubspot.legacy import ms
from baton.crm import identity
from baton.events import facts
from baton.events.vocabulary import Kind
from baton.messaging import mail_counts
from baton.messaging.mail_counts import Fact
from baton.messaging.models import Email
from baton.platform import clock
from baton.platform.config import config

router = Router(tags=["versions 1 and 2"])
PATH = "/email/public/v1"
READ = Needs("emails.read")
Text = Annotated[str | None, Query(None)]
Shape = dict[str, Any]
TYPES = {
    "SENT": Kind.EMAIL_SENT, "OPEN": Kind.EMAIL_OPEN, "CLICK": Kind.EMAIL_CLICK, "BOUNCE": Kind.EMAIL_BOUNCE, "STATUSCHANGE": Kind.EMAIL_UNSUBSCRIBE,
    "SPAMREPORT": Kind.EMAIL_COMPLAINT,
}  # fmt: skip
STATES = {"done": "PUBLISHED", "cancelled": "CANCELED", "draft": "DRAFT", "scheduled": "SCHEDULED"}
WORDS = {int(kind): word for word, kind in TYPES.items()}
MOST, MOST_CAMPAIGNS = 1000, 500
USUAL = timedelta(days=30)


@router.get(f"{PATH}/events", auth=READ, response=Shape, summary="Events of e-mails")
def events(
    request: HttpRequest, startTimestamp: Text = None, endTimestamp: Text = None, limit: Text = None, offset: Text = None, recipient: Text = None,
    eventType: Text = None, campaignId: Text = None, excludeFilteredEvents: Text = None,
) -> Shape:  # fmt: skip
    """SENT, OPEN, CLICK, BOUNCE, STATUSCHANGE and SPAMREPORT of a span of time (else of 30 days); `filteredEvent` marks what a program did."""
    size = paging.limit(limit, most=MOST, default=100)
    until = _ms(endTimestamp, "endTimestamp") or clock.now()
    since = _ms(startTimestamp, "startTimestamp") or until - USUAL
    if eventType and eventType.upper() not in TYPES:
        return {"hasMore": False, "offset": "0", "events": []}
    person = identity.find("email", identity.normal_email(recipient)) if recipient else None
    if recipient and person is None:
        return {"hasMore": False, "offset": "0", "events": []}
    found = mail_counts.facts(
        since,
        until,
        kinds=[int(TYPES[eventType.upper()])] if eventType else list(WORDS),
        limit=size + 1,
        after=_place(offset),
        email_id=_number(campaignId, "campaignId"),
        contacts=[person] if person is not None else None,
    )
    names = dict(Email.objects.filter(pk__in={fact.email_id for fact in found}).values_list("pk", "name"))
    portal, shown = users.account().pk, found[:size]
    rows = [_event(fact, names.get(fact.email_id, ""), portal) for fact in shown]
    if (excludeFilteredEvents or "").lower() == "true":
        rows = [row for row in rows if not row["filteredEvent"]]
    last = shown[-1] if shown else None
    token = f"{last.kind}.{last.key}.{facts.micros(last.ts)}.{last.contact_id}.{last.id}" if last else "0"
    return {"hasMore": len(found) > size, "offset": token, "events": rows}


@router.get(f"{PATH}/campaigns", auth=READ, response=Shape, summary="E-mails that were sent")
def campaigns(request: HttpRequest, limit: Text = None, offset: Text = None) -> Shape:
    """The published mails, in the order of their ids."""
    return _campaigns(limit, offset)


@router.get(f"{PATH}/campaigns/by-id", auth=READ, response=Shape, summary="E-mails that were sent, by id")
def campaigns_by_id(request: HttpRequest, limit: Text = None, offset: Text = None) -> Shape:
    """The same."""
    return _campaigns(limit, offset)


@router.get(f"{PATH}/campaigns/{{campaign_id}}", auth=READ, response=Shape, summary="One e-mail with its counts")
def campaign(request: HttpRequest, campaign_id: str) -> Shape:
    """A mail and what became of it."""
    row = Email.objects.filter(pk=_number(campaign_id, "campaignId") or 0).first()
    if row is None:
        raise Failure(404, "OBJECT_NOT_FOUND", "resource not found")
    n = mail_counts.counts([row.pk]).get(row.pk, Counter())
    stats = mail_words.statistics(n)["counters"]
    sent = mail_words.of([row.pk]).get(row.pk)
    state = STATES.get(sent.state, "PROCESSING") if sent else "PUBLISHED"
    counters = {
        "sent": stats["sent"], "delivered": stats["delivered"], "open": stats["open"], "click": stats["click"], "bounce": stats["bounce"],
        "dropped": stats["notsent"], "deferred": stats["pending"], "processed": stats["sent"], "mta_dropped": stats["dropped"],
        "unsubscribed": stats["unsubscribed"], "statuschange": stats["unsubscribed"], "spamreport": stats["spamreport"], "suppressed": stats["suppressed"],
        "reply": stats["reply"], "forward": 0, "print": 0,
    }  # fmt: skip
    return {
        "id": row.pk, "appId": 0, "appName": "Batch", "contentId": row.pk, "name": row.name, "subject": row.subject,
        "type": "BATCH_EMAIL" if sent else "AUTOMATED_EMAIL", "subType": "", "counters": counters, "numIncluded": stats["selected"],
        "numQueued": stats["pending"], "processingState": state, "lastProcessingFinishedAt": ms(sent.ended_at) if sent and sent.ended_at else 0,
        "lastUpdatedTime": ms(row.updated_at),
    }  # fmt: skip


@router.get("/marketing-emails/v1/emails/with-statistics", auth=READ, response=Shape, summary="E-mails with their counts (v1)")
def with_statistics(request: HttpRequest, limit: Text = None, offset: Text = None) -> Shape:
    """Mails with their numbers, in the order of their ids."""
    size, start = paging.limit(limit, most=300, default=250), _number(offset, "offset") or 0
    rows = Email.objects.filter(kind="mail", archived_at=None).order_by("pk")
    shown = list(rows[start : start + size])
    bodies = mail_words.bodies(shown, stats=True)
    objects = [
        {
            **body, "id": row.pk, "campaignName": row.name, "created": ms(row.created_at), "updated": ms(row.updated_at), "htmlTitle": row.subject,
            "publishDate": _published(body), "archived": False, "portalId": users.account().pk,
        }
        for row, body in zip(shown, bodies, strict=True)
    ]  # fmt: skip
    return {"objects": objects, "total": rows.count(), "limit": size, "offset": start}


def _published(body: Shape) -> int:
    at = body.get("publishDate") or body.get("publishedAt")
    return ms(datetime.fromisoformat(at)) if at else 0


def _campaigns(limit: str | None, offset: str | None) -> Shape:
    size, behind = paging.limit(limit, most=MOST_CAMPAIGNS, default=100), paging.after(offset)
    found = list(Email.objects.filter(kind="mail", version__gt=0, pk__gt=behind).order_by("pk")[: size + 1])
    rows = [{"id": row.pk, "appId": 0, "appName": "Batch", "lastUpdatedTime": ms(row.updated_at)} for row in found[:size]]
    return {"campaigns": rows, "hasMore": len(found) > size, "offset": str(rows[-1]["id"] if rows else behind)}


def _event(fact: Fact, name: str, portal: int) -> Shape:
    """One event. The mail's id is the campaign's; `id` is the same at every reading."""
    payload, word = fact.payload, WORDS[fact.kind]
    body: Shape = {
        "id": str(uuid5(NAMESPACE_URL, f"{fact.contact_id}:{facts.micros(fact.ts)}:{fact.id}")), "type": word, "created": ms(fact.ts),
        "recipient": fact.address, "portalId": portal, "appId": 0, "appName": "Batch", "emailCampaignId": fact.email_id,
        "emailCampaignGroupId": fact.campaign_id,
        "filteredEvent": bool(payload.get("machine")), "deviceType": "UNKNOWN",
    }  # fmt: skip
    if fact.message_id is not None:
        body["smtpId"] = str(fact.message_id)
    if fact.sent_at is not None and word != "SENT":
        body["sentBy"] = {"id": str(uuid5(NAMESPACE_URL, f"{fact.contact_id}:{fact.message_id}")), "created": ms(fact.sent_at)}
    match word:
        case "SENT":
            body |= {"subject": fact.subject, "from": config().mail_from}
        case "CLICK":
            body |= {"url": payload.get("url", ""), "referer": ""}
        case "BOUNCE":
            body |= {"bounced": True, "category": str(payload.get("reason") or "other").upper(), "status": str(payload.get("code") or "")}
            body["response"] = str(payload.get("text") or "")
        case "STATUSCHANGE":
            body |= {"portalSubscriptionStatus": "UNSUBSCRIBED", "source": "SOURCE_RECIPIENT", "requestedBy": fact.address, "subscriptions": []}
    return body


def _place(offset: str | None) -> tuple[int, int, datetime, int, int] | None:
    if offset in (None, "", "0", "null"):
        return None
    parts = str(offset).split(".")
    if len(parts) != 5 or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
        raise Failure(400, "VALIDATION_ERROR", f"offset: expected the value of offset, got {str(offset)[:50]!r}")
    kind, key, micros, contact, id = (int(part) for part in parts)
    try:
        return kind, key, facts.EPOCH + timedelta(microseconds=micros), contact, id
    except OverflowError:
        raise Failure(400, "VALIDATION_ERROR", "offset: this is not a place in the events.") from None


def _ms(given: str | None, name: str) -> datetime | None:
    if given in (None, ""):
        return None
    try:
        return datetime.fromtimestamp(int(str(given)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise Failure(400, "VALIDATION_ERROR", f"Unable to parse value for query parameter: {name}") from None


def _number(given: str | None, name: str) -> int | None:
    return None if given in (None, "") else mail_words.number(given, name)
