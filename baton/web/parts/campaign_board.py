"""What the page of a campaign that has begun shows: how far it is, its key numbers, the chart of opens over time, the A/B test; whole, and as live parts."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from baton.messaging.campaigns import ab, progress, put_off, reports, states
from baton.messaging.campaigns.reports import BACK, Numbers, Report
from baton.messaging.models import Campaign, Email
from baton.platform import clock

from ..templatetags.fmt import moment, num
from . import campaign_words as words

WIDTH, HEIGHT = 720, 150  # px of the chart
LATELY = 30  # people after whom a pace can be told
BARS = 48  # at most about so many


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of who opened and who clicked first in each stretch of time. `bars`: x, width, y and height of both, title."""

    bars: list[tuple[float, float, float, float, float, float, str]]
    heads: list[str]
    most: int
    table: list[tuple[str, int, int]]  # newest first
    hours: int  # of one bar
    width: int = WIDTH
    height: int = HEIGHT


def chart(report: Report) -> Chart | None:
    """None while nobody opened it."""
    if not report.by_hour or report.campaign.started_at is None:
        return None
    start: datetime = report.campaign.started_at
    last = max(hour for hour, _opened, _clicked in report.by_hour)
    size = next((size for size in (1, 3, 6) if last < 72 and last / size < BARS), 24)
    slots: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for hour, opened, clicked in report.by_hour:
        slots[hour // size][0] += opened
        slots[hour // size][1] += clicked
    count = max(last // size + 1, 8)
    most = max([1, *(max(pair) for pair in slots.values())])
    step = WIDTH / count
    bars, table = [], []
    for at in range(count):
        opened, clicked = slots.get(at, (0, 0))
        when = moment(start + timedelta(hours=at * size))
        tall, full = opened * HEIGHT / most, clicked * HEIGHT / most
        bars.append((round(at * step, 2), round(max(step - (3 if step > 8 else 1), 1), 2), round(HEIGHT - tall, 1), round(tall, 1), round(HEIGHT - full, 1),
                     round(full, 1), f"{when}: {num(opened)} · {num(clicked)}"))  # fmt: skip
        table.append((when, opened, clicked))
    heads = [table[0][0], table[count // 2][0], table[-1][0]]
    return Chart(bars, heads, most, [row for row in reversed(table) if row[1] or row[2]], size)


def standing(campaign: Campaign) -> dict[str, Any]:
    """How far it is, and what may be done with it."""
    label, tone = words.state(campaign)
    found = progress.of(campaign)
    return {
        "campaign": campaign, "label": label, "tone": tone, "progress": found, "busy": campaign.state in states.UNDER_WAY,
        "per_minute": round(found.rate * 60) if campaign.state in states.SENDS and found.done >= LATELY else 0,
        "stopped": words.reason(campaign.stopped_for) if campaign.stopped_for else "",
        "ends_at": ab.ends_at(campaign) if campaign.state == states.TESTING else None,
        "ends_with": clock.now() + found.left if found.left is not None else None,
        "put_off": put_off.of(campaign, found.states.get("queued", 0)), "held_back": put_off.held_back(campaign),
    }  # fmt: skip


def tiles(numbers: Numbers) -> list[dict[str, Any]]:
    """The key numbers, each with what it opens."""
    return [
        {"what": "delivered", "n": numbers.delivered, "rate": numbers.rate("delivered", "sent"), "of": "sent"},
        {"what": "opened", "n": numbers.n("opened"), "rate": numbers.rate("opened"), "machines": numbers.n("machine_opened")},
        {"what": "clicked", "n": numbers.n("clicked"), "rate": numbers.rate("clicked"), "machines": numbers.n("machine_clicked")},
        {"what": "clicked", "key": "cto", "n": None, "rate": numbers.rate("clicked", "opened")},
        {"what": "unsubscribed", "n": numbers.n("unsubscribed"), "rate": numbers.rate("unsubscribed"), "warn": True},
        {"what": "bounced", "n": numbers.bounced, "rate": numbers.rate("bounced", "sent"), "warn": True},
    ]


def outcome(numbers: Numbers) -> list[dict[str, Any]]:
    """What became of everybody in the audience, and why not."""
    rows = []
    for what, states_ in (
        ("delivered", ("sent", "delivered")),
        ("bounced", tuple(BACK)),
        ("skipped", ("skipped",)),
        ("unknown", ("unknown",)),
        ("cancelled", ("cancelled",)),
        ("deferred", ("queued", "claimed", "handing")),
    ):
        n = numbers.of(states_)
        if n or what in ("delivered", "bounced"):
            reasons = [(code, words.reason(code), k) for code, k in numbers.reasons(states_) if code] if what in ("bounced", "skipped", "unknown") else []
            rows.append({"what": what, "label": words.what(what), "n": n, "reasons": reasons})
    return rows


def did(numbers: Numbers) -> list[dict[str, Any]]:
    """What people did besides opening and clicking."""
    return [{"what": what, "label": words.what(what), "n": numbers.n(what)} for what in ("replied", "auto_replied", "complained")]


def ab_test(report: Report) -> dict[str, Any] | None:
    """How the A/B test stands, or how it ended; each variant with its numbers."""
    campaign = report.campaign
    if not campaign.test or len(report.variants) < 2:
        return None
    found = ab.standing(campaign)
    result = campaign.test.get("result") or {}
    mails = dict(Email.objects.filter(pk__in={variant.email_id for variant, _n in report.variants}).values_list("pk", "name"))
    subjects = dict(Email.objects.filter(pk__in=mails).values_list("pk", "subject"))
    sides = {side.key: side for side in found.sides}
    rows = [
        {"variant": variant, "key": variant.key, "subject": variant.subject or subjects.get(variant.email_id, ""), "mail": mails.get(variant.email_id, ""),
         "n": numbers, "rate": sides[variant.key].rate if variant.key in sides else numbers.rate("opened"),
         "opened_rate": numbers.rate("opened"), "clicked_rate": numbers.rate("clicked"),
         "better": variant.key == found.better, "given": variant.key == result.get("given")}
        for variant, numbers in report.variants
    ]  # fmt: skip
    metrics = {"opened": _("Opened"), "clicked": _("Clicked"), "converted": _("Converted")}
    return {
        "rows": rows,
        "found": found,
        "result": result,
        "running": campaign.state == "testing",
        "metric": metrics.get(str(campaign.test.get("metric") or "opened"), ""),
    }


def live_parts(campaign: Campaign, numbers: Numbers, *, may_edit: bool) -> dict[str, str]:
    """What changes while it is sent, by the id on the page."""
    context = {**standing(campaign), "may_edit": may_edit, "tiles": tiles(numbers), "outcome": outcome(numbers), "did": did(numbers)}
    return {
        "campaign-progress": render_to_string("campaigns/progress.html", context),
        "campaign-tiles": render_to_string("campaigns/tiles.html", context),
        "campaign-outcome": render_to_string("campaigns/outcome.html", context),
    }


def live_test(campaign: Campaign, *, may_edit: bool) -> dict[str, str]:
    """The same of its A/B test, which reads more: every message of the test."""
    found = ab_test(reports.of(campaign)) if campaign.test else None
    return {"test": render_to_string("campaigns/test.html", {"campaign": campaign, "test": found, "may_edit": may_edit})} if found else {}
