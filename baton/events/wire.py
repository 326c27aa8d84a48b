"""The hit as the tracker sends it and the collector takes it. Pure Python: the collector starts without Django."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from baton.events.vocabulary import Kind

VERSION = 1
MAX_BODY = 64 * 1024  # bytes
MAX_HITS = 200
MAX_TEXT = 2048  # characters of an address
MAX_TITLE = 300
MAX_KEY = 2000  # bytes: an index entry of PostgreSQL holds 2,700
MAX_ID = 1 << 53
COOKIE = "baton_v"

# What a browser may send. Everything else is concluded by Baton itself and is refused.
KINDS = {k.word: k for k in (Kind.PAGE_VIEW, Kind.PAGE_DWELL, Kind.CTA_CLICK, Kind.DOWNLOAD)}


class Malformed(Exception):
    """The request is not a batch of hits; `path` says where, for example `h[2].t`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class Hit(NamedTuple):
    """One thing a visitor did, times in milliseconds since 1970 by the browser's clock."""

    kind: Kind
    id: int
    time: int
    url: str  # the page it happened on
    key: str  # page key, CTA name or file address: what event_key.value becomes
    label: str = ""
    referrer: str = ""
    seconds: float | None = None  # dwell
    extra: Mapping[str, str] = MappingProxyType({})


class Batch(NamedTuple):
    """What one request carries."""

    cookie: str
    hits: tuple[Hit, ...]
    sent: int  # milliseconds, by the browser's clock
    token: str = ""  # purpose `contact`: the visitor came by a link of a mail written to this contact


def page_key(url: str) -> str:
    """`host/path` in the form event keys have: lower-case host, no query, no trailing slash except the root's."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    host = (parts.netloc.rpartition("@")[2]).lower()
    path = unquote(parts.path).replace("\0", "").rstrip("/") or "/"
    key = f"{host}{path}"
    return key if len(key) <= MAX_KEY // 4 else key.encode()[:MAX_KEY].decode(errors="ignore")


def parse(body: Any) -> Batch:
    """Check a decoded JSON body whole; raises Malformed at the first fault, so a request is taken or refused as one."""
    if not isinstance(body, dict):
        raise Malformed("", "expected an object")
    if body.get("v") != VERSION:
        raise Malformed("v", f"expected {VERSION}")
    cookie = body.get("c")
    if not isinstance(cookie, str) or not is_cookie(cookie):
        raise Malformed("c", "expected 32 hexadecimal digits")
    sent = _whole(body.get("s"), "s")
    token = body.get("bt", "")
    if not isinstance(token, str) or len(token) > 200:
        raise Malformed("bt", "expected a token")
    hits = body.get("h")
    if not isinstance(hits, list) or len(hits) > MAX_HITS or not (hits or token):
        raise Malformed("h", f"expected 1 to {MAX_HITS} hits")
    return Batch(cookie, tuple(_hit(hit, f"h[{number}]") for number, hit in enumerate(hits)), sent, token)


def is_cookie(text: str) -> bool:
    """Whether a visitor token has the form that cookies have: 32 lower-case hexadecimal digits."""
    return len(text) == 32 and not text.strip("0123456789abcdef")


def _hit(hit: Any, path: str) -> Hit:
    if not isinstance(hit, dict):
        raise Malformed(path, "expected an object")
    word = hit.get("k")
    kind = KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        raise Malformed(f"{path}.k", f"expected one of {', '.join(KINDS)}")
    number = _whole(hit.get("id"), f"{path}.id")
    if number >= MAX_ID:
        raise Malformed(f"{path}.id", "expected a whole number below 2^53")
    time = _whole(hit.get("t"), f"{path}.t")
    url, key = _address(hit.get("u"), f"{path}.u")
    title = _text(hit.get("title", ""), f"{path}.title", MAX_TITLE)
    referrer = _text(hit.get("r", ""), f"{path}.r", MAX_TEXT)
    extra = hit.get("x", {})
    if not isinstance(extra, dict):
        raise Malformed(f"{path}.x", "expected an object")
    if kind is Kind.CTA_CLICK:
        name = _text(extra.get("cta"), f"{path}.x.cta", MAX_TITLE)
        if not name:
            raise Malformed(f"{path}.x.cta", "expected the name of the CTA")
        href = _text(extra.get("href", ""), f"{path}.x.href", MAX_TEXT)
        return Hit(kind, number, time, url, name, extra={"href": href} if href else {})
    if kind is Kind.DOWNLOAD:
        href, key = _address(extra.get("href"), f"{path}.x.href")
        return Hit(
            kind, number, time, url, key, label=_text(extra.get("text", ""), f"{path}.x.text", MAX_TITLE) or key.rpartition("/")[2], extra={"href": href}
        )
    if kind is Kind.PAGE_DWELL:
        seconds = hit.get("n")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 86_400:
            raise Malformed(f"{path}.n", "expected seconds from 0 to 86400")
        return Hit(kind, number, time, url, key, seconds=float(seconds))
    return Hit(kind, number, time, url, key, label=title, referrer=referrer)


def _whole(value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_ID:
        raise Malformed(path, "expected a whole number")
    return value


def storable(text: str, longest: int) -> str:
    """Text as PostgreSQL can keep it: cut to length, without NUL and without halves of a surrogate pair."""
    text = text[:longest]
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else text.encode("utf-8", "ignore").decode()


def _text(value: Any, path: str, longest: int) -> str:
    if not isinstance(value, str):
        raise Malformed(path, "expected text")
    return storable(value, longest)


def _address(value: Any, path: str) -> tuple[str, str]:
    """An address and its key."""
    text = _text(value, path, MAX_TEXT)
    key = _key(text)
    if not key:
        raise Malformed(path, "expected an http:// or https:// address")
    return text, key


@lru_cache(8192)
def _key(text: str) -> str:
    """The page key of an address, "" when it is none. The same few pages come all the time."""
    try:
        return page_key(text) if text.startswith(("http://", "https://")) and urlsplit(text).hostname else ""
    except ValueError:
        return ""
