"""What people do with e-mails: write a draft, publish it, go back to a version, copy, archive. Each change names its actor and leaves history.

The columns of an e-mail are what is sent; `draft` holds what its editors changed since. Publishing writes the draft into the columns and keeps
the whole as an EmailVersion, which never changes: campaigns send versions, so nothing that somebody writes meanwhile changes a mail on its way.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.messaging.mail import blocks, mail_checks, mjml, render
from baton.messaging.mail.render import Rendered
from baton.messaging.models import Email, EmailVersion
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

Content = dict[str, Any]

DRAFTED = (
    "subject", "preheader", "mode", "document", "body", "text", "purpose", "purpose_reason", "subscription_id", "from_name", "from_address", "reply_to",
    "language",
)  # fmt: skip
PURPOSES = ("marketing", "transactional")
MODES = ("blocks", "raw")
KINDS = ("mail", "personal")
LANGUAGES = ("ko", "en")
LONGEST = {"name": 200, "subject": 300, "preheader": 300, "body": 600_000, "text": 100_000, "purpose_reason": 500, "from_name": 100, "reply_to": 254}


# -- from nothing to a mail ------------------------------------------------------------------------------------------------------------------------


def create(
    name: str,
    actor: Actor,
    *,
    subject: str = "",
    body: str = "",
    preheader: str = "",
    from_name: str = "",
    purpose: str = "marketing",
    kind: str = "mail",
    mode: str = "blocks",
    language: str = "ko",
    document: Mapping[str, Any] | None = None,
) -> Email:
    """A new e-mail. Raises Invalid (`name`, `subject`, `body` ...).

    With `body` it is a simple mail (or raw HTML, in mode raw) that is published at once. Without, it is a draft of blocks: those of `document`,
    or the usual beginning.
    """
    email = Email(
        name=name.strip(), subject=subject.strip() or name.strip(), preheader=preheader, body=body, from_name=from_name, purpose=purpose, kind=kind,
        mode=mode, language=language,
    )  # fmt: skip
    if not body:
        email.draft = {"document": blocks.cleaned(document) if document else blocks.starter()} if mode == "blocks" else {"body": ""}
    _check_settings(email.name, content(email))
    if body:
        _check(content(email), passing="EXAMPLE_LINK")  # a template's mails have links to be filled in; their editor says so
    with transaction.atomic():
        email.save()
        history.record(actor, "created", "email", email.pk, name=email.name)
        if body:
            _publish(email, content(email), actor, "")
    return email


def copy(email_id: int, actor: Actor, name: str = "") -> Email:
    """A new draft with everything this mail's editors see now. Raises NotFound."""
    with transaction.atomic():
        email = _get(email_id)
        new = name.strip() or _("{name} (copy)").format(name=email.name)
        twin = Email(
            name=new[: LONGEST["name"]], kind=email.kind, **{column: getattr(email, column) for column in DRAFTED if column not in ("body", "document")}
        )
        twin.body, twin.draft = "", draft(email)
        twin.save()
        history.record(actor, "created", "email", twin.pk, name=twin.name, copied_from=email.pk)
    return twin


# -- the draft -------------------------------------------------------------------------------------------------------------------------------------


def content(email: Email) -> Content:
    """What is sent: the columns."""
    return {column: getattr(email, column) for column in DRAFTED}


def draft(email: Email) -> Content:
    """What its editors are at: the columns with what was changed since. In mode blocks `body` is compiled from the document when it is asked for."""
    return {**content(email), **email.draft}


def draft_save(email_id: int, actor: Actor, revision: int, **fields: Any) -> Email:
    """Keep what an editor changed, some of DRAFTED and `name` (which counts at once). Half-written mails can be saved; the result says its new `revision`.

    `revision` is the one the editor saw last. Raises Conflict when somebody else saved since, so that two editors at once are told; Invalid for what
    no draft can hold; NotFound. A row of the history says when somebody takes a draft up, not every letter he types.
    """
    if unknown := fields.keys() - {*DRAFTED, "name"}:
        raise TypeError(f"an e-mail has no {', '.join(sorted(unknown))}")
    with transaction.atomic():
        email = _get(email_id, lock=True)
        _seen(email, revision)
        name = str(fields.pop("name", email.name)).strip()
        changed = {column: _cleaned(column, value) for column, value in fields.items()}
        after = {**draft(email), **changed}
        _check_settings(name, after)
        sent = content(email)
        new = {column: value for column, value in after.items() if value != sent[column]}
        if "document" in new and email.version and not email.document and not new["document"].get("rows"):
            del new["document"]  # a simple mail stays one until it has blocks
        if name != email.name:
            history.record(actor, "renamed", "email", email.pk, name=[email.name, name])
        elif new == email.draft:
            return email
        if email.draft_by != str(actor) or not email.draft:
            history.record(actor, "drafted", "email", email.pk, fields=sorted(changed))
        email.name, email.draft, email.draft_by = name, new, str(actor)
        email.revision += 1
        email.save()
    return email


def discard(email_id: int, actor: Actor, revision: int | None = None) -> Email:
    """Throw the draft away: editors see what is sent again. Raises Conflict, NotFound."""
    with transaction.atomic():
        email = _get(email_id, lock=True)
        _seen(email, revision)
        if email.draft and email.version:
            email.draft, email.draft_by = {}, ""
            email.revision += 1
            email.save()
            history.record(actor, "discarded", "email", email.pk)
    return email


def preview(email: Email, contact_id: int = 0, *, sent: bool = False) -> Rendered:
    """The draft (`sent`: what is sent) as this contact would get it; with links as they are written, nothing counted. Raises Invalid for a broken template."""
    shown = Email(pk=email.pk, name=email.name, kind=email.kind, version=email.version, **(content(email) if sent else compiled(draft(email))))
    return render.mail(shown, [contact_id])[0]


def compiled(given: Content) -> Content:
    """The same content with the body its document makes; simple and raw mails stay as they are."""
    if given["mode"] == "blocks" and given["document"]:
        return {**given, "body": mjml.html(given["document"], subject=given["subject"], language=given["language"], purpose=given["purpose"])}
    return given


# -- versions --------------------------------------------------------------------------------------------------------------------------------------


def publish(email_id: int, actor: Actor, *, note: str = "", revision: int | None = None) -> EmailVersion:
    """What is sent from now on is the draft. Raises Invalid with everything that must be put right first, Conflict (see draft_save), NotFound."""
    with transaction.atomic():
        email = _get(email_id, lock=True)
        _seen(email, revision)
        new = compiled(draft(email))
        _check_settings(email.name, new)
        _check(new)
        return _publish(email, new, actor, note)


def versions(email_id: int) -> Sequence[EmailVersion]:
    """The published versions, newest first. Numbers below zero are letters that colleagues made of it, see one_to_one.py."""
    return list(EmailVersion.objects.filter(email_id=email_id, number__gt=0).order_by("-number"))


def version(email_id: int, number: int) -> EmailVersion:
    """A published version. Raises NotFound."""
    found = EmailVersion.objects.filter(email_id=email_id, number=number).first()
    if found is None:
        raise NotFound(_("There is no version {number}.").format(number=number))
    return found


def restore(email_id: int, number: int, actor: Actor, *, revision: int | None = None) -> Email:
    """Make the draft what a version was; publishing it makes a new version. Raises NotFound, Conflict."""
    with transaction.atomic():
        email = _get(email_id, lock=True)
        _seen(email, revision)
        kept, sent = version(email_id, number).content, content(email)
        email.draft = {column: kept[column] for column in DRAFTED if column in kept and kept[column] != sent[column]}
        email.draft_by = str(actor)
        email.revision += 1
        email.save()
        history.record(actor, "restored", "email", email.pk, version=number)
    return email


# -- kept and put aside ------------------------------------------------------------------------------------------------------------------------------


def archive(email_id: int, actor: Actor) -> None:
    """Put a mail aside: nobody can choose it any more. What already waits to be sent is sent. Raises NotFound."""
    _archive(email_id, actor, True)


def unarchive(email_id: int, actor: Actor) -> None:
    """Take it back. Raises NotFound."""
    _archive(email_id, actor, False)


def _archive(email_id: int, actor: Actor, away: bool) -> None:
    with transaction.atomic():
        email = Email.objects.select_for_update().filter(pk=email_id).first()
        if email is None:
            raise NotFound(_("This e-mail does not exist any more."))
        if (email.archived_at is not None) != away:
            email.archived_at = clock.now() if away else None
            email.save(update_fields=["archived_at", "updated_at"])
            history.record(actor, "archived" if away else "restored", "email", email.pk, name=email.name)


# -- inside ------------------------------------------------------------------------------------------------------------------------------------------


def _get(email_id: int, *, lock: bool = False) -> Email:
    found = (Email.objects.select_for_update() if lock else Email.objects).filter(pk=email_id, archived_at=None).first()
    if found is None:
        raise NotFound(_("This e-mail does not exist any more."))
    return found


def _seen(email: Email, revision: int | None) -> None:
    if revision is not None and revision != email.revision:
        who = _who(email.draft_by) if email.draft_by else ""
        raise Conflict(_("{who} changed this e-mail meanwhile. Load it again to go on.").format(who=who or _("Somebody else")))


def _who(actor: str) -> str:
    """The name of a colleague."""
    one = Actor.parse(actor)
    return User.objects.filter(pk=one.id).values_list("name", flat=True).first() or "" if one.kind == "user" and one.id else ""


def _cleaned(column: str, value: Any) -> Any:
    if column == "document":
        return blocks.cleaned(value) if value else {}
    if column == "subscription_id":
        return int(value) if value else None
    text = str(value).replace("\0", "")
    return text if column in ("body", "text") else " ".join(text.split())


def _check_settings(name: str, given: Content) -> None:
    """What not even a draft can be without."""
    problems = [] if name else [Problem("name", "REQUIRED", _("Give the e-mail a name."))]
    for path, options in (("purpose", PURPOSES), ("mode", MODES), ("language", LANGUAGES)):
        if given[path] not in options:
            problems.append(Problem(path, "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(options))))
    for path, most in LONGEST.items():
        if len(name if path == "name" else given[path]) > most:
            problems.append(Problem(path, "TOO_LONG", _("At most {most} letters.").format(most=most)))
    if problems:
        raise Invalid(problems)


def _check(given: Content, passing: str = "") -> None:
    problems = [finding.problem for finding in mail_checks.grave(given)]
    if grave := [problem for problem in problems if problem.code != passing]:
        raise Invalid(grave)


def _publish(email: Email, new: Content, actor: Actor, note: str) -> EmailVersion:
    for column, value in new.items():
        setattr(email, column, value)
    last = EmailVersion.objects.filter(email=email, number__gt=0).order_by("-number").values_list("number", flat=True).first() or 0
    email.version, email.draft, email.draft_by = last + 1, {}, ""
    email.revision += 1
    email.save()
    made = EmailVersion.objects.create(
        email=email, number=email.version, content={**new, "kind": email.kind}, note=note.strip()[:500], published_at=clock.now(), published_by=str(actor)
    )
    history.record(actor, "published", "email", email.pk, version=made.number, **({"note": made.note} if made.note else {}))
    return made
