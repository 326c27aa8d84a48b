"""Today: who got hot, what came in, what waits to be read."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy

from baton.accounts import permissions
from baton.forms.models import Form, FormSubmission
from baton.messaging.models import Notification
from baton.platform import clock
from baton.segments.models import Score
from baton.segments.scoring import first_model

from ..page import Page, allow, user
from ..parts import people

RECENT = timedelta(days=7)
LEADS, FORMS, NOTICES = 8, 8, 5


class Home(Page):
    key = "home"
    label = gettext_lazy("Home")
    icon = "house"
    order = 0
    on_phone = True

    @classmethod
    def address(cls) -> str:
        return "/"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("", today)]


@allow()
def today(request: HttpRequest) -> HttpResponseBase:
    """The start page; what the user may not view is left out."""
    may = {area: permissions.can(request.user, area, "view") for area in ("contacts", "scoring", "forms")}
    notices = Notification.objects.filter(user_id=user(request).pk, read_at=None).order_by("-at")[:NOTICES]
    context = {
        "leads": hot_leads() if may["contacts"] and may["scoring"] else [],
        "submissions": submissions() if may["contacts"] and may["forms"] else [],
        "notices": list(notices),
        "now": clock.now(),
    }
    return TemplateResponse(request, "home/page.html", context)


def hot_leads() -> list[dict[str, Any]]:
    """The highest scores among those that changed lately."""
    model = first_model()
    if model is None:
        return []
    rows = Score.objects.filter(model_id=model.pk, total__gte=model.mql, changed_at__gt=clock.now() - RECENT).order_by("-total", "-contact_id")[:LEADS]
    found = people.named([r.contact_id for r in rows])
    return [{"person": found[r.contact_id], "score": r.total, "at": r.changed_at} for r in rows if r.contact_id in found]


def submissions() -> list[dict[str, Any]]:
    """The forms sent last."""
    since: datetime = clock.now() - 4 * RECENT
    rows = list(FormSubmission.objects.filter(at__gt=since).order_by("-at")[:FORMS])
    found = people.named([r.contact_id for r in rows])
    names = dict(Form.objects.filter(pk__in={r.form_id for r in rows}).values_list("pk", "name"))
    return [{"person": found[r.contact_id], "form": names.get(r.form_id, ""), "at": r.at} for r in rows if r.contact_id in found]
