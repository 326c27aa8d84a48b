"""What people do with e-mails: write one, change it. Checked before it is kept, with a row in the history."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging import render
from baton.messaging.models import Email
from baton.platform import history
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound, Problem

FIELDS = ("name", "subject", "preheader", "body", "from_name", "purpose")
PURPOSES = ("marketing", "transactional")


def create(name: str, actor: Actor, *, subject: str = "", body: str = "", preheader: str = "", from_name: str = "", purpose: str = "marketing") -> Email:
    """A new e-mail. Raises Invalid (`name`, `subject`, `body` ...)."""
    email = Email(name=name.strip(), subject=subject.strip() or name.strip(), preheader=preheader, body=body, from_name=from_name, purpose=purpose)
    _check(email)
    with transaction.atomic():
        email.save()
        history.record(actor, "created", "email", email.pk, name=email.name)
    return email


def update(email_id: int, actor: Actor, **fields: Any) -> Email:
    """Change some of FIELDS; mails that are sent from now on are the new ones. Raises Invalid, NotFound."""
    if unknown := fields.keys() - set(FIELDS):
        raise TypeError(f"an e-mail has no {', '.join(sorted(unknown))}")
    with transaction.atomic():
        email = Email.objects.select_for_update().filter(pk=email_id, archived_at=None).first()
        if email is None:
            raise NotFound(_("This e-mail does not exist any more."))
        changed = [name for name, value in fields.items() if getattr(email, name) != value]
        for name in changed:
            setattr(email, name, fields[name])
        _check(email)
        if changed:
            email.save()
            history.record(actor, "updated", "email", email.pk, fields=changed)
    return email


def _check(email: Email) -> None:
    problems = [
        Problem(name, "REQUIRED", text)
        for name, text in (("name", _("Give the e-mail a name.")), ("subject", _("A subject is required.")))
        if not getattr(email, name).strip()
    ]
    if email.purpose not in PURPOSES:
        problems.append(Problem("purpose", "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(PURPOSES))))
    if problems:
        raise Invalid(problems)
    render.check(subject=email.subject, body=email.body, preheader=email.preheader)
