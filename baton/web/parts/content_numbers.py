"""Numbers of content on pages: read as counted, counted anew while that is quickly done; and the people behind each."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from baton.content import addresses, counts, gate
from baton.content.models import Asset, AssetCount, LandingPage
from baton.events.vocabulary import Kind
from baton.platform import clock
from baton.segments import patience

from . import packed

STALE = timedelta(minutes=2)  # older numbers are counted anew
PATIENCE = 200  # milliseconds for it; else the job's numbers are shown, which are up to 15 minutes old
Subject = Asset | LandingPage


def numbers(subjects: Collection[Subject]) -> dict[int, AssetCount]:
    """The numbers of these, each with a row."""
    ids = [one.pk for one in subjects]
    found = counts.of(ids)
    now = clock.now()
    stale = [one for one in subjects if one.pk not in found or now - found[one.pk].counted_at > STALE]
    if stale and patience.rows(counts.COUNT, counts.asked(stale), milliseconds=PATIENCE) is not None:
        found = counts.of(ids)
    return {pk: found.get(pk) or AssetCount(subject_id=pk, counted_at=now) for pk in ids}


def people(subject: Subject) -> dict[str, str]:
    """Where the contacts behind a number are listed: `views`, `used`, `known`, `answers`; only numbers that have any."""
    seen = [_about(kind, value) for kind, value in addresses.of(subject) if kind == Kind.PAGE_VIEW]
    used = [_about(kind, value) for kind, value in addresses.of(subject) if kind != Kind.PAGE_VIEW]
    sent = []
    if isinstance(subject, Asset) and subject.form_id:
        sent = [_sent(subject.form_id, page) for page in (gate.address(subject), subject.url) if page]
    elif isinstance(subject, LandingPage) and subject.published is not None:
        sent = [
            _sent(block["form"], addresses.page_address(subject)) for block in subject.published.content["blocks"] if block["kind"] == "form" and block["form"]
        ]
    found = {"views": seen, "used": used, "known": [*seen, *used], "answers": sent}
    return {name: packed.url("contact", tests[0] if len(tests) == 1 else {"any": tests}) for name, tests in found.items() if tests}


def _about(kind: Kind, value: str) -> dict[str, Any]:
    if kind in (Kind.PAGE_VIEW, Kind.DOWNLOAD):
        name = "page_viewed" if kind == Kind.PAGE_VIEW else "downloaded"
        return {"condition": name, "address": value, "match": "is", "days": counts.DAYS}
    return {"condition": "event", "event": kind.word, "about": value, "match": "is", "days": counts.DAYS}


def _sent(form: int, page: str) -> dict[str, Any]:
    test = {"property": "page", "operator": "starts_with", "value": page}
    return {"condition": "event", "event": "form_submission", "about": str(form), "match": "is", "tests": [test], "days": counts.DAYS}
