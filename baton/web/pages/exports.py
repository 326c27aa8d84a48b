"""Exports: what was asked for, how far it is, and the files for a week."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from baton.accounts import permissions
from baton.accounts import rights as access
from baton.accounts.models import User
from baton.crm import types
from baton.crm.imports import store
from baton.crm.models import Export
from baton.platform import history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, NotFound
from baton.segments import exports
from baton.web.page import Page, actor, allow, user

SHOWN = 100
MEDIA = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class Exports(Page):
    key = "exports"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("exports/", show), path("exports/<int:pk>/", download)]


@require_GET
@allow()
def show(request: HttpRequest) -> HttpResponse:
    """The exports of this user, the newest first; administrators see everybody's."""
    found = Export.objects.defer("filter", "ids").order_by("-pk")
    if not permissions.can(user(request), "settings", "edit"):
        found = found.filter(actor=str(actor(request)))
    rows = list(found[:SHOWN])
    people = dict(User.objects.filter(pk__in={Actor.parse(row.actor).id for row in rows}).values_list("pk", "name"))
    lines = [(row, _name(row), people.get(Actor.parse(row.actor).id or 0, ""), sum(note["rows"] for note in row.notes)) for row in rows]
    busy = any(row.state in ("waiting", "running") for row in rows)
    return render(request, "exports/list.html" if request.headers.get("HX-Request") else "exports/page.html", {"rows": lines, "busy": busy})


def _name(row: Export) -> str:
    return row.title or types.label(types.get(row.object_type), plural=True)


@require_GET
@allow()
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file. Every download is in the history. Only for whoever asked for it, as long as he may export such records, and administrators."""
    row, held = exports.get(pk), access.of(user(request))
    if row.actor != str(actor(request)) and not (permissions.can(user(request), "settings", "edit") and held.scope(row.object_type, "export") == "all"):
        raise NotFound(gettext("There is no such export."))
    held.require(row.object_type, "export")
    if row.state != "done":
        raise Conflict(gettext("The file is not there: it is not ready yet, or was thrown away after a week."))
    history.record(actor(request), "downloaded", "export", pk)
    response = StreamingHttpResponse(store.pieces("export", pk), content_type=MEDIA[row.format])
    response["Content-Length"] = str(row.size)
    day = row.created_at.strftime("%Y-%m-%d")
    response["Content-Disposition"] = content_disposition_header(True, f"{_name(row)} {day}.{row.format}") or "attachment"
    return response
