"""From a published mail and its recipients to the complete bytes that go over the wire, and what they are addressed to.

A mail is compiled once: the page with its shell, footer, tracked links and pixel, and the text part made from it, both already written as
quoted-printable. For each person only his values are worked out and put between, then the headers, then the signatures.
"""

import quopri
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.utils import format_datetime, parseaddr
from functools import cached_property, lru_cache
from secrets import token_hex
from typing import Any, NamedTuple

from jinja2 import TemplateSyntaxError

from baton.accounts import users
from baton.accounts.models import Account, User
from baton.messaging import coupons, law, rules
from baton.messaging.consent import agreed
from baton.messaging.deliverability import dkim, domains
from baton.messaging.mail import blocks, conditional, encode, frame, plain, render, slots
from baton.messaging.mail.frame import Content
from baton.messaging.mail.said import Said
from baton.messaging.mail.sandbox import WRONG, get
from baton.messaging.models import Email, SubscriptionType
from baton.messaging.rules import Rules
from baton.platform import clock, signing, sql
from baton.platform.config import config

BOUNDARY = "=_baton"  # never in quoted-printable text, where = stands before two digits
PART = "Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
FIRST = f"--{BOUNDARY}\r\n{PART.format(kind='plain')}".encode()
SECOND = f"--{BOUNDARY}\r\n{PART.format(kind='html')}".encode()
LAST = f"--{BOUNDARY}--\r\n".encode()
MULTIPART = f'multipart/alternative; boundary="{BOUNDARY}"'.encode()
NOT_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f<>,;]|^[^@]*$")
ONE_CLICK = b"List-Unsubscribe=One-Click"  # RFC 8058


class Recipient(NamedTuple):
    """Whom a message goes to. Without a message (0) nothing in the mail is tracked."""

    contact_id: int
    message_id: int = 0
    address: str = ""  # empty: the contact's own
    sender: str = ""  # in whose name: "owner" (the contact's), "user:<id>"; empty: as the mail says
    mark: str = ""  # a colleague looks at it: stands before the subject, and the ways out are nobody's
    said: Said | None = None  # what a program said of this very message

    @property
    def copied(self) -> bool:
        """Somebody else gets a copy of his letter: nothing of it is counted, and no way out is his."""
        return self.said is not None and self.said.copy

    @property
    def tracked(self) -> bool:
        return self.message_id != 0 and not self.copied


@dataclass(frozen=True, slots=True)
class Instead:
    """What a variant of a test has instead of the mail's own."""

    subject: str = ""
    from_name: str = ""


@dataclass
class Letter:
    """One message, ready to be handed over. With a `problem` there is no content: this person's values do not fit the mail."""

    contact_id: int
    message_id: int
    address: str
    envelope_from: str = ""
    subject: str = ""
    content: bytes = b""  # RFC 5322, lines end with CRLF, signed where the domain has keys
    problem: str = ""
    unsubscribe_url: str = ""  # empty: not marketing
    dotless = True  # no line of it begins with a dot (see encode.piece)

    @cached_property
    def html(self) -> str:
        return self._part(SECOND)

    @cached_property
    def text(self) -> str:
        return self._part(FIRST)

    @cached_property
    def headers(self) -> dict[str, str]:
        """Read back from the content, decoded, without the signatures: for carriers that write mails themselves."""
        read = message_from_bytes(self.content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", policy=policy.default)
        return {name: str(value) for name, value in read.items() if name != "DKIM-Signature"}

    def _part(self, head: bytes) -> str:
        begins = self.content.index(head) + len(head)
        written = self.content[begins : self.content.index(b"\r\n--" + BOUNDARY.encode(), begins)]
        return quopri.decodestring(written).decode().replace("\r\n", "\n")


@dataclass(frozen=True)
class _Compiled:
    """Everything of a mail that is the same for all recipients."""

    subject: slots.Filling
    html: slots.Filling
    text: slots.Filling | None  # None: only the filled page can tell
    fields: frozenset[str]


def build(
    email_id: int, version: int, recipients: Sequence[Recipient], instead: Instead = Instead(), *, campaign_id: int | None = None, sign: bool = True
) -> list[Letter]:
    """One Letter for each recipient, in order; a fixed number of queries for all of them. `version` 0: the mail as it is now.

    Raises Email.DoesNotExist or EmailVersion.DoesNotExist, and Invalid when the mail itself is faulty.
    """
    content = frame.version(email_id, version) if version else frame.of(Email.objects.get(pk=email_id))
    return written(content, recipients, instead, campaign_id=campaign_id, sign=sign)


def written(
    content: Content, recipients: Sequence[Recipient], instead: Instead = Instead(), *, campaign_id: int | None = None, sign: bool = True
) -> list[Letter]:
    """The same for contents that are at hand."""
    return Writer(content, instead, campaign_id=campaign_id, sign=sign).letters(recipients)


class Writer:
    """Writes one mail to any number of recipients. What is the same for all is looked up once, so it is for some seconds only."""

    def __init__(self, content: Content, instead: Instead = Instead(), *, campaign_id: int | None = None, sign: bool = True) -> None:
        self.content = content
        self.account = users.account()
        self.rules = rules.of(self.account)
        usual_name, usual_address = parseaddr(config().mail_from)
        self.address = content.from_address or usual_address
        self.host = self.address.rpartition("@")[2] or "localhost"
        self.sender = domains.sender(self.address)
        self.signers = self.sender.signers if sign else ()
        self.subject = instead.subject or content.subject
        self.pools = coupons.mentioned(self.subject, content.body, content.text)
        self.answering = agreed.mentioned(content.body)
        self.filters = blocks.filters(content.document)
        self.from_header = encode.mailbox(instead.from_name or content.from_name or usual_name, self.address).encode()
        self.reply_to = encode.mailbox(*parseaddr(content.reply_to), 10) if content.reply_to else ""
        self.fixed = self._fixed(campaign_id)

    def letters(self, recipients: Sequence[Recipient]) -> list[Letter]:
        """One Letter for each, in order; a fixed number of queries."""
        return _Batch(self, recipients).letters()

    def compiled(self, *, tracked: bool) -> "_Compiled":
        return _compiled(self.content, self.subject, self.account.pk, _told(self.account), self.rules, self.sender.base if tracked else "")

    def _fixed(self, campaign_id: int | None) -> list[dkim.Header]:
        """The headers that all recipients share, but for the date."""
        content = self.content
        kind = SubscriptionType.objects.filter(pk=content.subscription_id).first() if content.subscription_id else None
        key = kind.key if kind else content.purpose
        cause = f"c{campaign_id}" if campaign_id else f"e{content.email_id}"
        found = [
            (b"MIME-Version", b"1.0"),
            (b"Content-Type", MULTIPART),
            (b"Feedback-ID", f"{cause}:{_token(key)}:a{self.account.pk}:baton".encode()),  # Gmail counts complaints by each of its parts
        ]
        if content.marketing:
            name = (kind.names.get(config().language) or kind.key) if kind else self.account.name
            found.append((b"List-Id", encode.mailbox(name, f"{_token(key)}.{self.sender.domain or self.host}", 9).encode()))
        elif content.kind != "personal" and campaign_id is None:
            found.append((b"Auto-Submitted", b"auto-generated"))  # RFC 3834; never on marketing mail
        return found


class _Batch:
    """What one call knows."""

    def __init__(self, writer: Writer, recipients: Sequence[Recipient]) -> None:
        self.writer, self.recipients = writer, recipients
        self.compiled = {tracked: writer.compiled(tracked=tracked) for tracked in {r.tracked for r in recipients}}
        fields = frozenset().union(*(c.fields for c in self.compiled.values()))
        ids = [r.contact_id for r in recipients]
        self.people = render.people(ids, render.EVERYTHING if "*" in fields else fields, writer.account)
        self.answers = agreed.answers(list(self.people)) if writer.answering else {}
        self.codes = coupons.given(writer.pools, [r.contact_id for r in recipients if r.message_id and not r.mark]) if writer.pools else {}
        self.shown = conditional.conditions(writer.filters, list(self.people))
        self.colleagues = _colleagues(recipients)
        now = clock.now()
        self.at = int(now.timestamp())
        self.shared = [(b"Date", format_datetime(now).encode()), *writer.fixed]
        self.same = _lines(self.shared)

    def letters(self) -> list[Letter]:
        return [self._letter(recipient) for recipient in self.recipients]

    def _letter(self, to: Recipient) -> Letter:
        person = self.people.get(to.contact_id, {})
        contact = person.get("contact")
        letter = Letter(to.contact_id, to.message_id, to.address or (str(get(contact, "email") or "") if contact else ""))
        if not letter.address or NOT_AN_ADDRESS.search(letter.address):
            letter.problem = "no_address" if not letter.address else "invalid_address"
            return letter
        try:
            self._fill(letter, to, person)
        except WRONG as error:
            letter.problem, letter.content = f"{type(error).__name__}: {error}", b""
        return letter

    def _fill(self, letter: Letter, to: Recipient, person: dict[str, Any]) -> None:
        writer, compiled = self.writer, self.compiled[to.tracked]
        content, contact_id, message_id = writer.content, to.contact_id, to.message_id
        ways = frame.ways(writer.sender.base, 0 if to.mark or to.copied else contact_id, content.email_id)
        values: dict[str, Any] = {
            **person,
            **ways,
            **frame.written_ways(writer.sender.base, ways["unsubscribe_url"]),
            conditional.FLAGS: self.shown.get(contact_id, conditional.NOBODY),
        }
        if to.said:
            values["custom"] = to.said.custom
        if contact_id in self.answers:
            values["consents"] = self.answers[contact_id]
        if writer.pools:
            codes = self.codes.get(contact_id)
            if codes is not None and writer.pools - codes.keys():
                letter.problem = "no_coupon"
                return
            values["coupon"] = coupons.values(codes) if codes is not None else coupons.samples(writer.pools)
        if message_id:
            values[slots.OURS] = slots.ours(signing.make("mail", message_id, contact_id, content.email_id))
        subject = encode.one_line(compiled.subject.fill(values))
        if content.marketing:
            subject = law.labelled(subject, writer.rules)
            letter.unsubscribe_url = "" if to.mark else ways["unsubscribe_url"]
        subject = f"{to.mark} {subject}" if to.mark else subject
        html = compiled.html.parts(values)
        text = compiled.text.parts(values) if compiled.text else [_from_page(b"".join(html))]
        path, shown = signing.make_both("bounce", message_id, contact_id) if message_id else ("", "")
        if to.said and to.copied:
            shown = signing.make_both("bounce", to.said.message_id, contact_id)[1]
        headers = self._headers(to, letter, subject, path, shown)
        head = _lines(headers) + self.same
        letter.subject, letter.envelope_from = subject, self._envelope(path)
        if writer.signers:
            body = b"".join((FIRST, *text, SECOND, *html, LAST))
            letter.content = b"".join((dkim.signatures(writer.signers, [*headers, *self.shared], body, self.at), head, b"\r\n", body))
        else:
            letter.content = b"".join((head, b"\r\n", FIRST, *text, SECOND, *html, LAST))

    def _headers(self, to: Recipient, letter: Letter, subject: str, path: str, shown: str) -> list[dkim.Header]:
        """Those that are not the same for all. `path`: the token of the return path; `shown`: the one for the Message-ID, which answers carry to
        third parties. Without them nothing is tracked."""
        writer = self.writer
        sent_by, reply_to = writer.from_header, writer.reply_to
        if to.sender and (colleague := self.colleagues.get((to.contact_id, to.sender))):
            # His name, and he gets the answers. The address stays the account's: that is what the mail is signed for.
            name = f"{colleague.name} ({writer.account.name})" if writer.account.name else colleague.name
            sent_by, reply_to = encode.mailbox(name, writer.address).encode(), encode.mailbox(colleague.name, colleague.email, 10)
        own = shown if shown and not to.mark else f"t.{token_hex(8)}"  # mailboxes show one message of an id once
        headers = [
            (b"From", sent_by),
            (b"To", letter.address.encode()),
            (b"Subject", encode.words(subject, 9).encode()),
            (b"Message-ID", f"<{own}@{writer.host}>".encode()),
            (b"X-Baton-Message", (path or own).encode()),
        ]
        if reply_to:
            headers.append((b"Reply-To", reply_to.encode()))
        if letter.unsubscribe_url:
            host = writer.sender.bounce_host
            by_mail = f",\r\n <mailto:u+{letter.unsubscribe_url.rsplit('/', 1)[1]}@{host}>" if host else ""
            headers += [(b"List-Unsubscribe", f"<{letter.unsubscribe_url}>{by_mail}".encode()), (b"List-Unsubscribe-Post", ONE_CLICK)]
        return to.said.headers(headers) if to.said else headers

    def _envelope(self, path: str) -> str:
        host = self.writer.sender.bounce_host
        return f"b+{path}@{host}" if host and path else self.writer.address


def _lines(headers: Sequence[dkim.Header]) -> bytes:
    return b"\r\n".join([*map(b": ".join, headers), b""])


def _told(account: Account) -> tuple[str, ...]:
    """What the footer says of the account: when it changes the mail is compiled anew."""
    return account.name, account.legal_name, account.postal_address, account.phone, account.contact_email


@lru_cache(maxsize=64)
def _compiled(content: Content, subject: str, account_id: int, _told: tuple[str, ...], chosen: Rules, base: str) -> _Compiled:
    """`base`: of the addresses that count opens and clicks; empty: nothing is counted."""
    render.check(subject=subject, body=content.body, preheader=content.preheader, text=content.text)

    account = Account.objects.get(pk=account_id)
    page = frame.page(content, account, chosen, lambda _number, written: written.replace("{", "&#123;"), tracked_at=base)
    if base:
        ids = frame.link_ids(content.email_id, page.addresses)
        numbers = [ids[address] for address in page.addresses]
        page = frame.page(content, account, chosen, lambda number, _written: f"{base}/c/{{{{ {slots.OURS} }}}}/{numbers[number]}", tracked_at=base)
    html = slots.read(page.html + "\n", slots.HTML)
    text, line = _text(content, page.seen), slots.read(subject, slots.LINE)
    fields = frozenset().union(*(part.fields for part in (html, line, text) if part))
    return _Compiled(line, html, text, fields)


def _text(content: Content, seen: str) -> slots.Filling | None:
    """The text part: the author's own with the way out at its end where it must be, else the page's."""
    source = content.text
    if source.strip():
        if content.marketing and "unsubscribe_url" not in source:
            source = f"{source.rstrip()}\n\n{{{{ unsubscribe_url }}}}"
        source += "\n"
    else:
        found = plain.template(seen, slots.TEXT.environment)
        if found is None:
            return None
        source = found
    try:
        return slots.read(source + "\n", slots.TEXT)
    except TemplateSyntaxError:
        return None


def _from_page(html: bytes) -> bytes:
    return encode.piece(plain.as_text(quopri.decodestring(html).decode()) + "\n")


def _colleagues(recipients: Sequence[Recipient]) -> dict[tuple[int, str], User]:
    """The colleagues in whose name recipients are written to; one who left is none."""
    asked = [(r.contact_id, r.sender) for r in recipients if r.sender and not r.said]
    if not asked:
        return {}
    owners = dict(sql.rows("SELECT id, owner_id FROM contact WHERE id = ANY(%s) AND owner_id IS NOT NULL", [[c for c, s in asked if s == "owner"]]))
    wanted = {(c, s): owners.get(c) if s == "owner" else int(s.partition(":")[2]) for c, s in asked}
    here = User.objects.filter(is_active=True).in_bulk({w for w in wanted.values() if w})
    return {key: here[user_id] for key, user_id in wanted.items() if user_id in here}


def _token(text: str) -> str:
    """A word for a header: letters, digits and hyphens."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in text)[:40] or "-"
