"""Takes apart a mail that anybody may have made. Nothing in it raises but `parsed`, and that only Invalid.

Python's own reader of headers knows all of RFC 5322, stumbles over what is none of it, and takes seconds for a header of some ten thousand letters. Here
a header is text: as long as anybody's own, its encoded words read, without what is no letter.
"""

import binascii
import codecs
import re
from base64 import b64decode
from collections.abc import Iterable, Sequence
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
from email.utils import getaddresses
from typing import Any, cast

from baton.platform.errors import Invalid

LONG, SHORT = 8_000, 1_000  # letters of a header, and of a subject or one that says what a part is: patterns take the square of these
MOST_LINES = 600_000  # of a mail; 25 MB of files have 340,000
MOST_PARTS, MOST_BLOCKS = 1_000, 10_000  # of a report of deliveries each block of fields is a part for Python
LARGEST = 4_000_000  # bytes of a text that are read
ADDRESSED = frozenset({"from", "to", "cc", "sender", "reply-to", "delivered-to", "x-original-to", "envelope-to", "return-path", "x-failed-recipients"})
WORD = r"=\?([^?\s]{1,60})\?([bqBQ])\?([^?\s]*)\?="
RUN = re.compile(r"=\?[^?\s]{1,60}\?[bqBQ]\?[^?\s]*\?=(?:\s{1,100}=\?[^?\s]{1,60}\?[bqBQ]\?[^?\s]*\?=)*")
SPECIAL = re.compile(r"[<>\",;:()@\\\[\]]")  # what would make a name part of an address
NO_LETTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
KOREAN = frozenset({"ks_c_5601-1987", "euc-kr", "ksc5601", "ks_c_5601", "ks_c_5601-1989"})
NO_TEXT = frozenset(
    {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"}
)  # Python's own; some take the square of the length


class _Headers(EmailPolicy):
    """Each header as text."""

    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        name, _colon, value = sourcelines[0].partition(":")
        value = "".join([value, *sourcelines[1:]])[: SHORT if name.lower().startswith(("content-", "subject")) else LONG]
        return name, " ".join(value.split())

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        return _header(name.lower(), str(value))


def parsed(raw: bytes) -> EmailMessage:
    """A mail that came from anywhere. Raises Invalid for one of so many parts, or so many in one another, that nobody wrote it."""
    blocks = raw.count(b"\n\r\n") + raw.count(b"\n\n") if b"delivery-status" in raw.lower() else 0
    if raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n") > MOST_LINES:
        raise Invalid.one("mail", "TOO_LARGE", f"more than {MOST_LINES} lines")
    if raw.count(b"\n--") > 2 * MOST_PARTS or blocks > MOST_BLOCKS:
        raise Invalid.one("mail", "TOO_LARGE", f"more than {MOST_PARTS} parts")
    try:
        mail = cast(EmailMessage, message_from_bytes(raw, policy=_Headers()))
        for count, _part in enumerate(mail.walk()):
            if count > MOST_PARTS + MOST_BLOCKS:
                raise Invalid.one("mail", "TOO_LARGE", f"more than {MOST_PARTS} parts")
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Invalid.one("mail", "UNREADABLE", type(error).__name__) from None
    return mail


def content(part: Message) -> bytes:
    """What a part holds, unpacked as far as it can be."""
    try:
        raw = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError):
        return b""
    return raw if isinstance(raw, bytes) else b""


def text(part: Message) -> str:
    """The text of a part, in whatever character set."""
    try:
        charset = str(part.get_content_charset() or "utf-8")
    except (ValueError, LookupError, TypeError, AttributeError):
        charset = "utf-8"
    return letters(decoded(content(part)[:LARGEST], charset))


def addresses(values: Iterable[object]) -> list[str]:
    """The addresses in headers, in order."""
    try:
        return [address for _name, address in getaddresses([str(value) for value in values]) if address]
    except (RecursionError, ValueError, IndexError, AttributeError, TypeError):
        return []


def decoded(raw: bytes, charset: str) -> str:
    """Bytes as text; an unknown or wrong character set is read as well as it goes."""
    for name in (charset.lower(), "utf-8", "cp949"):
        try:
            known = codecs.lookup("cp949" if name in KOREAN else name)
            if known.name.replace("_", "-") in NO_TEXT or not getattr(known, "_is_text_encoding", True):
                continue
            return raw.decode(known.name)
        except (LookupError, ValueError):
            continue
    return raw.decode("utf-8", "replace")


def letters(text: str) -> str:
    """A text without what is no letter: NUL, controls, halves of letters."""
    return NO_LETTER.sub("", text)


def _header(name: str, value: str) -> str:
    if not value.isascii():
        value = decoded(value.encode("utf-8", "surrogateescape"), "utf-8")
    if "=?" in value:
        value = RUN.sub(lambda run: _words(run[0], name), value)
    return " ".join(letters(value).split())


def _words(run: str, name: str) -> str:
    """Encoded words side by side (RFC 2047); some programs break a letter between two."""
    told: list[tuple[str, bytes]] = []
    for charset, way, data in re.findall(WORD, run):
        charset = charset.partition("*")[0].lower()
        try:
            raw = b64decode(data + "=" * (-len(data) % 4)) if way in "bB" else binascii.a2b_qp(data.encode(), header=True)
        except ValueError:
            raw = b""
        if told and told[-1][0] == charset:
            told[-1] = (charset, told[-1][1] + raw)
        else:
            told.append((charset, raw))
    found = "".join(decoded(raw, charset) for charset, raw in told)
    return SPECIAL.sub(" ", found) if name in ADDRESSED else found
