"""How many would get a campaign and how many not, and why: beside the form, and on the page of the send check, from which it is sent."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions, rights
from baton.crm.models import Contact
from baton.messaging import exemptions
from baton.messaging.campaigns import audience, check, states, steering, verbs
from baton.messaging.models import Campaign
from baton.platform.errors import Invalid, NotFound, Problem

from ..answer import faults, go
from ..page import Page, actor, allow, user
from ..parts import campaign_check, people
from ..parts import campaign_words as words

SIZE = 50
TYPED = 10_000  # receivers above which the number is typed


class CampaignsCheck(Page):
    key = "campaigns-check"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("campaigns/<int:pk>/count/", count),
            path("campaigns/<int:pk>/check/", check_page),
            path("campaigns/<int:pk>/check/now/", now),
            path("campaigns/<int:pk>/check/again/", again),
            path("campaigns/<int:pk>/check/people/", kept_out),
            path("campaigns/<int:pk>/exempt/", exempt),
            path("campaigns/<int:pk>/send/", send),
        ]


@require_GET
@allow("emails")
def count(request: HttpRequest, pk: int) -> HttpResponse:
    """How many would get it now and how many not, beside the form."""
    campaign = verbs.get(pk)
    if campaign.state not in states.CHANGEABLE:
        return go(f"/campaigns/{pk}/")
    context = {
        "campaign": campaign,
        "may_edit": permissions.can(request.user, "emails", "edit"),
        **campaign_check.counted(campaign),
        "waiting": audience.being_found(campaign),
    }
    return render(request, "campaigns/count.html", context)


@require_GET
@allow("emails")
def check_page(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The send check: receivers, mail, law and domain, and the button that sends."""
    campaign = verbs.get(pk)
    if campaign.state not in states.CHANGEABLE:
        return redirect(f"/campaigns/{pk}/")
    shown = _receivers(request, campaign)
    return render(request, "campaigns/check.html", {**shown, **campaign_check.rest(campaign, shown["plan"]), "live_topics": [states.topic(pk)]})


@require_GET
@allow("emails")
def now(request: HttpRequest, pk: int) -> HttpResponse:
    """The receivers alone, with what rests on their number: asked for when something was counted or changed."""
    campaign = verbs.get(pk)
    if campaign.state not in states.CHANGEABLE:
        return go(f"/campaigns/{pk}/")
    return render(request, "campaigns/check_part.html", _receivers(request, campaign))


@require_POST
@allow("emails")
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Have it counted anew."""
    campaign = verbs.get(pk)
    if campaign.state not in states.CHANGEABLE:
        return go(f"/campaigns/{pk}/")
    return render(request, "campaigns/check_part.html", _receivers(request, campaign, anew=True))


def _receivers(request: HttpRequest, campaign: Campaign, *, given: dict[str, str] | None = None, anew: bool = False) -> dict[str, Any]:
    shown = campaign_check.receivers(campaign, anew=anew)
    return {
        "campaign": campaign, "faults": given or {}, "may_edit": permissions.can(request.user, "emails", "edit"),
        **shown, "typed": shown["found"] is not None and shown["found"].getting > TYPED,
    }  # fmt: skip


@require_GET
@allow("emails")
def kept_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Who is behind a reason of the send check (`?reason=`; empty: those who would get it), by contact, as they were counted."""
    campaign = verbs.get(pk)
    reason, asked = request.GET.get("reason", ""), request.GET.get("after", "")
    kept = check.kept(campaign)
    if kept is None or (reason and reason not in kept.said):
        raise NotFound(_("There is no such number."))
    after = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else 0
    ids = check.people(campaign, reason, after=after, limit=SIZE + 1)
    context = {
        "campaign": campaign, "title": words.reason(reason) if reason else _("Would get it"), "rows": rows(request, ids[:SIZE]), "at": kept.at,
        "first": check.KEPT if kept.said.get(reason, 0) > check.KEPT else 0, "of": kept.said.get(reason, 0),
        "next": f"?reason={reason}&after={ids[SIZE - 1]}" if len(ids) > SIZE else "", "back": f"/campaigns/{pk}/check/",
    }  # fmt: skip
    return render(request, "campaigns/kept_out.html", context)


def rows(request: HttpRequest, ids: list[int]) -> list[dict[str, Any]]:
    """People by id, as many as there are still; whom one may not see has no name."""
    held = rights.of(user(request))
    owners = dict(Contact.objects.filter(pk__in=ids).values_list("pk", "owner_id"))
    seen = [id for id in ids if id in owners and held.may("contact", "view", [owners[id]])]
    named = people.named(seen)
    return [{"id": id, "person": named.get(id)} for id in ids if id in owners]


@require_POST
@allow("emails", "edit")
def exempt(request: HttpRequest, pk: int) -> HttpResponse:
    """Set a rule of the gate aside for this campaign, with reason and basis; or (`end`) let it hold again."""
    rule = request.POST.get("rule", "")
    if request.POST.get("end"):
        exemptions.end(pk, rule, actor=actor(request))
        return go(f"/campaigns/{pk}/check/")
    try:
        exemptions.grant(pk, rule, reason=request.POST.get("reason", ""), basis=request.POST.get("basis", ""), actor=actor(request))
    except Invalid as error:
        context = {"campaign": verbs.get(pk), "row": {"code": rule, "words": words.reason(rule)}, "given": request.POST, "faults": faults(error)}
        return render(request, "campaigns/exempt_form.html", context, status=422)
    return go(f"/campaigns/{pk}/check/")


@require_POST
@allow("emails", "edit")
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: now, schedule, unschedule. What was shown must be what is so, and for more than TYPED people the number was typed."""
    what = request.POST.get("do", "")
    if what == "unschedule":
        steering.unschedule(pk, actor(request))
        return go(f"/campaigns/{pk}/")
    campaign = verbs.get(pk)
    try:
        _sure(request, campaign)
        if what == "schedule":
            steering.schedule(pk, actor(request))
            return go(f"/campaigns/{pk}/")
        steering.start(pk, actor(request))
    except Invalid as error:
        return render(request, "campaigns/confirm.html", _receivers(request, campaign, given=faults(error)), status=422)
    return go(f"/campaigns/{pk}/")


def _sure(request: HttpRequest, campaign: Campaign) -> None:
    """Raises Invalid when nobody knows how many get it, when what was shown rests on something else than what is so now, or the number was not typed."""
    answer = check.ask(campaign)
    if answer.check is None:
        raise Invalid.one("n", "NOT_COUNTED", _("How many get it is still being counted. Look at the number first."))
    if request.POST.get("basis", answer.basis) != answer.basis:
        raise Invalid.one("n", "CHANGED", _("Something was changed since you saw the numbers. Look at them again."))
    getting = answer.check.getting
    if getting > TYPED and "".join(letter for letter in request.POST.get("typed", "") if letter.isdecimal()) != str(getting):
        raise Invalid([Problem("typed", "REQUIRED", _("Type how many people get it: {n}").format(n=f"{getting:,}"))])
