"""Freezes the audience of a campaign: who belongs to it at this moment becomes chunks of contact ids, in one statement and one transaction.

A process that is killed leaves nothing behind and the next does it again; once it is done it is never done a second time. After it a list may change, a
contact may come and go: the campaign goes to those who were frozen, and the last gate judges each of them when it is their turn.
"""

import json
from typing import Any

from django.db import transaction

from baton.crm import calendar
from baton.messaging import gate
from baton.messaging.campaigns import ab, audience, pace, receivers, states
from baton.messaging.campaigns import plan as plans
from baton.messaging.models import Campaign, SendCheck, Variant
from baton.platform import clock, sql
from baton.platform.config import config
from baton.platform.models import BUCKETS
from baton.query.statement import Sql

LOCK = 0xBA7C  # class of the advisory locks, one a campaign
PARTS = 10_000  # into so many parts an audience is drawn by lot (sql/freeze.sql)

HOMES = """
SELECT DISTINCT coalesce(c.properties ->> 'time_zone', ''), coalesce(c.properties ->> 'country', '') FROM ({people}) p JOIN contact c ON c.id = p.contact_id
"""
HOME = """
JOIN contact c ON c.id = p.contact_id
LEFT JOIN jsonb_to_recordset(%(homes)s::jsonb) AS h(time_zone text, country text, zone text)
    ON h.time_zone = coalesce(c.properties ->> 'time_zone', '') AND h.country = coalesce(c.properties ->> 'country', '')
"""


def freeze(campaign_id: int) -> int | None:
    """Freeze the audience of a campaign that is being prepared; returns how many people, or None: it was done, or another process is at it."""
    with transaction.atomic():
        if not sql.rows("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, campaign_id % 2**31])[0][0]:
            return None
        campaign = Campaign.objects.filter(pk=campaign_id, state__in=(states.PREPARING, states.PAUSED), started_at=None).first()
        if campaign is None or not Variant.objects.filter(campaign=campaign, version__gt=0).exists():
            return None
        skipped, waiting = sql.rows(*_statement(campaign))[0]
        now, total = clock.now(), int(waiting) + int(skipped)
        after = states.TESTING if ab.waits(campaign) else states.SENDING
        if not states.move(campaign.pk, (states.PREPARING,), after, started_at=now, people=total):  # paused meanwhile, or cancelled
            Campaign.objects.filter(pk=campaign.pk, state__in=(states.PAUSED, states.CANCELLED)).update(started_at=now, people=total)
        campaign.started_at = now
        SendCheck.objects.filter(campaign=campaign).delete()  # what the check said is over
        pace.give(campaign)
        receivers.name.defer(campaign_id=campaign.pk)
        sql.run("NOTIFY baton_outbox")
    return total


def cause(campaign_id: int) -> str:
    """Of the messages of a campaign: one cause writes to nobody twice."""
    return f"campaign:{campaign_id}"


def shares(campaign: Campaign) -> tuple[list[str], list[int]]:
    """The variants, "" last, and the ends of their parts of PARTS: whoever draws less than the first end gets the first variant."""
    variants = list(Variant.objects.filter(campaign=campaign).order_by("key"))
    if not campaign.test or len(variants) < 2:
        return [variants[0].key, ""], [PARTS]
    taking_part = int(campaign.test.get("share") or 100) / 100
    total, ends, upto = sum(v.share for v in variants) or 1, [], 0.0
    for variant in variants:
        upto += variant.share / total
        ends.append(round(PARTS * taking_part * upto))
    return [*(v.key for v in variants), ""], ends


def _statement(campaign: Campaign) -> tuple[str, dict[str, Any]]:
    assert campaign.email_id is not None
    people, plan = audience.people(campaign), plans.of(campaign.plan)
    keys, ends = shares(campaign)
    judged, params = gate.audience(campaign.email_id, Sql("SELECT contact_id FROM alike", people.params), campaign.channel, campaign_id=campaign.pk)
    params |= {
        "campaign": campaign.pk,
        "cause": cause(campaign.pk),
        "version": Variant.objects.filter(campaign=campaign, key=keys[0]).values_list("version", flat=True)[0],
        "keys": keys,
        "ends": ends,
        "size": pace.size(plan),
        "never": pace.NEVER,
        "buckets": BUCKETS,
    }
    zone, join = "''", ""
    if plan.zones == "contact":
        zone, join = "coalesce(h.zone, '')", HOME
        params["homes"] = json.dumps(_homes(people))
    parts = {"{people}": people.text, "{judged}": judged, "{zone}": zone, "{homes}": join}
    statement = sql.load("freeze", __package__)
    for mark, text in parts.items():
        statement = statement.replace(mark, text)
    return statement, params


def _homes(people: Sql) -> list[dict[str, str]]:
    """Every pair of time zone and country that the audience has, with the zone it tells; pairs that tell none, or the account's, are left out."""
    found = []
    for named, country in sql.rows(HOMES.replace("{people}", people.text), people.params):
        zone = calendar.of(named, country)
        if zone is not None and zone.key != config().zone.key:
            found.append({"time_zone": named, "country": country, "zone": zone.key})
    return found
