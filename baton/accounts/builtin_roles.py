"""The four roles every Baton has. What people change of them is a row of Role; this is what they start as."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

FULL = dict(zip(("view", "create", "edit", "delete", "export", "merge", "import"), ["all"] * 7, strict=True))
READ = {**dict.fromkeys(FULL, "none"), "view": "all"}
TRADE = ("deal", "ticket", "product", "line_item", "quote")


@dataclass(frozen=True)
class Builtin:
    """A role as it comes with Baton."""

    label: str | Promise
    about: str | Promise
    rights: dict[str, dict[str, str]]  # as Role.rights
    areas: dict[str, str]  # as Role.areas


WORKSHOP = ("segments", "scoring", "workflows", "emails", "forms", "content", "messages")  # what marketing builds

BUILTIN = {
    "admin": Builtin(
        _("Administrator"),
        _("May do everything. This role cannot be changed, and one active administrator always stays."),
        {"*": FULL},
        dict.fromkeys((*WORKSHOP, "settings", "users", "tokens"), "edit"),
    ),
    "marketing": Builtin(
        _("Marketing"),
        _("Works with contacts and companies, builds lists, scores, workflows and mails; sees deals and tickets."),
        {"*": FULL, **{key: {**READ, "export": "all"} for key in TRADE}},
        {**dict.fromkeys(WORKSHOP, "edit"), "settings": "view"},
    ),
    "sales": Builtin(
        pgettext_lazy("role", "Sales"),
        _("Works with all records; sees what marketing builds. Exports nothing."),
        {"*": {**FULL, "export": "none"}},
        {**dict.fromkeys(WORKSHOP, "view"), "settings": "view"},
    ),
    "viewer": Builtin(_("Viewer"), _("Sees records and what marketing builds, and changes nothing."), {"*": READ}, dict.fromkeys(WORKSHOP, "view")),
}
