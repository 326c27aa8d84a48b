"""`/marketing/v3/emails/statistics`: what became of mails in a span of time, in all and by day. Opens and clicks are people's."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated, Any, cast

from django.http import HttpRequest
from ninja import Query, Router

from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import mail_words
from baton.api.hubspot.marketing_emails import _moment
from baton.crm.values import stamp
from baton.messaging import mail_counts
from baton.messaging.mail_counts import Unit
from baton.platform.config import config

router = Router(tags=["e-mails"])
PATH = "/marketing/v3/emails/statistics"
READ = Needs("emails.read")
Text = Annotated[str | None, Query(None)]
Ids = Annotated[list[str], Query(default_factory=list)]
Shape = dict[str, Any]
UNITS: dict[str, Unit] = {"HOUR": "hour", "DAY": "day", "WEEK": "week", "MONTH": "month", "QUARTER": "quarter", "YEAR": "year"}
LONGEST = timedelta(days=3700)


@router.get(f"{PATH}/list", auth=READ, response=Shape, summary="Sums of e-mails")
def listing(request: HttpRequest, emailIds: Ids, startTimestamp: Text = None, endTimestamp: Text = None) -> Shape:
    """For each mail and for all of them together; without `emailIds` every mail that something happened to."""
    since, until, ids = _asked(emailIds, startTimestamp, endTimestamp)
    counted = mail_counts.counts(ids, since, until)
    total = sum(counted.values(), Counter[str]())
    return {
        "emails": sorted(counted if ids is None else ids),
        "aggregate": mail_words.statistics(total),
        "campaignAggregations": {str(id): mail_words.statistics(found) for id, found in sorted(counted.items())},
    }


@router.get(f"{PATH}/histogram", auth=READ, response=Shape, summary="E-mails over time")
def histogram(request: HttpRequest, emailIds: Ids, startTimestamp: Text = None, endTimestamp: Text = None, interval: Text = None) -> Shape:
    """By hour, day, week ... on the account's clock; spans in which nothing happened are left out."""
    unit = UNITS.get((interval or "DAY").upper())
    if unit is None:
        raise Failure(400, "VALIDATION_ERROR", f"interval is one of {', '.join(UNITS)}, not {str(interval)[:50]}")
    since, until, ids = _asked(emailIds, startTimestamp, endTimestamp)
    zone = config().zone
    rows = [
        {
            "interval": {"start": stamp(begins.replace(tzinfo=zone)), "end": stamp(_next(begins, unit).replace(tzinfo=zone) - timedelta(milliseconds=1))},
            "aggregations": mail_words.statistics(found),
        }
        for begins, found in mail_counts.histogram(ids, unit, zone.key, since, until)
    ]
    return {"total": len(rows), "results": rows}


def _asked(ids: list[str], start: str | None, end: str | None) -> tuple[datetime, datetime, list[int] | None]:
    for name, given in (("startTimestamp", start), ("endTimestamp", end)):
        if not given:
            raise Failure(400, "VALIDATION_ERROR", f"Unable to parse value for query parameter: {name}")
    since, until = _moment(start), _moment(end)
    if not timedelta() < until - since <= LONGEST:
        raise Failure(400, "VALIDATION_ERROR", "endTimestamp must come after startTimestamp, at most ten years.")
    return since, until, [mail_words.number(id, "emailIds") for id in ids[:1000]] or None


def _next(begins: datetime, unit: Unit) -> datetime:
    match unit:
        case "hour":
            return begins + timedelta(hours=1)
        case "day":
            return begins + timedelta(days=1)
        case "week":
            return begins + timedelta(days=7)
    months = {"month": 1, "quarter": 3, "year": 12}[cast(str, unit)]
    place = begins.month - 1 + months
    return begins.replace(year=begins.year + place // 12, month=place % 12 + 1)
