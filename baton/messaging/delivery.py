"""Sends what is in the outbox. The only module that sends through a channel.

A message goes queued -> claimed -> handing -> sent, and every arrow is a commit. `handing` is committed just before the
carrier may take the message and `sent` just after: a worker that dies in between leaves a message that may have arrived,
which becomes `unknown` and is never sent again by itself. A worker that dies anywhere else leaves one that is sent later.
"""

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from baton.events import record
from baton.events.vocabulary import Kind
from baton.messaging import gate, letters, suppression
from baton.messaging.channel import Receipt, Result
from baton.messaging.channels.email_smtp import DEAD, EmailSmtp, Line
from baton.messaging.models import Email
from baton.messaging.transport import Down
from baton.platform import buckets, clock, history, live, logs, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.platform.models import BUCKETS

BATCH = 100  # messages of one claim
LEASE = timedelta(minutes=5)  # how long a worker may take for one message, and for a batch up to the message it is at
BACK_OFF = [timedelta(seconds=s) for s in (15, 60, 300, 900, 1800, 3600, 7200, 14400, 14400, 14400, 14400, 14400)]  # about a day

_log = logs.log(__name__)


@dataclass(slots=True)
class Parcel:
    """A claimed message. `leased_until` is the claim: whoever wrote it last works on the message."""

    bucket: int
    leased_until: datetime
    contact_id: int
    id: int
    channel: str
    email_id: int
    address: str
    attempts: int
    sender: str


class Lines:
    """The connections of one call, opened when first needed; a carrier that was down stays down for the call."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.open: dict[str, Line] = {}
        self.down: dict[str, Down] = {}

    def get(self, key: str) -> Line:
        if key in self.down:
            raise self.down[key]
        if key not in self.open:
            try:
                if key != "email":
                    raise Down(f"there is no channel {key}")
                self.open[key] = self.stack.enter_context(EmailSmtp().connect())
            except Down as error:
                self.down[key] = error
                raise
        return self.open[key]


def deliver() -> int:
    """Send what is due, one batch of every bucket; returns how many messages were looked at."""
    now = clock.now()
    with ExitStack() as stack:
        lines = Lines(stack)

        def take(bucket: int) -> int:
            looked_at, parcels = claim(bucket)
            send(parcels, lines)
            return looked_at

        due = sql.rows("SELECT DISTINCT bucket FROM outbox WHERE due_at <= %s AND (leased_until IS NULL OR leased_until <= %s)", [now, now])
        return buckets.each((bucket for (bucket,) in due), take)


def claim(bucket: int) -> tuple[int, list[Parcel]]:
    """Take due messages of a bucket and hold each against the last gate; returns how many were due and those that may go."""
    now = clock.now()
    until = now + LEASE
    with transaction.atomic():
        due = sql.rows(sql.load("claim", __package__), {"bucket": bucket, "now": now, "until": until, "limit": BATCH})
        if not due:
            return 0, []
        ids = [message for message, _contact in due]
        judged = gate.decide([contact for _message, contact in due], ids, now)
        parcels = [Parcel(bucket, until, contact, id, *rest) for contact, id, state, *rest in judged if state == "claimed"]
        done = set(ids) - {p.id for p in parcels}
        if done:
            sql.run("DELETE FROM outbox WHERE bucket = %s AND message_id = ANY(%s)", [bucket, list(done)])
    return len(due), parcels


def send(parcels: list[Parcel], lines: Lines) -> None:
    """Render and hand over claimed messages, mail by mail."""
    emails = Email.objects.in_bulk({p.email_id for p in parcels})
    by_email: dict[int, list[Parcel]] = defaultdict(list)
    for parcel in parcels:
        by_email[parcel.email_id].append(parcel)
    for email_id, batch in by_email.items():
        email = emails[email_id]
        try:
            rendered = letters.build(email_id, 0, [letters.Recipient(p.contact_id, p.id, p.address, p.sender) for p in batch])
        except Invalid as error:
            for parcel in batch:
                give_up(parcel, str(error))
            continue
        for number, (parcel, message) in enumerate(zip(batch, rendered, strict=True)):
            if message.problem:
                give_up(parcel, message.problem)
                continue
            try:
                receipt = lines.get(parcel.channel).hand(parcel.address, message, partial(handing, parcel, message.subject))
            except Down as error:
                _log.warning("carrier is down", channel=parcel.channel, reason=str(error), waiting=len(batch) - number)
                lines.down[parcel.channel] = error
                for rest in batch[number:]:
                    try_later(rest, str(error))
                break
            settle(parcel, email, receipt)


def handing(parcel: Parcel, subject: str) -> bool:
    """Write down that the carrier is about to get the message. False when another worker has taken it over."""
    until = clock.now() + LEASE
    with transaction.atomic():
        held = sql.run(
            "UPDATE outbox SET leased_until = %s WHERE bucket = %s AND message_id = %s AND leased_until = %s",
            [until, parcel.bucket, parcel.id, parcel.leased_until],
        )
        if not held:
            return False
        sql.run(
            "UPDATE message SET state = 'handing', attempts = attempts + 1, subject = %s, reason = '' WHERE contact_id = %s AND id = %s",
            [subject, parcel.contact_id, parcel.id],
        )
    parcel.leased_until = until
    return True


def settle(parcel: Parcel, email: Email, receipt: Receipt) -> None:
    """Write down what the carrier said."""
    match receipt.result:
        case Result.SENT:
            sent(parcel, email)
        case Result.DEFERRED:
            try_later(parcel, receipt.reason)
        case Result.REFUSED:
            give_up(parcel, receipt.reason, bounced=email, address_dead=bool(DEAD.search(receipt.reason)))
        case Result.UNKNOWN:
            _finish(parcel, "unknown", receipt.reason)
        case Result.LOST:
            pass


def sent(parcel: Parcel, email: Email) -> None:
    """The carrier took it."""
    now = clock.now()
    with transaction.atomic():
        sql.run(
            "UPDATE message SET state = 'sent', reason = '', sent_at = %s WHERE contact_id = %s AND id = %s AND state IN ('handing', 'unknown')",
            [now, parcel.contact_id, parcel.id],
        )
        sql.run("DELETE FROM outbox WHERE bucket = %s AND message_id = %s", [parcel.bucket, parcel.id])
        record.add([record.NewEvent(parcel.contact_id, Kind.EMAIL_SENT, now, key_value=str(email.id), key_label=email.name, payload={"message": parcel.id})])
        live.publish(f"contact:{parcel.contact_id}", what="changed")


def try_later(parcel: Parcel, reason: str) -> None:
    """Back to the queue with a growing pause; given up after about a day."""
    if parcel.attempts >= len(BACK_OFF):
        give_up(parcel, reason)
        return
    due_at = clock.now() + BACK_OFF[parcel.attempts]
    with transaction.atomic():
        held = sql.run(
            "UPDATE outbox SET due_at = %s, leased_until = NULL WHERE bucket = %s AND message_id = %s AND leased_until = %s",
            [due_at, parcel.bucket, parcel.id, parcel.leased_until],
        )
        if held:
            sql.run(
                "UPDATE message SET state = 'queued', reason = %s, attempts = %s WHERE contact_id = %s AND id = %s",
                [reason, parcel.attempts + 1, parcel.contact_id, parcel.id],
            )


def give_up(parcel: Parcel, reason: str, *, bounced: Email | None = None, address_dead: bool = False) -> None:
    """This message will not be sent. A bounce is a fact about the contact; a dead address is never written to again."""
    with transaction.atomic():
        if not _finish(parcel, "failed", reason) or bounced is None:
            return
        payload = {"message": parcel.id, "reason": reason}
        record.add([record.NewEvent(parcel.contact_id, Kind.EMAIL_BOUNCE, clock.now(), key_value=str(bounced.id), key_label=bounced.name, payload=payload)])
        if address_dead:
            suppression.suppress(parcel.contact_id, parcel.channel, suppression.BOUNCED)


def again(contact_id: int, message_id: int, actor: Actor) -> None:
    """Send a message that failed, or that may not have arrived, once more, to the address the contact has now: a person decided so.

    It passes the last gate like any other. Raises NotFound, Conflict (it waits, was sent, or the gate said no).
    """
    now = clock.now()
    with transaction.atomic():
        found = sql.rows("SELECT state, reason FROM message WHERE contact_id = %s AND id = %s FOR UPDATE", [contact_id, message_id])
        if not found:
            raise NotFound(_("There is no message {id}.").format(id=message_id))
        [(state, reason)] = found
        if state not in ("failed", "unknown"):
            raise Conflict(_("Only a message that failed, or that may not have arrived, can be sent again."))
        [(address,)] = sql.rows("SELECT max(email) FROM contact WHERE id = %s", [contact_id])
        sql.run(
            "UPDATE message SET state = 'queued', reason = '', attempts = 0, undelivered_at = NULL, address = coalesce(%s, address)"
            " WHERE contact_id = %s AND id = %s",
            [address, contact_id, message_id],
        )
        sql.run(
            "INSERT INTO outbox (bucket, message_id, contact_id, due_at) VALUES (%s, %s, %s, %s)",
            [contact_id % BUCKETS, message_id, contact_id, now],
        )
        history.record(actor, "sent_again", "message", message_id, contact=contact_id, was=state, reason=reason)
        sql.run("NOTIFY baton_outbox")


def _finish(parcel: Parcel, state: str, reason: str) -> bool:
    with transaction.atomic():
        held = sql.run("DELETE FROM outbox WHERE bucket = %s AND message_id = %s AND leased_until = %s", [parcel.bucket, parcel.id, parcel.leased_until])
        if held:
            sql.run(
                "UPDATE message SET state = %s, reason = %s, undelivered_at = %s WHERE contact_id = %s AND id = %s",
                [state, reason, clock.now(), parcel.contact_id, parcel.id],
            )
    return bool(held)
