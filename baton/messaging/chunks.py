"""Works on a chunk of a campaign's frozen audience, window after window.

A chunk is leased: one sender works on it, and when it dies another takes it over after the lease. What the dead one left `handing` becomes `unknown`; who has
no message yet gets one now. A window is only committed by whoever holds the chunk and while the campaign is being sent: so a pause, a cancellation or
another holder stop it before the wire.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from baton.messaging import gate, settle, window
from baton.messaging.channel import Channel, Mailing, Parcel, Receipt, Result, channel
from baton.messaging.limits import Gauge
from baton.messaging.models import Email, Variant
from baton.messaging.tally import Tally
from baton.messaging.window import LEASE, WINDOW, Item
from baton.platform import clock, logs, sql

SENDS = ("sending", "testing")  # states of a campaign whose chunks are taken
SOON = timedelta(seconds=1)
MOST = 8  # chunks of one lease

# The chunks of one campaign and variant that have been due the longest.
TAKE = """
WITH first AS (
    SELECT k.campaign_id, k.variant FROM campaign_chunk k JOIN campaign c ON c.id = k.campaign_id
    WHERE c.state = ANY (%(states)s) AND k.variant <> '' AND k.due_at <= %(now)s AND (k.closes_at IS NULL OR k.closes_at > %(now)s)
        AND (k.leased_until IS NULL OR k.leased_until <= %(now)s)
    ORDER BY k.due_at, k.id LIMIT 1
)
UPDATE campaign_chunk SET leased_until = %(until)s
WHERE (bucket, id) IN (
    SELECT k.bucket, k.id FROM campaign_chunk k JOIN first f ON f.campaign_id = k.campaign_id AND f.variant = k.variant
    WHERE k.due_at <= %(now)s AND (k.closes_at IS NULL OR k.closes_at > %(now)s) AND (k.leased_until IS NULL OR k.leased_until <= %(now)s)
    ORDER BY k.due_at, k.id LIMIT %(most)s FOR UPDATE OF k SKIP LOCKED
)
RETURNING bucket, id, campaign_id, variant, contact_ids
"""
KEEP = """
UPDATE campaign_chunk k SET leased_until = %(until)s, waiting = greatest(k.waiting - r.n, 0)
FROM unnest(%(buckets)s::smallint[], %(ids)s::bigint[], %(ns)s::int[]) AS r(bucket, id, n)
WHERE k.bucket = r.bucket AND k.id = r.id AND k.leased_until = %(lease)s
    AND EXISTS (SELECT 1 FROM campaign c WHERE c.id = k.campaign_id AND c.state = ANY (%(states)s))
"""
OF_THESE = "USING unnest(%s::smallint[], %s::bigint[]) AS r(bucket, id) WHERE k.bucket = r.bucket AND k.id = r.id AND k.leased_until = %s"
LET_GO = f"UPDATE campaign_chunk k SET leased_until = NULL, due_at = greatest(k.due_at, %s) {OF_THESE.replace('USING', 'FROM')}"
DONE = f"DELETE FROM campaign_chunk k {OF_THESE}"
KNOWN = "SELECT contact_id, id, state FROM message WHERE contact_id = ANY (%s) AND cause = %s AND channel = %s"
INTERRUPTED = """
UPDATE message SET state = 'unknown', reason = 'interrupted', undelivered_at = %(now)s
WHERE contact_id = ANY (%(contacts)s) AND id = ANY (%(ids)s) AND state = 'handing' RETURNING contact_id, variant
"""
ADDRESSES = "SELECT c.id, {address} FROM contact c WHERE c.id = ANY (%s)"
JUDGED = """(
    SELECT r.contact_id, r.id, %(email)s::bigint AS email_id, r.address, %(channel)s::text AS channel, %(campaign)s::bigint AS campaign_id
    FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[], %(addresses)s::text[]) AS r(contact_id, id, address)
)"""

_log = logs.log(__name__)


class Lost(Exception):
    """The chunk is not ours any more, or the campaign is not being sent."""


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk of a lease."""

    bucket: int
    id: int
    contact_ids: list[int]


@dataclass
class Lease:
    """Chunks of one campaign and variant, and what sending them needs to know. `until` is the claim: whoever wrote it last works on them."""

    campaign_id: int
    variant: str
    parts: list[Part]
    until: datetime
    mailing: Mailing = field(init=False)
    channel: Channel = field(init=False)
    way: tuple[int | None, str] = (None, "")
    gauge: Gauge = field(init=False)
    name: str = ""  # of the mail
    later: set[int] = field(default_factory=set)  # contacts that have to wait

    @property
    def cause(self) -> str:
        return f"campaign:{self.campaign_id}"


def work() -> int:
    """Work on some chunks that are due; returns how many people got a message or a reason why not."""
    lease = take()
    return send(lease) if lease else 0


def take() -> Lease | None:
    """Chunks of the campaign that has been due the longest."""
    now = clock.now()
    until = now + LEASE
    with transaction.atomic():
        found = sql.rows(TAKE, {"until": until, "now": now, "states": list(SENDS), "most": MOST})
    if not found:
        return None
    _bucket, _id, campaign, variant, _contacts = found[0]
    return Lease(campaign, variant, [Part(bucket, id, contacts) for bucket, id, _campaign, _variant, contacts in found], until)


def send(lease: Lease) -> int:
    """Window after window until everybody has a message, or has to wait."""
    if not _prepare(lease):
        _let_go(lease, lease.parts, 60)
        return 0
    if pause := lease.channel.pause(lease.way[0]):
        _let_go(lease, lease.parts, pause)
        return 0
    waiting = _waiting(lease)
    judge = {**gate.given(clock.now()), **_same(lease)}
    ids = iter(sql.next_ids("message_id_seq", len(waiting)) if waiting else ())
    done, wait = 0, 0.0
    try:
        for some in window.parts(waiting, WINDOW):
            may, seconds = _admitted(lease, some)
            lease.later.update(contact for contact, _address in some if contact not in may)
            wait = max(wait, seconds)
            if may:
                made = _window(lease, judge, may, [next(ids) for _contact in may])
                done += len(made)
                if left := may.keys() - made:  # night, or the sender is not complete
                    lease.later.update(left)
                    wait = max(wait, gate.A_WHILE.total_seconds())
            if pause := lease.channel.pause(lease.way[0]):
                wait = max(wait, pause)
                place = waiting.index(some[-1]) + 1
                lease.later.update(contact for contact, _address in waiting[place:])
                break
    except Lost:
        _let_go(lease, lease.parts, 0)  # ours still, when the campaign was paused
        return done
    unfinished = [part for part in lease.parts if not lease.later.isdisjoint(part.contact_ids)] if lease.later else []
    if unfinished:
        _let_go(lease, unfinished, wait)
    if through := [part for part in lease.parts if part not in unfinished]:
        sql.run(DONE, [*_names(through), lease.until])
    return done


def _prepare(lease: Lease) -> bool:
    """Look up what is sent, and how. False when it cannot be: the variant is gone."""
    found = (
        Variant.objects.filter(campaign=lease.campaign_id, key=lease.variant)
        .values_list("email_id", "version", "subject", "from_name", "campaign__channel")
        .first()
    )
    if found is None:
        return False
    email_id, version, subject, from_name, key = found
    lease.mailing = Mailing(email_id, version, lease.campaign_id, lease.variant, subject, from_name)
    lease.channel = channel(key)
    lease.way = lease.channel.way(lease.mailing)
    lease.gauge = Gauge(*lease.way)
    lease.name = Email.objects.filter(pk=email_id).values_list("name", flat=True).first() or ""
    return True


def _waiting(lease: Lease) -> list[tuple[int, str]]:
    """(contact, address) of those without a message, in order. Messages that a dead sender left `handing` become `unknown`."""
    everybody = [contact for part in lease.parts for contact in part.contact_ids]
    known = sql.rows(KNOWN, [everybody, lease.cause, lease.channel.key])
    left = [(contact, id) for contact, id, state in known if state == "handing"]
    if left:
        with transaction.atomic():
            interrupted(lease.campaign_id, left)
    begun = {contact for contact, _id, _state in known}
    rest = [contact for contact in everybody if contact not in begun]
    addresses = dict(sql.rows(ADDRESSES.replace("{address}", lease.channel.address), [rest])) if rest else {}
    return [(contact, addresses.get(contact, "")) for contact in rest]


def interrupted(campaign_id: int, left: Sequence[tuple[int, int]]) -> None:
    """Messages (contact, id) that a dead sender had on the wire may have arrived: they become `unknown`. In the caller's transaction."""
    if not left:
        return
    tally = Tally()
    asked = {"contacts": [contact for contact, _id in left], "ids": [id for _contact, id in left], "now": clock.now()}
    for contact, variant in sql.rows(INTERRUPTED, asked):
        tally.add(contact, campaign_id, variant, "unknown")
    tally.write()
    _log.warning("a sender died with messages on the wire", campaign=campaign_id, messages=len(left))


def _same(lease: Lease) -> dict[str, Any]:
    """Parameters that are the same for all windows of the chunk."""
    mailing = lease.mailing
    return {
        "cause": lease.cause,
        "channel": lease.channel.key,
        "email": mailing.email_id,
        "version": mailing.version,
        "campaign": lease.campaign_id,
        "variant": lease.variant,
        "subject": mailing.subject if "{" not in mailing.subject else "",
    }


def _admitted(lease: Lease, some: Sequence[tuple[int, str]]) -> tuple[dict[int, str], float]:
    """Those who may be written to now as far as haste goes, and after how many seconds the others."""
    may, wait = lease.gauge.admit([address for _contact, address in some])
    return {contact: address for (contact, address), yes in zip(some, may, strict=True) if yes}, wait


def _window(lease: Lease, judge: dict[str, Any], people: dict[int, str], ids: Sequence[int]) -> set[int]:
    """One window from the gate to the settled answers; returns who got a message. Raises Lost."""
    ready: list[tuple[Item, Parcel]] = []
    try:
        made = _committed(lease, judge, people, ids, ready)
    except Lost:
        lease.gauge.give_back(list(people.values()))
        raise
    except Exception:  # whether it is committed nobody knows; that nothing went is certain
        settle.settle(ready, [Receipt(Result.NOT_HANDED, "the database was away")] * len(ready))
        raise
    if len(ready) < len(people):
        going = {item.contact_id for item, _parcel in ready}
        lease.gauge.give_back([address for contact, address in people.items() if contact not in going])
    settle.settle(ready, window.sent(ready))
    return {contact for contact, _id, _state, _reason, _address in made}


def _committed(
    lease: Lease, judge: dict[str, Any], people: dict[int, str], ids: Sequence[int], ready: list[tuple[Item, Parcel]]
) -> list[tuple[int, int, str, str, str]]:
    """The messages of a window, committed when this returns; what goes to those of them that are handed over now is added to `ready`."""
    now = clock.now()
    statement = sql.load("window", __package__).replace("{judged}", gate.judged(JUDGED))
    with transaction.atomic():
        given = {"contact_ids": list(people), "ids": list(ids), "addresses": list(people.values()), "now": now}
        made = sql.rows(statement, {**judge, **given})
        items = [_item(lease, contact, id, address) for contact, id, state, _reason, address in made if state == "handing"]
        written = window.built(items)
        ready += [(item, parcel) for item, parcel in written if not parcel.problem]
        tally = Tally()
        for contact, _id, state, reason, _address in made:
            if state == "skipped":
                tally.add(contact, lease.campaign_id, lease.variant, state, reason)
        tally.write()
        if faulty := [(item, parcel) for item, parcel in written if parcel.problem]:
            settle.faulty(faulty, was="handing")
        until, begun = now + LEASE, {contact for contact, _id, _state, _reason, _address in made}
        ns = [len(begun.intersection(part.contact_ids)) for part in lease.parts]
        asked = dict(zip(("buckets", "ids"), _names(lease.parts), strict=True))
        if sql.run(KEEP, {**asked, "ns": ns, "until": until, "lease": lease.until, "states": list(SENDS)}) != len(lease.parts):
            raise Lost
    lease.until = until
    return made


def _item(lease: Lease, contact: int, id: int, address: str) -> Item:
    mailing = lease.mailing
    return Item(
        contact,
        id,
        lease.channel.key,
        mailing.email_id,
        address,
        version=mailing.version,
        campaign_id=lease.campaign_id,
        variant=lease.variant,
        queued=False,
        name=lease.name,
        way=lease.way,
    )


def _let_go(lease: Lease, parts: Sequence[Part], seconds: float) -> None:
    """Somebody of these has to wait."""
    sql.run(LET_GO, [clock.now() + max(SOON, timedelta(seconds=seconds)), *_names(parts), lease.until])


def _names(parts: Sequence[Part]) -> tuple[list[int], list[int]]:
    return [part.bucket for part in parts], [part.id for part in parts]
