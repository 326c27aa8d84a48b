"""The command palette: pages, and records of every type by a few letters, initial consonants, an address or the end of a phone number."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path

from baton.accounts import rights as access
from baton.accounts.models import User
from baton.crm import types
from baton.segments import finder
from baton.segments.finder import Hit

from .. import shell
from ..page import Item, Page, allow, user
from ..parts import initials
from ..parts.address import record_url

SHOWN = 10
LONGEST = 100  # letters that are looked for


@dataclass(frozen=True)
class Kind:
    """What was found of one object type."""

    key: str
    label: str
    icon: str
    hits: list[tuple[Hit, str]]  # with its address


class Palette(Page):
    key = "palette"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("palette/", results)]


@allow()
def results(request: HttpRequest) -> HttpResponse:
    """What the palette lists for `?q=`, only of what the reader may see; without a text all pages."""
    q = request.GET.get("q", "").strip()[:LONGEST].replace("\0", "")
    me = user(request)
    return render(request, "parts/palette.html", {"q": q, "pages": _pages(me, q.lower()), "kinds": _records(me, q) if q else []})


def _pages(me: User, q: str) -> list[Item]:
    items = [item for _group, rows in shell.navigation(me) for item in rows]
    return [i for i in items if not q or initials.found(q, str(i.label).lower())]


def _records(me: User, q: str) -> list[Kind]:
    found: dict[str, list[tuple[Hit, str]]] = {}
    for hit in finder.quick(q, rights=access.of(me), limit=SHOWN):
        found.setdefault(hit.object_type, []).append((hit, record_url(hit.object_type, hit.id)))
    known = types.known()
    return [Kind(key, types.label(known[key], plural=True), known[key].icon, hits) for key, hits in found.items()]
