"""What a token may do: Baton's scopes, the HubSpot names that mean the same, and the rights they add up to."""

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ALL = "*"
READ_WRITE = ("read", "write")

# Resource -> what the settings page calls it. Each has .read and .write; write includes read.
RESOURCES: dict[str, str | Promise] = {
    "contacts": _("Contacts and their activities"),
    "companies": _("Companies"),
    "deals": _("Deals"),
    "tickets": _("Tickets"),
    "products": _("Products"),
    "line_items": _("Line items"),
    "quotes": _("Quotes"),
    "custom": _("Custom objects"),
    "owners": _("Owners"),
    "schemas": _("Properties, pipelines and object types"),
    "segments": _("Lists"),
    "forms": _("Forms"),
    "emails": _("E-mails"),
    "content": _("Content"),
    "workflows": _("Workflows"),
    "events": _("Events"),
    "consent": _("Consent"),
    "files": _("Files"),
    "webhooks": _("Webhooks"),
    "users": _("Users and teams"),
    "settings": _("Account settings"),
}
# Scopes that are one right, not two.
SINGLE: dict[str, str | Promise] = {"crm.export": _("Export records"), "crm.import": _("Import records")}

OBJECTS = {  # object type -> the resource that opens it; an object type that is not here is a custom one
    "contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets", "product": "products", "line_item": "line_items", "quote": "quotes",
    "note": "contacts", "call": "contacts", "meeting": "contacts", "task": "contacts", "email": "contacts", "communication": "contacts", "*": "custom",
}  # fmt: skip
AREAS = {  # area of the product -> the resource that opens it
    "segments": "segments", "scoring": "segments", "workflows": "workflows", "emails": "emails", "messages": "emails", "forms": "forms", "content": "content",
    "settings": "settings", "users": "users", "tokens": "",
}  # fmt: skip

# HubSpot's names that are no `crm.objects.<resource>.<verb>` -> ours. Several give several.
HUBSPOT: dict[str, tuple[str, ...]] = {
    "tickets": ("tickets.write",),
    "e-commerce": ("products.write", "line_items.write"),
    "forms": ("forms.write",),
    "forms-uploaded-files": ("files.read",),
    "external_integrations.forms.access": ("forms.write",),
    "automation": ("workflows.write",),
    "automation.sequences.read": ("workflows.read",),
    "content": ("emails.write",),
    "marketing-email": ("emails.write",),
    "marketing.campaigns.read": ("emails.read",),
    "marketing.campaigns.write": ("emails.write",),
    "transactional-email": ("emails.write",),
    "timeline": ("events.write",),
    "behavioral_events.event_definitions.read_write": ("events.write",),
    "analytics.behavioral_events.send": ("events.write",),
    "business-intelligence": ("events.read",),
    "sales-email-read": ("contacts.read",),
    "crm.lists.read": ("segments.read",),
    "crm.lists.write": ("segments.write",),
    "communication_preferences.read": ("consent.read",),
    "communication_preferences.write": ("consent.write",),
    "communication_preferences.read_write": ("consent.write",),
    "communication_preferences.statuses.read": ("consent.read",),
    "communication_preferences.statuses.write": ("consent.write",),
    "files": ("files.write",),
    "files.ui_hidden.read": ("files.read",),
    "settings.users.read": ("users.read",),
    "settings.users.write": ("users.write",),
    "settings.users.teams.read": ("users.read",),
    "settings.users.teams.write": ("users.write",),
    "settings.currencies.read": ("settings.read",),
    "settings.currencies.write": ("settings.write",),
    "account-info.security.read": ("settings.read",),
    "accounting": ("quotes.read",),
    "oauth": (),  # may sign in, and nothing else
}
OWN = frozenset({ALL, *SINGLE, *(f"{resource}.{verb}" for resource in RESOURCES for verb in READ_WRITE)})


def ours(scope: str) -> tuple[str, ...] | None:
    """Baton's scopes for one of either's names (crm.objects.contacts.read, crm.schemas.deals.write, tickets …); None: there is no such scope."""
    if scope in OWN:
        return (scope,)
    if scope in HUBSPOT:
        return HUBSPOT[scope]
    for before in ("crm.objects.", "crm.schemas.", "crm.pipelines."):
        resource, _, verb = scope.removeprefix(before).partition(".")
        if scope.startswith(before) and resource.replace("-", "_") in RESOURCES and verb in READ_WRITE:
            return (f"{resource}.{verb}" if before == "crm.objects." else f"schemas.{verb}",)
    return None


def allow(held: Iterable[str], scope: str) -> bool:
    """Whether a token with the scopes `held` may do what needs `scope`; both in either's names. Raises KeyError for a scope there is none of."""
    needed = ours(scope)
    if needed is None:
        raise KeyError(scope)
    mine = _ours(held)
    return all(_has(mine, name) for name in needed)


def granted(held: Iterable[str]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The rights these scopes add up to, as a role has them: by object type, and by area. A token owns nothing, so each is all or none."""
    mine = _ours(held)
    export, bring = _has(mine, "crm.export"), _has(mine, "crm.import")
    objects = {}
    for object_type, resource in OBJECTS.items():
        read, write = _has(mine, f"{resource}.read"), _has(mine, f"{resource}.write")
        objects[object_type] = {
            **dict.fromkeys(("create", "edit", "delete", "merge"), _all(write)),
            "view": _all(read),
            "export": _all(read and export),
            "import": _all(write and bring),
        }
    areas = {area: _level(mine, resource) for area, resource in AREAS.items()}
    return objects, areas


def _ours(held: Iterable[str]) -> set[str]:
    return {name for given in held for name in ours(given) or ()}


def _has(mine: set[str], name: str) -> bool:
    """Who may write may read."""
    return ALL in mine or name in mine or (name.endswith(".read") and f"{name.removesuffix('read')}write" in mine)


def _all(allowed: bool) -> str:
    return "all" if allowed else "none"


def _level(mine: set[str], resource: str) -> str:
    if not resource:
        return "edit" if ALL in mine else "none"
    return "edit" if _has(mine, f"{resource}.write") else "view" if _has(mine, f"{resource}.read") else "none"
