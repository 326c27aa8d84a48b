"""Short signed tokens for addresses in mails and cookies: numbers and a purpose, no database look-up to read one.

Pure Python: the collector reads these without Django.
"""

import hashlib
import hmac
import struct
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from functools import cache

from baton.platform.config import config

MAC = 12  # bytes
URL_SAFE = bytes.maketrans(b"+/", b"-_")


@cache
def _key() -> bytes:
    return hashlib.sha256(b"baton.signing\0" + config().secret_key.encode()).digest()


def _mac(purpose: str, body: bytes) -> bytes:
    return hmac.digest(_key(), purpose.encode() + b"\0" + body, "sha256")[:MAC]


def digest(purpose: str, text: str) -> str:
    """A keyed hash: tells whether a text is the same one, without keeping it."""
    return hmac.digest(_key(), purpose.encode() + b"\0" + text.encode(), "sha256").hex()


def make(purpose: str, *numbers: int) -> str:
    """A URL-safe token for up to a few 64-bit numbers; valid for this purpose only, for ever."""
    body = struct.pack(f">{len(numbers)}q", *numbers)
    mac = hmac.digest(_key(), purpose.encode() + b"\0" + body, "sha256")[:MAC]  # _mac, without the call: a mail has a dozen tokens
    return b2a_base64(body + mac, newline=False).translate(URL_SAFE).rstrip(b"=").decode()


def read(purpose: str, token: str) -> tuple[int, ...] | None:
    """The numbers of a token made for this purpose, or None when it is forged, cut or for something else."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    body, mac = raw[:-MAC], raw[-MAC:]
    if not body or len(body) % 8 or not hmac.compare_digest(mac, _mac(purpose, body)):
        return None
    return struct.unpack(f">{len(body) // 8}q", body)
