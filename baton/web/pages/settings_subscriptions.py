"""Settings: the kinds of news people can take or refuse, how often anybody is written to at most, and when bounces count."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.messaging import rules
from baton.messaging.consent import subscriptions
from baton.messaging.models import SubscriptionType
from baton.platform.errors import Invalid

from ..answer import faults, toast
from ..page import actor, allow
from ..settings_page import SettingsPage

NUMBERS = ("cap_messages", "cap_days", "soft_bounces", "soft_days")
TYPED = ("name_ko", "name_en", "about_ko", "about_en", "topic", "months")


class SubscriptionSettings(SettingsPage):
    key = "settings_subscriptions"
    slug = "subscriptions"
    label = gettext_lazy("Kinds of news")
    about = gettext_lazy("What people can subscribe to, how often they are written to at most, and when bounces count.")
    glyph = "newspaper"
    section = "messages"
    order = 20
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("settings/subscriptions/", page),
            path("settings/subscriptions/new/", new),
            path("settings/subscriptions/rules/", limits),
            path("settings/subscriptions/<int:type_id>/", change),
            path("settings/subscriptions/<int:type_id>/first/", first),
            path("settings/subscriptions/<int:type_id>/archive/", archive),
        ]

    @classmethod
    def fact(cls) -> str:
        n = SubscriptionType.objects.filter(archived_at=None).count()
        return ngettext("%(n)d kind", "%(n)d kinds", n) % {"n": n} if n else ""


@require_GET
@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    """The kinds of news in their order, and the limits."""
    return _shown(request, "subscriptions/page.html")


@require_POST
@allow("settings", "edit")
def new(request: HttpRequest) -> HttpResponse:
    """Another kind, the last."""
    given = _given(request)
    try:
        subscriptions.define(given.pop("names"), actor(request), **given)
    except Invalid as error:
        return _shown(request, "subscriptions/list.html", status=422, faulty=0, errors=_faults(error), typed=request.POST)
    return toast(_shown(request, "subscriptions/list.html"), _("The kind of news is there."))


@require_POST
@allow("settings", "edit")
def change(request: HttpRequest, type_id: int) -> HttpResponse:
    """Names, descriptions, heading, and who gets it."""
    try:
        subscriptions.update(type_id, actor(request), **_given(request))
    except Invalid as error:
        return _shown(request, "subscriptions/list.html", status=422, faulty=type_id, errors=_faults(error), typed=request.POST)
    return toast(_shown(request, "subscriptions/list.html"), _("Saved"))


@require_POST
@allow("settings", "edit")
def first(request: HttpRequest, type_id: int) -> HttpResponse:
    """Make it the usual one."""
    subscriptions.move(type_id, 0, actor(request))
    return toast(_shown(request, "subscriptions/list.html"), _("Saved"))


@require_POST
@allow("settings", "edit")
def archive(request: HttpRequest, type_id: int) -> HttpResponse:
    """Put it away; the answers stay."""
    subscriptions.archive(type_id, actor(request))
    return toast(_shown(request, "subscriptions/list.html"), _("Put away. What people said of it stays in the ledger."))


@require_POST
@allow("settings", "edit")
def limits(request: HttpRequest) -> HttpResponse:
    """How often people are written to, and when bounces count."""
    given = {name: request.POST.get(name, "").strip() for name in NUMBERS}
    values: dict[str, Any] = {name: int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else text for name, text in given.items()}
    try:
        rules.change(values, actor=actor(request))
    except Invalid as error:
        return render(request, "subscriptions/limits.html", {"rules": given, "errors": faults(error), "may_edit": True}, status=422)
    return toast(render(request, "subscriptions/limits.html", {"rules": rules.rules(), "errors": {}, "may_edit": True}), _("Saved"))


def _given(request: HttpRequest) -> dict[str, Any]:
    post = request.POST
    months = post.get("months", "").strip()
    return {
        "names": {language: post.get(f"name_{language}", "") for language in subscriptions.LANGUAGES},
        "descriptions": {language: post.get(f"about_{language}", "") for language in subscriptions.LANGUAGES},
        "topic": post.get("topic", ""), "separate": "separate" in post, "public": "public" in post,
        "months": int(months) if months.isascii() and months.isdecimal() and len(months) < 6 else None if not months else -1,
    }  # fmt: skip


def _faults(error: Invalid) -> dict[str, str]:
    """The first fault of each field of the form."""
    found: dict[str, str] = {}
    for problem in error.problems:
        found.setdefault(problem.path.replace("names.", "name_").replace("descriptions.", "about_"), problem.message)
    return found


def _typed(post: Any) -> dict[str, Any]:
    """The form as it was sent: nothing that was typed is lost with a fault."""
    return {**{name: post.get(name, "") for name in TYPED}, "separate": "separate" in post, "public": "public" in post}


def _kept(type: SubscriptionType) -> dict[str, Any]:
    """The form as the kind is stored."""
    texts = {f"{field}_{language}": kept.get(language, "") for field, kept in (("name", type.names), ("about", type.descriptions)) for language in kept}
    return {**texts, "topic": type.topic, "months": type.months, "separate": type.separate, "public": type.public}


def _shown(
    request: HttpRequest, template: str, *, status: int = 200, faulty: int = -1, errors: dict[str, str] | None = None, typed: Any = None
) -> HttpResponse:
    counts, usual = subscriptions.counts(), subscriptions.usual()
    rows: list[dict[str, Any]] = [
        {
            "type": type, "name": subscriptions.name(type), "about": subscriptions.description(type), "usual": usual is not None and usual.pk == type.pk,
            "yes": counts.get(type.pk, {}).get("yes", 0), "no": counts.get(type.pk, {}).get("no", 0), "errors": errors or {} if faulty == type.pk else {},
            "form": _typed(typed) if faulty == type.pk else _kept(type),
        }
        for type in subscriptions.known()
    ]  # fmt: skip
    context = {
        "label": SubscriptionSettings.label, "rows": rows, "rules": rules.rules(), "errors": errors or {} if faulty == 0 else {},
        "new": _typed(typed) if faulty == 0 else {"public": True},
        "opened": faulty, "may_edit": permissions.can(request.user, "settings", "edit"),
        "topics": sorted({type.topic for type in subscriptions.known()} - {""}),
    }  # fmt: skip
    return render(request, template, context, status=status)
