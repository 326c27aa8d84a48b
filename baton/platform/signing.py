"""Short signed tokens for addresses in mails and cookies: numbers and a purpose, no database look-up to read one.

Pure Python: the collector reads these without Django.
"""

import hashlib
import hmac
import struct
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from functools import cache
from typing import Any

from baton.platform.config import config

MAC = 12  # bytes
URL_SAFE = bytes.maketrans(b"+/", b"-_")


@cache
def _key() -> bytes:
    return hashlib.sha256(b"baton.signing\0" + config().secret_key.encode()).digest()


@cache
def _halves(purpose: str) -> tuple[Any, Any]:
    """The two halves of HMAC-SHA256 (RFC 2104) with the key and the purpose in them: going on from here takes half the time of hmac.digest."""
    key = _key().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in key) + purpose.encode() + b"\0")
    return inner, hashlib.sha256(bytes(b ^ 0x5C for b in key))


def _digest(purpose: str, body: bytes) -> bytes:
    first, second = _halves(purpose)
    inner, outer = first.copy(), second.copy()
    inner.update(body)
    outer.update(inner.digest())
    whole: bytes = outer.digest()
    return whole


def _mac(purpose: str, body: bytes) -> bytes:
    return _digest(purpose, body)[:MAC]


def _word(body: bytes, mac: bytes) -> str:
    return b2a_base64(body + mac, newline=False).translate(URL_SAFE).rstrip(b"=").decode()


def digest(purpose: str, text: str) -> str:
    """A keyed hash: tells whether a text is the same one, without keeping it."""
    return hmac.digest(_key(), purpose.encode() + b"\0" + text.encode(), "sha256").hex()


def make(purpose: str, *numbers: int) -> str:
    """A URL-safe token for up to a few 64-bit numbers; valid for this purpose only, for ever."""
    body = struct.pack(f">{len(numbers)}q", *numbers)
    return _word(body, _mac(purpose, body))


def make_both(purpose: str, *numbers: int) -> tuple[str, str]:
    """A token as of `make`, and one that more people may see (read: `shown`). They are two parts of one digest: who knows one cannot make the other."""
    body = struct.pack(f">{len(numbers)}q", *numbers)
    digest = _digest(purpose, body)
    return _word(body, digest[:MAC]), _word(body, digest[MAC : 2 * MAC])


def read(purpose: str, token: str, *, shown: bool = False) -> tuple[int, ...] | None:
    """The numbers of a token made for this purpose, or None when it is forged, cut or for something else. `shown`: the other one of `make_both`."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    body, mac = raw[:-MAC], raw[-MAC:]
    if not body or len(body) % 8:
        return None
    digest = _digest(purpose, body)
    if not hmac.compare_digest(mac, digest[MAC : 2 * MAC] if shown else digest[:MAC]):
        return None
    return struct.unpack(f">{len(body) // 8}q", body)
