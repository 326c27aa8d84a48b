"""A mail sent to oneself and colleagues before anybody else gets it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from baton.messaging.mail import trial
from baton.platform.errors import Invalid

from ..answer import toast
from ..page import Page, actor, allow, user
from ..parts import people
from .email_editor import get
from .email_preview import example


class EmailTest(Page):
    key = "email-test"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("emails/<int:pk>/test/", test)]


@allow("emails", "edit")
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Who shall get it (GET); sending it, as the contact of the canvas would get it (POST)."""
    email, me = get(pk), user(request)
    everybody = sorted(people.colleagues(), key=lambda one: one.pk != me.pk)
    contact = example(request)
    context: dict[str, Any] = {"email": email, "colleagues": everybody, "chosen": [me.pk], "person": people.named([contact]).get(contact), "me": me}
    if request.method != "POST":
        return render(request, "emails/test.html", context)
    asked = [int(text) for text in request.POST.getlist("to") if text.isascii() and text.isdecimal() and len(text) < 10]
    try:
        sent = trial.send(email, asked, contact, actor(request))
    except Invalid as error:
        return render(request, "emails/test.html", {**context, "chosen": asked, "problems": error.problems}, status=422)
    response = render(request, "emails/tested.html", {"sent": sent})
    return toast(response, _("On its way to {names}").format(names=", ".join(one.name for one in sent)))
