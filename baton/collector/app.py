"""The collector: takes hits of browsers and mail programs, and answers when they are safe. Raw ASGI, no Django.

POST /t/e            hits of the tracker          204 committed, 202 kept on the disk
GET  /t/baton.js     the tracker
GET  /o/<token>.gif  a mail was opened
GET  /c/<token>      a link of a mail was clicked
"""

import asyncio
import gc
import hashlib
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from crawleruseragents import is_crawler
from pydantic_core import from_json, to_json

from baton.collector import packet
from baton.collector.buffer import Buffer, Refused
from baton.collector.spill import LIMIT, Full, Spill
from baton.collector.store import is_away
from baton.events import wire
from baton.events.vocabulary import Kind
from baton.platform import logs, signing
from baton.platform.config import Config, config

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

PREFIXES = ("/t/", "/o/", "/c/")  # what the edge hands to the collector
SCRIPT = Path(__file__).parent / "static" / "baton.js"
OPEN_GRACE = 2_000  # ms after the sending in which an open is a mail gateway's, not a person's
CLICK_GRACE = 500
SEEN_HOST = "SELECT 1 FROM event_key WHERE kind = $1 AND value >= $2 AND value < $3 LIMIT 1"
GARBAGE = 50_000  # objects gathered before cycles are looked for; at Python's 700 every few waiting hits start a search
HOST_MEMORY = 60  # seconds a host is remembered as tracked, or not

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
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

log = logs.log(__name__)


@lru_cache(4096)
def crawler(user_agent: str, headless: bool) -> bool:
    """Whether a user agent is a robot's. `headless` lets browsers without a window pass: rehearsals are driven by one."""
    if headless and "HeadlessChrome" in user_agent:
        user_agent = user_agent.replace("HeadlessChrome", "Chrome")
    return bool(is_crawler(user_agent))


class Collector:
    """An ASGI app. Mount it under PREFIXES; call `start` before the first request and `stop` after the last."""

    def __init__(self, database_url: str | None = None, data_dir: Path | None = None, *, settings: Config | None = None, spill_limit: int = LIMIT) -> None:
        self.settings = settings or config()
        self.url = database_url or self.settings.database_url
        self.spill = Spill((data_dir or self.settings.data_dir) / "spill", spill_limit)
        self.buffer = Buffer(self.url, self.spill)
        self._pool: asyncpg.Pool | None = None  # reads for redirects; the writing connection is never waited for
        self._links: dict[int, str] = {}
        self._hosts: dict[str, tuple[bool, float]] = {}
        self._script: tuple[bytes, bytes, bytes] | None = None  # plain, gzip, ETag

    async def start(self) -> None:
        """Begin to take hits. Does not need the database to be there."""
        gc.set_threshold(GARBAGE, 20, 20)  # waiting hits are no garbage: with 512 browsers a tenth of the time went into looking
        await self.buffer.start()

    async def stop(self) -> None:
        """Write what waits and close the connections."""
        await self.buffer.stop()
        if self._pool is not None:
            self._pool.terminate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path == "/t/e":
            await self._hits(scope, receive, send)
        elif path.startswith("/o/") and path.endswith(".gif"):
            await self._open(scope, path[3:-4], send)
        elif path.startswith("/c/"):
            await self._click(scope, path[3:], send)
        elif path == "/t/baton.js":
            await self._tracker(scope, send)
        else:
            await answer(send, 404, NOT_FOUND, [TEXT])

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    # Hits of the tracker

    async def _hits(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            if scope["method"] == "OPTIONS":
                await answer(send, 204, b"", PREFLIGHT)
            else:
                await answer(send, 405, b"", [*CORS, (b"allow", b"POST, OPTIONS")])
            return
        body = await read_body(receive)
        if body is None:
            await fault(send, 413, f"more than {wire.MAX_BODY} bytes", "")
            return
        user_agent = header(scope, b"user-agent")
        received = time.time_ns() // 1_000_000
        try:
            batch = wire.parse(from_json(body))
            known = signing.read("contact", batch.token) if batch.token else None
            if crawler(user_agent, self.settings.demo):
                await answer(send, 204, b"", CORS)
                return
            entry = packet.of_hits(batch, received, known=known[0] if known else 0, user_agent=user_agent)
        except wire.Malformed as error:
            await fault(send, 400, str(error), error.path)
            return
        except ValueError:
            await fault(send, 400, "expected JSON", "")
            return
        try:
            kept = await self.buffer.put(entry)
        except Full:
            await answer(send, 503, b"", [*CORS, (b"retry-after", b"10")])
        except Refused:
            await answer(send, 500, b"", CORS)
        else:
            await answer(send, 204 if kept == "stored" else 202, b"", CORS)

    async def _tracker(self, scope: Scope, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await answer(send, 405, b"", [(b"allow", b"GET, HEAD")])
            return
        if self._script is None:
            if not SCRIPT.exists():
                await answer(send, 404, b"The tracker has not been built: run `make setup`.\n", [TEXT])
                return
            self._script = await asyncio.to_thread(read_script)
        plain, packed, tag = self._script
        headers: Headers = [*CORS, (b"etag", tag), (b"cache-control", b"public, max-age=3600"), (b"vary", b"accept-encoding")]
        if header(scope, b"if-none-match") == tag.decode():
            await answer(send, 304, b"", headers)
            return
        gzipped = "gzip" in header(scope, b"accept-encoding")
        headers += [(b"content-type", b"text/javascript; charset=utf-8"), (b"cross-origin-resource-policy", b"cross-origin")]
        if gzipped:
            headers.append((b"content-encoding", b"gzip"))
        await answer(send, 200, packed if gzipped else plain, headers, head=scope["method"] == "HEAD")

    # Mails

    async def _open(self, scope: Scope, token: str, send: Send) -> None:
        read = signing.read("open", token)
        if read is not None and len(read) == 2 and scope["method"] in ("GET", "HEAD"):
            message, contact = read
            await self._keep(packet.of_mail(Kind.EMAIL_OPEN, contact, message, now_ms(), grace=OPEN_GRACE, machine=self._machine(scope), payload={}))
        await answer(send, 200, GIF, [*NO_STORE, (b"content-type", b"image/gif")], head=scope["method"] == "HEAD")

    async def _click(self, scope: Scope, token: str, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await answer(send, 405, b"", [(b"allow", b"GET, HEAD")])
            return
        read = signing.read("click", token)
        if read is None or len(read) != 3:
            await answer(send, 404, NOT_FOUND, [*NO_STORE, TEXT])
            return
        message, contact, link = read
        try:
            url = await self._link(link)
            own = url is not None and await self._own_host(urlsplit(url).netloc.lower())
        except Exception as error:
            if not is_away(error):
                raise
            await answer(send, 503, SORRY, [*NO_STORE, TEXT, (b"retry-after", b"10")])
            return
        if url is None:
            await answer(send, 404, NOT_FOUND, [*NO_STORE, TEXT])
            return
        await self._keep(packet.of_mail(Kind.EMAIL_CLICK, contact, message, now_ms(), grace=CLICK_GRACE, machine=self._machine(scope), payload={"url": url}))
        target = with_token(url, signing.make("contact", contact, message)) if own else url
        await answer(send, 302, b"", [*NO_STORE, (b"location", target.encode()), (b"referrer-policy", b"no-referrer")])

    async def _keep(self, entry: packet.Packet) -> None:
        """Whoever opens or clicks gets his answer whether or not it can be noted."""
        try:
            await self.buffer.put(entry)
        except (Full, Refused) as error:
            log.error("an open or click was lost", error=str(error) or type(error).__name__)

    def _machine(self, scope: Scope) -> str:
        if scope["method"] == "HEAD":
            return "head"
        return "crawler" if crawler(header(scope, b"user-agent"), self.settings.demo) else ""

    async def _link(self, number: int) -> str | None:
        """The target of a mail's link; links never change, so each is read once."""
        known = self._links.get(number)
        if known is None:
            known = await self._read("SELECT url FROM email_link WHERE id = $1", number)
            if known is not None:
                if len(self._links) > 50_000:
                    self._links.clear()
                self._links[number] = known
        return known

    async def _own_host(self, host: str) -> bool:
        """Whether the host carries our tracker: only there the visitor may be told who he is."""
        known, at = self._hosts.get(host, (False, -1e9))
        if known or time.monotonic() - at < HOST_MEMORY:
            return known
        if host == urlsplit(self.settings.url).netloc.lower():
            found = True
        else:
            try:
                found = bool(
                    await self._read(
                        "SELECT 1 FROM event_key WHERE kind = $1 AND value >= $2 AND value < $3 LIMIT 1", int(Kind.PAGE_VIEW), f"{host}/", f"{host}0"
                    )
                )
            except Exception as error:
                if is_away(error):
                    return known
                raise
        if len(self._hosts) > 10_000:
            self._hosts.clear()
        self._hosts[host] = (found, time.monotonic())
        return found

    async def _read(self, statement: str, *values: object) -> Any:
        if self.buffer.away:
            raise ConnectionError
        if self._pool is None:
            self._pool = await asyncpg.create_pool(self.url, min_size=0, max_size=2, timeout=2, command_timeout=2)
        return await self._pool.fetchval(statement, *values, timeout=2)


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def read_script() -> tuple[bytes, bytes, bytes]:
    """The built tracker: plain, gzip, ETag."""
    import gzip

    plain = SCRIPT.read_bytes()
    return plain, gzip.compress(plain, 9, mtime=0), f'"{hashlib.sha256(plain).hexdigest()[:16]}"'.encode()


def with_token(url: str, token: str) -> str:
    """The address with `bt=<token>` in its query, before the fragment."""
    base, mark, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}bt={token}{mark}{fragment}"


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


async def answer(send: Send, status: int, body: bytes, headers: Headers, *, head: bool = False) -> None:
    """Send a whole response."""
    if status not in (204, 304):
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})


async def fault(send: Send, status: int, error: str, path: str) -> None:
    """Send what is wrong with the request and where."""
    await answer(send, status, to_json({"error": error, "path": path}), [*CORS, (b"content-type", b"application/json")])


_own: Collector | None = None


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The collector as a server of its own (`baton collector`): made with the first message of the process that serves."""
    global _own
    if _own is None:
        logs.setup("collector")
        _own = Collector()
    await _own(scope, receive, send)
