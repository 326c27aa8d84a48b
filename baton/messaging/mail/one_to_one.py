"""A colleague writes to one contact in his own name: a template filled in for this contact, edited, sent through the outbox, logged on the record.

The letter as it was sent is kept beside the versions of its template, with a number below zero; so whatever becomes of it counts for the template.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from baton.accounts import users
from baton.accounts.models import User
from baton.crm import activities
from baton.crm.models import Contact
from baton.messaging import gate, outbox
from baton.messaging.mail import blocks, emails, gallery, mjml, render, rich
from baton.messaging.mail.sandbox import Fields
from baton.messaging.models import Email, EmailVersion
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

LONGEST = {"subject": 300, "html": 40_000}
OWN = 0  # stands for the id of Baton's own template while nobody has sent anything from it


@dataclass(frozen=True, slots=True)
class Begun:
    """A letter before its writer edits it."""

    template_id: int
    contact_id: int
    subject: str
    html: str  # safe HTML without merge fields
    to: str
    sender: str  # the name it will carry
    reply_to: str
    refused: str  # why the contact would not get it, in words; empty: he would
    token: str  # the same token sends once, however often somebody presses the button


def templates(language: str = "ko") -> list[Email]:
    """What can be written from: published mails of kind personal. Where there is none yet, Baton's own, which is not saved and has no id (OWN)."""
    return list(_published()) or [_unsaved(language)]


def begin(template_id: int, contact_id: int, user: User, *, language: str = "ko") -> Begun:
    """A template (OWN: Baton's own) with this contact's values and the writer's in it; nothing is written. Raises NotFound, Invalid."""
    email, contact = _unsaved(language) if template_id == OWN else _template(template_id), _contact(contact_id)
    known = {**render.people([contact_id])[contact_id], "owner": Fields({"name": user.name, "email": user.email})}
    body = "".join(found.block["body"] for found in blocks.each(email.document) if found.block["kind"] == "text") if email.document else email.body
    reason = gate.refused(email.pk or gate.UNSAVED, [contact_id]).get(contact_id, "")
    return Begun(
        email.pk or OWN, contact_id, render.line(email.subject, known), rich.cleaned(render.markup(body, known)), contact.email or "", _sender(user),
        user.email, outbox.reason(reason) if reason else "", secrets.token_hex(8),
    )  # fmt: skip


def send(
    template_id: int, contact_id: int, user: User, *, subject: str, html: str, token: str, about: Sequence[tuple[str, int]] = (), language: str = "ko"
) -> int:
    """Send what the writer made of it, and log it on the contact and on what else it is `about` (a deal); returns the activity's id. Baton's own template
    is saved by it.

    Raises Invalid (`subject`, `html`), Conflict when the contact must not be written to or the letter went already, NotFound.
    """
    contact, actor = _contact(contact_id), Actor("user", user.pk)
    subject, text = " ".join(subject.split()), rich.cleaned(html)
    _check(subject, text)
    cause = f"letter:{user.pk}:{token}"
    with transaction.atomic():
        email = _saved(language) if template_id == OWN else _template(template_id)
        if reason := gate.refused(email.pk, [contact_id]).get(contact_id):
            raise Conflict(outbox.reason(reason))
        number = _keep(email, _literal(subject), _document(email, text), actor)
        outbox.add([outbox.NewMessage(contact_id, email.pk, cause, f"user:{user.pk}", version=number)])
        if not sql.rows("SELECT 1 FROM message WHERE contact_id = %s AND cause = %s AND version = %s", [contact_id, cause, number]):
            raise Conflict(_("This e-mail was sent already."))
        logged = {"subject": subject, "html": text, "direction": "EMAIL", "from_email": user.email, "to_email": contact.email or ""}
        return activities.write("email", logged, [("contact", contact_id), *about], actor=actor, source="one_to_one")


def _published() -> QuerySet[Email]:
    return Email.objects.filter(kind="personal", archived_at=None, version__gt=0).order_by("name", "pk")


def _unsaved(language: str) -> Email:
    own = gallery.template("personal", language)
    return Email(name=own.name, subject=own.subject, preheader=own.preheader, purpose=own.purpose, kind=own.kind, language=own.language, document=own.document)


def _saved(language: str) -> Email:
    """Baton's own template, put among the others in the caller's transaction; where somebody else has just done so, his."""
    sql.run("SELECT pg_advisory_xact_lock(hashtext('letters'))")  # two who send at once make one, not two
    if (found := _published().first()) is None:
        emails.publish(gallery.start("personal", SYSTEM, language=language).pk, SYSTEM)
        found = _published()[0]
    return found


def _template(template_id: int) -> Email:
    found = Email.objects.filter(pk=template_id, kind="personal", archived_at=None, version__gt=0).first()
    if found is None:
        raise NotFound(_("There is no such template."))
    return found


def _contact(contact_id: int) -> Contact:
    found = Contact.objects.filter(pk=contact_id, archived_at=None).first()
    if found is None:
        raise NotFound(_("There is no such contact."))
    return found


def _check(subject: str, html: str) -> None:
    problems = []
    if not subject:
        problems.append(Problem("subject", "REQUIRED", _("A subject is required.")))
    if rich.is_empty(html):
        problems.append(Problem("html", "REQUIRED", _("Write something first.")))
    for path, text in (("subject", subject), ("html", html)):
        if len(text) > LONGEST[path]:
            problems.append(Problem(path, "TOO_LONG", _("At most {most} letters.").format(most=LONGEST[path])))
    if problems:
        raise Invalid(problems)


def _keep(email: Email, subject: str, document: dict[str, Any], actor: Actor) -> int:
    """The letter beside the versions of its template; returns its number."""
    Email.objects.select_for_update().get(pk=email.pk)
    first = EmailVersion.objects.filter(email=email, number__lt=0).order_by("number").values_list("number", flat=True).first() or 0
    body = mjml.html(document, subject=subject, language=email.language, purpose=email.purpose)
    kept = {**emails.content(email), "kind": email.kind, "mode": "blocks", "subject": subject, "preheader": "", "text": "", "document": document, "body": body}
    EmailVersion.objects.create(email=email, number=first - 1, content=kept, published_at=clock.now(), published_by=str(actor))
    return first - 1


def _document(email: Email, html: str) -> dict[str, Any]:
    """The template with the letter in place of its first text; its other texts are in the letter, everything else stays."""
    new = blocks.new_block("text")
    new["body"] = _literal(html)
    document = email.document or blocks.new(theme={"page": "#ffffff"}, rows=[blocks.new_row("1", [[blocks.new_block("text")]], space="small")])
    put = False
    rows = []
    for row in document["rows"]:
        columns = []
        for column in row["columns"]:
            kept = []
            for block in column:
                if block["kind"] != "text":
                    kept.append(block)
                elif not put:
                    kept.append({**new, "align": block["align"], "size": block["size"], "space": block["space"]})
                    put = True
            columns.append(kept)
        rows.append({**row, "columns": columns})
    if not put:
        rows.insert(0, blocks.new_row("1", [[new]]))
        rows[0]["columns"][0][0]["body"] = new["body"]
    return {**document, "rows": rows}


def _literal(text: str) -> str:
    """What a person typed is no template, whatever it looks like."""
    return text.replace("{", '{{ "{" }}')


def _sender(user: User) -> str:
    account = users.account().name
    return f"{user.name} ({account})" if account else user.name
