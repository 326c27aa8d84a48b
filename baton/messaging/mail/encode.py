"""Quoted-printable text and header values, written piece by piece: email.message costs 1.6 ms a mail and breaks long list headers.

Every piece of a body begins and ends at the start of a line: what ends within one is closed by a soft break, which readers join again.
So what stands before and after a merge field never changes how its value is written, and the static text is written once for all people.
"""

import re
from base64 import b64encode
from binascii import b2a_qp
from functools import lru_cache
from typing import Any

from markupsafe import escape

BREAK = b"=\r\n"
LINE = 76  # RFC 2045: characters of a line of quoted-printable, RFC 2047: of a header's line with encoded words
LONGEST_SUBJECT = 400  # characters; no reader shows as many
# Never in a value: control characters, half characters, and those that turn the direction of what stands around them.
UNWRITTEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
DOT = ord(".")
LEADING = re.compile(rb"^\.([^\r\n]*)", re.MULTILINE)
SPECIAL = re.compile(r'[][()<>@,:;".\\]')


def clean(text: str) -> str:
    """The text without what must not be in a mail; line ends become \\n."""
    if text.isprintable():
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return UNWRITTEN.sub("", text)


def piece(text: str) -> bytes:
    """A piece of a body as quoted-printable."""
    if not text:
        return b""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    written = b2a_qp(text.encode("utf-8", "replace"), istext=True)
    if len(written) < LINE and b"\n" not in written and written[0] != DOT:  # most values
        return written + BREAK
    written = written.replace(b"\n", b"\r\n")
    if not written.endswith(b"\r\n"):
        if len(written) >= LINE and len(written) - written.rfind(b"\n") - 1 >= LINE:  # no room for the =
            cut = len(written) - 4
            while b"=" in written[cut - 2 : cut]:  # never within =E3
                cut -= 1
            written = written[:cut] + BREAK + written[cut:]
        written += BREAK
    if written[0] == DOT or b"\n." in written:  # no line begins with a dot, so nobody has to look for them when the mail is handed over (RFC 5321, 4.5.2)
        written = LEADING.sub(_masked, written)
    return written


def _masked(line: re.Match[bytes]) -> bytes:
    """A line that begins with a dot, with the dot as =2E; where it gets too long by that, it is broken behind the dot."""
    rest = line[1]
    return b"=2E" + rest if len(rest) + 3 <= LINE else b"=2E" + BREAK + LEADING.sub(_masked, rest)


def html_value(value: Any) -> bytes:
    """A merge field's value in HTML: escaped, unless a filter has marked it as safe. Bytes are written already."""
    if type(value) is str:
        return piece(str(escape(value if value.isprintable() else clean(value))))
    return value if type(value) is bytes else piece(clean(str(escape(value))))


def text_value(value: Any) -> bytes:
    """A merge field's value in plain text, on one line like in the page."""
    if type(value) is str and value.isprintable() and "  " not in value:
        return piece(value)
    return value if type(value) is bytes else piece(" ".join(clean(str(value)).split()))


def line_value(value: Any) -> str:
    """A merge field's value in a header, which one_line finishes."""
    return str(value)


def one_line(text: str, longest: int = LONGEST_SUBJECT) -> str:
    """The text on one line: a line break would start a header of its own."""
    found = " ".join(clean(text).split())
    return found if len(found) <= longest else found[: longest - 1] + "…"


def words(text: str, used: int) -> str:
    """A header's value (on one line) as RFC 2047 words; short plain ASCII stays as it is. `used`: characters of the line before it."""
    if text.isascii() and len(text) < LINE - used and "=?" not in text:
        return text
    raw = text.encode("utf-8", "replace")
    found, at, room = [], 0, (LINE - used - 12) // 4 * 3
    while at < len(raw):
        end = min(at + room, len(raw))
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # never within a character
            end -= 1
        found.append(f"=?utf-8?b?{b64encode(raw[at:end]).decode()}?=")
        at, room = end, (LINE - 1 - 12) // 4 * 3
    return "\r\n ".join(found)


@lru_cache(maxsize=1024)
def mailbox(name: str, address: str, used: int = 6) -> str:
    """`Name <address>` as a header's value."""
    name, address = one_line(name, 200), one_line(address)
    if not name:
        return address
    if name.isascii() and len(name) < 60 and "=?" not in name:
        if SPECIAL.search(name):
            name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        name = words(name, used)
    return f"{name}\r\n <{address}>" if len(name) + len(address) > LINE - used - 3 else f"{name} <{address}>"
