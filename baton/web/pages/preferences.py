"""The preference centre, for people who are not signed in: kinds of news by channel, a pause, the way out, taking it back. A GET changes nothing."""

from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from baton.messaging.consent import opt_in, preferences, subscriptions
from baton.messaging.consent.preferences import Ticket
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import Invalid

from ..page import Page
from ..parts import own_choices as choices

PAUSES = ("+1", "+3", "+6")  # months


class Preferences(Page):
    key = "preferences"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("u/<str:token>/preferences", from_mail),
            path("preferences/<str:token>/", centre),
            path("preferences/undo/<str:token>/", take_back),
        ]


@csrf_exempt  # the token in the address is the proof
@require_http_methods(["GET", "HEAD", "POST"])
def from_mail(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a mail: on to the centre while the mail is young; a POST mails a fresh link to the address the mail was for."""
    ticket = preferences.of_mail(token)
    if request.method != "POST" and (link := preferences.link_of(ticket)):
        return redirect(f"{link}?{request.GET.urlencode()}".rstrip("?"))
    return _old(request, ticket)


@csrf_exempt  # likewise
@require_http_methods(["GET", "HEAD", "POST"])
def centre(request: HttpRequest, token: str) -> HttpResponse:
    """Show what somebody receives; a POST saves (`act`: save, all, pause, go_on) and says what was recorded, when, and by whom."""
    ticket = preferences.of_link(token)
    if not ticket.live:
        return _old(request, ticket)
    contact_id = ticket.contact.pk
    with choices.speaking(request, ticket.contact):
        told, fault = "", ""
        if request.method == "POST":
            told, fault = _act(request, contact_id)
        columns = preferences.columns(contact_id)
        context = {
            "address": preferences.masked(ticket.contact.email), "columns": columns, "topics": preferences.grid(contact_id, columns), "told": told,
            "fault": fault, "paused_until": preferences.paused_until(contact_id), "any": any(c.on for c in columns), "now": clock.now(),
            "pauses": [(value, _("{n} months").format(n=int(value)) if int(value) > 1 else _("1 month")) for value in PAUSES],
            "tomorrow": (clock.now().astimezone(config().zone) + timedelta(days=1)).date().isoformat(),
        }  # fmt: skip
        return choices.page(request, "preferences/page.html", context, status=422 if fault else 200)


@csrf_exempt  # likewise
@require_http_methods(["GET", "HEAD", "POST"])
def take_back(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether an unsubscription shall be taken back, or do so and say it."""
    ticket, row = preferences.of_undo(token)
    with choices.speaking(request, ticket.contact):
        done = None
        if request.method == "POST":
            done = preferences.undo(row, proof=choices.proof(request))
        kind = next((t for t in subscriptions.known(archived=True) if t.pk == row.type_id), None)
        still = preferences.refusal(row.contact_id, row.type_id, row.channel)
        context = {
            "address": preferences.masked(ticket.contact.email), "kind": subscriptions.name(kind) if kind else "", "done": done, "row": row,
            "possible": still is not None and still.id == row.id, "centre": preferences.link(row.contact_id), "now": clock.now(),
        }  # fmt: skip
        return choices.page(request, "preferences/undo.html", context)


def _act(request: HttpRequest, contact_id: int) -> tuple[str, str]:
    """What was recorded, or what is wrong, in words."""
    began = clock.now()
    match request.POST.get("act"):
        case "all":
            new = preferences.leave_all(contact_id)
            _tell(contact_id, began)
            return _("You are unsubscribed from everything.") if new else _("You were unsubscribed from everything already."), ""
        case "pause":
            until = preferences.until_of(request.POST.get("day") or request.POST.get("until", ""))
            if until is None:
                return "", _("Choose a day ahead, at most ten years from now.")
            try:
                preferences.pause(contact_id, until)
            except Invalid as error:
                return "", error.problems[0].message
            return _("Paused: you get no marketing until that day."), ""
        case "go_on":
            preferences.pause(contact_id, None)
            return _("The pause is over."), ""
    columns = preferences.columns(contact_id)
    kinds = [type for type in subscriptions.known() if type.public]
    wanted = {(type.pk, column.key): f"kind-{type.pk}-{column.key}" in request.POST for type in kinds for column in columns}
    channels = {} if kinds else {column.key: f"channel-{column.key}" in request.POST for column in columns}
    changed = preferences.save(contact_id, wanted, channels, proof=choices.proof(request))
    _tell(contact_id, began)
    return _("Your choice is recorded.") if changed else _("Nothing has changed."), ""


def _tell(contact_id: int, since: datetime) -> None:
    """Who left everything just now is told by mail, too: he may have been given the link by somebody else."""
    row = preferences.refusal(contact_id, None)
    if row is not None and row.at >= since:
        opt_in.unsubscribed.defer(contact_id=contact_id, id=row.id)


def _old(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """The link is too old for the centre: offer a fresh one by mail, or send it."""
    with choices.speaking(request, ticket.contact):
        sent = None
        if request.method == "POST":
            sent = preferences.may_mail(ticket.contact.pk)
            if sent:
                opt_in.new_link.defer(contact_id=ticket.contact.pk)
        return choices.page(request, "preferences/old.html", {"address": preferences.masked(ticket.contact.email), "sent": sent})
