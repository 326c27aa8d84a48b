"""The way out of marketing mail, for people who are not signed in (RFC 8058).

A GET only shows a page: scanners and previews follow every link of a mail. A POST acts, from the page's button or from
the mailbox provider's own, which sends `List-Unsubscribe=One-Click` without cookies and wants an empty answer.
"""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from baton.messaging.consent import opt_in, preferences, subscriptions, suppression
from baton.web.page import Page

from ..parts import own_choices as choices

ONE_CLICK = "List-Unsubscribe"


class Unsubscribe(Page):
    key = "unsubscribe"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("u/<str:token>", show)]


@csrf_exempt  # the token in the address is the proof; mailbox providers have no cookie of ours
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or act and say so: out of the mail's kind of news, or (`what=all`) out of everything. A forged token is nothing we know (404)."""
    ticket = preferences.of_mail(token)
    contact_id = ticket.contact.pk
    if request.method == "POST" and ONE_CLICK in request.POST:
        left = subscriptions.leave(contact_id, ticket.email_id, message_id=ticket.message_id, source="one_click")
        if left.new:
            _tell(contact_id, left.type.pk if left.type else None)
        return HttpResponse(status=200)
    with choices.speaking(request, ticket.contact):
        kind = subscriptions.of_mail(ticket.email_id)
        everything = kind is None or request.POST.get("what") == "all"
        done, row = request.method == "POST", None
        if done:
            if everything:
                new = suppression.unsubscribe(contact_id, ticket.email_id, message_id=ticket.message_id)
            else:
                new = subscriptions.leave(contact_id, ticket.email_id, message_id=ticket.message_id).new
            row = preferences.refusal(contact_id, None if everything or kind is None else kind.pk)
            if new and row is not None:
                opt_in.unsubscribed.defer(contact_id=contact_id, id=row.id)
        context = {
            "address": preferences.masked(ticket.contact.email), "done": done, "everything": everything, "kind": subscriptions.name(kind) if kind else "",
            "undo": f"/preferences/undo/{preferences.undo_token(row)}/" if row else "", "centre": f"/u/{token}/preferences", "at": row.at if row else None,
            "still": done and not everything and subscriptions.willing(contact_id),
        }  # fmt: skip
        return choices.page(request, "unsubscribe/page.html", context)


def _tell(contact_id: int, type_id: int | None) -> None:
    row = preferences.refusal(contact_id, type_id)
    if row is not None:
        opt_in.unsubscribed.defer(contact_id=contact_id, id=row.id)
