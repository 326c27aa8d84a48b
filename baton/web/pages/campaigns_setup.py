"""A campaign while it is written: its mail, whom it is for, when and how fast, the A/B test."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.crm.calendar import SHORT, WEEK
from baton.messaging.campaigns import ab, states, verbs
from baton.messaging.models import Campaign, Email
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem
from baton.segments import sizes
from baton.segments.models import Segment

from ..page import Page, actor, allow
from ..parts import campaign_form, campaign_goal
from ..parts import campaign_words as words
from ..parts.campaign_form import Fields

MAILS = 200


class CampaignsSetup(Page):
    key = "campaigns-setup"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("campaigns/<int:pk>/change/", change)]


def show(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The page of a campaign that may be changed."""
    context = {**_context(request, campaign, campaign_form.of(campaign)), "live_topics": [states.topic(campaign.pk)]}
    return render(request, "campaigns/setup.html", context)


def _context(request: HttpRequest, campaign: Campaign, fields: Fields, problems: list[Problem] | None = None) -> dict[str, Any]:
    mails = list(Email.objects.filter(archived_at=None, kind="mail").order_by("-updated_at", "-pk")[:MAILS])
    lists = list(Segment.objects.filter(archived_at=None).order_by("name", "pk"))
    days = sizes.history([one.pk for one in lists], days=1)
    known = {one.pk: (one, days[one.pk][-1].members if days[one.pk] else None) for one in lists}
    label, tone = words.state(campaign)
    goal = fields["goal"]
    day, _t, time = str(fields["plan"].get("at") or "").partition("T")
    tomorrow = (clock.now().astimezone(config().zone) + timedelta(days=1)).date().isoformat()
    return {
        "campaign": campaign, "f": fields, "faults": _faults(problems or []), "label": label, "tone": tone,
        "may_edit": permissions.can(request.user, "emails", "edit"),
        "mails": mails, "mail": next((m for m in mails if m.pk == fields["email_id"]), None),
        "lists": known.values(), "chosen": [known[id] for id in fields["audience"].get("lists", []) if id in known],
        "without": [known[id] for id in fields["audience"].get("except", []) if id in known],
        "single": len(fields["audience"].get("contacts") or []),
        "again_of": campaign.again_of,
        "day": day or tomorrow, "time": time or "10:00", "week": [(key, SHORT[key]) for key in WEEK], "workdays": fields["plan"].get("days") or WEEK[:5],
        "window": bool({"days", "from", "to", "holidays"} & fields["plan"].keys()), "warm": fields["plan"].get("warm_up") or {},
        "testing": len(fields["variants"]) > 1,
        "variants": [{"key": key, **row} for key, row in zip(verbs.KEYS, fields["variants"], strict=False)],
        "most_variants": ab.MOST, "least": ab.LEAST,
        "metrics": (("opened", _("Opened it")), ("clicked", _("Clicked"))) + ((("converted", _("Converted")),) if goal else ()),
        **campaign_goal.context(request, campaign.pk, goal, request.POST.get("goal_kind"), problems or []),
    }  # fmt: skip


def _open(pk: int) -> Campaign:
    """The campaign while it may be changed. Raises NotFound, Conflict."""
    return verbs.get(pk)


@require_POST
@allow("emails", "edit")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what the form says and answer it again; faults under their fields."""
    campaign = _open(pk)
    fields = campaign_form.read(request.POST, campaign_form.of(campaign))
    try:
        kept = {"goal": campaign.goal} if campaign_goal.unfinished(fields["goal"]) else {}
        campaign = verbs.change(pk, actor(request), **fields | kept)
    except Invalid as error:
        return render(request, "campaigns/form.html", _context(request, campaign, fields, error.problems), status=422)
    response = render(request, "campaigns/form.html", _context(request, campaign, campaign_form.of(campaign) | {"goal": fields["goal"]}))
    response["HX-Trigger"] = "campaign-changed"
    return response


def _faults(problems: list[Problem]) -> dict[str, str]:
    """By the field of the page: `plan.at` -> plan_at, `variants.b.email_id` -> variants."""
    found: dict[str, str] = {}
    for problem in problems:
        whole = problem.path.replace(".", "_")
        found.setdefault("variants" if problem.path.startswith("variants") else whole, problem.message)
    return found
