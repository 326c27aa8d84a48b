"""Who must not be written to, and why: one decision, asked about messages that are about to be sent, and about people beforehand."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.db import transaction

from baton.accounts import users
from baton.crm import consent
from baton.messaging import law, rules
from baton.messaging.consent import suppression
from baton.messaging.models import Email, Exemption, SubscriptionType
from baton.platform import clock, sql
from baton.platform.config import config
from baton.query.statement import Sql
from baton.segments import patience

WAITING = "(SELECT * FROM message WHERE contact_id = ANY (%(contact_ids)s) AND id = ANY (%(ids)s))"
WOULD_BE = """(
    SELECT w.contact_id, 0::bigint AS id, %(email)s::bigint AS email_id, NULL::text AS address, %(channel)s::text AS channel,
        %(campaign)s::bigint AS campaign_id
    FROM ({people}) w
)"""
THESE = "SELECT w.contact_id FROM unnest(%(contact_ids)s::bigint[]) AS w(contact_id)"
# Whether somebody got as many as the account allows: looked up for each of some messages, and once for all of many people.
CAPPED = """(
            SELECT count(*) FROM message f
            WHERE f.contact_id = m.contact_id AND f.channel = m.channel AND f.id <> m.id AND f.sent_at > %(cap_since)s AND f.email_id = ANY (%(marketing)s)
        ) >= %(cap)s"""
CAPPED_MANY = """m.contact_id IN (
            SELECT f.contact_id FROM ({people}) w JOIN message f ON f.contact_id = w.contact_id
            WHERE f.channel = %(channel)s AND f.sent_at > %(cap_since)s AND f.email_id = ANY (%(marketing)s)
            GROUP BY f.contact_id HAVING count(*) >= %(cap)s
        )"""
# Of those who may be written to under one address (whatever the case of its letters) the first gets the mail. Addresses are counted, not sorted.
FIRST = """
WITH judged AS MATERIALIZED (
    SELECT g.contact_id, g.reason, CASE WHEN g.reason IN ('', 'night', 'no_sender') AND g.address <> '' THEN lower(g.address) END AS address FROM ({judged}) g
)
SELECT j.contact_id, CASE WHEN a.first < j.contact_id THEN 'duplicate_address' ELSE j.reason END AS reason
FROM judged j LEFT JOIN (
    SELECT t.address, min(t.contact_id) AS first FROM judged t WHERE t.address IS NOT NULL GROUP BY t.address HAVING count(*) > 1
) a ON a.address = j.address
"""
TOLD = """
WITH said AS MATERIALIZED ({said})
SELECT r.reason, r.n, ARRAY(SELECT s.contact_id FROM said s WHERE s.reason = r.reason ORDER BY s.contact_id LIMIT %(most)s)
FROM (SELECT reason, count(*) AS n FROM said GROUP BY reason) r
"""
# For one statement over many people. With more memory the planner keeps all of a million contacts in it, where reading them in order needs none.
FOR_MANY = {"work_mem": "64MB", "parallel_tuple_cost": "0.01"}
UNWILLING = ("no_consent", "subscription_refused", "suppressed_unsubscribed", "suppressed_complained")  # reasons that are the person's own will
# What a colleague may set aside for a campaign, with a reason and what it rests on. What people refused is not among it.
EXEMPTIBLE = ("no_consent", "consent_expired", "subscription_missing", "dead_end", "unqualified", "paused", "frequency_cap")
WAITING_FOR = ("night", "no_sender")  # reasons that pass by themselves, or when a colleague fills in who sends: nobody is skipped for them
A_WHILE = timedelta(minutes=15)
MX_KNOWN = timedelta(days=7)  # so long it counts that a domain said it takes no mail; while somebody writes to it, it is asked again every day


def decide(contact_ids: Collection[int], ids: Collection[int], now: datetime, known: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Hold these messages against the gate and write down what it says.

    Gives back (contact, id, state, channel, e-mail, address, attempts, sender, version, campaign, variant, reason) of each; `known`: what `given` said.

    State `queued`: not now but later (WAITING_FOR); the message waits until `again_at`.
    """
    statement = sql.load("gate", __package__).replace("{judged}", judged(WAITING))
    return sql.rows(statement, {"contact_ids": sorted({*contact_ids}), "ids": list(ids), **(known or given(now)), "now": now})


UNSAVED = 0  # an e-mail that nobody saved yet, and no advertisement: what is asked is about its receivers only


def refused(email_id: int, contact_ids: Sequence[int], channel: str = "email", *, campaign_id: int | None = None) -> dict[int, str]:
    """Those who would not get this e-mail if it were sent now, with the reason (outbox.REASONS)."""
    asked = {"contact_ids": sorted({*contact_ids}), "email": email_id, "channel": channel, "campaign": campaign_id, **given(clock.now())}
    if email_id == UNSAVED:
        asked["emails"] = [UNSAVED]
    statement = judged(WOULD_BE.replace("{people}", THESE))
    return {contact_id: reason for contact_id, _id, reason, _address in sql.rows(statement, asked) if reason}


def reasons(email_id: int, people: Sql, channel: str = "email", *, campaign_id: int | None = None) -> dict[str, int]:
    """How many of many people (a `SELECT contact_id`, each once) would not get this e-mail if it were sent now, by reason; under "" those who would."""
    text, params = audience(email_id, people, channel, campaign_id=campaign_id)
    with transaction.atomic(), patience.settings(FOR_MANY):
        return dict(sql.rows(f"SELECT reason, count(*) FROM ({text}) g GROUP BY reason", params))


def told(email_id: int, people: Sql, channel: str = "email", *, campaign_id: int | None = None, most: int = 1000) -> dict[str, tuple[int, list[int]]]:
    """The same with the people behind each number: the first `most` contacts, in the order of ids."""
    text, params = audience(email_id, people, channel, campaign_id=campaign_id)
    with transaction.atomic(), patience.settings(FOR_MANY):
        return {reason: (n, ids) for reason, n, ids in sql.rows(TOLD.replace("{said}", text), {**params, "most": most})}


def audience(email_id: int, people: Sql, channel: str = "email", *, campaign_id: int | None = None) -> tuple[str, dict[str, Any]]:
    """The very decision over many people, each once, as a SELECT of (contact_id, reason) with its parameters: the send check and the freeze both use it."""
    params = {**people.params, "email": email_id, "channel": channel, "campaign": campaign_id, **only(given(clock.now()), email_id, channel)}
    rows, capped = (text.replace("{people}", people.text) for text in (WOULD_BE, CAPPED_MANY))
    return FIRST.replace("{judged}", judged(rows, capped)), params


def judged(rows: str, capped: str = CAPPED) -> str:
    """The decision over a relation of (contact_id, id, email_id, address, channel, campaign_id); its parameters are `given`."""
    return sql.load("judge", __package__).replace("{capped}", capped).replace("{rows}", rows)


def given(now: datetime) -> dict[str, Any]:
    """The parameters of the decision besides the rows: mails and their kinds of news, the law, the frequency cap, what was set aside."""
    emails = list(Email.objects.values_list("id", "purpose", "subscription_id"))
    separate = dict(SubscriptionType.objects.filter(archived_at=None).values_list("id", "separate"))
    usual = SubscriptionType.objects.filter(archived_at=None).order_by("position", "id").values_list("id", flat=True).first()
    marketing = [(id, type_id or usual) for id, purpose, type_id in emails if purpose == "marketing"]
    account = users.account()
    ruled = rules.of(account)
    nights = law.nights(list(consent.CHANNELS), ruled)
    exempt: dict[str, list[str]] = {}
    for campaign, rule in Exemption.objects.filter(ended_at=None, rule__in=EXEMPTIBLE).values_list("campaign_id", "rule"):
        exempt.setdefault(str(campaign), []).append(rule)
    return {
        "now": now,
        "mx_since": now - MX_KNOWN,
        "emails": [id for id, _purpose, _type in emails],
        "marketing": [id for id, _type in marketing],
        "types": [type_id for _id, type_id in marketing],
        "separate": [separate.get(type_id or 0, False) for _id, type_id in marketing],
        "no_sender": bool(law.missing(account, ruled)),
        "pepper": suppression.pepper(),
        "cap": ruled.cap_messages,
        "cap_since": now - timedelta(days=ruled.cap_days),
        "night_channels": [night.channel for night in nights],
        "night_begins": [night.begins for night in nights],
        "night_ends": [night.ends for night in nights],
        "zones": _zones() if nights else [],
        "zone": config().time_zone,
        "exempt": json.dumps(exempt),
    }


def only(known: Mapping[str, Any], email_id: int, channel: str) -> dict[str, Any]:
    """What `given` said, as far as one mail on one channel needs it: the rest is read by the database for each statement."""
    nights = [place for place, key in enumerate(known["night_channels"]) if key == channel]
    found = {**known, "emails": [id for id in known["emails"] if id == email_id]}
    for name in ("night_channels", "night_begins", "night_ends"):
        found[name] = [known[name][place] for place in nights]
    if not nights:
        found["zones"] = []
    if not known["cap"]:  # else the others count too
        places = [place for place, id in enumerate(known["marketing"]) if id == email_id]
        for name in ("marketing", "types", "separate"):
            found[name] = [known[name][place] for place in places]
    return found


@cache
def _zones() -> list[str]:
    return sorted(available_timezones())


ZONES = "SELECT c.id, coalesce(c.properties ->> 'time_zone', '') FROM contact c WHERE c.id = ANY (%s)"


def waits(contact_ids: Collection[int], channel: str, known: Mapping[str, Any], now: datetime) -> dict[int, timedelta]:
    """How long each of these, whom the gate did not let through yet and did not refuse, has to wait: until his night is over, or a while."""
    if known["no_sender"] or channel not in known["night_channels"]:
        return dict.fromkeys(contact_ids, A_WHILE)
    zones = dict(sql.rows(ZONES, [list(contact_ids)]))
    over = {zone: again_at("night", channel, now, zone) - now for zone in {*zones.values(), ""}}
    return {id: over[zones.get(id, "")] or A_WHILE for id in contact_ids}


def again_at(reason: str, channel: str, now: datetime, zone: str = "") -> datetime:
    """When a message that waits for one of WAITING_FOR is looked at again: the end of somebody's night, or in a while."""
    night = next(iter(law.nights([channel], rules.rules())), None) if reason == "night" else None
    return night.over(now, ZoneInfo(zone) if zone in available_timezones() else config().zone) if night else now + A_WHILE
