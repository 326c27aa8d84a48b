"""Reads mails that came: bounces, complaints, answers, out-of-office notes, unsubscriptions by mail, reports of DMARC."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from functools import partial

from baton.messaging.consent import preferences, subscriptions
from baton.messaging.deliverability import dmarc
from baton.messaging.incoming import dsn, inbound, mail_text, parsing, provider_hooks, replies, whose
from baton.messaging.incoming.parsing import parsed
from baton.messaging.incoming.receipts import Told
from baton.messaging.incoming.whose import Which
from baton.messaging.models import Inbound
from baton.platform import signing

BECAME = {"bounced": "bounce", "complained": "complaint", "deferred": "receipt", "delivered": "receipt"}
ENVELOPE = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")  # where the address of the envelope may still be read in a mailbox
MOST_HEADERS, MOST_ADDRESSES = 3, 100  # of one name; of one mail
SENDER = "return-path"  # the sender of the envelope, where it is known
LONGEST_KEY = 500  # letters of a Message-ID


def read(row: Inbound) -> inbound.Read:
    """What came in: a provider's call, or a mail."""
    return provider_hooks.read(row) if row.source.startswith(provider_hooks.SOURCE) else of_mail(row)


def of_mail(row: Inbound) -> inbound.Read:
    """What a mail is, and what it tells of our messages."""
    mail = parsed(bytes(row.body))
    recipients = row.recipient.split("\n") if row.recipient else addresses(mail)
    tokens = [local[2:] for address in recipients if (local := address.partition("@")[0]).startswith("u+") and _ways_out(local[2:])]
    if tokens:
        return inbound.Read("unsubscribe", then=partial(_leave, tokens))
    if any(dmarc.is_report(mail, address) for address in recipients or [""]):
        return inbound.Read("dmarc", then=partial(dmarc.keep, mail))
    mine: list[Which | None] = list(dict.fromkeys(which for address in recipients if (which := whose.of_token(address))))
    reports = [] if _marked(mail) else dsn.read(mail, expected=bool(mine))
    found = [_of_reports(reports, one, row.at) if reports else _of_answer(mail, one, row) for one in mine or [None]]
    return inbound.Read(found[0].became, [told for one in found for told in one.told])


def addresses(mail: EmailMessage) -> list[str]:
    """Whom a mail in a mailbox was sent to."""
    return parsing.addresses(value for name in ENVELOPE for value in mail.get_all(name, [])[:MOST_HEADERS])[:MOST_ADDRESSES]


def _ways_out(token: str) -> bool:
    """Whether we have written it: others may call an address u+something too, and answers that copy them are answers."""
    return signing.read(preferences.FROM_MAIL, token) is not None


def _leave(tokens: Sequence[str]) -> None:
    """Somebody's mail program unsubscribed him by mail (List-Unsubscribe: <mailto:u+token@...>)."""
    for token in tokens:
        ticket = preferences.of_mail(token)
        subscriptions.leave(ticket.contact.pk, ticket.email_id, message_id=ticket.message_id)


def _marked(mail: EmailMessage) -> bool:
    """An out-of-office note that says so in its subject: it may talk of mailboxes and addresses, and is no bounce."""
    return mail.get_content_type() != "multipart/report" and bool(replies.SUBJECT.search(str(mail["subject"] or "")))


def _of_reports(reports: list[dsn.Report], mine: Which | None, at: datetime) -> inbound.Read:
    told, became = [], "nothing"
    for report in reports:
        if report.kind == "nothing":
            continue
        if (which := mine or _about(report)) is None:
            if report.kind == "bounced" and (guess := whose.newest(report.recipient)):
                # Anybody who knows the address could have written it: a remark beside the message, which strikes nobody off however often it comes.
                told.append(Told("deferred", guess.contact_id, guess.message_id, at, reason=report.bounce.reason))
                became = "receipt" if became == "nothing" else became
            continue
        became = BECAME[report.kind] if became not in ("bounce", "complaint") else became
        if report.kind == "complained":
            told.append(Told("complained", which.contact_id, which.message_id, at, reason=report.feedback))
            continue
        hard, reason = report.bounce if report.kind != "delivered" else (False, "")
        details = {"remote_mta": report.remote_mta} if report.remote_mta else {}
        told.append(Told(report.kind, which.contact_id, which.message_id, at, hard=hard, reason=reason, code=report.status, text=report.text, details=details))
    return inbound.Read(became, told)


def _about(report: dsn.Report) -> Which | None:
    """The message that a report without our return path is about, by a token of ours in it: what comes back, or the sender it names."""
    original = report.original or {}
    senders = (report.sender, original.get("return-path", ""))
    return next((which for one in senders if (which := whose.of_token(one.strip("<> ")))), None) or whose.signed(
        report.envelope_id, original.get("x-baton-message", "")
    )


def _of_answer(mail: EmailMessage, mine: Which | None, row: Inbound) -> inbound.Read:
    sender = replies.sender(mail)
    subject = " ".join(str(mail["subject"] or "").split())
    which = mine or whose.proved(whose.answered(mail, mail_text.whole(mail)), sender, colleagues=True)
    if which is None:
        return inbound.Read()
    key = str(mail["message-id"] or "").strip()[:LONGEST_KEY] or hashlib.sha256(row.body).hexdigest()
    at, details = row.at, {"subject": subject[:300], "from": sender[:320]}
    if replies.automatic(mail) or str(row.headers.get(SENDER) or mail[SENDER] or "").strip() == "<>":  # RFC 3834: nobody writes with an empty sender
        return inbound.Read(
            "auto_reply", [Told("auto_replied", which.contact_id, which.message_id, at, text=mail_text.answer(mail)[:500], key=key, details=details)]
        )
    return inbound.Read("reply", [Told("replied", which.contact_id, which.message_id, at, text=mail_text.answer(mail), key=key, details=details)])
