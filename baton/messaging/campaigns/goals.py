"""Conversions of a campaign: who came to fulfil a filter within some days of getting the mail. What was so before the mail does not count.

Stored as {"filter": stored filter, "days": n}. Of happenings (a form was sent, a page was seen) those after the mail count; of lasting facts (a stage, a
list) that they hold now.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from baton.messaging.models import Campaign
from baton.platform import clock, sql
from baton.platform.errors import Invalid, Problem
from baton.segments import catalog, filter, meanwhile

DAYS = 7  # usual
LONGEST = 90
STEP = 5_000  # messages of one statement


def reached(campaign: Campaign) -> dict[str, int]:
    """How many people of each variant converted."""
    found: dict[str, int] = {}
    for variant, _contact_id in converted(campaign):
        found[variant] = found.get(variant, 0) + 1
    return found


def converted(campaign: Campaign) -> Iterator[tuple[str, int]]:
    """(variant, contact) of those who converted; reads the messages in steps."""
    stored = campaign.goal.get("filter")
    if not stored:
        return
    length, now = timedelta(days=float(campaign.goal.get("days") or DAYS)), clock.now()
    for part in _sent(campaign):
        spans = {contact: (at, min(at + length, now)) for contact, _variant, at in part}
        try:
            did = meanwhile.among(stored, list(spans), "contact", now, spans)
        except Invalid:  # what the goal asks about was deleted: nobody reaches it any more
            return
        yield from ((variant, contact) for contact, variant, _at in part if contact in did)


def _sent(campaign: Campaign) -> Iterator[list[tuple[int, str, datetime]]]:
    last = 0
    while part := sql.rows(
        "SELECT contact_id, variant, sent_at, id FROM message WHERE campaign_id = %s AND id > %s AND sent_at IS NOT NULL ORDER BY id LIMIT %s",
        [campaign.pk, last, STEP],
    ):
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
    try:
        filter.parse(stored.get("filter") or {}, catalog.current(), object_type="contact")
    except Invalid as error:
        found += [Problem("goal.filter" + (f".{p.path}" if p.path not in ("", "filter") else ""), p.code, p.message) for p in error.problems]
    return found
