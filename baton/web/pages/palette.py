"""The command palette: pages, contacts and companies by a few letters or initial consonants."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path

from baton.accounts import permissions
from baton.accounts.models import User
from baton.platform import sql
from baton.segments.scoring import first_model

from .. import shell
from ..page import Page, allow, user
from ..parts import contact_rows, initials

SHOWN = 6


class Palette(Page):
    key = "palette"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("palette/", results)]


@allow()
def results(request: HttpRequest) -> HttpResponse:
    """What the palette lists for `?q=`; without a text all pages."""
    q = request.GET.get("q", "").strip().lower()
    may = permissions.can(request.user, "contacts", "view")
    context = {"q": q, "pages": _pages(user(request), q), "people": _people(q) if may and q else []}
    return render(request, "parts/palette.html", context)


def _pages(me: User, q: str) -> list[shell.Item]:
    items = [item for _group, rows in shell.navigation(me) for item in rows]
    return [i for i in items if not q or initials.found(q, str(i.label).lower())]


def _people(q: str) -> list[contact_rows.Row]:
    """Contacts whose name, address or company has the text, best score first."""
    model = first_model()
    where, params = contact_rows.condition(None, q)
    rows = sql.rows(
        f"SELECT c.id FROM contact c LEFT JOIN score s ON s.contact_id = c.id AND s.model_id = %(model)s"
        f" WHERE {where} ORDER BY s.total DESC NULLS LAST, c.id DESC LIMIT %(limit)s",
        {**params, "model": model.pk if model else 0, "limit": SHOWN},
    )
    ids = [id for (id,) in rows]
    found = contact_rows.some(ids, users=(), model_id=model.pk if model else 0)
    return [found[id] for id in ids if id in found]
