"""What a role may do, area by area: this table and nothing else decides."""

from typing import Any, Literal

from django.utils.translation import gettext as _

from baton.accounts.models import Role
from baton.platform.errors import Forbidden

Level = Literal["view", "edit"]

# Letters: v may see, e may see and change, - neither.
#                admin marketing sales viewer
RIGHTS = {
    "contacts": ("e", "e", "e", "v"),
    "companies": ("e", "e", "e", "v"),
    "deals": ("e", "v", "e", "v"),
    "tickets": ("e", "v", "e", "v"),
    "segments": ("e", "e", "v", "v"),
    "scoring": ("e", "e", "v", "v"),
    "workflows": ("e", "e", "v", "v"),
    "emails": ("e", "e", "v", "v"),
    "forms": ("e", "e", "v", "v"),
    "messages": ("e", "e", "v", "v"),
    "settings": ("e", "v", "v", "-"),
    "exports": ("e", "e", "-", "-"),
    "users": ("e", "-", "-", "-"),
    "tokens": ("e", "-", "-", "-"),
}
COLUMNS = (Role.ADMIN, Role.MARKETING, Role.SALES, Role.VIEWER)


def can(user: Any, area: str, level: Level = "view") -> bool:
    """May this user see (`view`) or change (`edit`) things of an area? Nobody is signed in: never. Raises KeyError for an unknown area."""
    rights = RIGHTS[area]
    if not getattr(user, "is_authenticated", False) or not user.is_active or user.role not in COLUMNS:
        return False
    return rights[COLUMNS.index(user.role)] in ("e" if level == "edit" else "ve")


def require(user: Any, area: str, level: Level = "view") -> None:
    """Raises Forbidden unless `can`."""
    if not can(user, area, level):
        raise Forbidden(_("You do not have the right to do this. An administrator can give it to you."))
