"""The web site: where visits and contacts come from, which pages are read and by whom, and links with campaign words."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from baton.analytics import periods, website
from baton.analytics.website import Row
from baton.content import links as short_links
from baton.crm import life
from baton.events.sources import CLASSES
from baton.platform.errors import Invalid

from ..answer import targets
from ..page import Page, actor, allow
from ..parts import campaign_link, packed, visits

DAYS = (7, 30, 90, 365)
TABS = (("", gettext_lazy("Sources")), ("pages/", gettext_lazy("Web pages")), ("links/", gettext_lazy("Campaign links")))


class Website(Page):
    key = "website"
    label = gettext_lazy("Website")
    icon = "globe"
    group = "analytics"
    order = 20
    area = "contacts"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("website/", sources), path("website/pages/", pages), path("website/links/", links), path("website/links/short/", shorten)]


def _frame(request: HttpRequest, tab: str) -> dict[str, Any]:
    given = request.GET.get("days", "")
    days = int(given) if given.isdigit() and int(given) in DAYS else 30
    first = periods.today() - timedelta(days=days - 1)
    return {
        "tab": tab, "days": days, "since": periods.at(first), "until": periods.at(periods.today() + timedelta(days=1)), "first": first,
        "spans": [(n, _("{n} days").format(n=n), n == days) for n in DAYS],
        "views": [(f"/website/{place}", label, place == tab) for place, label in TABS],
        "params": _params(days=given),
    }  # fmt: skip


def _params(**words: str) -> QueryDict:
    found = QueryDict(mutable=True)
    found.update({name: word for name, word in words.items() if word})
    return found


@require_GET
@allow("contacts", "view")
def sources(request: HttpRequest) -> HttpResponse:
    """Classes; with `?source=` the details of one. Every number of contacts opens them."""
    frame = _frame(request, "")
    source = request.GET.get("source", "")
    source = source if source in CLASSES else ""
    frame["params"].update(_params(source=source))
    stages = [(key, life.by_key()[key]) for key in website.REACHED if key in life.by_key()]
    rows = website.by_source(frame["since"], frame["until"], source)
    shown = [_row(row, source, frame, [key for key, _stage in stages]) for row in rows[: website.MOST]]
    total = {"visits": sum(row.visits for row in rows), "contacts": sum(row.contacts for row in rows)}
    most = max((row.visits for row in rows), default=0) or 1
    for one in shown:
        one["bar"] = round(one["visits"] / most * 100)
    context = frame | {
        "rows": shown, "stages": [stage.label for _key, stage in stages], "source": source, "source_label": visits.label(source) if source else "",
        "total": total, "left": max(0, len(rows) - website.MOST),
    }  # fmt: skip
    return render(request, "website/sources.html", context)


def _row(row: Row, source: str, frame: dict[str, Any], stages: list[str]) -> dict[str, Any]:
    known: list[dict[str, Any]] = [
        {"condition": "property", "property": "created_at", "operator": "between", "value": [frame["first"].isoformat(), periods.today().isoformat()]}
    ]
    if source:
        known.append({"condition": "property", "property": "original_source", "operator": "is", "value": source})
    name = "original_source_1" if source else "original_source"
    asked = {"operator": "is", "value": row.key} if row.key else {"operator": "unknown"}
    known.append({"condition": "property", "property": name, **asked})
    reached = [((row.reached or {}).get(key, 0), {"condition": "stage", "stages": [key], "ever": True}) for key in stages]
    label = (visits.detail(source, row.key, "") or row.key or _("not told")) if source else visits.label(row.key) if row.key else _("Not known yet")
    return {
        "label": label, "icon": visits.ICONS.get(source or row.key, "circle-help"), "visits": row.visits, "visitors": row.visitors,
        "inside": row.key if not source and row.key else "", "contacts": row.contacts, "url": packed.url("contact", {"all": known}),
        "reached": [(n, packed.url("contact", {"all": [*known, more]})) for n, more in reached],
    }  # fmt: skip


@require_GET
@allow("contacts", "view")
def pages(request: HttpRequest) -> HttpResponse:
    """The pages read most, each with the people behind it; `?q=` searches addresses and titles. To htmx only the table."""
    frame = _frame(request, "pages/")
    asked = request.GET.get("q", "").strip()[:200].replace("\0", "")
    frame["params"].update(_params(q=asked))
    found = website.pages(frame["since"], frame["until"], words=asked.split()[:8])
    most = max((one.views for one in found), default=0) or 1
    period = {"since": frame["since"].isoformat(), "until": frame["until"].isoformat()}
    shown = [
        {
            "title": one.title or one.value,
            "read": one,
            "bar": round(one.views / most * 100),
            "url": packed.url("contact", {"condition": "page_viewed", "address": one.value, "match": "is", **period}),
        }
        for one in found
    ]
    context = frame | {"rows": shown, "q": asked, "most": website.MOST}
    return render(request, "website/pages_table.html" if targets(request, "pages-table") else "website/pages.html", context)


@require_GET
@allow("contacts", "view")
def links(request: HttpRequest) -> HttpResponse:
    """A link with campaign words, made while it is typed. The words used before are offered. To htmx only the result."""
    asked = _asked(request.GET)
    made = campaign_link.make(asked)
    if targets(request, "made-link"):
        return render(request, "website/made_link.html", {"made": made, "asked": asked})
    context = _frame(request, "links/") | {"asked": asked, "made": made, "known": campaign_link.known(), "fields": campaign_link.fields(asked)}
    return render(request, "website/links.html", context)


@require_POST
@allow("content", "edit")
def shorten(request: HttpRequest) -> HttpResponse:
    """Make the link a short one, whose clicks are counted."""
    asked = _asked(request.POST)
    made = campaign_link.make(asked)
    if not made.url:
        raise Invalid.one("url", "INVALID_URL", made.missing)
    short = short_links.create(asked["utm_campaign"] or asked["url"], made.url, actor=actor(request))
    return render(request, "website/made_link.html", {"made": made, "asked": asked, "short": short_links.address(short)})


def _asked(given: QueryDict) -> dict[str, str]:
    return {name: given.get(name, "").strip()[:500].replace("\0", "") for name in ("url", *campaign_link.FIELDS)}
