"""Works on a chunk of a campaign's frozen audience, window after window.

A chunk is leased: one sender works on it, and when it dies another takes it over after the lease. What the dead one left `handing` becomes `unknown`; who has
no message yet gets one now. A window is only committed by whoever holds the chunk and while the campaign is being sent: so a pause, a cancellation or
another holder stop it before the wire.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from baton.messaging import gate
from baton.messaging.channel import Channel, Mailing, Parcel, Receipt, Result, channel
from baton.messaging.models import Email, Variant
from baton.messaging.sending import settle, window
from baton.messaging.sending.limits import Gauge
from baton.messaging.sending.tally import Tally
from baton.messaging.sending.window import LEASE, Item
from baton.platform import clock, logs, sql
from baton.platform.models import BUCKETS

SENDS = ("sending", "testing")  # states of a campaign whose chunks are taken
SOON = timedelta(seconds=1)
CHUNK = 500  # people of a chunk at most; see campaigns/freeze.py
PEOPLE = 1000  # a lease has so many, or the chunk with which it reaches them

# Where chunks are due, those of the campaign and variant that have been due the longest.
DUE = """
SELECT k.bucket, k.campaign_id, k.variant, min(k.due_at) AS due FROM campaign_chunk k JOIN campaign c ON c.id = k.campaign_id
WHERE c.state = ANY (%(states)s) AND k.variant <> '' AND k.due_at <= %(now)s AND (k.closes_at IS NULL OR k.closes_at > %(now)s)
    AND (k.leased_until IS NULL OR k.leased_until <= %(now)s)
GROUP BY k.bucket, k.campaign_id, k.variant ORDER BY due
"""
TAKE = """
UPDATE campaign_chunk SET leased_until = %(until)s
WHERE bucket = %(bucket)s AND id = ANY (ARRAY(
    SELECT k.id FROM campaign_chunk k
    WHERE k.bucket = %(bucket)s AND k.campaign_id = %(campaign)s AND k.variant = %(variant)s AND k.due_at <= %(now)s
        AND (k.closes_at IS NULL OR k.closes_at > %(now)s) AND (k.leased_until IS NULL OR k.leased_until <= %(now)s)
    ORDER BY k.due_at, k.id LIMIT %(most)s FOR UPDATE SKIP LOCKED
))
RETURNING id, contact_ids
"""
OF_THESE = """
FROM unnest(%(buckets)s::smallint[], %(ids)s::bigint[], %(claims)s::timestamptz[], %(ns)s::int[], %(dues)s::timestamptz[]) AS r(bucket, id, claim, n, due)
WHERE k.bucket = r.bucket AND k.id = r.id AND k.leased_until = r.claim
"""
KEEP = f"""
UPDATE campaign_chunk k SET leased_until = %(until)s::timestamptz, waiting = greatest(k.waiting - r.n, 0) {OF_THESE}
    AND EXISTS (SELECT 1 FROM campaign c WHERE c.id = k.campaign_id AND c.state = ANY (%(states)s::text[]))
RETURNING k.id
"""
LET_GO = f"UPDATE campaign_chunk k SET leased_until = NULL, due_at = greatest(k.due_at, r.due) {OF_THESE}"
DONE = f"DELETE FROM campaign_chunk k {OF_THESE.replace('FROM', 'USING', 1)}"
KNOWN = "SELECT contact_id, id, state FROM message WHERE contact_id = ANY (%s::bigint[]) AND cause = %s AND channel = %s"
# Those that were put off are the outbox's: whoever claims them there says what became of them.
INTERRUPTED = """
UPDATE message m SET state = 'unknown', reason = 'interrupted', undelivered_at = %(now)s
WHERE m.contact_id = ANY (%(contacts)s) AND m.id = ANY (%(ids)s) AND m.state = 'handing'
    AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.bucket = m.contact_id %% %(buckets)s AND o.message_id = m.id)
RETURNING m.contact_id, m.variant
"""
ADDRESSES = "SELECT c.id, {address} FROM contact c WHERE c.id = ANY (%s::bigint[])"
JUDGED = """(
    SELECT r.contact_id, r.id, %(email)s::bigint AS email_id, r.address, %(channel)s::text AS channel, %(campaign)s::bigint AS campaign_id
    FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[], ARRAY(SELECT json_array_elements_text(%(addresses)s::json))) AS r(contact_id, id, address)
)"""

_log = logs.log(__name__)


class Lost(Exception):
    """The chunk is not ours any more, or the campaign is not being sent."""


@dataclass(slots=True, eq=False)
class Part:
    """A chunk of a lease. `until` is the claim: whoever wrote it last works on it."""

    bucket: int
    id: int
    contact_ids: list[int]
    until: datetime


@dataclass
class Lease:
    """Chunks of one campaign and variant, and what sending them needs to know."""

    campaign_id: int
    variant: str
    parts: list[Part]
    mailing: Mailing = field(init=False)
    channel: Channel = field(init=False)
    way: tuple[int | None, str] = (None, "")
    gauge: Gauge = field(init=False)
    name: str = ""  # of the mail
    later: dict[int, float] = field(default_factory=dict)  # contacts that have to wait, and for how many seconds
    part_of: dict[int, Part] = field(init=False)

    def __post_init__(self) -> None:
        self.part_of = {contact: part for part in self.parts for contact in part.contact_ids}

    @property
    def cause(self) -> str:
        return f"campaign:{self.campaign_id}"


def work() -> int:
    """Work on some chunks that are due; returns how many people got a message or a reason why not."""
    lease = take()
    return send(lease) if lease else 0


def take() -> Lease | None:
    """Chunks of the campaign that has been due the longest, bucket after bucket; each sender begins with another one."""
    now = clock.now()
    due = sql.rows(DUE, {"now": now, "states": list(SENDS)})
    if not due:
        return None
    _bucket, campaign, variant, _due = due[0]
    buckets = [bucket for bucket, *whose, _due in due if whose == [campaign, variant]]
    start = random.randrange(len(buckets))
    asked = {"until": now + LEASE, "now": now, "campaign": campaign, "variant": variant}
    parts, people = list[Part](), 0
    with transaction.atomic():
        for bucket in buckets[start:] + buckets[:start]:
            for id, contacts in sql.rows(TAKE, {**asked, "bucket": bucket, "most": max(1, (PEOPLE - people) // CHUNK)}):
                parts.append(Part(bucket, id, contacts, now + LEASE))
                people += len(contacts)
            if people >= PEOPLE:
                break
    return Lease(campaign, variant, parts) if parts else None


def send(lease: Lease) -> int:
    """Window after window until everybody has a message, or has to wait."""
    if not _prepare(lease):
        _let_go(lease.parts, 60)
        return 0
    if pause := lease.channel.pause(lease.way[0]):
        _let_go(lease.parts, pause)
        return 0
    waiting = _waiting(lease)
    judge = {**gate.only(gate.given(clock.now()), lease.mailing.email_id, lease.channel.key), **_same(lease)}
    ids = iter(sql.next_ids("message_id_seq", len(waiting)) if waiting else ())
    done = 0
    try:
        place = 0
        while place < len(waiting):
            some = waiting[place : place + lease.channel.at_once(lease.way[0])]
            place += len(some)
            held = lease.gauge.admit([address for _contact, address in some])
            may = {contact: address for (contact, address), wait in zip(some, held, strict=True) if not wait}
            lease.later |= {contact: wait for (contact, _address), wait in zip(some, held, strict=True) if wait}
            if may:
                made = _window(lease, judge, may, [next(ids) for _contact in may])
                done += len(made)
                if left := may.keys() - made:  # night, or the sender is not complete
                    waits = gate.waits(left, lease.channel.key, judge, clock.now())
                    lease.later |= {contact: wait.total_seconds() for contact, wait in waits.items()}
            if pause := lease.channel.pause(lease.way[0]):
                lease.later |= {contact: pause for contact, _address in waiting[place:]}
                break
    except Lost:
        _let_go(lease.parts, 0)  # those that are ours still, when the campaign was paused
        return done
    soonest: dict[Part, float] = {}
    for contact, seconds in lease.later.items():
        part = lease.part_of[contact]
        soonest[part] = min(seconds, soonest.get(part, seconds))
    for seconds in set(soonest.values()):
        _let_go([part for part, its in soonest.items() if its == seconds], seconds)
    if through := [part for part in lease.parts if part not in soonest]:
        sql.run(DONE, _asked(through))
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
    lease.mailing = replace(lease.mailing, way=lease.way)
    lease.gauge = Gauge(*lease.way)
    lease.name = Email.objects.filter(pk=email_id).values_list("name", flat=True).first() or ""
    return True


def _waiting(lease: Lease) -> list[tuple[int, str]]:
    """(contact, address) of those without a message, in order. Messages that a dead sender left `handing` become `unknown`."""
    everybody = [contact for part in lease.parts for contact in part.contact_ids]
    known = sql.rows(KNOWN, [sql.numbers(everybody), lease.cause, lease.channel.key])
    left = [(contact, id) for contact, id, state in known if state == "handing"]
    if left:
        with transaction.atomic():
            interrupted(lease.campaign_id, left)
    begun = {contact for contact, _id, _state in known}
    rest = [contact for contact in everybody if contact not in begun]
    addresses = dict(sql.rows(ADDRESSES.replace("{address}", lease.channel.address), [sql.numbers(rest)])) if rest else {}
    return [(contact, addresses.get(contact, "")) for contact in rest]


def interrupted(campaign_id: int, left: Sequence[tuple[int, int]]) -> None:
    """Messages (contact, id) that a dead sender had on the wire may have arrived: they become `unknown`. In the caller's transaction."""
    if not left:
        return
    tally = Tally()
    asked = {"contacts": [contact for contact, _id in left], "ids": [id for _contact, id in left], "now": clock.now(), "buckets": BUCKETS}
    for contact, variant in (lost := sql.rows(INTERRUPTED, asked)):
        tally.add(contact, campaign_id, variant, "unknown")
    tally.write()
    if lost:
        _log.warning("a sender died with messages on the wire", campaign=campaign_id, messages=len(lost))


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
        given = {"contact_ids": sql.numbers(people), "ids": sql.numbers(ids), "addresses": sql.texts(list(people.values())), "now": now}
        made = sql.prepared(statement, {**judge, **given})
        items = [_item(lease, contact, id, address) for contact, id, state, _reason, address in made if state == "handing"]
        written = window.built(items, lease.mailing)
        ready += [(item, parcel) for item, parcel in written if not parcel.problem]
        tally = Tally()
        for contact, _id, state, reason, _address in made:
            if state == "skipped":
                tally.add(contact, lease.campaign_id, lease.variant, state, reason)
        tally.write()
        if faulty := [(item, parcel) for item, parcel in written if parcel.problem]:
            settle.faulty(faulty, was="handing")
        until = now + LEASE
        begun = Counter(lease.part_of[contact] for contact, _id, _state, _reason, _address in made)
        kept = {lease.part_of[contact] for contact in people}
        kept |= {part for part in lease.parts if part.until < now + LEASE / 2}  # their turn comes later
        parts = sorted(kept, key=lambda part: (part.bucket, part.id))
        if len(sql.prepared(KEEP, {**_asked(parts, ns=[begun[part] for part in parts]), "until": until, "states": list(SENDS)})) != len(parts):
            raise Lost
    for part in parts:
        part.until = until
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


def _let_go(parts: Sequence[Part], seconds: float) -> None:
    """Somebody of these has to wait so long."""
    sql.run(LET_GO, _asked(parts, due=clock.now() + max(SOON, timedelta(seconds=seconds))))


def _asked(parts: Sequence[Part], *, ns: Sequence[int] = (), due: datetime | None = None) -> dict[str, Any]:
    """The parameters of OF_THESE."""
    return {
        "buckets": [part.bucket for part in parts],
        "ids": [part.id for part in parts],
        "claims": [part.until for part in parts],
        "ns": list(ns) or [0] * len(parts),
        "dues": [due] * len(parts),
    }
