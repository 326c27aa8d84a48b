"""A form was sent: find out who it is, write what he said, remember that he said it. All of it or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from baton.crm import consent as consents
from baton.crm import contacts, records
from baton.crm import identity as identities
from baton.events import identity, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.events.wire import is_cookie, storable
from baton.forms import fields
from baton.forms.models import Form, FormSubmission
from baton.platform import clock, live, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem
from baton.platform.transaction import retrying

SOURCE = "form"
LONGEST = 2048  # characters of an address
LOOKS = 3  # how often it is looked up whose answer it is, when others write at the same moment


@dataclass(frozen=True, slots=True)
class Submission:
    """What came of it, and what the sender is shown."""

    contact_id: int
    thanks: str
    redirect_url: str


@retrying
def submit(
    form: Form,
    values: Mapping[str, Any],
    *,
    cookie: str = "",
    page_url: str = "",
    page_title: str = "",
    consent: bool | None = None,
    consent_text: str = "",
    at: datetime | None = None,
    lenient: bool = False,
    key: str = "",
) -> Submission:
    """Take an answer. Raises Invalid (`fields.<name>`, `consent`) before anything is written.

    The sender is the contact with the e-mail address given, else whoever the cookie belongs to, else somebody new. An
    anonymous visitor becomes that contact with everything he did before. Two people who are both known stay two.
    `consent` None means the sender was not asked; False leaves an agreement given earlier as it is. `lenient` lets
    missing and undeclared fields pass (the undeclared are left out); what is wrong in itself is still refused.
    With a `key` the answer is taken once, however often it is given.
    """
    answers, written, problems = fields.check(form.fields, values)
    if lenient:
        problems = [p for p in problems if p.code not in ("REQUIRED_FIELD", "FIELD_NOT_IN_FORM_DEFINITION")]
    if form.consent.get("required") and not consent:
        problems.append(Problem("consent", "MISSING_PROCESSING_CONSENT", _("Please agree to go on.")))
    if problems:
        raise Invalid(problems)
    actor = Actor("form", form.pk)
    now = clock.now()
    at = min(at or now, now)
    if not is_cookie(cookie):
        cookie = ""
    page_url, page_title, consent_text = storable(page_url, LONGEST), storable(page_title, 300), storable(consent_text, LONGEST)
    with transaction.atomic():
        if key and (taken := identities.find("submission", key)) is not None:
            return Submission(taken, thanks(form), form.redirect_url)
        contact_id = _person(written, cookie, actor, at, page_url)
        if consent and (wording := consent_text or form.consent.get("label", "")):
            consents.set([contact_id], form.consent.get("channel", "email"), True, actor=actor, source=str(actor), wording=wording)
        number = sql.next_ids("form_submission_id_seq", 1)[0]
        FormSubmission.objects.create(contact_id=contact_id, id=number, form_id=form.pk, values=answers, page_url=page_url, page_title=page_title, at=at)
        payload = {"submission": number, "page": page_url, "title": page_title}
        if cookie and "email" not in written and (via := identity.origin(cookie)):
            payload["via"] = via
        record.add([NewEvent(contact_id, Kind.FORM_SUBMISSION, at, str(form.pk), form.name, payload=payload)])
        live.publish(f"contact:{contact_id}", what="changed")
        if key:
            identities.claim("submission", key, contact_id)
    return Submission(contact_id, thanks(form), form.redirect_url)


def thanks(form: Form) -> str:
    """What the sender reads afterwards, in the form's language."""
    with translation.override(form.language):
        return form.thanks or _("Thank you. We have received your answer.")


def _person(written: dict[str, Any], cookie: str, actor: Actor, at: datetime, page_url: str) -> int:
    """The contact the answer is from, with the values written. Who was faster meanwhile is seen at the second look."""
    for _look in range(LOOKS - 1):
        try:
            with transaction.atomic():
                return _seen_now(written, cookie, actor, at, page_url)
        except (Conflict, NotFound):
            continue
    return _seen_now(written, cookie, actor, at, page_url)


def _seen_now(written: dict[str, Any], cookie: str, actor: Actor, at: datetime, page_url: str) -> int:
    email = written.get("email")
    visitor = identity.hold(cookie) if cookie else None
    owner = contacts.match(email, written) if email else None
    if owner is None:
        contact_id = _of_visitor(visitor, written, email) if visitor is not None else None
        return _write(contact_id, visitor, cookie, written, actor, at, page_url)
    _bind(cookie, visitor, owner)
    records.update("contact", owner, {name: value for name, value in written.items() if name != "email"}, actor=actor, source=SOURCE, freedom="stay")
    return owner  # by any of his addresses: it does not become the primary one


def _of_visitor(visitor: int, written: dict[str, Any], email: str | None) -> int | None:
    """The contact the cookie stands for, unless the address says that somebody else sits at the same browser."""
    found = records.many("contact", [visitor]).get(visitor)
    if found is None or (email and found.properties.get("email") not in (None, "", email)):
        return None
    if email and found.properties.get("email") == email:  # not found by it: a shared address, and the name is another one
        return None
    return visitor


def _write(contact_id: int | None, visitor: int | None, cookie: str, written: dict[str, Any], actor: Actor, at: datetime, page_url: str) -> int:
    if contact_id is not None:
        records.update("contact", contact_id, written, actor=actor, source=SOURCE, freedom="stay")
        return contact_id
    if visitor is not None and not identity.is_known(visitor):
        contacts.create_as(visitor, written, actor=actor, source=SOURCE)
        identity.became_known(visitor, by=SOURCE)
        return visitor
    made = records.create("contact", written, actor=actor, source=SOURCE)
    if cookie and visitor is None:
        _bind(cookie, None, made)
    identity.first_seen(made, at, page=page_url)
    return made


def _bind(cookie: str, visitor: int | None, contact_id: int) -> None:
    """Let the cookie belong to the contact, with the history of an anonymous visitor; a known visitor keeps it."""
    if not cookie:
        return
    if visitor is None:
        visitor = identity.current(contacts.claim("cookie", cookie, contact_id))
    if visitor != contact_id and not identity.is_known(visitor):
        identity.join(visitor, contact_id, by=SOURCE)
