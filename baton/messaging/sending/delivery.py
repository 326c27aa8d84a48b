"""Sends what is due: messages of the outbox, and chunks of campaigns. The only module that sends through a channel.

A message goes queued -> claimed -> handing -> sent; one of a campaign is written as `handing` straight away. `handing` is committed just before the carrier
may have the message and its answer just after, a window of messages at a time: a sender that dies in between leaves messages that may have arrived, which
become `unknown` and are never sent again by themselves. One that dies anywhere else leaves messages that are sent later.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging import gate
from baton.messaging.channel import WINDOW, Mailing, Receipt, Result, channel
from baton.messaging.mail.said import COPY
from baton.messaging.sending import chunks, settle, window
from baton.messaging.sending.limits import Gauge
from baton.messaging.sending.tally import Tally
from baton.messaging.sending.window import LEASE, Item
from baton.platform import buckets, clock, history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, NotFound
from baton.platform.models import BUCKETS

AGAIN = ("failed", "bounced", "unknown")  # states of a message that a person may send once more

DUE = "SELECT DISTINCT bucket FROM outbox WHERE due_at <= %s AND (leased_until IS NULL OR leased_until <= %s)"
BACK = """
UPDATE outbox o SET due_at = r.due_at, leased_until = NULL FROM unnest(%s::smallint[], %s::bigint[], %s::timestamptz[]) AS r(bucket, id, due_at)
WHERE o.bucket = r.bucket AND o.message_id = r.id AND o.leased_until = %s
"""


def deliver() -> int:
    """Send what is due: one batch of every bucket of the outbox, then one chunk of a campaign; returns how many messages were looked at."""
    return _outbox() + chunks.work()


def _outbox() -> int:
    """Messages of several buckets share a window: most of the time there are few in each."""
    now = clock.now()
    due = [bucket for (bucket,) in sql.rows(DUE, [now, now])]
    if not due:
        return 0
    known = gate.given(now)
    held: list[Item] = []

    def take(bucket: int) -> int:
        looked_at, items = claim(bucket, known)
        held.extend(items)
        while len(held) >= WINDOW:
            some, held[:] = held[:WINDOW], held[WINDOW:]
            send(some)
        return looked_at

    looked_at = buckets.each(due, take)
    if held:
        send(held)
    return looked_at


def claim(bucket: int, known: dict[str, Any] | None = None) -> tuple[int, list[Item]]:
    """Take due messages of a bucket and hold each against the last gate; returns how many were due and those that may go. `known`: what gate.given said."""
    now = clock.now()
    until = now + LEASE
    with transaction.atomic():
        due = sql.rows(sql.load("claim", __package__), {"bucket": bucket, "now": now, "until": until, "limit": WINDOW})
        if not due:
            return 0, []
        ids = [message for message, _contact in due]
        items, later, tally = list[Item](), list[tuple[int, datetime]](), Tally()
        for contact, id, state, key, email, address, attempts, sender, version, campaign, variant, reason in gate.decide(
            [contact for _message, contact in due], ids, now, known
        ):
            if state == "claimed":
                items.append(Item(contact, id, key, email, address, attempts, sender, version, campaign, variant, leased_until=until))
            elif state == "queued":
                later.append((id, gate.again_at(reason, key, now)))
            else:  # skipped, or left on the wire by a sender that died
                tally.add(contact, campaign, variant, "queued", n=-1)
                tally.add(contact, campaign, variant, state, reason)
        if later:
            sql.run(BACK, [[bucket] * len(later), [id for id, _at in later], [at for _id, at in later], until])
        done = set(ids) - {item.id for item in items} - {id for id, _at in later}
        if done:
            sql.run("DELETE FROM outbox WHERE bucket = %s AND message_id = ANY(%s)", [bucket, list(done)])
        tally.write()
    return len(due), items


def send(items: Sequence[Item]) -> None:
    """Build and hand over claimed messages, at most WINDOW of them: a window, or several smaller ones where what carries them is slow."""
    left = _admitted(items)
    while left:
        some = left[: window.size(left)]
        left = left[len(some) :]
        _window(some)


def _window(items: Sequence[Item]) -> None:
    written = window.built(items)
    if faulty := [(item, parcel) for item, parcel in written if parcel.problem]:
        settle.faulty(faulty)
    ready = [(item, parcel) for item, parcel in written if not parcel.problem]
    if not ready:
        return
    try:
        handed = window.handing(ready)
    except Exception:  # whether it is committed nobody knows; that nothing went is certain
        settle.settle(ready, [Receipt(Result.NOT_HANDED, "the database was away")] * len(ready))
        raise
    settle.settle(handed, window.sent(handed))


def _admitted(items: Sequence[Item]) -> list[Item]:
    """Those that no limit holds back; the others wait in the outbox."""
    found, later = list[Item](), list[tuple[Item, float]]()
    by_way: dict[tuple[str, tuple[int | None, str]], list[Item]] = {}
    for mailing, some in window.by_mailing(items):
        way = _way(some[0].channel, mailing)
        for item in some:
            item.way = way
        by_way.setdefault((some[0].channel, way), []).extend(some)
    for (_channel, (transport_id, domain)), some in by_way.items():
        waits = Gauge(transport_id, domain).admit([item.address for item in some])
        found += [item for item, wait in zip(some, waits, strict=True) if not wait]
        later += [(item, wait) for item, wait in zip(some, waits, strict=True) if wait]
    if later:
        _back(later)
    return found


def _way(key: str, mailing: Mailing) -> tuple[int | None, str]:
    try:
        return channel(key).way(mailing)
    except KeyError:
        return None, ""


def _back(later: Sequence[tuple[Item, float]]) -> None:
    """Back to the outbox for some seconds; no try is counted."""
    now = clock.now()
    with transaction.atomic():
        for claimed in {item.leased_until for item, _wait in later}:
            some = [(item, now + max(chunks.SOON, timedelta(seconds=wait))) for item, wait in later if item.leased_until == claimed]
            sql.run(BACK, [[item.bucket for item, _at in some], [item.id for item, _at in some], [at for _item, at in some], claimed])


def again(contact_id: int, message_id: int, actor: Actor) -> None:
    """Send a message that failed, or that may not have arrived, once more, to the address the contact has now: a person decided so.

    It passes the last gate like any other. Raises NotFound, Conflict (it waits, was sent, or the gate said no).
    """
    now = clock.now()
    with transaction.atomic():
        found = sql.rows(
            "SELECT state, reason, campaign_id, variant, sender FROM message WHERE contact_id = %s AND id = %s FOR UPDATE", [contact_id, message_id]
        )
        if not found:
            raise NotFound(_("There is no message {id}.").format(id=message_id))
        [(state, reason, campaign, variant, sender)] = found
        if state not in AGAIN:
            raise Conflict(_("Only a message that failed, or that may not have arrived, can be sent again."))
        [(address,)] = sql.rows("SELECT max(email) FROM contact WHERE id = %s", [contact_id])
        sql.run(
            "UPDATE message SET state = 'queued', reason = '', attempts = 0, undelivered_at = NULL, address = coalesce(%s, address)"
            " WHERE contact_id = %s AND id = %s",
            [None if sender.startswith(COPY) else address, contact_id, message_id],
        )
        sql.run(
            "INSERT INTO outbox (bucket, message_id, contact_id, due_at) VALUES (%s, %s, %s, %s)",
            [contact_id % BUCKETS, message_id, contact_id, now],
        )
        tally = Tally()
        tally.add(contact_id, campaign, variant, state, reason, -1)
        tally.add(contact_id, campaign, variant, "queued")
        tally.write()
        history.record(actor, "sent_again", "message", message_id, contact=contact_id, was=state, reason=reason)
        sql.run("NOTIFY baton_outbox")
