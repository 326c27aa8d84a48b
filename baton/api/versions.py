"""One path for every resource: HubSpot's version schemes and the slash at a path's end are taken away before a route is looked for.

HubSpot names the same resources by number (`/crm/v3/objects/…`, `/crm/v4/objects/…`) and by date (`/crm/objects/2026-03/…`); clients use all of
them. A redirect would lose the body of a POST, so the path is rewritten in place; what a resource reads from the request stays as it was sent.
"""

import re
from typing import Any

from django.urls.resolvers import RoutePattern

_DATE = r"(?:\d{4}-\d{2}(?:-beta)?)"
_ANY = rf"(?:v\d|{_DATE})"
# (what is asked for, the path Baton knows it by); the first that fits decides.
_RULES: list[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), put)
    for pattern, put in (
        (rf"crm/objects/(?:v4|{_DATE})/([^/]+)/([^/]+)/associations(?=/|$)", r"crm/v4/objects/\1/\2/associations"),
        (r"crm/v4/objects/([^/]+)/([^/]+)/associations(?=/|$)", r"crm/v4/objects/\1/\2/associations"),
        (rf"crm/objects/{_ANY}/", "crm/v3/objects/"),
        (r"crm/v4/objects/", "crm/v3/objects/"),
        (r"crm/associations/v3/", "crm/v3/associations/"),
        (rf"crm/associations/(?:v4|{_DATE})/", "crm/v4/associations/"),
        (rf"crm/(properties|lists|pipelines|owners|imports|exports|schemas)/{_ANY}(?=/|$)", r"crm/v3/\1"),
        (rf"crm-object-schemas/{_ANY}/schemas(?=/|$)", "crm/v3/schemas"),
        (rf"events/event-occurrences/{_DATE}(?=/|$)", "events/v3/events"),
        (rf"events/{_DATE}/", "events/v3/"),
        (rf"marketing/(forms|emails)/{_DATE}(?=/|$)", r"marketing/v3/\1"),
        (rf"communication-preferences/{_DATE}/", "communication-preferences/v4/"),
        (rf"(account-info|settings|automation)/{_DATE}/", r"\1/v3/"),
        (rf"oauth/{_DATE}/token", "oauth/v1/token"),
    )
]


def canonical(path: str) -> str:
    """The path without its leading slash, as the routes of the API are written."""
    path = path[:-1] if path.endswith("/") else path
    for pattern, put in _RULES:
        made, found = pattern.subn(put, path, count=1) if pattern.match(path) else (path, 0)
        if found:
            return made
    return path


class AnyVersion(RoutePattern):
    """A URL pattern that fits every path and hands it on in its canonical form."""

    def __init__(self) -> None:
        super().__init__("", is_endpoint=False)

    def match(self, path: str) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        return canonical(path), (), {}
