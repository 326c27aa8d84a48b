"""The way out of marketing mail, for people who are not signed in (RFC 8058).

A GET only shows a page: scanners and previews follow every link of a mail. A POST acts, from the page's button or from
the mailbox provider's own, which sends `List-Unsubscribe=One-Click` without cookies and wants an empty answer.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from baton.accounts import users
from baton.crm import contacts
from baton.crm.models import Contact
from baton.messaging import suppression
from baton.platform import signing
from baton.platform.errors import NotFound
from baton.web.page import Page


class Unsubscribe(Page):
    key = "unsubscribe"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("u/<str:token>", show)]


@csrf_exempt  # the token in the address is the proof; mailbox providers have no cookie of ours
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or act and say so. A forged token, or one for something else, is nothing we know (404)."""
    numbers = signing.read("unsub", token)
    if numbers is None or len(numbers) != 2:
        raise NotFound(_("This link is not one of ours, or it is incomplete."))
    contact = Contact.objects.filter(pk=contacts.resolve(numbers[0])).first()
    if contact is None:
        raise NotFound(_("This link is not one of ours, or it is incomplete."))
    if request.method == "POST":
        suppression.unsubscribe(contact.pk, numbers[1])
        if "List-Unsubscribe" in request.POST:
            return HttpResponse(status=200)
    done = request.method == "POST"
    response = render(request, "unsubscribe/page.html", {"address": masked(contact.email), "sender": users.account().name, "done": done})
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"  # the address of this page is the person's own key
    response["X-Robots-Tag"] = "noindex"
    return response


def masked(address: str) -> str:
    """`ji***@gaon.example`: enough to know oneself, too little for whom the mail was forwarded to."""
    local, _at, domain = address.rpartition("@")
    return f"{local[:2] if len(local) > 3 else local[:1]}***@{domain}" if domain else ""
