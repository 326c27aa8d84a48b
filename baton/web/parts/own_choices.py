"""What the public pages about people's own choices have in common: their language, their headers, what is kept as proof."""

from contextlib import AbstractContextManager
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from baton.accounts import users
from baton.crm.models import Contact
from baton.forms import spam
from baton.messaging.consent import preferences, subscriptions

LANGUAGES = (("ko", "한국어"), ("en", "English"))


def speaking(request: HttpRequest, contact: Contact) -> AbstractContextManager[Any]:
    """The language that is asked for in the address (`?language=en`), else the reader's own, else that of his browser."""
    asked = request.GET.get("language", "")
    if asked in subscriptions.LANGUAGES:
        return translation.override(asked)
    if "Accept-Language" not in request.headers:
        return preferences.in_language(contact)
    return translation.override(translation.get_language())


def page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A public page that is nobody's to find, keep or pass on."""
    response = render(request, template, {"sender": users.account(), "languages": LANGUAGES, "language": translation.get_language(), **context}, status=status)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"  # the address of this page is the person's own key
    response["X-Robots-Tag"] = "noindex"
    response["Content-Language"] = translation.get_language() or "ko"
    return response


def proof(request: HttpRequest) -> dict[str, Any]:
    """What is kept of a press of the button: where, in which language, from which network, with which program."""
    return {
        "page": "preferences", "language": translation.get_language(), "network": spam.network(request.META.get("REMOTE_ADDR", "")),
        "browser": request.headers.get("User-Agent", "")[:300],
    }  # fmt: skip
