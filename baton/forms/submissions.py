"""A form was sent: find out who it is, write what he said, remember that he said it. All of it or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from baton.crm import contacts, files, records
from baton.crm import identity as identities
from baton.events import identity, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.events.wire import is_cookie, storable
from baton.forms import consents, fields, known, shown
from baton.forms.fields import Checked, Upload
from baton.forms.models import Form, FormSubmission
from baton.forms.shown import Shown
from baton.platform import clock, live, signing, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.platform.transaction import retrying

SOURCE = "form"
LONGEST = 2048  # characters of an address
LOOKS = 3  # how often it is looked up whose answer it is, when others write at the same moment
HANDED = timedelta(days=7)  # for so long the link to a file works


@dataclass(frozen=True, slots=True)
class Submission:
    """What came of it, and what the sender is shown. `contact_id` 0: it waits in quarantine."""

    contact_id: int
    thanks: str
    redirect_url: str
    file: str = ""  # token of /f/file/<token>, for as long as HANDED
    cookie: str = ""  # the browser is known as somebody else's: from now on it is this one


@retrying
def submit(
    form: Form,
    values: Mapping[str, Any],
    *,
    cookie: str = "",
    page_url: str = "",
    page_title: str = "",
    boxes: Mapping[str, bool] | None = None,
    spoken: str = "",
    at: datetime | None = None,
    lenient: bool = False,
    key: str = "",
    version: int = 0,
    uploads: Mapping[str, Upload] | None = None,
    network: str = "",
    via: str = "",
) -> Submission:
    """Take an answer. Raises Invalid (`fields.<name>`, `consent.<box>`) before anything is written, NotFound for a form never published.

    The sender is the contact with the e-mail address given, else whoever the cookie belongs to, else somebody new. An
    anonymous visitor becomes that contact with everything he did before. Two people who are both known stay two, and who is
    known by the cookie only is not overwritten: what is unknown of him is filled in.
    `boxes`: the consent boxes that were there, ticked or not (None: not asked); an empty one leaves an agreement given earlier as it is.
    `spoken`: the words beside them, where another page showed its own. `version`: the one the sender saw. `lenient` lets missing and
    undeclared fields pass, and boxes nobody was asked (the undeclared are left out); what is wrong in itself is still refused. With a `key` the answer is taken
    once, however often it is given. `network` is truncated by the caller; `via`: page, hubspot, intake, released.
    """
    cookie = cookie if is_cookie(cookie) else ""
    seen = shown.answered(form, version, cookie)
    checked = check(form, seen, values, cookie=cookie, boxes=boxes, lenient=lenient, uploads=uploads)
    if checked.problems:
        raise Invalid(checked.problems)
    actor, now = Actor("form", form.pk), clock.now()
    at = min(at or now, now)
    page_url, page_title, spoken = storable(page_url, LONGEST), storable(page_title, 300), storable(spoken, LONGEST)
    said = consents.said(seen.definition, boxes, spoken)
    with transaction.atomic():
        if key and (taken := identities.find("submission", key)) is not None:
            return _done(form, seen, taken)
        contact_id, fresh = _person(checked.written, cookie, actor, at, page_url)
        number = sql.next_ids("form_submission_id_seq", 1)[0]
        kept = {name: files.add(contact_id, upload.name, upload.content, actor=actor) for name, upload in checked.files.items()}
        about = {word: what for word, what in (("files", kept), ("via", via), ("network", network)) if what}
        FormSubmission.objects.create(
            contact_id=contact_id, id=number, form_id=form.pk, version=seen.number, split_id=seen.split_id, values=checked.answers, consents=said,
            about=about, page_url=page_url, page_title=page_title, at=at,
        )  # fmt: skip
        proof = {"form": form.pk, "form_version": seen.number, "submission": number, "page": page_url, "asked_at": at.isoformat()}
        consents.take(seen, said, contact_id, number, str(checked.written.get("email") or ""), actor=actor, proof=proof, network=network)
        payload = {"submission": number, "page": page_url, "title": page_title, "version": seen.number}
        if cookie and "email" not in checked.written and (via_id := identity.origin(cookie)):
            payload["via"] = via_id
        record.add([NewEvent(contact_id, Kind.FORM_SUBMISSION, at, str(form.pk), form.name, payload=payload)])
        live.publish(f"contact:{contact_id}", what="changed")
        if key:
            identities.claim("submission", key, contact_id)
    return _done(form, seen, contact_id, fresh)


def check(
    form: Form,
    seen: Shown,
    values: Mapping[str, Any],
    *,
    cookie: str = "",
    boxes: Mapping[str, bool] | None = None,
    lenient: bool = False,
    uploads: Mapping[str, Upload] | None = None,
) -> Checked:
    """Check an answer against the version its sender saw; reads only."""
    skipped = {one["name"] for one in seen.definition["fields"] if one["ask"] == "queued" and one["name"] not in values}
    if any(one["ask"] == "if_unknown" and one["required"] and one["name"] not in values for one in seen.definition["fields"]):
        skipped |= known.known(form, cookie)
    done = fields.check(seen.definition, values, uploads, skipped=skipped, lenient=lenient)
    if not (lenient and boxes is None):
        done.problems += consents.problems(seen.definition, boxes)
    return done


def _done(form: Form, seen: Shown, contact_id: int, cookie: str = "") -> Submission:
    after = seen.definition["after"]
    redirect = after["redirect_url"] if after["kind"] == "redirect" else ""
    return Submission(contact_id, thanks(seen), redirect, file_token(form, seen, contact_id), cookie)


def as_if_taken(form: Form, seen: Shown) -> Submission:
    """What a sender is shown whose answer went to quarantine: the same as everybody."""
    return _done(form, seen, 0)


def thanks(seen: Shown) -> str:
    """What the sender reads afterwards, in the form's language."""
    with translation.override(seen.definition["language"]):
        if seen.definition["after"]["thanks"]:
            return str(seen.definition["after"]["thanks"])
        if seen.definition["consent"]["double_opt_in"]:
            return _("Thank you. Please confirm by the link in the e-mail that we have sent you.")
        return _("Thank you. We have received your answer.")


def file_token(form: Form, seen: Shown, contact_id: int) -> str:
    """What leads to the file that is handed out, until HANDED is over; "" when there is none."""
    after = seen.definition["after"]
    if after["kind"] != "file" or after["file"] is None:
        return ""
    return signing.make("form_file", form.pk, after["file"], contact_id, int((clock.now() + HANDED).timestamp()))


def _person(written: dict[str, Any], cookie: str, actor: Actor, at: datetime, page_url: str) -> tuple[int, str]:
    """The contact the answer is from, with the values written, and a new cookie for the browser, if it needs one.

    Who was faster meanwhile is seen at the second look.
    """
    for _look in range(LOOKS - 1):
        try:
            with transaction.atomic():
                return _seen_now(written, cookie, actor, at, page_url)
        except (Conflict, NotFound):
            continue
    return _seen_now(written, cookie, actor, at, page_url)


def _seen_now(written: dict[str, Any], cookie: str, actor: Actor, at: datetime, page_url: str) -> tuple[int, str]:
    email = written.get("email")
    owner = contacts.match(email, written) if email else None
    if cookie and email:
        identity.proved(cookie, owner)  # a mail that was forwarded had made the browser somebody else's
    visitor = identity.hold(cookie) if cookie else None
    if owner is not None:
        fresh = _bind(cookie, visitor, owner)
        records.update("contact", owner, {name: value for name, value in written.items() if name != "email"}, actor=actor, source=SOURCE, freedom="stay")
        return owner, fresh  # by any of his addresses: it does not become the primary one
    found = _of_visitor(visitor, written, email) if visitor is not None else None
    if found is not None:
        new = {name: value for name, value in written.items() if found.properties.get(name) in (None, "", [])}
        records.update("contact", found.id, new, actor=actor, source=SOURCE, freedom="stay")
        return found.id, ""
    return _make(visitor, cookie, written, actor, at, page_url)


def _of_visitor(visitor: int, written: dict[str, Any], email: str | None) -> Any:
    """The contact the cookie stands for, unless the address says that somebody else sits at the same browser."""
    found = records.many("contact", [visitor]).get(visitor)
    if found is None or (email and found.properties.get("email") not in (None, "")):
        return None  # with that very address he would have been found by it, but for a shared one and another name
    return found


def _make(visitor: int | None, cookie: str, written: dict[str, Any], actor: Actor, at: datetime, page_url: str) -> tuple[int, str]:
    if visitor is not None and not identity.is_known(visitor):
        contacts.create_as(visitor, written, actor=actor, source=SOURCE)
        identity.became_known(visitor, by=SOURCE)
        return visitor, ""
    made = records.create("contact", written, actor=actor, source=SOURCE)
    fresh = _bind(cookie, visitor, made)
    identity.first_seen(made, at, page=page_url)
    return made, fresh


def _bind(cookie: str, visitor: int | None, contact_id: int) -> str:
    """Let the cookie belong to the contact, with the history of an anonymous visitor; a known visitor keeps it.

    Returns a new cookie for the browser in that case: what is done there from now on is the new one's.
    """
    if not cookie:
        return ""
    if visitor is None:
        visitor = identity.current(contacts.claim("cookie", cookie, contact_id))
    if visitor == contact_id:
        return ""
    if identity.is_known(visitor):
        return identity.fresh(contact_id)
    identity.join(visitor, contact_id, by=SOURCE)
    return ""
