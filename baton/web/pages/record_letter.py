"""A letter to one contact in one's own name: begun from a template, changed by hand, sent through the outbox and logged on the record."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from baton.messaging.mail import one_to_one
from baton.platform.errors import Conflict, Forbidden, Invalid, NotFound

from ..answer import faults, go
from ..page import Page
from ..parts.subject import BASE, Subject, of_record


class RecordLetter(Page):
    key = "record-letter"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [re_path(BASE + r"letter/$", write)]


@of_record()
def write(request: HttpRequest, subject: Subject) -> HttpResponse:
    """The letter as the template makes it (`?template=`; GET, which writes nothing), and sending what was made of it (POST)."""
    if not subject.is_person:
        raise NotFound(_("There is no such record."))
    if not subject.may_log("email"):
        raise Forbidden(_("You may not write to this contact."))
    language = (get_language() or "ko")[:2]
    known = one_to_one.templates(language)
    asked = request.POST.get("template") or request.GET.get("template", "")
    chosen = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else known[0].pk or one_to_one.OWN
    begun = one_to_one.begin(chosen, subject.id, subject.me, language=language)
    sent = request.POST
    context: dict[str, Any] = {
        "subject": subject,
        "templates": known,
        "chosen": chosen,
        "letter": begun,
        "title": begun.subject,
        "html": begun.html,
        "token": begun.token,
    }
    if request.method != "POST":
        return render(request, "records/letter.html", context)
    title, html, token = sent.get("subject", ""), sent.get("html", ""), sent.get("token", "")[:64]
    context |= {"title": title, "html": html, "token": token}
    try:
        one_to_one.send(chosen, subject.id, subject.me, subject=title, html=html, token=token, language=language)
    except Invalid as error:
        return render(request, "records/letter_form.html", {**context, "errors": faults(error)}, status=422)
    except Conflict as error:
        return render(request, "records/letter_form.html", {**context, "refused": str(error)}, status=422)
    return go(subject.url)
