"""The visits of one contact: a sheet over the record, newest first, each with the pages it had."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _

from baton.events import identity
from baton.platform.errors import NotFound

from ..page import Page
from ..parts import visits
from ..parts.subject import BASE, Subject, of_record

MOST = 20


class RecordVisits(Page):
    key = "record-visits"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [re_path(BASE + r"visits/$", show)]


@of_record()
def show(request: HttpRequest, subject: Subject) -> HttpResponse:
    """The sheet, or with `?before=<moment>,<id>` more of its rows."""
    if not subject.is_person:
        raise NotFound(_("There is no such page."))
    at, _comma, last = request.GET.get("before", "").partition(",")
    try:
        before = (datetime.fromisoformat(at), int(last)) if at else None
    except ValueError:
        raise NotFound(_("There is no such page.")) from None
    rows = visits.rows(subject.id, before, MOST)
    context = {
        "subject": subject,
        "rows": rows,
        "browsers": 0 if before else identity.browsers(subject.id),
        "more": rows[-1]["visit"] if len(rows) == MOST else None,
    }
    return render(request, "visits/rows.html" if before else "visits/sheet.html", context)
