"""Deliverability: whether mail reaches its inbox. Bounces and complaints against the limits of the large providers, the sending domains, DMARC reports."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from baton.accounts import permissions
from baton.messaging import outbox
from baton.messaging.deliverability import brake, dmarc, health
from baton.messaging.deliverability.dmarc import Source
from baton.messaging.deliverability.health import Rate
from baton.messaging.models import Campaign, SendingDomain

from ..page import Page, allow
from ..parts import campaign_words, dns_rows

BRAKE = "brake_"
SHOWN = 8  # campaigns and sources that are named
MANY = 1_000_000  # sources: all of them are counted
TONES = {"ok": "good", "warn": "warn", "bad": "bad", "unknown": ""}
STATES: dict[str, str | Promise] = {"ok": _("good"), "warn": _("watch"), "bad": _("too many"), "unknown": _("too few to tell")}
KINDS: dict[str, str | Promise] = {"campaign": _("Campaigns"), "workflow": _("Workflows"), "single": _("Single mails")}


class Deliverability(Page):
    key = "deliverability"
    label = _("Deliverability")
    icon = "mail-check"
    group = "marketing"
    order = 45
    area = "emails"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("deliverability/", page)]


@allow("emails", "view")
def page(request: HttpRequest) -> HttpResponse:
    found, stopped = health.look(), _stopped()
    context = {
        "label": Deliverability.label, "days": health.DAYS, "all": _rate(found.all), "domains": [_rate(rate) for rate in found.domains[:20]],
        "receivers": [_rate(rate, str(campaign_words.place(rate.name))) for rate in found.receivers[:20]],
        "kinds": [_rate(rate, str(KINDS[rate.name])) for rate in found.kinds],
        "seen": [{"one": one, "words": KINDS[one.kind], "why": one.finding.text} for one in brake.seen()],
        "stopped": [{"campaign": one, "why": outbox.reason(one.stopped_for)} for one in stopped[:SHOWN]], "more_stopped": len(stopped) > SHOWN,
        "senders": _senders(),
        "limits": {"warn": health.COMPLAINTS_WARN, "stop": health.COMPLAINTS_STOP, "bounces_warn": health.BOUNCES_WARN, "bounces_stop": health.BOUNCES_STOP},
        "may_set": permissions.can(request.user, "settings", "view"),
    }  # fmt: skip
    return render(request, "deliverability/page.html", context)


def _stopped() -> list[Campaign]:
    """Those the brake holds now, the newest first: one more than is shown."""
    return list(Campaign.objects.filter(state="paused", stopped_for__startswith=BRAKE, archived_at=None).order_by("-updated_at")[: SHOWN + 1])


def _senders() -> list[dict[str, Any]]:
    rows = list(SendingDomain.objects.order_by("name")[:50])
    names = [row.name for row in rows]
    sources, latest = dmarc.sources(names, most=MANY), dmarc.latest(names)
    return [_sender(row, sources[row.name], latest.get(row.name)) for row in rows]


def _sender(row: SendingDomain, sources: list[Source], latest: datetime | None) -> dict[str, Any]:
    total, passed = sum(s.count for s in sources), sum(s.passed for s in sources)
    rest = sources[SHOWN:]
    others = Source("", sum(s.count for s in rest), sum(s.passed for s in rest), sum(s.turned_away for s in rest))
    return {
        "domain": row, **dns_rows.whole(row), "sources": [_source(s) for s in sources[:SHOWN]], "others": _source(others) if rest else None, "rest": len(rest),
        "total": total, "share": passed / total if total else None, "latest": latest,
    }  # fmt: skip


def _source(source: Source) -> dict[str, Any]:
    return {"source": source, "share": source.passed / source.count if source.count else 0}


def _rate(rate: Rate, name: str | None = None) -> dict[str, Any]:
    return {
        "name": rate.name if name is None else name, "rate": rate, "bounce_tone": TONES[rate.bounce_state], "bounce_word": STATES[rate.bounce_state],
        "complaints": f"{rate.complaints * 100:.2f}%", "complaint_tone": TONES[rate.complaint_state], "complaint_word": STATES[rate.complaint_state],
    }  # fmt: skip
