"""One mail to one person as a program asks for it: with values, a sender and copies of its own.

Each copy (cc, bcc) is a message of the same contact that goes to its own address by itself, with the same content, To, Cc and Message-ID: so it is known of
every receiver what became of his, and none gets two however a sender dies. Only transactional mails have copies: the way out of an advertisement, and the
agreement it needs, are one person's.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import identity
from baton.messaging import gate, outbox
from baton.messaging.channels.email import domain_of
from baton.messaging.consent import suppression
from baton.messaging.mail import frame
from baton.messaging.mail.said import COPY, SINGLE
from baton.messaging.models import Email, Message, SingleSend
from baton.messaging.outbox import NewMessage
from baton.platform import clock, sql
from baton.platform.errors import Invalid, Problem

CAUSE = "single:"
MOST_COPIES, MOST_REPLY_TO = 20, 5
MOST_VALUES, LARGEST, DEEPEST = 200, 32 * 1024, 5  # of the values: how many names, bytes of JSON, levels
LONGEST_KEY = 200
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
ADDRESS = re.compile(
    r"[^@\s<>,;\"()\[\]\\\x00-\x1f\x7f]{1,64}@[^@\s<>,;.\"()]+(\.[^@\s<>,;.\"()]+)+"
)  # as the last gate, and nothing that a header reads otherwise
LAPSED = ("unsubscribed", "erased")  # reasons of an address that stop advertising only


@dataclass(frozen=True, slots=True)
class Wish:
    """What a program wants of one message besides whom and which mail."""

    custom: Mapping[str, Any] = field(default_factory=dict)
    sent_by: str = ""  # `Name <address>`
    reply_to: Sequence[str] = ()
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.custom or self.sent_by or self.reply_to or self.cc or self.bcc)


@dataclass(frozen=True, slots=True)
class Copy:
    """What became of a copy: of none that was not to be sent (`message` None) the reason, a word of outbox.REASONS."""

    address: str
    message: Message | None
    reason: str = ""


def checked(mail: Email, wish: Wish, to: str) -> Wish:
    """The same with each address once. Raises Invalid: `customProperties`, `message.from`, `message.replyTo`, `message.cc`, `message.bcc`."""
    problems = _custom_problems(wish.custom)
    lists = {"message.replyTo": wish.reply_to, "message.cc": wish.cc, "message.bcc": wish.bcc}
    for path, addresses in lists.items():
        problems += [Problem(path, "INVALID_EMAIL", _("“{address}” is no e-mail address.").format(address=one[:100])) for one in addresses if not _is_one(one)]
    if len(wish.cc) + len(wish.bcc) > MOST_COPIES:
        problems.append(Problem("message.cc", "TOO_MANY", _("At most {most} copies.").format(most=MOST_COPIES)))
    if len(wish.reply_to) > MOST_REPLY_TO:
        problems.append(Problem("message.replyTo", "TOO_MANY", _("At most {most} at once.").format(most=MOST_REPLY_TO)))
    if (wish.cc or wish.bcc) and mail.purpose == "marketing":
        words = _("An advertisement has one receiver: the agreement it needs and the way out are his alone. Copies are for transactional mails.")
        problems.append(Problem("message.cc" if wish.cc else "message.bcc", "NOT_ALLOWED", words))
    if wish.sent_by:
        problems += _sender_problems(mail, wish.sent_by)
    if problems:
        raise Invalid(problems)
    seen = {to.strip().lower()}
    return Wish(wish.custom, wish.sent_by.strip(), _once(wish.reply_to, set()), _once(wish.cc, seen), _once(wish.bcc, seen))


def known(key: str) -> Message | None:
    """The message that was asked for under this key before; whoever asks next waits until the caller's transaction ends."""
    sql.rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{CAUSE}{key}"])
    return Message.objects.filter(cause=f"{CAUSE}key:{key}", cause__startswith=CAUSE, channel="email").first()


def queue(contact_id: int, email_id: int, wish: Wish, *, key: str = "") -> tuple[Message, list[Copy]]:
    """Queue the message and its copies, in the caller's transaction; copies to whom must not be written are left out, with the reason. `wish`: as checked."""
    cause = f"{CAUSE}key:{key}" if key else f"{CAUSE}{sql.next_ids('message_id_seq', 1)[0]}"
    with transaction.atomic():
        outbox.add([NewMessage(contact_id, email_id, cause, SINGLE if wish else "")])
        message = Message.objects.get(contact_id=contact_id, cause=cause, channel="email")
        if not wish:
            return message, []
        stopped = refused([*wish.cc, *wish.bcc], email_id)
        wanted = [address for address in (*wish.cc, *wish.bcc) if address not in stopped]
        outbox.add([NewMessage(contact_id, email_id, f"copy:{message.id}:{a.lower()}", f"{COPY}{message.id}", message.version, a) for a in wanted])
        made = {m.address: m for m in Message.objects.filter(contact_id=contact_id, sender=f"{COPY}{message.id}")} if wanted else {}
        SingleSend.objects.create(
            contact_id=contact_id, id=message.id, custom=dict(wish.custom), sent_by=wish.sent_by, reply_to=list(wish.reply_to), created_at=clock.now(),
            cc=[a for a in wish.cc if a in made], copies=[[m.id, m.address] for m in made.values()],
            others=sorted({a.lower() for a in (*wanted, *wish.reply_to)}),
        )  # fmt: skip
    return message, [Copy(a, made.get(a), stopped.get(a, "")) for a in (*wish.cc, *wish.bcc)]


def copies(message: Message) -> list[Copy]:
    """What became of a message's copies."""
    row = SingleSend.objects.filter(contact_id=message.contact_id, id=message.id).values_list("copies", flat=True).first() or []
    found = {m.id: m for m in Message.objects.filter(contact_id=message.contact_id, id__in=[id for id, _address in row])} if row else {}
    return [Copy(address, found[id]) for id, address in row if id in found]


def refused(addresses: Sequence[str], email_id: int) -> dict[str, str]:
    """Whom no copy may go to, whoever has the address or nobody: {address: a word of outbox.REASONS}."""
    if not addresses:
        return {}
    hashed = suppression.addresses(list(addresses))
    found = {address: "suppressed_address" for address, reason in hashed.items() if reason not in LAPSED}
    normal = {address: identity.normal_email(address) for address in addresses}
    whose = identity.find_many("email", normal.values())
    reasons = gate.refused(email_id, list(whose.values())) if whose else {}
    for address in addresses:
        reason = reasons.get(whose.get(normal[address], 0), "")
        if reason.startswith("suppressed_") or reason == "archived":
            found[address] = reason
    return found


def _custom_problems(custom: Mapping[str, Any]) -> list[Problem]:
    path, problems = "customProperties", list[Problem]()
    if len(custom) > MOST_VALUES:
        problems.append(Problem(path, "TOO_MANY", _("At most {most} at once.").format(most=MOST_VALUES)))
    problems += [
        Problem(f"{path}.{name[:100]}", "INVALID_NAME", _("A name has letters, digits and underscores, and begins with a letter."))
        for name in custom
        if not NAME.fullmatch(name)
    ]
    if _depth(custom) > DEEPEST:
        problems.append(Problem(path, "TOO_DEEP", _("At most {most} levels.").format(most=DEEPEST)))
    elif len(text := json.dumps(custom, ensure_ascii=False).encode("utf-8", "replace")) > LARGEST:
        problems.append(Problem(path, "TOO_LONG", _("At most {n} bytes.").format(n=f"{LARGEST:,}")))
    elif b"\\u0000" in text:
        problems.append(Problem(path, "INVALID_VALUE", _("A text must not contain a zero byte.")))
    return problems


def _depth(value: Any) -> int:
    """How many levels of lists and objects; no deeper than is allowed is looked."""
    level, at = 0, [value]
    while at and level <= DEEPEST:
        inner = [one for some in at if isinstance(some, dict | list) for one in (some.values() if isinstance(some, dict) else some)]
        level, at = level + any(isinstance(some, dict | list) for some in at), inner
    return level


def _sender_problems(mail: Email, text: str) -> list[Problem]:
    """Another name and another mailbox are free, another domain is not: it is not the one that signs."""
    name, address = parseaddr(text)
    if not _is_one(address) or len(name) > 200 or "\n" in text or "\r" in text:
        return [Problem("message.from", "INVALID_EMAIL", _("“{address}” is no e-mail address.").format(address=text[:100]))]
    domain = domain_of(frame.of(mail))
    if address.rpartition("@")[2].lower() != domain:
        return [Problem("message.from", "INVALID_OPTION", _("The sender is an address of {domain}, for which this mail is signed.").format(domain=domain))]
    return []


def _is_one(address: str) -> bool:
    return bool(ADDRESS.fullmatch(address.strip())) and len(address) <= 320


def _once(addresses: Sequence[str], seen: set[str]) -> list[str]:
    found = []
    for address in (one.strip() for one in addresses):
        if address.lower() not in seen:
            seen.add(address.lower())
            found.append(address)
    return found
