"""What a receiver's refusal means: is the address itself dead (hard), and one word for the reason.

Hard is only what says that the address is bad; everything else is soft, also with a 5xx code: a full mailbox, a policy, a
blocklist, our own mistakes (the rule of Sisimai). Codes are those of RFC 3463 and of the replies of RFC 5321; where a code
says little, the words decide, in English, Korean and Japanese.
"""

import re
from pathlib import Path
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Bounce(NamedTuple):
    hard: bool
    reason: str  # a key of REASONS


REASONS: dict[str, str | Promise] = {
    "user_unknown": _("There is no such mailbox."),
    "host_unknown": _("The domain does not exist or takes no mail."),
    "null_mx": _("The domain says that it takes no mail."),
    "bad_syntax": _("The receiver cannot read the address."),
    "moved": _("The mailbox has moved."),
    "disabled": _("The mailbox is switched off or asleep."),
    "mailbox_full": _("The mailbox is full."),
    "temporary": _("The receiver could not take it for now."),
    "greylisted": _("The receiver wants every new sender to try a second time (greylisting)."),
    "expired": _("It could not be delivered in time."),
    "throttled": _("The receiver wants fewer mails at a time."),
    "blocked": _("The receiver takes the mail for spam, or blocks the sender."),
    "auth_failure": _("The receiver does not trust the sender: SPF, DKIM, DMARC or the name of the server."),
    "too_big": _("The mail is too big for the receiver."),
    "content": _("The receiver objects to the contents."),
    "protocol": _("The receiver did not understand the sending server."),
    "undefined": _("The receiver gave no reason that Baton knows."),
}
HARD = frozenset({"user_unknown", "host_unknown", "null_mx", "bad_syntax", "moved"})
OURS = frozenset({"throttled", "blocked", "auth_failure", "too_big", "content", "protocol"})  # about the sender or the mail: never counted against a person

STATUS = re.compile(r"(?<![\d.])([45])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
REPLY = re.compile(r"(?<![\d.])([45]\d\d)(?=[ \-#;:,)]|$)")


def _patterns() -> dict[str, re.Pattern[str]]:
    """What the words say, in the order of data/bounces.txt; a gap there stays short, so that it does not span sentences."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in (Path(__file__).parent / "data" / "bounces.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            lines = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(line.replace("~", ".{0,40}"))
    return {reason: re.compile("|".join(patterns), re.I | re.S) for reason, patterns in found.items()}


WORDS = _patterns()

# x.subject.detail of a status. Not here: x.0.0, x.7.0 and others that say nothing by themselves.
CODES = {
    (1, 1): "user_unknown", (1, 2): "host_unknown", (1, 3): "bad_syntax", (1, 6): "moved", (1, 7): "auth_failure", (1, 8): "auth_failure", (1, 10): "null_mx",
    (2, 1): "disabled", (2, 2): "mailbox_full", (2, 3): "too_big", (3, 4): "too_big", (4, 4): "host_unknown", (4, 5): "throttled", (4, 7): "expired",
    (4, 310): "host_unknown", (4, 300): "expired", (4, 316): "expired", (7, 1): "blocked", (7, 28): "throttled",
    (1, 350): "user_unknown", (1, 351): "user_unknown",
}  # fmt: skip
AUTH = frozenset({20, 21, 22, 23, 24, 25, 26, 27, 29, 30, 31, 32, 509, 515})  # x.7.<detail> of RFC 7372, Gmail and Outlook.com
REPLIES = {"552": "mailbox_full", "556": "null_mx", "452": "mailbox_full", "523": "too_big"}
FIRM = frozenset({"user_unknown", "mailbox_full", "too_big", "null_mx", "moved"})  # a code of these is meant; weak words beside it are not
WEAK = frozenset({"", "blocked", "temporary", "expired", "content", "protocol", "throttled"})


def classify(code: int | str, text: str = "") -> Bounce:
    """What a refusal means.

    `code` is the reply (550, "550"), the status of a report ("5.1.1"), or 0 or "" where there is none; `text` is what stood
    beside it. A 4xx or 4.x.x is never hard. Without any code only plain words ("no such user") are hard.
    """
    said = f"{code or ''} {text}"
    found = [(int(a), int(b), int(c)) for a, b, c in STATUS.findall(said)]
    status = next((s for s in found if s[1:] != (0, 0)), found[0] if found else None)
    reply = next(iter(REPLY.findall(said)), "")
    for_now = status[0] == 4 if status else reply.startswith("4")
    words = next((reason for reason, pattern in WORDS.items() if pattern.search(text)), "")
    by_code = _by_status(status) if status else ""
    reason = by_code if _meant(by_code, words) else words or by_code or REPLIES.get(reply, "")
    if for_now and (reason in HARD or not reason):
        reason = "expired" if status and status[1:] == (4, 7) else "temporary"
    return Bounce(reason in HARD, reason or "undefined")


def _meant(by_code: str, words: str) -> bool:
    """Whether the code tells more than the words beside it, which may be part of a name or a web address."""
    if by_code == "auth_failure" or (by_code in FIRM and words in WEAK):
        return True
    return words in HARD and by_code in HARD | {"content"} and by_code != "null_mx"  # Exchange says 5.1.10 for a mailbox it does not know


def says(text: str) -> bool:
    """Whether a line tells anything about a refusal."""
    return bool(STATUS.search(text) or any(pattern.search(text) for pattern in WORDS.values()))


def _by_status(status: tuple[int, int, int]) -> str:
    """The reason of a status by itself, or ""."""
    kind, subject, detail = status
    if subject == 7 and detail in AUTH:
        return "auth_failure"
    if kind == 4 and (subject, detail) == (7, 0):
        return "throttled"
    known = CODES.get((subject, detail), "")
    if known:
        return "temporary" if kind == 4 and (subject, detail) == (2, 1) else known
    if subject == 7:
        return "blocked" if kind == 5 else "throttled"
    if subject in (3, 4):
        return "temporary"
    return {5: "protocol", 6: "content"}.get(subject, "")


def word(reason: str) -> str:
    """A reason as tallies count it: one of our words; what a carrier wrote in its own is undefined."""
    return reason if not reason or reason.isidentifier() else "undefined"


def words(reason: str) -> str:
    """A reason for people; what is none of ours comes back as it is."""
    return str(REASONS.get(reason, reason))
