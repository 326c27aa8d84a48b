"""Today: who got hot, what came in, what waits to be read."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy

from baton.accounts import permissions, rights
from baton.accounts.rights import Rights
from baton.forms.models import Form
from baton.messaging.models import Notification
from baton.platform import clock, sql
from baton.segments.scoring import first_model

from ..page import Page, allow, user
from ..parts import funnel_board, people

RECENT = timedelta(days=7)
LEADS, FORMS, NOTICES = 8, 8, 5
HOT = """
SELECT s.contact_id, s.total, s.changed_at FROM score s JOIN contact c ON c.id = s.contact_id
WHERE s.model_id = %s AND s.total >= %s AND s.changed_at > %s AND c.archived_at IS NULL AND {seen}
ORDER BY s.total DESC, s.contact_id DESC LIMIT %s
"""
SENT = """
SELECT f.contact_id, f.form_id, f.at FROM form_submission f JOIN contact c ON c.id = f.contact_id
WHERE f.at > %s AND {seen} ORDER BY f.at DESC LIMIT %s
"""


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
    held = rights.of(user(request))
    notices = Notification.objects.filter(user_id=user(request).pk, read_at=None).order_by("-at")[:NOTICES]
    context = {
        "leads": hot_leads(held) if may["contacts"] and may["scoring"] else [],
        "submissions": submissions(held) if may["contacts"] and may["forms"] else [],
        "notices": list(notices),
        "strip": funnel_board.strip() if may["contacts"] else [],
        "now": clock.now(),
    }
    return TemplateResponse(request, "home/page.html", context)


def hot_leads(held: Rights) -> list[dict[str, Any]]:
    """The highest scores among those that changed lately, of contacts that may be seen."""
    model = first_model()
    if model is None:
        return []
    seen, params = held.where("contact", "view", "c")
    rows = sql.rows(HOT.format(seen=seen), [model.pk, model.begins("mql"), clock.now() - RECENT, *params, LEADS])
    found = people.named([id for id, _total, _at in rows])
    return [{"person": found[id], "score": total, "at": at} for id, total, at in rows if id in found]


def submissions(held: Rights) -> list[dict[str, Any]]:
    """The forms sent last, by contacts that may be seen."""
    seen, params = held.where("contact", "view", "c")
    rows = sql.rows(SENT.format(seen=seen), [clock.now() - 4 * RECENT, *params, FORMS])
    found = people.named([id for id, _form, _at in rows])
    names = dict(Form.objects.filter(pk__in={form for _id, form, _at in rows}).values_list("pk", "name"))
    return [{"person": found[id], "form": names.get(form, ""), "at": at} for id, form, at in rows if id in found]
