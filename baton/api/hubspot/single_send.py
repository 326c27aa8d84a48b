"""Single sends: one mail to one person, asked for by a program, with values, a sender and copies of its own. The same `sendId` sends once."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from ninja import Field, Router, Schema

from baton.api import auth
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import access, words
from baton.crm import contacts, records, types
from baton.crm.values import stamp
from baton.messaging import gate, outbox, single
from baton.messaging.models import Email, Message
from baton.messaging.single import Copy, Wish
from baton.platform import clock
from baton.platform.errors import Conflict, Invalid

router = Router(tags=["e-mails"])
READ, WRITE = Needs("emails.read"), Needs("emails.write")
Shape = dict[str, Any]
STATUS = {"queued": "PENDING", "claimed": "PROCESSING", "handing": "PROCESSING", "cancelled": "CANCELED"}
RESULTS = {
    "queued": "QUEUED", "claimed": "QUEUED", "handing": "QUEUED", "sent": "SENT", "delivered": "SENT", "unknown": "SENT", "bounced": "PREVIOUSLY_BOUNCED",
    "failed": "PORTAL_NOT_ALLOWED", "cancelled": "CANCELED",
}  # fmt: skip
REFUSED = {  # reason of the gate -> HubSpot's word
    "suppressed_unsubscribed": "PREVIOUSLY_UNSUBSCRIBED_MESSAGE", "subscription_refused": "PREVIOUSLY_UNSUBSCRIBED_MESSAGE",
    "suppressed_bounced": "PREVIOUSLY_BOUNCED", "suppressed_soft_limit": "PREVIOUSLY_BOUNCED", "suppressed_complained": "PREVIOUS_SPAM",
    "no_address": "INVALID_TO_ADDRESS", "invalid_address": "INVALID_TO_ADDRESS", "null_mx": "INVALID_TO_ADDRESS",
    "no_consent": "EMAIL_UNCONFIRMED", "consent_expired": "EMAIL_UNCONFIRMED",
    "subscription_missing": "EMAIL_UNCONFIRMED", "frequency_cap": "LIMIT_EXCEEDED",
}  # fmt: skip


class Letter(Schema):
    """To whom, and what the headers of this one message say instead of the mail's own."""

    to: str
    from_: str | None = Field(None, alias="from")
    cc: list[str] | None = None
    bcc: list[str] | None = None
    replyTo: list[str] | str | None = None
    sendId: str | None = Field(None, max_length=single.LONGEST_KEY)


class Send(Schema):
    """Which mail goes to whom. `contactProperties` are kept at the contact before; `customProperties` are the merge fields {{ custom.x }} of this message."""

    emailId: int
    message: Letter
    contactProperties: dict[str, Any] | None = None
    customProperties: dict[str, Any] | None = None


@router.post("/marketing/v3/transactional/single-email/send", auth=WRITE, response=Shape, summary="Send one e-mail")
def send_transactional(request: HttpRequest, body: Send) -> Shape:
    """A mail to one person; its contact is made when there is none."""
    return _send(request, body)


@router.post("/marketing/v4/email/single-send", auth=WRITE, response=Shape, summary="Send one e-mail (v4)")
def send_marketing(request: HttpRequest, body: Send) -> Shape:
    """The same."""
    return _send(request, body)


@router.get("/marketing/v3/email/send-statuses/{status_id}", auth=READ, response=Shape, summary="What became of a single send")
def status(request: HttpRequest, status_id: str) -> Shape:
    """As the sending left it, the copies too."""
    parts = re.fullmatch(r"(\d{1,18})-(\d{1,18})", status_id, re.ASCII)
    asked = Message.objects.filter(contact_id=contacts.resolve(int(parts[1])), id=int(parts[2]), cause__startswith=single.CAUSE) if parts else None
    found = asked.first() if asked is not None else None
    if found is None:
        raise Failure(404, "OBJECT_NOT_FOUND", "resource not found")
    return _shown(found, single.copies(found))


def _send(request: HttpRequest, body: Send) -> Shape:
    mail = Email.objects.filter(pk=body.emailId, kind="mail", archived_at=None, version__gt=0).first()
    if mail is None:
        raise Failure(400, "VALIDATION_ERROR", f"emailId: there is no published e-mail {body.emailId}.", errors=[{"message": "not found", "in": "emailId"}])
    requested = clock.now()
    access.require(request, "contact", "edit")
    wish = single.checked(mail, _wish(body), body.message.to)
    key = (body.message.sendId or "").strip()
    with transaction.atomic():
        if key and (before := single.known(key)) is not None:
            return _shown(before, single.copies(before)) | {"sendResult": "IDEMPOTENT_IGNORE"}
        try:
            contact_id = _contact(request, body)
        except Invalid as error:
            if any(p.path == "properties.email" for p in error.problems):
                return _said("COMPLETE", "INVALID_TO_ADDRESS", requested, requested, "")
            raise
        reason = gate.refused(mail.pk, [contact_id]).get(contact_id)
        if reason and reason not in gate.WAITING_FOR:
            return _said("COMPLETE", REFUSED.get(reason, "BLOCKED_ADDRESS"), requested, clock.now(), "") | {"message": outbox.reason(reason)}
        return _shown(*single.queue(contact_id, mail.pk, wish, key=key))


def _wish(body: Send) -> Wish:
    said, answers = body.message, body.message.replyTo
    reply_to = [answers] if isinstance(answers, str) else answers or []
    return Wish(body.customProperties or {}, said.from_ or "", [one for one in reply_to if one.strip()], said.cc or [], said.bcc or [])


def _contact(request: HttpRequest, body: Send) -> int:
    """Whom the address names, with the values that came along. Raises Invalid."""
    actor, kind = auth.actor(request), types.get("contact")
    values = {words.ours(kind.key, name): value for name, value in (body.contactProperties or {}).items() if name != "email"}
    known = contacts.by_email(body.message.to)
    if known is None:
        try:
            return records.create("contact", {**values, "email": body.message.to}, actor=actor, source="api")
        except Conflict as error:
            known = int(error.existing_id or 0)
    if values:
        records.update("contact", known, values, actor=actor, source="api")
    return known


def _shown(message: Message, copies: Sequence[Copy] = ()) -> Shape:
    body = _said(STATUS.get(message.state, "COMPLETE"), _result(message), message.created_at, message.sent_at, f"{message.contact_id}-{message.id}")
    if message.sent_at:
        body["eventId"] = {"id": str(message.id), "created": stamp(message.sent_at)}
    if copies:
        body["copies"] = [_copy(one) for one in copies]
    return body


def _copy(copy: Copy) -> Shape:
    if copy.message is not None:
        return {"to": copy.address, "sendResult": _result(copy.message)}
    return {"to": copy.address, "sendResult": REFUSED.get(copy.reason, "BLOCKED_ADDRESS"), "message": outbox.reason(copy.reason)}


def _result(message: Message) -> str:
    return REFUSED.get(message.reason, "BLOCKED_ADDRESS") if message.state == "skipped" else RESULTS[message.state]


def _said(status: str, result: str, requested: datetime, completed: datetime | None, status_id: str) -> Shape:
    body = {"statusId": status_id, "status": status, "sendResult": result, "requestedAt": stamp(requested), "startedAt": stamp(requested)}
    return body | ({"completedAt": stamp(completed)} if completed else {})
