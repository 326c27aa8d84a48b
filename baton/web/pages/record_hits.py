"""A colleague's word on who opened a mail or clicked: a person or a program. It holds against every automatic verdict, and can be taken back."""

from datetime import UTC, datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from baton.events import hits, timeline
from baton.platform.errors import Invalid, NotFound

from ..answer import toast
from ..page import Page, actor
from ..parts import hit_words
from ..parts.people import colleagues
from ..parts.subject import BASE, Subject, of_record

VERDICTS = {"person": True, "program": False, "": None}


class RecordHits(Page):
    key = "record-hits"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [re_path(BASE + r"hits/(?P<micros>\d{1,17})-(?P<hit>\d{1,18})/$", say)]


@require_POST
@of_record("edit")
def say(request: HttpRequest, subject: Subject, micros: str, hit: str) -> HttpResponse:
    """`verdict`: person, program, or nothing for what Baton thinks itself. Answers with the entry's part, anew."""
    verdict = request.POST.get("verdict", "")
    if not subject.is_person:
        raise NotFound(_("There is no such record."))
    if verdict not in VERDICTS:
        raise Invalid.one("verdict", "INVALID_OPTION", _("Unknown verdict: {verdict}").format(verdict=verdict[:50]))
    at, id = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(micros)), int(hit)
    hits.overrule(subject.id, at, id, VERDICTS[verdict], actor=actor(request))
    found = timeline.page(subject.id, before=(at, id + 1), limit=1)
    shown = hit_words.hit(found[0], {u.pk: u.name for u in colleagues()}) if found else None
    said = _("It counts as a person’s") if shown and not shown.program else _("It does not count")
    return toast(render(request, "records/hit.html", {"subject": subject, "hit": shown, "open": True}), said)
