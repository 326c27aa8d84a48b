"""Conversions of a campaign: who did something, or came to fulfil a filter, within some days of getting the mail. What was so before the mail does not count.

Stored as {"filter": stored filter, "days": n} or {"made": "meeting" | "deal" | "won", "days": n}. Of happenings (a form was sent, a page was seen, a stage
was entered) those after the mail count; of lasting facts (a property, a list) that they hold now. `made` is about linked records: a meeting or a deal that
was written down in that time, or a deal that was won in it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.forms.models import Form
from baton.messaging.models import Campaign
from baton.platform import clock, sql
from baton.platform.errors import Invalid, Problem
from baton.segments import catalog, filter, meanwhile, mentions, outcomes

DAYS = 7  # usual
LONGEST = 90
STEP = 5_000  # messages of one statement
MADE = ("meeting", "deal", "won")
WORDS = {"filter", "made", "days"}

SENT = "SELECT contact_id, variant, sent_at, id FROM message WHERE campaign_id = %s AND id > %s AND sent_at IS NOT NULL ORDER BY id LIMIT %s"
# Who was linked to a record of a type that was made in his own time.
OF_RECORDS = """
SELECT DISTINCT w.id FROM unnest(%(ids)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[]) AS w(id, since, until)
JOIN association a ON a.from_id = w.id AND a.from_type = 'contact' AND a.to_type = %(type)s AND a.label = ''
JOIN record d ON d.id = a.to_id AND d.object_type = %(type)s AND d.archived_at IS NULL AND d.created_at > w.since AND d.created_at <= w.until
"""
# OFFSET 0: from the few people to their deals, never from all closed deals to the people.
OF_WON = f"""
SELECT DISTINCT d.who FROM (
    SELECT w.id AS who, w.since, w.until, d.properties FROM unnest(%(ids)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[]) AS w(id, since, until)
    JOIN association a ON a.from_id = w.id AND a.from_type = 'contact' AND a.to_type = 'deal' AND a.label = ''
    JOIN record d ON d.id = a.to_id AND d.object_type = 'deal' AND d.archived_at IS NULL OFFSET 0
) d JOIN unnest(%(pipelines)s::text[], %(stages)s::text[], %(wins)s::boolean[]) AS s(pipeline, stage, won)
    ON s.pipeline = d.properties ->> 'pipeline' AND s.stage = d.properties ->> 'dealstage' AND s.won
WHERE {outcomes.CLOSED} > d.since AND {outcomes.CLOSED} <= d.until
"""
FORGET = "DELETE FROM campaign_conversion WHERE campaign_id = %s AND contact_id = ANY(%s)"
KEEP = """
INSERT INTO campaign_conversion (contact_id, campaign_id, variant) SELECT w.id, %s, w.variant FROM unnest(%s::bigint[], %s::text[]) AS w(id, variant)
ON CONFLICT (contact_id, campaign_id) DO NOTHING
"""


def reached(campaign: Campaign) -> dict[str, int]:
    """How many people of each variant converted."""
    found: dict[str, int] = {}
    for variant, _contact_id in converted(campaign):
        found[variant] = found.get(variant, 0) + 1
    return found


def converted(campaign: Campaign) -> Iterator[tuple[str, int]]:
    """(variant, contact) of those who converted; reads the messages in steps."""
    for _part, did in _parts(campaign):
        yield from did


def note(campaign: Campaign) -> None:
    """Write down who converted by now, for the report: a step of messages in a transaction each, so that a killed worker leaves a part of the truth."""
    for part, did in _parts(campaign):
        with transaction.atomic():
            kept = {contact for _variant, contact in did}
            sql.run(FORGET, [campaign.pk, [contact for contact in part if contact not in kept]])
            sql.run(KEEP, [campaign.pk, [contact for _variant, contact in did], [variant for variant, _contact in did]])


def _parts(campaign: Campaign) -> Iterator[tuple[list[int], list[tuple[str, int]]]]:
    """Step by step: the people who got the mail, and (variant, contact) of those among them who converted."""
    if not campaign.goal.get("filter") and not campaign.goal.get("made"):
        return
    length, now = timedelta(days=float(campaign.goal.get("days") or DAYS)), clock.now()
    for part in _sent(campaign):
        spans = {contact: (at, min(at + length, now)) for contact, _variant, at in part}
        try:
            did = _did(campaign.goal, spans, now)
        except Invalid:  # what the goal asks about was deleted: nobody reaches it any more, and who did stays counted
            return
        yield list(spans), [(variant, contact) for contact, variant, _at in part if contact in did]


def _did(goal: Mapping[str, Any], spans: meanwhile.Spans, now: datetime) -> set[int]:
    if made := goal.get("made"):
        asked = {"ids": list(spans), "since": [since for since, _until in spans.values()], "until": [until for _since, until in spans.values()]}
        rows = sql.rows(OF_WON, asked | outcomes.stages()) if made == "won" else sql.rows(OF_RECORDS, asked | {"type": made})
        return {id for (id,) in rows}
    return meanwhile.among(goal["filter"], list(spans), "contact", now, spans)


def _sent(campaign: Campaign) -> Iterator[list[tuple[int, str, datetime]]]:
    last = 0
    while part := sql.rows(SENT, [campaign.pk, last, STEP]):
        last = part[-1][3]
        yield [(contact, variant, at) for contact, variant, at, _id in part]


def problems(stored: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a goal; paths begin with `goal.`."""
    if not stored:
        return []
    days = stored.get("days", DAYS)
    found = []
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 < days <= LONGEST:
        found.append(Problem("goal.days", "INVALID_NUMBER", _("A number of days up to {most}.").format(most=LONGEST)))
    if unknown := sorted(stored.keys() - WORDS):
        found.append(Problem(f"goal.{unknown[0]}", "UNKNOWN_FIELD", _("This goal is not known.")))
    elif "made" in stored:
        if stored["made"] not in MADE or stored.get("filter"):
            found.append(Problem("goal.made", "INVALID_OPTION", _("This goal is not known.")))
    else:
        found += _of_filter(stored.get("filter") or {})
    return found


def _of_filter(stored: dict[str, Any]) -> list[Problem]:
    try:
        filter.parse(stored, catalog.current(), object_type="contact")
    except Invalid as error:
        return [Problem("goal.filter" + (f".{p.path}" if p.path not in ("", "filter") else ""), p.code, p.message) for p in error.problems]
    forms = {int(one.key) for one in mentions.things(stored) if one.kind == "form"}
    if len(forms) > Form.objects.filter(pk__in=forms).count():
        return [Problem("goal.filter.form", "NOT_FOUND", _("This form does not exist any more."))]
    return []
