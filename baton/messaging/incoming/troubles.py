"""Soft bounces in a row: after so many over so many days somebody is not written to any more. What arrives in between begins the count anew.

The rule is the account's (rules.Rules: soft_bounces, soft_days). A mailbox that two mails, a day apart or more, found switched
off counts as dead. Refusals that are about the sender or the mail (bounces.OURS) never come here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from baton.events.vocabulary import Kind
from baton.messaging import rules
from baton.platform import sql
from baton.platform.models import BUCKETS

LOCK = 0xBA7E  # class of the advisory locks, one a bucket
SILENCE = timedelta(days=6)  # after so long without a bounce a mail has arrived: mail servers give up after five days
BETWEEN_DISABLED = timedelta(days=1)
SIGNS = [int(kind) for kind in (Kind.EMAIL_OPEN, Kind.EMAIL_CLICK, Kind.EMAIL_REPLY)]  # of somebody who gets our mails


@dataclass(frozen=True, slots=True)
class Soft:
    contact_id: int
    message_id: int
    channel: str
    sent_at: datetime
    at: datetime
    reason: str


KNOWN = """
SELECT t.contact_id, t.channel, t.bounces, t.first_at, t.last_at, t.reason,
    EXISTS (SELECT 1 FROM event e WHERE e.contact_id = t.contact_id AND e.ts > t.last_at AND e.kind = ANY (%(signs)s::smallint[]) AND NOT e.payload ? 'machine')
    OR EXISTS (
        SELECT 1 FROM message m WHERE m.contact_id = t.contact_id AND m.channel = t.channel
        AND (m.state = 'delivered' AND m.settled_at > t.last_at OR m.state = 'sent' AND m.sent_at > t.last_at AND m.sent_at < r.at - %(silence)s))
FROM unnest(%(contacts)s::bigint[], %(channels)s::text[], %(times)s::timestamptz[]) AS r(contact_id, channel, at)
JOIN message_trouble t ON t.contact_id = r.contact_id AND t.channel = r.channel
"""
KEEP = """
INSERT INTO message_trouble (contact_id, channel, bounces, first_at, last_at, reason)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::text[])
ON CONFLICT (contact_id, channel) DO UPDATE
SET bounces = excluded.bounces, first_at = excluded.first_at, last_at = excluded.last_at, reason = excluded.reason
"""


def hold(contact_ids: Iterable[int]) -> None:
    """Until the transaction ends nobody else writes down what receivers say of these people."""
    for bucket in sorted({id % BUCKETS for id in contact_ids}):
        sql.rows("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, bucket])


def add(soft: Sequence[Soft]) -> dict[tuple[int, str], str]:
    """Count these, in the caller's transaction; returns who is not to be written to any more: (contact, channel) -> soft_limit, or bounced."""
    if not soft:
        return {}
    hold(one.contact_id for one in soft)
    whom = {(one.contact_id, one.channel): one.at for one in sorted(soft, key=lambda one: one.at, reverse=True)}
    params = {
        "contacts": [c for c, _ in whom], "channels": [channel for _, channel in whom], "times": list(whom.values()), "signs": SIGNS, "silence": SILENCE,
    }  # fmt: skip
    rows = {(contact, channel): rest for contact, channel, *rest in sql.rows(KNOWN, params)}
    limits = rules.rules()
    count = {key: (0, one_at, one_at, "") if key not in rows or rows[key][4] else tuple(rows[key][:4]) for key, one_at in whom.items()}
    worn: dict[tuple[int, str], str] = {}
    for one in sorted(soft, key=lambda one: one.at):
        key = (one.contact_id, one.channel)
        bounces, first, last, reason = count[key]
        if one.reason == reason == "disabled" and one.at - last >= BETWEEN_DISABLED:
            worn[key] = "bounced"
        bounces, first, last = bounces + 1, min(first, one.at), max(last, one.at)
        count[key] = (bounces, first, last, one.reason)
        if bounces >= limits.soft_bounces and last - first >= timedelta(days=limits.soft_days):
            worn.setdefault(key, "soft_limit")
    ordered = sorted((*key, *counted) for key, counted in count.items())
    sql.run(KEEP, [list(column) for column in zip(*ordered, strict=True)])
    return worn


def over(arrived: Sequence[tuple[int, str, datetime]]) -> None:
    """Something arrived at (contact, channel) at that time: what was in a row before is forgotten."""
    if arrived:
        sql.run(
            "DELETE FROM message_trouble t USING unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS r(contact_id, channel, at)"
            " WHERE t.contact_id = r.contact_id AND t.channel = r.channel AND t.last_at <= r.at",
            [list(column) for column in zip(*arrived, strict=True)],
        )
