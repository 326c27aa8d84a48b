"""A quote to print or send: a page for whoever has its address, without signing in."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from baton.accounts import users
from baton.accounts.models import User
from baton.crm import associations, records, types
from baton.platform import signing
from baton.platform.errors import NotFound

from ..page import Page

ITEMS = 200  # lines of a quote


class Quote(Page):
    key = "quote"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("quotes/<str:token>/", show)]


def url(quote_id: int) -> str:
    """The address of a quote's page: nobody can guess it, and it stays the same."""
    return f"/quotes/{signing.make('quote', quote_id)}/"


@require_safe
def show(request: HttpRequest, token: str) -> HttpResponse:
    """The quote with its lines and their sum. A forged token, or that of an archived quote, is nothing we know (404)."""
    numbers = signing.read("quote", token)
    if numbers is None or len(numbers) != 1:
        raise NotFound(_("This link is not one of ours, or it is incomplete."))
    quote = records.get("quote", numbers[0])
    linked = {key: associations.of(quote.id, key) for key in ("line_item", "company", "contact", "deal")}
    if not linked["company"] and linked["deal"]:
        linked["company"] = associations.of(linked["deal"][0], "company")[:1]
    found = records.many("line_item", linked["line_item"][:ITEMS])
    lines = [found[id].properties for id in linked["line_item"] if id in found]
    context: dict[str, Any] = {
        "quote": quote.properties, "made": quote.created_at, "lines": lines, "account": users.account(),
        "total": sum(float(line.get("amount") or 0) for line in lines) if lines else quote.properties.get("amount"),
        "to": _names("company", linked["company"][:1]), "people": _names("contact", linked["contact"][:3]),
        "seller": User.objects.filter(pk=quote.owner_id, is_active=True).first() if quote.owner_id else None,
        "draft": quote.properties.get("status") in ("DRAFT", "PENDING_APPROVAL", "REJECTED"),
    }  # fmt: skip
    response = render(request, "quotes/page.html", context)
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"  # the address of this page is its key
    response["X-Robots-Tag"] = "noindex"
    return response


def _names(key: str, ids: list[int]) -> list[str]:
    rows = records.many(key, ids)
    return [types.title(key, rows[id].properties) for id in ids if id in rows]
