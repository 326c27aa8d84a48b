"""What Baton told you: the list, what you have not read, and the way to the record."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts.models import User
from baton.messaging.colleagues import notify
from baton.messaging.models import Notification
from baton.platform.errors import NotFound
from baton.web import feeds
from baton.web.answer import targets
from baton.web.page import Page, allow
from baton.web.parts import verdict

PAGE = 50
SHOWN: dict[str, str | Promise] = {"": _("All"), "unread": _("Unread"), "mention": _("Mentions"), "task": _("Tasks due"), "sql": _("New SQLs")}


class Notifications(Page):
    key = "notifications"
    label = _("Notifications")
    icon = "bell"
    order = 30

    @classmethod
    def count(cls, user: User) -> int:
        return notify.unread(user.pk)

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("notifications/", show), path("notifications/read/", read_all), path("notifications/<int:pk>/read/", read)]


def _me(request: HttpRequest) -> int:
    return int(request.user.pk or 0)


def _context(request: HttpRequest) -> dict[str, object]:
    before = request.GET.get("before", "")
    found = Notification.objects.filter(user_id=_me(request)).order_by("-id")
    if before.isascii() and before.isdigit() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    show = request.GET.get("show", "")
    if show == "unread":
        found = found.filter(read_at=None)
    elif show in SHOWN and show:
        found = found.filter(cause__startswith=f"{show}:")
    rows = list(found[: PAGE + 1])
    verdict.ask(rows[:PAGE])
    return {
        "notices": [feeds.linked(n) for n in rows[:PAGE]], "more": rows[PAGE - 1].pk if len(rows) > PAGE else None, "before": before,
        "show": show if show in SHOWN else "", "choices": SHOWN.items(),
    }  # fmt: skip


@require_GET
@allow()
def show(request: HttpRequest) -> HttpResponse:
    """The newest notifications, or those before `?before=<id>`; `?show=` unread ones, mentions, tasks that fell due."""
    template = "notifications/list.html" if targets(request, "notices-part") else "notifications/page.html"
    return render(request, template, _context(request))


@require_POST
@allow()
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything as read; answers the list."""
    notify.mark_read(_me(request))
    return _with_count(request, render(request, "notifications/list.html", _context(request)))


@require_POST
@allow()
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one as read; answers its row."""
    notify.mark_read(_me(request), [pk])
    notice = Notification.objects.filter(user_id=_me(request), pk=pk).first()
    if notice is None:
        raise NotFound(gettext("This notification no longer exists."))
    verdict.ask([notice])
    return _with_count(request, render(request, "notifications/row.html", {"notice": feeds.linked(notice)}))


def _with_count(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The number beside the bell goes with every answer that changes it."""
    response.write(render_to_string("live/unread.html", {"unread": notify.unread(_me(request))}))
    return response
