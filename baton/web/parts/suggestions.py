"""What an input of a filter may be filled with: pages, files, buttons that were seen last. A few, never all."""

from typing import Any

from baton.events.models import EventKey
from baton.events.vocabulary import Kind, key_kind
from baton.platform import clock
from baton.platform.config import config

MOST = 40
KINDS = {
    ("page_viewed", "address"): Kind.PAGE_VIEW,
    ("page_stayed", "address"): Kind.PAGE_VIEW,
    ("downloaded", "address"): Kind.DOWNLOAD,
    ("cta_clicked", "name"): Kind.CTA_CLICK,
}


def of(condition: str, field: str, stored: dict[str, Any]) -> tuple[str, ...]:
    """The newest things of the kind that a field names; () where anything may be typed."""
    kind = KINDS.get((condition, field))
    if condition == "event" and field == "about":
        kind = next((k for k in Kind if k.word == stored.get("event")), None)
    if kind is None:
        return ()
    rows = EventKey.objects.filter(kind=int(key_kind(kind))).exclude(value="").order_by("-pk").values_list("value", flat=True)[:MOST]
    return tuple(sorted(rows))


def today() -> str:
    """The account's day, as a date input writes it."""
    return clock.now().astimezone(config().zone).date().isoformat()
