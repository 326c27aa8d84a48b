"""This season's campaigns as campaigns: who they were for, what bounced, who went away because of them, and their counted reports."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from baton.demo import tables
from baton.demo.book import Event
from baton.demo.campaigns import CAMPAIGNS
from baton.demo.sample import Sample
from baton.events.vocabulary import Kind
from baton.messaging.campaigns import report_counts
from baton.messaging.models import Campaign
from baton.platform import sql
from baton.platform.models import BUCKETS

BOUNCES = ("user_unknown", "mailbox_full", "user_unknown", "blocked", "host_unknown", "user_unknown", "temporary")
HARD = frozenset({"user_unknown", "host_unknown"})
REPLIES = ("다음 주 화요일 오후에 통화할 수 있을까요?", "저희는 4조 2교대인데 같은 방식으로 옮길 수 있는지 궁금합니다.", "자료 잘 봤습니다. 견적 부탁드립니다.")
SENT = """
SELECT m.contact_id, m.id, m.sent_at FROM message m
WHERE m.campaign_id = %s AND m.state = 'sent' AND m.id %% %s = %s AND m.contact_id <> %s AND NOT EXISTS (
    SELECT 1 FROM event e WHERE e.contact_id = m.contact_id AND e.ts >= m.sent_at AND e.kind IN (1, 5, 11, 12))
  AND NOT EXISTS (SELECT 1 FROM message w WHERE w.contact_id = m.contact_id AND w.campaign_id IS NULL AND w.sent_at > m.sent_at)
ORDER BY m.id
"""
OPENERS = """
SELECT m.contact_id, m.id, e.ts FROM message m JOIN event e ON e.contact_id = m.contact_id AND e.kind = 11 AND (e.payload ->> 'message')::bigint = m.id
WHERE m.campaign_id = %s AND m.contact_id <> %s ORDER BY m.id DESC LIMIT %s
"""
# What would have come later never went out to those who are not written to any more.
FORGET = """
WITH gone AS (
    DELETE FROM message m USING unnest(%(ids)s::bigint[]) AS g(id)
    WHERE m.contact_id = g.id AND m.campaign_id IS NOT NULL AND m.sent_at > %(after)s RETURNING m.contact_id, m.id, m.sent_at
)
DELETE FROM event e USING gone WHERE e.contact_id = gone.contact_id AND e.ts >= gone.sent_at AND (e.payload ->> 'message')::bigint = gone.id
"""
BOUNCED = """
UPDATE message m SET state = 'bounced', reason = r.reason, settled_at = r.at, undelivered_at = r.at
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[]) AS r(contact_id, id, reason, at) WHERE m.contact_id = r.contact_id AND m.id = r.id
"""
SUPPRESS = """
INSERT INTO suppression (contact_id, channel, reason, at, source) SELECT r.id, 'email', r.reason, r.at, 'message:' || r.message
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::bigint[]) AS r(id, reason, at, message) ON CONFLICT DO NOTHING
"""
REFUSED = "UPDATE consent c SET granted = false, at = r.at, source = 'unsubscribe', wording = '', actor = 'visitor:' || r.id FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(id, at) WHERE c.contact_id = r.id AND c.channel = 'email'"  # noqa: E501
# Who had unsubscribed or is not to be written to was in the audience and left out.
LEFT_OUT = """
INSERT INTO message (contact_id, id, cause, channel, email_id, version, campaign_id, variant, address, subject, state, reason, attempts, created_at)
SELECT l.id, %(first)s + row_number() OVER (ORDER BY l.id), %(cause)s, 'email', %(email)s, 1, %(campaign)s, 'a', l.email, '', 'skipped', l.reason, 0, %(at)s
FROM (
    SELECT c.id, c.email, CASE WHEN s.reason IS NOT NULL THEN 'suppressed_' || s.reason ELSE 'no_consent' END AS reason
    FROM contact c LEFT JOIN suppression s ON s.contact_id = c.id AND s.channel = 'email' LEFT JOIN consent k ON k.contact_id = c.id AND k.channel = 'email'
    WHERE c.created_at < %(at)s AND c.email IS NOT NULL AND NOT EXISTS (SELECT 1 FROM message m WHERE m.contact_id = c.id AND m.campaign_id = %(campaign)s)
      AND (s.at < %(at)s OR (k.contact_id IS NULL AND c.id %% 11 = 4))
) l
"""
TALLY = """
INSERT INTO campaign_tally (bucket, id, campaign_id, variant, state, reason, n)
SELECT t.bucket, nextval('message_id_seq'), %(id)s, t.variant, t.state, t.reason, t.n
FROM (SELECT contact_id %% %(buckets)s AS bucket, variant, state, reason, count(*) AS n FROM message WHERE campaign_id = %(id)s GROUP BY 1, 2, 3, 4) t
"""

WHEN = """
SELECT count(*), min(sent_at), max(sent_at) FILTER (WHERE sent_at < began + interval '1 hour')
FROM (SELECT sent_at, min(sent_at) OVER () AS began FROM message WHERE campaign_id = %s) m
"""


class Sent(NamedTuple):
    contact_id: int
    message: int
    at: datetime


def deliver(sample: Sample) -> None:
    """What came back, who unsubscribed or complained, who answered; before lists are filled, because this keeps people out of them."""
    hero, found = sample.people[0].id, list[Event]()
    for key, days in CAMPAIGNS.items():
        campaign = Campaign.objects.get(pk=sample.setting.campaigns[key])
        start = sample.now - timedelta(days=days)
        _bounce(sample, campaign, [Sent(*row) for row in sql.rows(SENT, [campaign.pk, 61, 5, hero])], found)
        for kind, reason, part in ((Kind.EMAIL_UNSUBSCRIBE, "unsubscribed", 397), (Kind.EMAIL_COMPLAINT, "complained", 1999)):
            _leave(sample, campaign, [Sent(*row) for row in sql.rows(SENT, [campaign.pk, part, 3, hero])], kind, reason, found)
        for row in sql.rows(SENT, [campaign.pk, 83, 9, hero]):
            found.append(_event(sample, campaign, Sent(*row), Kind.EMAIL_AUTO_REPLY, timedelta(seconds=40), subject="부재중 자동 응답"))
        for n, row in enumerate(sql.rows(OPENERS, [campaign.pk, hero, len(REPLIES)])):
            subject = "RE: " + campaign.name
            found.append(_event(sample, campaign, Sent(*row), Kind.EMAIL_REPLY, timedelta(minutes=9 + 17 * n), subject=subject, text=REPLIES[n]))
        first = sample.book.last("message")
        given = {"first": first, "cause": f"campaign:{campaign.pk}", "email": campaign.email_id, "campaign": campaign.pk, "at": start}
        sample.book.start("message", first + sql.run(LEFT_OUT, given))
    tables.events(found)


def count(sample: Sample) -> None:
    """The sums and the reports, once everything has happened."""
    for id in sample.setting.campaigns.values():
        sql.run(TALLY, {"id": id, "buckets": BUCKETS})
        campaign = Campaign.objects.get(pk=id)
        ((people, began, ended),) = sql.rows(WHEN, [id])
        campaign.people, campaign.started_at, campaign.ended_at, campaign.due_at = people, began, ended, began
        campaign.save()
        Campaign.objects.filter(pk=id).update(created_at=(began or sample.now) - timedelta(days=2), updated_at=ended or sample.now)
        report_counts.count(campaign)


def _event(sample: Sample, campaign: Campaign, sent: Sent, kind: Kind, later: timedelta, **payload: Any) -> Event:
    at = min(sent.at + later, sample.now - timedelta(minutes=3))
    about = {"message": sent.message, "campaign": campaign.pk, **payload}
    return Event(sent.contact_id, at, kind, str(campaign.email_id), "", None, about, sample.rng.getrandbits(52))


def _bounce(sample: Sample, campaign: Campaign, some: Sequence[Sent], found: list[Event]) -> None:
    if not some:
        return
    reasons = [BOUNCES[n % len(BOUNCES)] for n in range(len(some))]
    sql.run(BOUNCED, [[s.contact_id for s in some], [s.message for s in some], reasons, [s.at + timedelta(seconds=8) for s in some]])
    dead = [sent for sent, reason in zip(some, reasons, strict=True) if reason in HARD]
    for sent, reason in zip(some, reasons, strict=True):
        found.append(
            _event(sample, campaign, sent, Kind.EMAIL_BOUNCE, timedelta(seconds=8), **{"class": "hard" if reason in HARD else "soft", "reason": reason})
        )
    _stop(dead, "bounced", timedelta(seconds=8))


def _leave(sample: Sample, campaign: Campaign, some: Sequence[Sent], kind: Kind, reason: str, found: list[Event]) -> None:
    later = timedelta(hours=2)
    found += [_event(sample, campaign, sent, kind, later) for sent in some]
    _stop(some, reason, later)
    if kind is Kind.EMAIL_UNSUBSCRIBE and some:
        sql.run(REFUSED, [[sent.contact_id for sent in some], [sent.at + later for sent in some]])


def _stop(some: Collection[Sent], reason: str, later: timedelta) -> None:
    """Nobody writes to these any more."""
    if some:
        last = max(sent.at for sent in some)
        sql.run(SUPPRESS, [[s.contact_id for s in some], [reason] * len(some), [s.at + later for s in some], [s.message for s in some]])
        sql.run(FORGET, {"ids": [sent.contact_id for sent in some], "after": last})
