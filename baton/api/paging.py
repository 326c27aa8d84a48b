"""Pages of a listing, by id: walking meets every row once although others are written meanwhile."""

from typing import Any

from django.http import HttpRequest

from baton.api.errors import Failure
from baton.platform.config import config

LARGEST = 2**63 - 1  # an id


def limit(given: str | None, *, most: int, default: int) -> int:
    """How many rows to answer: more than `most` is `most`. Raises Failure 400 for what is no positive number."""
    if given is None or given in ("", "null"):
        return default
    if not (given.isascii() and given.isdigit()) or int(given[:20]) < 1:
        raise _wrong("limit", "a positive number", given)
    return min(int(given[:20]), most)


def after(given: str | None) -> int:
    """The id to go on after; absent, "", null and 0 mean the first page. Raises Failure 400 for what Baton never gave."""
    if given is None or given in ("", "null", "None"):
        return 0
    if not (given.isascii() and given.isdigit()) or int(given[:20]) > LARGEST:
        raise _wrong("after", "the value of paging.next.after", given)
    return int(given)


def page(request: HttpRequest, rows: list[dict[str, Any]], next_after: int | None) -> dict[str, Any]:
    """The answer of a listing. `next_after` is the last id of this page, or None when there is nothing more."""
    body: dict[str, Any] = {"results": rows}
    if next_after is not None:
        query = request.GET.copy()
        query["after"] = str(next_after)
        body["paging"] = {"next": {"after": str(next_after), "link": f"{config().url}{request.path}?{query.urlencode()}"}}
    return body


def _wrong(name: str, expected: str, given: str) -> Failure:
    return Failure(400, "VALIDATION_ERROR", f"{name}: expected {expected}, got {given[:50]!r}", errors=[{"message": f"Invalid {name}", "in": name}])
