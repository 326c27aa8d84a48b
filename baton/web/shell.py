"""What every page shows around its content: navigation, account, user, thresholds of the score."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from baton.accounts import permissions, roles, users
from baton.accounts.models import User
from baton.segments.models import ScoreModel

from .page import Item, Page, pages

GROUPS: dict[str, str | Promise] = {
    "": "",
    "customers": _("Customers"),
    "marketing": _("Marketing"),
    "automation": _("Automation"),
    "analytics": _("Analytics"),
}
LANGUAGES = (("ko", "한국어"), ("en", "English"))  # each in its own words
UNSCORED = (35, 65)  # thresholds shown before a score model exists


def context(request: HttpRequest) -> dict[str, Any]:
    """Nothing here asks the database until a template uses it: fragments need hardly any of it."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    nav = _once(lambda: navigation(user) if signed_in else [])  # type: ignore[arg-type]  # signed in: a real user
    return {
        "account": users.account if signed_in else None,
        "role_name": _once(lambda: roles.name(user.role) if signed_in else ""),  # type: ignore[union-attr]  # signed in: a real user
        "nav": nav,
        "tabs": _once(lambda: phone_tabs(nav())),
        "section": section(request.path),
        "thresholds": _once(lambda: dict(zip(("mql", "sql"), thresholds(), strict=True))),
        "language": (get_language() or "ko")[:2],
        "languages": LANGUAGES,
    }


def section(path: str) -> str:
    """Which line of the navigation an address belongs to: /contacts/7/ to contacts, /objects/products/ to objects/products."""
    steps = path.split("/")[1:]
    return "/".join(steps[:2]) if steps[0] == "objects" else steps[0] or "home"


def _once(compute: Callable[[], Any]) -> Callable[[], Any]:
    return cache(compute)


def allowed(user: User) -> list[type[Page]]:
    """The pages of the navigation this user may view, in order."""
    found = [p for p in pages().values() if p.icon and (not p.area or permissions.can(user, p.area, "view"))]
    return sorted(found, key=lambda p: (list(GROUPS).index(p.group), p.order))


def navigation(user: User) -> list[tuple[str | Promise, list[Item]]]:
    """Groups in order with their items; a group without items is left out."""
    items: dict[str, list[Item]] = {}
    for page in allowed(user):
        items.setdefault(page.group, []).extend(page.items(user))
    return [(GROUPS[group], rows) for group, rows in items.items() if rows]


def phone_tabs(nav: list[tuple[str | Promise, list[Item]]]) -> list[Item]:
    """The tab bar of phones: four of the navigation's items at most."""
    return [item for _group, items in nav for item in items if item.on_phone][:4]


def thresholds() -> tuple[int, int]:
    """Points from which the score that tables show is coloured as an MQL's and an SQL's: where its first and its last band begin."""
    bands = ScoreModel.objects.filter(object_type="contact", archived_at=None).values_list("bands", flat=True).first()
    return (int(bands[0]["at_least"]), int(bands[-1]["at_least"])) if bands else UNSCORED
