"""Reads mailboxes by IMAP, without marking or deleting anything in them: each remembers up to where it was read (UID and UIDVALIDITY, RFC 3501)."""

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls, MailBoxUnencrypted

from baton.messaging.incoming import inbound
from baton.messaging.models import Mailbox
from baton.platform import clock, history, logs, secrets
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound, Problem

TIMEOUT = 30  # seconds for each answer
MOST = 200  # mails of one look
LARGEST = 25 * 1024 * 1024  # bytes of a mail
BACK = timedelta(days=7)  # of a mailbox that was made anew so much is read again; what is known by then is not taken twice
TLS = 993
LOCAL = ("127.0.0.1", "::1", "localhost")

_log = logs.log(__name__)
Failed = (OSError, imaplib.IMAP4.error, ImapToolsError, ssl.SSLError)


def poll() -> int:
    """Look into every mailbox; returns how many mails were new. One that does not answer says so and does not hold up the others."""
    return sum(look(box) for box in Mailbox.objects.filter(active=True).order_by("id"))


def look(box: Mailbox) -> int:
    """Take what is new in a mailbox; returns how many mails. What went wrong stands in `problem`."""
    taken, problem = 0, ""
    try:
        with _open(box) as opened:
            taken = _take(box, opened)
    except Failed as error:
        problem = _words(error)
        _log.warning("a mailbox cannot be read", mailbox=box.pk, problem=problem)
    except ValueError as error:  # its password was stored with another secret key
        problem = str(error)
    box.problem, box.looked_at = problem, clock.now()
    box.save(update_fields=["problem", "looked_at"])
    return taken


def check(host: str, port: int, user: str, password: str, folder: str) -> int:
    """Try to sign in; returns how many mails there are. Raises Invalid with what the server says."""
    try:
        with _signed_in(host, port, user, password, folder) as opened:
            return int(opened.folder.status(folder, ["MESSAGES"])["MESSAGES"])
    except Failed as error:
        raise Invalid.one("host", "UNREACHABLE", _words(error)) from None


def _take(box: Mailbox, opened: BaseMailBox) -> int:
    status = opened.folder.status(box.folder, ["UIDVALIDITY", "UIDNEXT"])
    validity, following = int(status["UIDVALIDITY"]), int(status["UIDNEXT"])
    if not box.validity:  # new: what came before Baton knew it is left alone
        box.validity, box.uid = validity, following - 1
        box.save(update_fields=["validity", "uid"])
        return 0
    criteria = f"UID {box.uid + 1}:*"
    if validity != box.validity:
        box.validity, box.uid = validity, 0
        criteria = f"SINCE {(clock.now() - BACK):%d-%b-%Y}"
    taken = 0
    for uid in sorted(int(uid) for uid in opened.uids(criteria))[:MOST]:
        if uid <= box.uid:  # `n:*` always gives the last one
            continue
        if raw := _raw(opened, uid):
            taken += inbound.store(f"imap:{box.pk}", raw) is not None
        box.uid = uid
        box.save(update_fields=["validity", "uid"])
    box.save(update_fields=["validity", "uid"])
    return taken


def _raw(opened: BaseMailBox, uid: int) -> bytes:
    """The mail as it lies there; empty for one that is gone, or too large to be about us."""
    answer = _bytes(opened.client.uid("fetch", str(uid), "(RFC822.SIZE)"))
    size = int(answer.upper().rpartition(b"RFC822.SIZE")[2].strip(b" )") or 0) if b"RFC822.SIZE" in answer.upper() else 0
    return _bytes(opened.client.uid("fetch", str(uid), "(BODY.PEEK[])"), literal=True) if size <= LARGEST else b""


def _bytes(answer: tuple[str, list[Any]], *, literal: bool = False) -> bytes:
    state, parts = answer
    if state != "OK":
        raise imaplib.IMAP4.error(f"FETCH: {state}")
    for part in parts:
        if literal and isinstance(part, tuple):
            return bytes(part[1])
        if not literal and isinstance(part, bytes):
            return part
    return b""


@contextmanager
def _open(box: Mailbox) -> Iterator[BaseMailBox]:
    with _signed_in(box.host, box.port, box.user, secrets.decrypt(box.secret), box.folder) as opened:
        yield opened


@contextmanager
def _signed_in(host: str, port: int, user: str, password: str, folder: str) -> Iterator[BaseMailBox]:
    """TLS from the beginning on port 993, else STARTTLS; a password goes without either to this very machine only."""
    made: BaseMailBox
    if port == TLS:
        made = MailBox(host, port, timeout=TIMEOUT, ssl_context=ssl.create_default_context())
    elif host in LOCAL:
        made = MailBoxUnencrypted(host, port, timeout=TIMEOUT)
    else:
        made = MailBoxStartTls(host, port, timeout=TIMEOUT, ssl_context=ssl.create_default_context())
    try:
        made.login(user, password, initial_folder=folder)
        yield made
    finally:
        try:
            made.logout()
        except Failed:  # it hung up, or never let us in
            with suppress(OSError):
                made.client.shutdown()


def _words(error: BaseException) -> str:
    """What went wrong, for people."""
    said = error.args[0] if error.args else ""
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(error)
    return " ".join(text.split())[:300] or type(error).__name__


# Settings ---------------------------------------------------------------------

ASKED = ("name", "host", "port", "user", "folder", "active")


def add(values: dict[str, Any], password: str, *, actor: Actor) -> Mailbox:
    """Read one more mailbox. Raises Invalid at the field."""
    _check(values, password)
    with transaction.atomic():
        box = Mailbox.objects.create(**{name: values[name] for name in ASKED if name in values}, secret=secrets.encrypt(password))
        history.record(actor, "created", "mailbox", box.pk, name=box.name, host=box.host, user=box.user)
    return box


def change(id: int, values: dict[str, Any], password: str = "", *, actor: Actor) -> Mailbox:
    """Change what is given; an empty password leaves the old one, unless it would go to another server. Raises Invalid, NotFound."""
    with transaction.atomic():
        box = _get(id)
        merged = {name: values.get(name, getattr(box, name)) for name in ASKED}
        moved = (merged["host"], merged["port"], merged["user"]) != (box.host, box.port, box.user)
        _check(merged, password or ("" if moved else "kept"))
        was = {name: getattr(box, name) for name in ASKED if getattr(box, name) != merged[name]}
        for name, value in merged.items():
            setattr(box, name, value)
        if password:
            box.secret = secrets.encrypt(password)
        if moved or "folder" in was:
            box.uid, box.validity = 0, 0
        box.save()
        if was or password:
            history.record(actor, "updated", "mailbox", box.pk, was=was, now={name: merged[name] for name in was}, password=bool(password))
    return box


def remove(id: int, *, actor: Actor) -> None:
    """Read it no more, and forget its password. Raises NotFound."""
    with transaction.atomic():
        box = _get(id)
        history.record(actor, "deleted", "mailbox", box.pk, name=box.name, host=box.host, user=box.user)
        box.delete()


def asked(values: dict[str, Any], password: str, *, box: Mailbox | None = None) -> None:
    """Whether this may be kept: of a new mailbox, or instead of what `box` has. Raises Invalid at the field."""
    moved = box is None or (values["host"], values["port"], values["user"]) != (box.host, box.port, box.user)
    _check(values, password or ("" if moved else "kept"))


def password(box: Mailbox | None) -> str:
    """The password that is kept, to try it; it is never shown."""
    return secrets.decrypt(box.secret) if box is not None else ""


def _get(id: int) -> Mailbox:
    box = Mailbox.objects.select_for_update().filter(pk=id).first()
    if box is None:
        raise NotFound(_("There is no such mailbox."))
    return box


def _check(values: dict[str, Any], password: str) -> None:
    problems = [Problem(name, "REQUIRED", _("This is required.")) for name in ("name", "host", "user", "folder") if not str(values.get(name, "x")).strip()]
    if not isinstance(values.get("port"), int) or not 1 <= values["port"] <= 65535:
        problems.append(Problem("port", "INVALID_NUMBER", _("A number from 1 to 65535.")))
    if not password:
        problems.append(Problem("password", "REQUIRED", _("This is required.")))
    if problems:
        raise Invalid(problems)
