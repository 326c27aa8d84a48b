"""What receivers say about messages, in one vocabulary, however they said it: an SMTP answer, a bounce, a provider's call, a reply.

`take` is for what comes later, by whatever way; `follow` for the sender, which settles its messages itself. The same receipt
twice counts once: a message bounces or is delivered once, and a complaint or a reply is looked for among the events before
it becomes one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from django.db import transaction

from baton.events import identity, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.messaging.consent import suppression
from baton.messaging.incoming import bounces, refusals, troubles
from baton.messaging.mail.said import COPY
from baton.messaging.sending.tally import Tally
from baton.platform import clock, live, sql

Word = Literal["delivered", "deferred", "bounced", "complained", "opened", "clicked", "unsubscribed", "replied", "auto_replied"]
REASONS = bounces.REASONS
classify = bounces.classify

ARRIVED = frozenset({"delivered", "complained", "opened", "clicked", "unsubscribed", "replied", "auto_replied"})  # each proves that the mail came
UNSETTLED = frozenset({"queued", "claimed", "handing"})
LONGEST = 1000  # letters of a receiver's words that are kept
EVENTS = {
    "bounced": Kind.EMAIL_BOUNCE, "complained": Kind.EMAIL_COMPLAINT, "opened": Kind.EMAIL_OPEN, "clicked": Kind.EMAIL_CLICK,
    "replied": Kind.EMAIL_REPLY, "auto_replied": Kind.EMAIL_AUTO_REPLY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that was said about one message."""

    kind: Word
    contact_id: int
    message_id: int
    at: datetime
    hard: bool = False  # of a bounce: the address is dead
    reason: str = ""  # of a bounce: a word of bounces.REASONS; of a complaint: abuse, fraud ...
    code: str = ""  # as it was given: "550", "5.1.1"
    text: str = ""  # the receiver's words; of a reply what was written
    key: str = ""  # tells apart several of a kind about one message: a reply's Message-ID, the address that was clicked
    details: Mapping[str, Any] = field(default_factory=dict)  # kept with the event: subject, remote_mta, ua ...


class _Message(NamedTuple):
    contact_id: int
    id: int
    state: str
    reason: str
    campaign_id: int | None
    variant: str
    email_id: int | None
    email_name: str
    channel: str
    address: str
    created_at: datetime
    sent_at: datetime | None
    sender: str

    @property
    def copied(self) -> bool:
        """It went to somebody else's address: what its receiver does is nothing that the contact did."""
        return self.sender.startswith(COPY)


def take(told: Sequence[Told]) -> list[Told]:
    """Write down what was said: messages, tallies of campaigns, suppressions, troubles, events; in one transaction.

    The same receipt twice counts once. What is said about a message that does not exist (any more) is passed over. Gives back
    those that came too early: their message is being handed over this moment, or waits to go again; take them again later.
    """
    if not told:
        return []
    with transaction.atomic():
        led = _led(told)
        troubles.hold({one.contact_id for one in led})
        messages = _messages(led)
        early, happened = [], []
        now_state = {id: (m.state, m.reason) for id, m in messages.items()}
        settled: dict[int, datetime] = {}
        for given, one in sorted(zip(told, led, strict=True), key=lambda pair: pair[1].at):
            if (message := messages.get(one.message_id)) is None:
                continue
            state, _reason = now_state[message.id]
            if state in UNSETTLED:
                early.append(given)
                continue
            if one.kind == "bounced":
                if state not in ("sent", "unknown", "delivered"):
                    continue
                now_state[message.id] = ("bounced", one.reason or "undefined")
                settled[message.id] = one.at
            elif one.kind == "deferred":
                if state == "sent":
                    now_state[message.id] = (state, one.reason)
                continue
            elif one.kind in ARRIVED and state in ("sent", "unknown"):
                now_state[message.id] = ("delivered", "")
                settled[message.id] = one.at
            happened.append(one)
        lost = _settle(messages, now_state, settled)
        _follow([one for one in happened if one.message_id not in lost], messages)
    return early + [given for given, one in zip(told, led, strict=True) if one.message_id in lost]


def follow(told: Sequence[Told]) -> None:
    """What follows from receipts whose messages and tallies the caller has changed itself, in his transaction: suppression, troubles, events."""
    if told:
        with transaction.atomic():
            led = _led(told)
            _follow(led, _messages(led))


def _led(told: Sequence[Told]) -> list[Told]:
    """The same, about the contacts that these were merged into."""
    merged = identity.merged({one.contact_id for one in told})
    return [replace(one, contact_id=merged[one.contact_id]) if one.contact_id in merged else one for one in told]


MESSAGES = """
SELECT m.contact_id, m.id, m.state, m.reason, m.campaign_id, m.variant, m.email_id, coalesce(e.name, ''), m.channel, m.address, m.created_at,
    m.sent_at, m.sender
FROM unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, id)
JOIN message m ON m.contact_id = r.contact_id AND m.id = r.id LEFT JOIN email e ON e.id = m.email_id
ORDER BY m.contact_id, m.id
"""


def _messages(told: Sequence[Told]) -> dict[int, _Message]:
    """The messages by id."""
    pairs = sorted({(one.contact_id, one.message_id) for one in told})
    found = sql.rows(MESSAGES, [[c for c, _ in pairs], [m for _, m in pairs]])
    return {row[1]: _Message(*row) for row in found}


SETTLE = """
UPDATE message m SET state = r.state, reason = r.reason, settled_at = coalesce(r.at, m.settled_at), undelivered_at = CASE WHEN r.state = 'bounced' THEN r.at END
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[]) AS r(contact_id, id, was, state, reason, at)
WHERE m.contact_id = r.contact_id AND m.id = r.id AND m.state = r.was
RETURNING m.id
"""


def _settle(messages: Mapping[int, _Message], now: Mapping[int, tuple[str, str]], settled: Mapping[int, datetime]) -> set[int]:
    """Write the new states, and the differences they make to the tallies; gives back the messages that somebody else has changed meanwhile."""
    changed = [(m, *now[m.id]) for m in messages.values() if now[m.id] != (m.state, m.reason)]
    if not changed:
        return set()
    columns: list[tuple[Any, ...]] = [(m.contact_id, m.id, m.state, state, reason, settled.get(m.id)) for m, state, reason in changed]
    done = {id for (id,) in sql.rows(SETTLE, [list(column) for column in zip(*columns, strict=True)])}
    tally = Tally()
    for m, state, reason in changed:
        if state != m.state and m.id in done:
            tally.add(m.contact_id, m.campaign_id, m.variant, m.state, m.reason, n=-1)
            tally.add(m.contact_id, m.campaign_id, m.variant, state, reason)
    tally.write()
    return {m.id for m, _state, _reason in changed} - done


def _follow(told: Sequence[Told], messages: Mapping[int, _Message]) -> None:
    """Events, suppressions and troubles of what is known to have happened."""
    told = [one for one in told if one.message_id in messages]
    _stop_copies([(one, messages[one.message_id]) for one in told if messages[one.message_id].copied])
    told = [one for one in told if not messages[one.message_id].copied]
    fresh = _new(told, messages)
    now = clock.now()
    events = []
    for one in fresh:
        if kind := EVENTS.get(one.kind):
            m = messages[one.message_id]
            at = min(max(one.at, m.created_at), now)  # what another clock says must not lie before the mail, nor ahead
            about = str(m.email_id) if m.email_id is not None else ""
            events.append(NewEvent(m.contact_id, kind, at, about, m.email_name, payload=_payload(one, m)))
    record.add(events)
    dead = [one for one in fresh if one.kind == "bounced" and one.hard]
    soft = [one for one in fresh if one.kind == "bounced" and not one.hard and one.reason not in bounces.OURS]
    arrived = [one for one in told if one.kind in ARRIVED]
    troubles.over([(messages[one.message_id].contact_id, messages[one.message_id].channel, one.at) for one in arrived])
    worn = troubles.add([troubles.Soft(m.contact_id, m.id, m.channel, m.sent_at or m.created_at, one.at, one.reason) for one, m in _with(soft, messages)])
    grave = [(one, m, suppression.BOUNCED) for one, m in _with(dead, messages)]
    grave += [(one, m, suppression.COMPLAINED) for one, m in _with([one for one in told if one.kind == "complained"], messages)]
    tired = [(one, m, why) for one, m in _with(soft, messages) if (why := worn.get((m.contact_id, m.channel)))]
    _stop(grave + tired)
    for _one, m in _with([one for one in told if one.kind == "unsubscribed"], messages):
        suppression.unsubscribe(m.contact_id, m.email_id or 0, channel=m.channel, message_id=m.id)
    for one, m in _with([one for one in fresh if one.kind == "replied"], messages):
        if str(one.details.get("from", "")).lower() == m.address.lower() and refusals.is_one(one.text):
            suppression.unsubscribe(m.contact_id, m.email_id or 0, channel=m.channel, source="reply", message_id=m.id, note=one.text)
    live.changed("contact", {m.contact_id for _one, m in _with(fresh, messages)})


OWNED = "SELECT c.id, c.email FROM contact c WHERE c.id = ANY (%s)"


def _stop(found: Sequence[tuple[Told, _Message, str]]) -> None:
    """Write to these people no more. Who has another address by now keeps it; of the old one it stays known that it is dead."""
    if not found:
        return
    owned = {id: (email or "").lower() for id, email in sql.rows(OWNED, [sorted({m.contact_id for _one, m, _why in found})])}
    for channel in sorted({m.channel for _one, m, _why in found}):
        stops, addresses = [], dict[str, list[str]]()
        for one, m, why in found:
            if m.channel != channel:
                continue
            if why == suppression.COMPLAINED or channel != "email" or owned.get(m.contact_id) == m.address.lower():
                note = one.reason if why == suppression.COMPLAINED else _said(one)
                stops.append(suppression.Stop(m.contact_id, why, f"message:{m.id}", note))
            if why != suppression.SOFT_LIMIT:
                addresses.setdefault(why, []).append(m.address)
        suppression.suppress_many(channel, stops)
        for why, some in addresses.items():
            suppression.suppress_addresses(some, channel, why, source="receipt")


def _stop_copies(found: Sequence[tuple[Told, _Message]]) -> None:
    """Of whoever got a copy only the address is known: it is not written to again."""
    for why, some in (
        (suppression.BOUNCED, [m.address for one, m in found if one.kind == "bounced" and one.hard]),
        (suppression.COMPLAINED, [m.address for one, m in found if one.kind == "complained"]),
        (suppression.UNSUBSCRIBED, [m.address for one, m in found if one.kind == "unsubscribed"]),
    ):
        suppression.suppress_addresses(some, "email", why, source="receipt")


def _with(told: Iterable[Told], messages: Mapping[int, _Message]) -> list[tuple[Told, _Message]]:
    return [(one, messages[one.message_id]) for one in told]


def _said(one: Told) -> str:
    return " ".join(filter(None, [one.code if one.code not in one.text else "", one.text]))[:LONGEST] or one.reason


def _payload(one: Told, message: _Message) -> dict[str, Any]:
    payload: dict[str, Any] = {"message": message.id, **one.details}
    if message.campaign_id is not None:
        payload["campaign"] = message.campaign_id
    if one.kind == "bounced":
        payload |= {"class": "hard" if one.hard else "soft", "reason": one.reason or "undefined", "code": one.code, "text": one.text[:LONGEST]}
    elif one.kind == "complained":
        payload |= {"kind": one.reason}
    elif one.kind in ("replied", "auto_replied"):
        payload |= {"text": one.text}
    if one.key:
        payload["key"] = one.key
    return payload


KNOWN = """
SELECT e.contact_id, e.kind, (e.payload ->> 'message')::bigint, coalesce(e.payload ->> 'key', '')
FROM event e
WHERE e.contact_id = ANY (%s) AND e.kind = ANY (%s::smallint[]) AND e.ts >= %s AND e.payload ->> 'message' = ANY (%s)
"""


def _new(told: Sequence[Told], messages: Mapping[int, _Message]) -> list[Told]:
    """Those that are no events yet. A bounce is new by itself: its message could change its state once only."""
    asked = [one for one in told if one.kind in EVENTS and one.kind != "bounced"]
    seen: set[tuple[int, int, int, str]] = set()
    if asked:
        since = min(messages[one.message_id].created_at for one in asked)
        kinds = sorted({int(EVENTS[one.kind]) for one in asked})
        contacts = sorted({messages[one.message_id].contact_id for one in asked})
        seen = set(sql.rows(KNOWN, [contacts, kinds, since, sorted({str(one.message_id) for one in asked})]))
    fresh = []
    for one in told:
        if one.kind in EVENTS and one.kind != "bounced":
            mark = (messages[one.message_id].contact_id, int(EVENTS[one.kind]), one.message_id, one.key)
            if mark in seen:
                continue
            seen.add(mark)
        fresh.append(one)
    return fresh
