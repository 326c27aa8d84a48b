"""Publishing an e-mail: what must be put right first, the versions there are, and the way back to one of them."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts.models import User
from baton.messaging.mail import emails
from baton.messaging.models import Email
from baton.platform.actor import Actor
from baton.platform.errors import Invalid

from ..answer import toast
from ..page import Page, actor, allow
from ..parts import mail_editor
from .email_editor import answer, get, revision, told


class EmailPublish(Page):
    key = "email-publish"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("emails/<int:pk>/checks/", checks),
            path("emails/<int:pk>/publish/", publish),
            path("emails/<int:pk>/versions/", versions),
            path("emails/<int:pk>/versions/<int:number>/restore/", restore),
            path("emails/<int:pk>/discard/", discard),
        ]


@require_GET
@allow("emails", "view")
def checks(request: HttpRequest, pk: int) -> HttpResponse:
    """What is wrong with the mail and what could be better, each with the way to where it is put right."""
    return render(request, "emails/checks.html", mail_editor.context(request, get(pk), ""))


@allow("emails", "edit")
@told
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """What must be put right before it can be published (GET); publishing it (POST)."""
    email = get(pk)
    if request.method != "POST":
        return render(request, "emails/publish.html", mail_editor.context(request, email, ""))
    try:
        made = emails.publish(pk, actor(request), note=request.POST.get("note", ""), revision=revision(request, email))
    except Invalid:
        return render(request, "emails/publish.html", mail_editor.context(request, email, ""), status=422)
    email = get(pk)
    response = render(request, "emails/published.html", {**mail_editor.context(request, email, ""), "made": made})
    return toast(response, _("Version {n} is what is sent from now on").format(n=made.number))


@require_GET
@allow("emails", "view")
def versions(request: HttpRequest, pk: int) -> HttpResponse:
    """What was published when and by whom, with a picture of each and the way back."""
    return render(request, "emails/versions.html", {**mail_editor.context(request, get(pk), ""), "versions": _versions(get(pk))})


def _versions(email: Email) -> list[dict[str, Any]]:
    found = [one for one in emails.versions(email.pk) if one.number > 0][:100]  # letters of one person have numbers below zero
    people = {one.pk: one.name for one in User.objects.filter(pk__in={Actor.parse(v.published_by).id for v in found if v.published_by.startswith("user:")})}
    return [{"version": v, "who": people.get(Actor.parse(v.published_by).id or 0, "")} for v in found]


@require_POST
@allow("emails", "edit")
@told
def restore(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Make an earlier version the draft; what is sent stays as it is until it is published."""
    email = emails.restore(pk, number, actor(request), revision=revision(request, get(pk)))
    return toast_too(answer(request, email, request.POST.get("key", "")), _("Version {n} is the draft now").format(n=number))


@require_POST
@allow("emails", "edit")
@told
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw the draft away; editors see again what is sent. The way back is the editor's undo."""
    email = emails.discard(pk, actor(request), revision=revision(request, get(pk)))
    return toast_too(answer(request, email, request.POST.get("key", "")), _("The draft was thrown away"))


def toast_too(response: HttpResponse, text: str) -> HttpResponse:
    """A message beside what the answer tells already."""
    told_already = json.loads(response["HX-Trigger"])
    toast(response, text)
    response["HX-Trigger"] = json.dumps({**told_already, **json.loads(response["HX-Trigger"])})
    return response
