"""Reads reports about a mail: bounces and delays (RFC 3464), complaints (RFC 5965), and bounces that some hosts write as plain text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.parser import HeaderParser
from typing import Literal

from baton.messaging.incoming import bounces, mail_text, parsing

Word = Literal["bounced", "deferred", "delivered", "complained", "nothing"]
ACTIONS: dict[str, Word] = {"failed": "bounced", "delayed": "deferred", "delivered": "delivered"}  # relayed and expanded say nothing about a mailbox
COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other"})  # of Feedback-Type; not-spam and others are no complaints
KEPT = ("message-id", "x-baton-message", "return-path", "to", "subject")  # of the mail that a report is about


@dataclass(frozen=True, slots=True)
class Report:
    """What one report says about one receiver of one mail."""

    kind: Word
    recipient: str = ""
    envelope_id: str = ""
    status: str = ""  # d.d.d as it was given
    text: str = ""  # the receiver's words
    remote_mta: str = ""
    feedback: str = ""  # of a complaint: abuse, fraud ...
    sender: str = ""  # the envelope sender of the mail in question, where it is told
    original: dict[str, str] | None = None  # some headers of the mail in question, small names

    @property
    def bounce(self) -> bounces.Bounce:
        return bounces.classify(self.status, self.text)


def read(mail: EmailMessage, *, expected: bool = False) -> list[Report]:
    """What a mail reports; [] when it is no report.

    `expected`: it came to an address that only bounces come to, so a text without any sign counts as one too.
    """
    parts = list(mail.walk())
    if status := next((p for p in parts if p.get_content_type() in ("message/delivery-status", "message/global-delivery-status")), None):
        return _of_status(status, _original(parts))
    if feedback := next((p for p in parts if p.get_content_type() == "message/feedback-report"), None):
        return _of_feedback(feedback, _original(parts))
    return _of_text(mail, _original(parts), expected)


def _blocks(part: Message) -> list[Message]:
    """The blocks of fields in a report; some hosts encode the part, and Python then leaves it unread."""
    payload = part.get_payload()
    if isinstance(payload, list) and payload:
        blocks = [block for block in payload[:MOST] if isinstance(block, Message)]
        if any(len(block) for block in blocks):
            return blocks
    text = parsing.text(part)
    return [HeaderParser().parsestr(block) for block in re.split(r"\r?\n\s*\r?\n", text.strip()) if ":" in block][:MOST]


def _of_status(part: Message, original: dict[str, str]) -> list[Report]:
    blocks = _blocks(part)
    envelope_id = next((_plain(block["original-envelope-id"]) for block in blocks if block["original-envelope-id"]), "")
    found = []
    for block in blocks:
        if not (block["final-recipient"] or block["action"]):
            continue
        status = next(iter(re.findall(r"\d\.\d{1,3}\.\d{1,3}", block["status"] or "")), "")
        kind = ACTIONS.get(_plain(block["action"]).lower().split(" ")[0], "nothing")
        found.append(
            Report(
                kind,
                _address(block["original-recipient"]) or _address(block["final-recipient"]),
                _xtext(envelope_id),
                status,
                " ".join(re.sub(r"^\s*[\w.-]+\s*;\s*", "", _plain(block["diagnostic-code"])).split()) or _comment(block["status"]),
                _address(block["remote-mta"]),
                original=original,
            )
        )
    return found


def _of_feedback(part: Message, original: dict[str, str]) -> list[Report]:
    block = next(iter(_blocks(part)), None)
    if block is None:
        return []
    feedback = _plain(block["feedback-type"]).lower()
    recipient = _plain(block["original-rcpt-to"]) or _plain(block["removal-recipient"])
    kind: Word = "complained" if feedback in COMPLAINTS else "nothing"
    return [
        Report(
            kind,
            _bare(recipient),
            _xtext(_plain(block["original-envelope-id"])),
            feedback=feedback,
            sender=_bare(_plain(block["original-mail-from"])),
            original=original,
        )
    ]


def _original(parts: Iterable[Message]) -> dict[str, str]:
    """Headers of the mail in question, as far as they came back."""
    for part in parts:
        kind = part.get_content_type()
        if kind in ("message/rfc822", "message/global"):
            payload = part.get_payload()
            if isinstance(payload, list) and payload and isinstance(payload[0], Message):
                return _kept(payload[0])
        if kind in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers", "message/rfc822", "message/global"):
            return _kept(HeaderParser().parsestr(parsing.text(part).lstrip()[:LONGEST]))
    return {}


def _kept(headers: Message) -> dict[str, str]:
    return {name: _plain(headers[name]) for name in KEPT if headers[name]}


# Plain text -------------------------------------------------------------------

DAEMON = re.compile(r"mailer-?daemon|postmaster|mail ?delivery|mail-?system|bounce", re.I)
SUBJECT = re.compile(
    r"undeliver|delivery (?:status|fail|problem|report)|failure notice|returned (?:mail|to sender)|mail (?:delivery )?fail|could not (?:be )?(?:send|deliver)|"
    r"non.?delivery|반송|배달.{0,6}(?:실패|불가|지연)|(?:전송|발송|전달).{0,4}(?:실패|불가|지연)|수신.{0,4}실패|配信(?:不能|エラー|失敗|できません)|送信(?:エラー|失敗)|不達",
    re.I,
)
DELAY = re.compile(r"delay|warning: could not send|지연|遅延|still trying|will (?:continue|keep) trying|아직 (?:전달|배달|발송)되지", re.I)
COPY = re.compile(  # where the copy of our mail begins
    r"(?m)^[ \t]*(?:-{2,}[^\n]*(?:copy of|original message|원본|元のメッセージ|below this line|message header)[^\n]*|"
    r"(?:Received|Return-Path|DKIM-Signature):[^\n]*|"
    r"[^\n]*(?:원본 ?(?:메일|메시지)|元のメール|元のメッセージ)[^\n]*:?)$",
    re.I,
)
FIELDS = re.compile(r"(?mi)^[ \t>]*(message-id|x-baton-message|to|subject):[ \t]*(\S[^\n]*)$")
WIDE = 500  # letters of a line of such a text: nobody's own is longer, and the patterns above take time with its square
MOST = 1000  # receivers of one report
LONGEST = 100_000  # letters of the headers that come back
ADDRESS = re.compile(r"[\w.+\-/=!#$%&'*^`{|}~]+@[\w\-]+(?:\.[\w\-]+)+")


def _of_text(mail: EmailMessage, original: dict[str, str], expected: bool) -> list[Report]:
    """A bounce in words. Unless it was expected it must come from a mail system and say so, or carry Exim's header."""
    failed = parsing.addresses(mail.get_all("x-failed-recipients", [])[:MOST])
    subject = str(mail["subject"] or "")
    by_daemon = bool(DAEMON.search(str(mail["from"] or ""))) or str(mail["return-path"] or "").strip() == "<>"
    if not failed and not expected and not (by_daemon and (SUBJECT.search(subject) or DELAY.search(subject))):
        return []
    text = "\n".join(line[:WIDE] for line in mail_text.plain(mail).splitlines())
    if expected and not failed and not by_daemon and not SUBJECT.search(subject) and not bounces.says(text):
        return []
    cut = COPY.search(text)
    said, copy = (text[: cut.start()], text[cut.start() :]) if cut else (text, "")
    original = original or {name.lower(): value.strip() for name, value in FIELDS.findall(copy)}
    recipient = failed[0] if failed else next((a for a in ADDRESS.findall(said) if not DAEMON.search(a)), "")
    words = " ".join(said.split())
    kind: Word = "deferred" if DELAY.search(subject) or (DELAY.search(words) and not bounces.classify("", words).hard) else "bounced"
    return [Report(kind, recipient.lower(), text=_heart(said), original=original)]


def _heart(said: str) -> str:
    """The lines of a text that tell why; all of it where none stands out."""
    telling = [line.strip() for line in said.splitlines() if bounces.says(line)]
    return " ".join(telling or said.split())[:1000]


def _plain(value: object) -> str:
    return " ".join(parsing.letters(str(value or "")).split())


def _address(value: object) -> str:
    """What follows the kind in `rfc822; jiwoo@gaon.example`."""
    return _bare(_plain(value).partition(";")[2])


def _bare(text: str) -> str:
    return text.strip().strip("<>").strip()


def _comment(value: object) -> str:
    found = re.search(r"\((.*)\)", _plain(value))
    return found[1] if found else ""


def _xtext(value: str) -> str:
    """Undo the encoding of RFC 3461: +XX stands for a character."""
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value)
