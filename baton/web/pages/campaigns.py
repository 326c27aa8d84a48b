"""Campaigns: all of them with state, audience and what people did; a new one; and one of them: what it is while it is written, its report afterwards."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.accounts.models import User
from baton.messaging.campaigns import reports, states, verbs
from baton.messaging.models import Campaign, Email
from baton.platform import clock
from baton.platform.actor import Actor

from ..answer import go, targets
from ..page import Page, actor, allow
from ..parts import campaign_words as words
from ..templatetags.fmt import day_only
from .campaigns_report import show as show_report
from .campaigns_setup import show as show_setup

PAGE = 50
KINDS: dict[str, tuple[str, ...]] = {
    "drafts": (states.DRAFT,),
    "scheduled": (states.SCHEDULED,),
    "running": states.UNDER_WAY,
    "done": states.OVER,
}
LABELS = {
    "": gettext_lazy("All"),
    "drafts": gettext_lazy("Drafts"),
    "scheduled": gettext_lazy("Scheduled"),
    "running": gettext_lazy("Under way"),
    "done": pgettext_lazy("campaign", "Over"),
}


class Campaigns(Page):
    key = "campaigns"
    label = gettext_lazy("Campaigns")
    icon = "megaphone"
    group = "marketing"
    order = 10
    area = "emails"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("campaigns/", index), path("campaigns/new/", create), path("campaigns/<int:pk>/", show), path("campaigns/<int:pk>/do/", act)]


@require_GET
@allow("emails")
def index(request: HttpRequest) -> HttpResponse:
    """All of them, the newest first: `?kind=` by state, `?q=` by name, `?archived=1` those put aside."""
    given = request.GET
    kind, text, aside = given.get("kind", ""), given.get("q", "").strip(), bool(given.get("archived"))
    found = Campaign.objects.filter(archived_at__isnull=not aside).order_by("-created_at", "-pk")
    if kind in KINDS:
        found = found.filter(state__in=KINDS[kind])
    if text:
        found = found.filter(name__icontains=text)
    asked = given.get("page", "")
    number = max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 1
    shown = list(found[(number - 1) * PAGE : number * PAGE + 1])
    context = {
        "rows": _rows(shown[:PAGE]), "total": found.count(), "kind": kind if kind in KINDS else "", "kinds": LABELS.items(), "q": text, "aside": aside,
        "number": number, "more": len(shown) > PAGE, "may_edit": permissions.can(request.user, "emails", "edit"),
    }  # fmt: skip
    return render(request, "campaigns/rows.html" if targets(request, "campaign-rows") else "campaigns/page.html", context)


def _rows(campaigns: list[Campaign]) -> list[dict[str, Any]]:
    numbers = reports.numbers([campaign.pk for campaign in campaigns])
    mails = dict(Email.objects.filter(pk__in={c.email_id for c in campaigns if c.email_id}).values_list("pk", "name"))
    makers = {str(Actor("user", pk)): name for pk, name in User.objects.values_list("pk", "name")}
    rows = []
    for campaign in campaigns:
        n, (label, tone) = numbers[campaign.pk], words.state(campaign)
        begun = campaign.started_at is not None
        rows.append(
            {"campaign": campaign, "label": label, "tone": tone, "mail": mails.get(campaign.email_id or 0, ""), "maker": makers.get(campaign.created_by, ""),
             "n": n if begun else None, "opened": n.rate("opened") if begun else None, "clicked": n.rate("clicked") if begun else None,
             "test": bool(campaign.test), "when": campaign.started_at or campaign.due_at or campaign.updated_at}
        )  # fmt: skip
    return rows


@require_POST
@allow("emails", "edit")
def create(request: HttpRequest) -> HttpResponse:
    """A draft named after the day, with the mail of `email`; its page opens."""
    asked = request.POST.get("email", "")
    mail = Email.objects.filter(pk=int(asked), archived_at=None, kind="mail").first() if asked.isascii() and asked.isdecimal() and len(asked) < 18 else None
    name = mail.name if mail else _("Campaign of {day}").format(day=day_only(clock.now()))
    campaign = verbs.create(name, actor(request), email_id=mail.pk if mail else None)
    return go(f"/campaigns/{campaign.pk}/")


@require_GET
@allow("emails")
def show(request: HttpRequest, pk: int) -> HttpResponseBase:
    """While it may be changed: what it is made of. Afterwards: how far it is, and its report."""
    campaign = verbs.get(pk)
    return show_setup(request, campaign) if campaign.state in states.CHANGEABLE else show_report(request, campaign)


@require_POST
@allow("emails", "edit")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: copy, archive, restore."""
    match request.POST.get("do", ""):
        case "copy":
            return go(f"/campaigns/{verbs.copy(pk, actor(request)).pk}/")
        case "archive":
            verbs.archive(pk, actor(request))
            return go("/campaigns/")
        case _:
            verbs.unarchive(pk, actor(request))
            return go(f"/campaigns/{pk}/")
