"""The hit as the tracker sends it and the collector takes it. Pure Python: the collector starts without Django."""

import re
from collections.abc import Callable, Mapping
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
MAX_WORD = 100  # characters of a version, a field's name, an event's name
MAX_KEY = 2000  # bytes: an index entry of PostgreSQL holds 2,700
MAX_PROPERTIES = 50
MAX_VALUE = 1024  # characters of one property, as events/own.py
MAX_ID = 1 << 53
ADDRESS = "expected an http:// or https:// address"
DAY = 86_400  # seconds
COOKIE = "baton_v"

LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,4}")
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
FORM = re.compile(r"[0-9]{1,18}|#.+", re.DOTALL)
VIDEO = re.compile(r"(youtube|vimeo):[A-Za-z0-9_-]{1,64}")
NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,99}")  # of an event of one's own and of its properties, as events/own.py


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
    key: str  # page key, CTA name, file address, form, video ...: what event_key.value becomes
    label: str = ""
    referrer: str = ""
    value: float | None = None  # seconds of a dwell, percent of a scroll or a video
    extra: Mapping[str, Any] = MappingProxyType({})  # what the payload holds besides the page


class Batch(NamedTuple):
    """What one request carries."""

    cookie: str
    hits: tuple[Hit, ...]
    sent: int  # milliseconds, by the browser's clock
    token: str = ""  # purpose `contact`: the visitor came by a link of a mail written to this contact
    language: str = ""  # of the browser, as ko-KR
    zone: str = ""  # time zone of the browser, as Asia/Seoul
    said: Mapping[str, str] = MappingProxyType({})  # who the site's own code says he is: email and other properties


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
    language, zone = body.get("l", ""), body.get("z", "")
    if language or zone:
        language, zone = _shaped(language, "l", LOCALE), _shaped(zone, "z", ZONE)
    said = _said(body["i"]) if "i" in body else NOTHING
    hits = body.get("h")
    if not isinstance(hits, list) or len(hits) > MAX_HITS or not (hits or token or said):
        raise Malformed("h", f"expected 1 to {MAX_HITS} hits")
    return Batch(cookie, tuple([_hit(hit, number) for number, hit in enumerate(hits)]), sent, token, language, zone, said)


def is_cookie(text: str) -> bool:
    """Whether a visitor token has the form that cookies have: 32 lower-case hexadecimal digits."""
    return len(text) == 32 and not text.strip("0123456789abcdef")


def _hit(hit: Any, number: int) -> Hit:
    try:
        if not isinstance(hit, dict):
            raise Malformed("", "expected an object")
        word = hit.get("k")
        kind = KINDS.get(word) if isinstance(word, str) else None
        if kind is None:
            raise Malformed(".k", f"expected one of {', '.join(KINDS)}")
        id, time = hit.get("id"), hit.get("t")
        if type(id) is not int or not 0 <= id < MAX_ID:
            raise Malformed(".id", "expected a whole number below 2^53")
        if type(time) is not int or not 0 <= time < MAX_ID:
            raise Malformed(".t", "expected a whole number")
        url = hit.get("u")
        if not isinstance(url, str):
            raise Malformed(".u", "expected text")
        url, page = _address(url if len(url) <= MAX_TEXT else url[:MAX_TEXT])
        if not page:
            raise Malformed(".u", ADDRESS)
        if kind is Kind.PAGE_VIEW:  # most hits are one
            return Hit(kind, id, time, url, page, _text(hit.get("title", ""), ".title", MAX_TITLE), _text(hit.get("r", ""), ".r", MAX_TEXT))
        return READERS[kind](Seen(kind, id, time, url, page), hit)
    except Malformed as error:
        raise Malformed(f"h[{number}]{error.path}", str(error)) from None


class Seen(NamedTuple):
    """What every hit has: the beginning of a Hit."""

    kind: Kind
    id: int
    time: int
    url: str
    page: str  # its key


# One function a kind. Each raises Malformed with the path within the hit.


def _dwell(seen: Seen, hit: Mapping[str, Any]) -> Hit:
    return Hit(*seen, value=_number(hit.get("n"), ".n", 0, DAY, "seconds"))


def _scroll(seen: Seen, hit: Mapping[str, Any]) -> Hit:
    return Hit(*seen, value=_number(hit.get("n"), ".n", 1, 100, "percent"))


def _cta(seen: Seen, hit: Mapping[str, Any]) -> Hit:
    extra = _extra(hit)
    name = _text(extra.get("cta"), ".x.cta", MAX_TITLE)
    if not name:
        raise Malformed(".x.cta", "expected the name of the CTA")
    return _made(seen, name, url=_text(extra.get("href", ""), ".x.href", MAX_TEXT))


def _download(seen: Seen, hit: Mapping[str, Any]) -> Hit:
    extra = _extra(hit)
    href, key = _foreign(extra.get("href"), ".x.href")
    return _made(seen, key, _text(extra.get("text", ""), ".x.text", MAX_TITLE) or key.rpartition("/")[2], url=href)


def _outbound(seen: Seen, hit: Mapping[str, Any]) -> Hit:
    extra = _extra(hit)
    href, key = _foreign(extra.get("href"), ".x.href")
    return _made(seen, key, url=href, text=_text(extra.get("text", ""), ".x.text", MAX_TITLE))


def _form(seen: Seen, hit: Mapping[str, Any]) -> Hit:
    """A form of Baton's by its number, somebody else's as `#<id or name>`. Only the latter is named by the browser."""
    extra = _extra(hit)
    form = _text(extra.get("form"), ".x.form", 200)
    if not FORM.fullmatch(form):
        raise Malformed(".x.form", "expected the number of a form, or # and the name of one")
    label = _text(extra.get("label", ""), ".x.label", MAX_TITLE)
    version = _text(extra.get("version", ""), ".x.version", MAX_WORD)
    field = _text(extra.get("field", ""), ".x.field", MAX_TITLE) if seen.kind is Kind.FORM_ABANDON else ""
    return _made(seen, form, (label or form[1:]) if form[0] == "#" else "", version=version, field=field)


def _video(seen: Seen, hit: Mapping[str, Any]) -> Hit:
    extra = _extra(hit)
    video = _text(extra.get("video"), ".x.video", MAX_TEXT)
    key = video if VIDEO.fullmatch(video) else _foreign(video, ".x.video")[1]
    percent = _number(hit.get("n"), ".n", 0, 100, "percent")
    times = {name: _number(extra[name], f".x.{name}", 0, DAY * 7, "seconds") for name in ("seconds", "duration") if name in extra}
    return _made(seen, key, _text(extra.get("title", ""), ".x.title", MAX_TITLE), value=percent, **times)


def _choice(seen: Seen, hit: Mapping[str, Any]) -> Hit:
    extra = _extra(hit)
    choice = extra.get("choice")
    if choice not in ("granted", "refused"):
        raise Malformed(".x.choice", "expected granted or refused")
    version, language = _text(extra.get("version", ""), ".x.version", MAX_WORD), _text(extra.get("language", ""), ".x.language", MAX_WORD)
    return _made(seen, choice, version=version, language=language)


def _custom(seen: Seen, hit: Mapping[str, Any]) -> Hit:
    """Whether somebody defined an event of this name is seen when it is stored: a browser cannot know."""
    extra = _extra(hit)
    name = _text(extra.get("name"), ".x.name", MAX_WORD).lower()
    if not NAME.fullmatch(name):
        raise Malformed(".x.name", "expected the name of an event")
    given = extra.get("properties", {})
    if not isinstance(given, dict) or len(given) > MAX_PROPERTIES:
        raise Malformed(".x.properties", f"expected an object of at most {MAX_PROPERTIES}")
    return _made(seen, name, properties=_values(given, ".x.properties"))


READERS: dict[Kind, Callable[[Seen, Mapping[str, Any]], Hit]] = {
    Kind.PAGE_DWELL: _dwell,
    Kind.PAGE_SCROLL: _scroll,
    Kind.CTA_CLICK: _cta,
    Kind.DOWNLOAD: _download,
    Kind.OUTBOUND_CLICK: _outbound,
    Kind.FORM_VIEW: _form,
    Kind.FORM_START: _form,
    Kind.FORM_ABANDON: _form,
    Kind.VIDEO_WATCHED: _video,
    Kind.TRACKING_CHOICE: _choice,
    Kind.CUSTOM_EVENT: _custom,
}
KINDS = {kind.word: kind for kind in (Kind.PAGE_VIEW, *READERS)}  # what a browser may send; all else Baton concludes itself
NOTHING: Mapping[str, Any] = MappingProxyType({})


def _made(seen: Seen, key: str, label: str = "", *, value: float | None = None, **extra: Any) -> Hit:
    return Hit(seen.kind, seen.id, seen.time, seen.url, key, label, value=value, extra={name: given for name, given in extra.items() if given != ""})


def _said(given: Any) -> Mapping[str, str]:
    if not isinstance(given, dict) or len(given) > MAX_PROPERTIES:
        raise Malformed("i", f"expected an object of at most {MAX_PROPERTIES}")
    said = _values(given, "i")
    if "@" not in said.get("email", ""):
        raise Malformed("i.email", "expected an e-mail address")
    return said


def _values(given: Mapping[Any, Any], path: str) -> dict[str, str]:
    """Properties as text, which is what events of one's own keep; empty ones are left out."""
    values = {}
    for name, value in given.items():
        name = storable(name, MAX_WORD)
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, int | float):
            value = str(value)
        elif not isinstance(value, str):
            raise Malformed(f"{path}.{name}", "expected text, a number, true or false")
        if value := storable(value.strip(), MAX_VALUE):
            values[name] = value
    return values


def _extra(hit: Mapping[str, Any]) -> Mapping[str, Any]:
    extra = hit.get("x")
    if extra is None:
        return NOTHING
    if not isinstance(extra, dict):
        raise Malformed(".x", "expected an object")
    return extra


def _whole(value: Any, path: str) -> int:
    if type(value) is not int or not 0 <= value < MAX_ID:
        raise Malformed(path, "expected a whole number")
    return value


def _number(value: Any, path: str, least: float, most: float, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Malformed(path, f"expected {unit} from {least} to {most}")
    return float(value)


def _shaped(value: Any, path: str, shape: re.Pattern[str]) -> str:
    """What browsers tell of themselves; "" when it has not the usual form: no hit is lost for it."""
    if not isinstance(value, str):
        raise Malformed(path, "expected text")
    return value if _fits(value, shape) else ""


@lru_cache(4096)
def _fits(value: str, shape: re.Pattern[str]) -> bool:
    return len(value) <= MAX_WORD and shape.fullmatch(value) is not None


def storable(text: str, longest: int) -> str:
    """Text as PostgreSQL can keep it: cut to length, without NUL and without halves of a surrogate pair."""
    if len(text) > longest:
        text = text[:longest]
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else text.encode("utf-8", "ignore").decode()


def _text(value: Any, path: str, longest: int) -> str:
    if not isinstance(value, str):
        raise Malformed(path, "expected text")
    return storable(value, longest)


def _foreign(value: Any, path: str) -> tuple[str, str]:
    """An address that a hit is about, and its key."""
    if not isinstance(value, str):
        raise Malformed(path, "expected text")
    url, key = _address(value[:MAX_TEXT])
    if not key:
        raise Malformed(path, ADDRESS)
    return url, key


@lru_cache(4096)
def _address(text: str) -> tuple[str, str]:
    """An address as it can be kept and its key, "" when it is none. The same few pages come all the time."""
    text = storable(text, MAX_TEXT)
    try:
        return text, page_key(text) if text.startswith(("http://", "https://")) and urlsplit(text).hostname else ""
    except ValueError:
        return text, ""
