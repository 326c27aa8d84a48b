"""The report of a campaign: how far it is, what became of its mails, what people did; the mail with its clicks; pausing, going on, cancelling, again."""

import re
from html import escape, unescape
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.messaging.campaigns import goals, report_counts, reports, steering, verbs
from baton.messaging.campaigns.report_counts import WITHIN
from baton.messaging.campaigns.reports import Report
from baton.messaging.mail import letters
from baton.messaging.models import Campaign, Email, EmailVersion, Variant
from baton.platform.errors import Invalid, NotFound
from baton.segments.statistics import rate

from ..answer import go
from ..page import Page, actor, allow
from ..parts import campaign_board as board
from ..parts import campaign_goal
from ..parts import campaign_words as words
from ..templatetags.fmt import num
from .email_preview import PREVIEW_POLICY

PATIENCE = 120  # milliseconds for which the page of a small campaign counts by itself; else it shows what the job counted
SMALL = 20_000  # people of such a campaign
NOBODY = letters.Recipient(0, address="somebody@receiver.invalid")  # the values of nobody: what the mail says instead of them
LINKS = re.compile(r"""<a\b[^>]*?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')[^>]*>""", re.IGNORECASE)
MARK = (
    '<span style="display:inline-block;margin:0 4px 0 0;padding:1px 6px;border-radius:9px;background:{colour};color:#fff;'
    'font:600 11px/1.5 system-ui,sans-serif;text-decoration:none;vertical-align:middle;white-space:nowrap">{text}</span>'
)


class CampaignsReport(Page):
    key = "campaigns-report"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("campaigns/<int:pk>/steer/", steer), path("campaigns/<int:pk>/mail/", mail)]


def show(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The page of a campaign that has begun; `?days=` is one of WITHIN."""
    if campaign.started_at is not None and campaign.people <= SMALL:
        report_counts.count_if_stale(campaign, PATIENCE)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(n) for n in WITHIN} else 30
    report = reports.of(campaign)
    context = {
        **board.standing(campaign), "may_edit": permissions.can(request.user, "emails", "edit"), "live_topics": [f"campaign:{campaign.pk}"],
        "report": report, "tiles": board.tiles(report.all), "outcome": board.outcome(report.all), "chart": board.chart(report),
        "shown_variant": next((v.key for v, _n in report.variants if v.key == request.GET.get("variant")), "a"),
        "days": days, "within": WITHIN, "gave": report.within(days), "links": _links(report), "groups": _groups(report), "test": board.ab_test(report),
        "did": board.did(report.all), "goal": _goal(report),
        "mail": Email.objects.filter(pk=campaign.email_id or 0).first(), "variants": report.variants,
    }  # fmt: skip
    return render(request, "campaigns/report.html", context)


def _goal(report: Report) -> dict[str, Any] | None:
    """What counted as a conversion, and how many of the delivered it was."""
    goal, n = report.campaign.goal, report.all.n("converted")
    if not goal:
        return None
    whole = report.all.delivered
    return {"says": campaign_goal.sentence(goal), "days": goal.get("days") or goals.DAYS, "n": n, "rate": rate(min(n, whole), whole)}


def _links(report: Report) -> list[dict[str, Any]]:
    """The links in the order of their clicks; the number is the one drawn on the mail."""
    most = max((people for _link, people, _machine in report.links), default=0)
    return [
        {"number": place, "link": link, "people": people, "programs": machine, "rate": rate(min(people, report.all.delivered), report.all.delivered),
         "bar": 100 * people / most if most else 0}
        for place, (link, people, machine) in enumerate(report.links, 1)
    ]  # fmt: skip


def _groups(report: Report) -> list[dict[str, Any]]:
    return [
        {"group": group, "name": words.place(group.name), "opened": rate(min(group.opened, group.delivered), group.delivered),
         "clicked": rate(min(group.clicked, group.delivered), group.delivered), "bounced": rate(group.bounced, group.sent + group.bounced)}
        for group in report.groups
    ]  # fmt: skip


@require_POST
@allow("emails", "edit")
def steer(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: pause, resume, cancel, again (`subject`), choose (`variant`)."""
    by = actor(request)
    match request.POST.get("do", ""):
        case "pause":
            steering.pause(pk, by)
        case "resume":
            steering.resume(pk, by)
        case "cancel":
            steering.cancel(pk, by)
        case "choose":
            steering.choose(pk, request.POST.get("variant", ""), by)
        case "again":
            return go(f"/campaigns/{verbs.again(pk, by, subject=request.POST.get('subject', '')).pk}/")
        case _:
            raise Invalid.one("do", "INVALID_OPTION", _("There is no such action."))
    return go(f"/campaigns/{pk}/")


@xframe_options_exempt
@require_GET
@allow("emails")
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail as it was sent (`?variant=`), with the people who clicked on each of its links; in a frame that may do nothing."""
    campaign = verbs.get(pk)
    variant = Variant.objects.filter(campaign=campaign, key=request.GET.get("variant", "a")).first()
    if variant is None:
        raise NotFound(_("There is no such variant."))
    report = reports.of(campaign)
    marks = {link.url: (place, people) for place, (link, people, _machine) in enumerate(report.links, 1)}
    most = max((people for _place, people in marks.values()), default=0)
    try:
        letter = letters.build(variant.email_id, variant.version, [NOBODY], letters.Instead(variant.subject, variant.from_name), sign=False)[0]
        html = letter.html if letter.content else escape(letter.problem)
    except (Email.DoesNotExist, EmailVersion.DoesNotExist):
        html = escape(_("This e-mail does not exist any more."))
    except Invalid as error:
        html = escape(error.problems[0].message)

    def marked(found: re.Match[str]) -> str:
        known, link = marks.get(unescape(found[1] or found[2] or "")), '<a tabindex="-1"' + found[0][2:]  # nobody has to step through all links of the mail
        if known is None:
            return link
        place, people = known
        strong = people / most if most else 0
        colour = f"hsl(222 {round(35 + 35 * strong)}% {round(48 - 12 * strong)}%)"  # white is read on each of them
        return link + MARK.format(colour=colour, text=f"{place} · {num(people)}")

    response = HttpResponse(LINKS.sub(marked, html))
    response["Content-Security-Policy"], response["Cache-Control"] = PREVIEW_POLICY, "no-store"
    return response
