"""The e-mail addresses of a contact, in the properties column: add, remove, make primary, say who reads them. Toasts take each back."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.crm import contacts, properties, records
from baton.crm.contacts import Address
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound

from ..answer import toast
from ..page import Page, actor
from ..parts import values
from ..parts.subject import BASE, Subject, of_record

TARGET = "#p-additional_emails"


class RecordEmails(Page):
    key = "record-emails"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            re_path(BASE + r"emails/$", show),
            re_path(BASE + r"emails/(?P<verb>add|remove|primary|shared|personal)/$", act),
        ]


@require_GET
@of_record()
def show(request: HttpRequest, subject: Subject) -> HttpResponse:
    """The addresses; `?add=1` with the field for one more."""
    _person(subject)
    return render(request, "records/emails.html", {"subject": subject, "addresses": contacts.emails(subject.id), "adding": "add" in request.GET})


@require_POST
@of_record("edit")
def act(request: HttpRequest, subject: Subject, verb: str) -> HttpResponse:
    """Do it to the address `email`; with `primary` or `shared` what is added comes back as what it was. 422 with the fault under the field."""
    _person(subject)
    given = request.POST.get("email", "").strip()
    before = {address.email: address for address in contacts.emails(subject.id)}
    who = actor(request)
    try:
        _do(verb, subject.id, given, before, who)
        if verb == "add":
            if request.POST.get("primary"):
                contacts.make_primary(subject.id, given, actor=who)
            if request.POST.get("shared"):
                contacts.set_shared(given, request.POST["shared"] == "yes", actor=who)
    except (Invalid, Conflict) as error:
        if verb != "add" or "undo" in request.POST:
            raise
        fault = error.problems[0].message if isinstance(error, Invalid) else str(error)
        context = {"subject": subject, "addresses": list(before.values()), "adding": True, "typed": given, "fault": fault}
        return render(request, "records/emails.html", context, status=422)
    after = contacts.emails(subject.id)
    response = render(request, "records/emails.html", {**changed(subject, after), "addresses": after})
    text, back = _said(verb, given, before, after)
    undo = {"url": f"{subject.url}emails/{back[0]}/", "target": TARGET, "values": {**back[1], "undo": "1"}} if back and "undo" not in request.POST else None
    return toast(response, text, undo)


def _person(subject: Subject) -> None:
    if not subject.is_person:
        raise NotFound(_("There is no such record."))


def _do(verb: str, contact_id: int, email: str, before: dict[str, Address], who: Actor) -> None:
    if verb == "add":
        return contacts.add_email(contact_id, email, actor=who)
    if email not in before:
        raise NotFound(_("This contact does not have the address {email}.").format(email=email))
    if verb == "remove":
        contacts.remove_email(contact_id, email, actor=who)
    elif verb == "primary":
        contacts.make_primary(contact_id, email, actor=who)
    else:
        contacts.set_shared(email, verb == "shared", actor=who)


def _said(verb: str, given: str, before: dict[str, Address], after: list[Address]) -> tuple[str, tuple[str, dict[str, str]] | None]:
    """What the toast says, and (verb, values) of the way back; None where nothing changed."""
    was = before.get(given)
    match verb:
        case "add":
            new = next((a for a in after if a.email not in before), None)
            return _("{email} added").format(email=new.email if new else given), ("remove", {"email": new.email}) if new else None
        case "remove":
            assert was is not None
            values = {"email": given, "shared": "yes" if was.shared else "no", **({"primary": "1"} if was.primary and after else {})}
            return _("{email} removed").format(email=given), ("add", values)
        case "primary":
            old = next((a.email for a in before.values() if a.primary), "")
            return _("{email} is the primary address").format(email=given), ("primary", {"email": old}) if old and old != given else None
    shared = verb == "shared"
    text = _("{email} is a shared mailbox") if shared else _("{email} is a personal address")
    return text.format(email=given), ("personal" if shared else "shared", {"email": given}) if was and was.shared != shared else None


def changed(subject: Subject, addresses: list[Address]) -> dict[str, Any]:
    """What the templates need to show the primary address anew beside the others."""
    subject = Subject(subject.kind, records.get("contact", subject.id), subject.me, subject.rights)
    definition = properties.definitions("contact")["email"]
    return {
        "subject": subject, "primary": values.value(definition, subject.values.get("email"), [], editable=subject.may_edit, object_type="contact"),
        "addresses": addresses,
    }  # fmt: skip
