"""The contract of a settings page: a file pages/settings_<what>.py with one such class. The index finds its card by itself."""

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from baton.accounts import permissions
from baton.accounts.models import User
from baton.accounts.rights import Level

from .page import Page, pages

GROUPS: dict[str, str | Promise] = {
    "you": _("You"),
    "people": _("People and rights"),
    "data": _("Records"),
    "messages": _("Messages and consent"),
    "company": _("Company and programs"),
}


class SettingsPage(Page):
    """One page below /settings/. Copy settings_account.py to begin a new one."""

    slug: ClassVar[str]  # /settings/<slug>/
    about: ClassVar[str | Promise]  # one sentence on the card
    glyph: ClassVar[str]  # a Lucide name; `icon` stays empty, since the page is not in the navigation
    section: ClassVar[str] = "company"  # a key of GROUPS
    level: ClassVar[Level] = "view"  # what a user must be able to do with `area` to see the card

    @classmethod
    def address(cls) -> str:
        return f"/settings/{cls.slug}/"

    @classmethod
    def fact(cls) -> str:
        """A few words on the card: how many there are …"""
        return ""


def cards(user: User) -> list[tuple[str | Promise, list[type[SettingsPage]]]]:
    """The pages this user may open, by group; a group without pages is left out."""
    found = [page for page in pages().values() if issubclass(page, SettingsPage)]
    mine = sorted((page for page in found if not page.area or permissions.can(user, page.area, page.level)), key=lambda page: (page.order, page.slug))
    groups = [(label, [page for page in mine if page.section == group]) for group, label in GROUPS.items()]
    return [(label, rows) for label, rows in groups if rows]
