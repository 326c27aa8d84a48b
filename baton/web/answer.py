"""How views answer htmx: which part was asked for, toasts with a way back, and form faults under their fields."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse

from baton.platform.errors import Invalid


def targets(request: HttpRequest, part: str) -> bool:
    """Whether htmx asks only for the part of the page with this id (it sends `div#id`)."""
    return request.headers.get("HX-Target", "").endswith(f"#{part}")


def toast(response: HttpResponse, text: str, undo: dict[str, Any] | None = None, *, tell: str = "") -> HttpResponse:
    """Show a short message; `undo` is {"url", "target", "values"[, "swap"]} of the request that takes the change back.

    `tell` is the event by which a part of the page asks for its rows again (records-changed …). Words beyond ASCII are escaped: headers carry ASCII only.
    """
    response["HX-Trigger"] = json.dumps({"toast": {"text": text, "undo": undo}} | ({tell: True} if tell else {}))
    return response


def done(text: str, undo: dict[str, Any] | None = None, *, tell: str = "") -> HttpResponse:
    """Nothing to swap, only a message; `undo` and `tell` as in `toast`."""
    response = toast(HttpResponse(), text, undo, tell=tell)
    response["HX-Reswap"] = "none"
    return response


def go(url: str) -> HttpResponse:
    """Nothing to swap: the browser opens another page."""
    response = HttpResponse(status=204)
    response["HX-Redirect"] = url
    return response


def faults(error: Invalid) -> dict[str, str]:
    """First fault of each field, by the last part of its path: {"email": "…"}."""
    found: dict[str, str] = {}
    for problem in error.problems:
        found.setdefault(problem.path.rpartition(".")[2], problem.message)
    return found
