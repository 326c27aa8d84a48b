"""The manners of HTTP that all routes of the collector share: headers, bodies, answers. Raw ASGI."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from crawleruseragents import is_crawler
from pydantic_core import to_json

from baton.events import wire

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

CORS: Headers = [(b"access-control-allow-origin", b"*")]
PREFLIGHT: Headers = [
    *CORS,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
]
NO_STORE: Headers = [(b"cache-control", b"no-store, private"), (b"x-robots-tag", b"noindex")]
TEXT = (b"content-type", b"text/plain; charset=utf-8")
SORRY = "잠시 후 다시 눌러 주세요. 링크를 준비하고 있습니다.\nPlease try this link again in a moment.\n".encode()
NOT_FOUND = "이 주소는 올바르지 않습니다.\nThis address is not valid.\n".encode()


@lru_cache(4096)
def crawler(user_agent: str, headless: bool) -> bool:
    """Whether a user agent is a robot's. `headless` lets browsers without a window pass: rehearsals are driven by one."""
    if headless and "HeadlessChrome" in user_agent:
        user_agent = user_agent.replace("HeadlessChrome", "Chrome")
    return bool(is_crawler(user_agent))


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def header(scope: Scope, name: bytes) -> str:
    """One request header as text, "" when it is not there."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


async def read_body(receive: Receive) -> bytes | None:
    """The request's body, or None when it is longer than a batch may be."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= wire.MAX_BODY:
        message = await receive()
        body += message.get("body", b"")
    return body if len(body) <= wire.MAX_BODY else None


class Answer:
    """A whole response, with the bytes that go over the line for those who write them themselves."""

    __slots__ = ("body", "headers", "raw", "status")

    def __init__(self, status: int, headers: Headers, body: bytes = b"") -> None:
        self.status, self.headers, self.body = status, headers, body
        self.raw = whole(status, headers, body)

    async def send(self, send: Send) -> None:
        """Answer an ASGI request with it."""
        await answer(send, self.status, self.body, self.headers)


def whole(status: int, headers: Headers, body: bytes, *, head: bool = False) -> bytes:
    """A response as HTTP/1.1 has it. Header values with line breaks are left out."""
    lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode()), *(b"%s: %s" % pair for pair in headers if not {10, 13} & set(pair[1]))]
    if status not in (204, 304) and not any(name == b"content-length" for name, _ in headers):
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join([*lines, b"", b"" if head else body])


def faulty(status: int, error: str, path: str) -> Answer:
    """What is wrong with the request and where."""
    return Answer(status, [*CORS, (b"content-type", b"application/json")], to_json({"error": error, "path": path}))


async def answer(send: Send, status: int, body: bytes, headers: Headers, *, head: bool = False) -> None:
    """Send a whole response."""
    if status not in (204, 304):
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
