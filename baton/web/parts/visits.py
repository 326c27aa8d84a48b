"""Where a contact came from, and his visits, as his record shows them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.crm import properties
from baton.events import visits
from baton.events.sources import CLASSES

ICONS = {
    "direct": "mouse-pointer-click", "organic_search": "search", "paid_search": "search", "organic_social": "message-circle", "paid_social": "message-circle",
    "email": "mail", "referral": "link", "ai_referral": "sparkles", "display": "image", "messaging": "message-square", "other_campaign": "megaphone",
    "offline": "user-round",
}  # fmt: skip
MADE = {
    "import": gettext_lazy("Import"), "page": gettext_lazy("entered by hand"), "api": gettext_lazy("API"), "workflow": gettext_lazy("Workflow"),
    "form": gettext_lazy("Form"), "merge": gettext_lazy("Merge"),
}  # fmt: skip


def label(source: str) -> str:
    """A class in words."""
    return properties.option_label(properties.definitions("contact")["original_source"], source) if source in CLASSES else source


def detail(source: str, one: str, two: str) -> str:
    """The two details in one line."""
    if source == "offline":
        one = str(MADE.get(one, one))
    if source == "direct":
        one = ""
    return " · ".join(part for part in (one, two) if part)


def card(contact_id: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the card needs; one statement."""
    found = visits.counts(contact_id)
    sources = []
    for which, title in (("original", _("First source")), ("latest", _("Latest source"))):
        source = str(values.get(f"{which}_source") or "")
        if source:
            said = detail(source, str(values.get(f"{which}_source_1") or ""), str(values.get(f"{which}_source_2") or ""))
            sources.append({"title": title, "icon": ICONS[source], "label": label(source), "detail": said})
    tags = [str(values[f"first_{name}"]) for name in ("utm_source", "utm_medium", "utm_campaign") if values.get(f"first_{name}")]
    first = str(values.get("first_url") or "")
    return {
        "sources": sources, "counts": found, "campaign": " / ".join(tags), "landing": first, "landing_words": short(first),
        "referrer": values.get("first_referrer", ""), "referrer_words": short(str(values.get("first_referrer") or "")),
    }  # fmt: skip


def short(url: str) -> str:
    """An address without its scheme and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return f"{parts.netloc}{parts.path.rstrip('/')}" or url


def rows(contact_id: int, before: tuple[Any, int] | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """Visits as the list shows them."""
    return [
        {
            "visit": v, "icon": ICONS.get(v.source, "mouse-pointer-click"), "label": label(v.source), "detail": detail(v.source, v.detail_1, v.detail_2),
            "landing": short(v.landing), "minutes": (v.ended_at - v.started_at).total_seconds() // 60,
        }
        for v in visits.page(contact_id, before=before, limit=limit)
    ]  # fmt: skip
