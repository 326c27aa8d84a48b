"""Any stored filter as one word of an address, so that a number on a page opens exactly the records it counts.

`/contacts/?f=only:<word>` shows them in the table, where they can be narrowed, saved as a view, changed and exported like any others.
"""

import base64
import json
import zlib
from binascii import Error
from typing import Any

from baton.platform.errors import Invalid
from baton.segments import filter as filters

from .address import table_url

KEY = "only"  # the field of filters that holds such a word
LARGEST = 100_000  # letters of a stored filter


def pack(stored: dict[str, Any]) -> str:
    """A stored filter in letters, digits, `-` and `_`."""
    text = json.dumps(stored, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpack(word: str) -> dict[str, Any] | None:
    """The stored filter in a word; None for what is no such word."""
    try:
        packed = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        text = zlib.decompressobj().decompress(packed, LARGEST)
        found = json.loads(text)
    except (Error, ValueError, RecursionError, zlib.error):
        return None
    return found if isinstance(found, dict) and found else None


def url(object_type: str, stored: dict[str, Any]) -> str:
    """The table of exactly the records that fit a stored filter."""
    return f"{table_url(object_type)}?f={KEY}:{pack(stored)}"


def words(word: str) -> str:
    """What a packed filter asks, as a sentence; empty when it can no longer be read."""
    try:
        return filters.sentence(unpack(word) or {})
    except Invalid:
        return ""
