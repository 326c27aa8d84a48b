"""Live streams: `GET /live/?topics=user:3,workflow:5` keeps a page up to date with pieces of HTML (docs/live.md).

A raw ASGI app, so that an open page costs a coroutine and not a thread. A process has one connection that listens to
PostgreSQL. A notice says only that a topic changed; what the page lacks is looked up when it is sent (feeds.py), so
notices may be merged or lost: nothing piles up behind a slow reader, and a reconnected page misses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from json import loads
from typing import Any, TypeVar
from urllib.parse import parse_qs

import asyncpg
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import close_old_connections, connections
from django.http import HttpRequest, parse_cookie
from django.utils import translation

from baton.accounts.models import User
from baton.platform.live import CHANNEL
from baton.platform.logs import log
from baton.web.feeds import FEEDS, Feed, Piece

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
T = TypeVar("T")

HEARTBEAT = 15.0  # seconds; proxies cut a silent connection after 30 to 60
RECHECK = 60.0  # seconds; after this a signed-out user or a lost right ends the stream
SLOW = 30.0  # seconds; a reader that takes none of a piece for so long is cut off, and comes back by itself
TOPICS = 8  # of one stream
THREADS = 2  # that look up and render; each keeps a database connection
HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]

logger = log(__name__)


class Refused(Exception):
    """The stream is not given; `status` and the text are the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Stream:
    """One open page: its feeds, and which of them have news. However many notices come, there is one mark a topic."""

    def __init__(self, user: User, language: str, feeds: dict[str, Feed]) -> None:
        self.user = user
        self.language = language
        self.feeds = feeds
        self.news: set[str] = set()
        self.woken = asyncio.Event()
        self._sent = dict.fromkeys(feeds, 0.0)

    def mark(self, topic: str) -> None:
        self.news.add(topic)
        self.woken.set()

    def take(self, now: float) -> tuple[list[str], float]:
        """The topics to send now, and the seconds until another may be sent."""
        ready = [t for t in self.feeds if t in self.news and now >= self._sent[t] + self.feeds[t].pause]
        self.news.difference_update(ready)
        for topic in ready:
            self._sent[topic] = now
        return ready, min((self._sent[t] + self.feeds[t].pause - now for t in self.news), default=HEARTBEAT)

    def render(self, topics: list[str], *, first: bool = False) -> str:
        """The frames of these topics, in the language of the page. Runs in a thread."""
        with translation.override(self.language):
            return "".join(frame(piece) for t in topics for piece in (self.feeds[t].first() if first else self.feeds[t].news()))


def frame(piece: Piece) -> str:
    """A piece in the form of server-sent events; every line of the HTML is a line of data."""
    lines = [f"event: {piece.event}"] if piece.event else []
    if piece.id is not None:
        lines.append(f"id: {piece.id}")
    lines += [f"data: {line}" for line in (piece.html or "-").splitlines() if line.strip()]
    return "\n".join(lines) + "\n\n"


class Live:
    """The ASGI app of `/live/`. `start` and `stop` belong to the server's life span."""

    def __init__(self) -> None:
        self._streams: dict[str, set[Stream]] = {}
        self._threads = ThreadPoolExecutor(THREADS, "live")
        self._listener: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    async def start(self) -> None:
        self._ending.clear()
        self._listener = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        self._ending.set()
        if self._listener:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] != "GET":
                raise Refused(405, "only GET")
            stream = await self._database(lambda: open_stream(scope))
        except Refused as refused:
            await send(
                {
                    "type": "http.response.start",
                    "status": refused.status,
                    "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")],
                }
            )
            await send({"type": "http.response.body", "body": str(refused).encode()})
            return
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        for topic in stream.feeds:
            self._streams.setdefault(topic, set()).add(stream)
        tasks = [asyncio.create_task(work) for work in (self._pump(scope, stream, send), left(receive), self._ending.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for topic in stream.feeds:
                self._streams[topic].discard(stream)
                if not self._streams[topic]:
                    del self._streams[topic]
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    logger.warning("stream ended", topics=list(stream.feeds), error=repr(result))

    async def _pump(self, scope: Scope, stream: Stream, send: Send) -> None:
        """Send what is new until the reader goes or may no longer read."""
        loop = asyncio.get_running_loop()

        async def write(text: str) -> None:
            await asyncio.wait_for(send({"type": "http.response.body", "body": text.encode(), "more_body": True}), SLOW)

        await write(": open\n\n" + await self._database(lambda: stream.render(list(stream.feeds), first=True)))
        checked = spoken = loop.time()
        while True:
            now = loop.time()
            stream.woken.clear()
            topics, wait = stream.take(now)
            if now - checked > RECHECK:
                checked = now
                try:
                    await self._database(lambda: open_stream(scope))
                except Refused:
                    await send({"type": "http.response.body", "body": b""})
                    return
            if topics:
                text = await self._database(lambda topics=topics: stream.render(topics))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
                if text:
                    await write(text)
                    spoken = loop.time()
                continue
            if now - spoken >= HEARTBEAT:
                await write(": alive\n\n")
                spoken = now
            with suppress(TimeoutError):
                await asyncio.wait_for(stream.woken.wait(), min(wait, spoken + HEARTBEAT - now))

    async def _database(self, work: Callable[[], T]) -> T:
        """Run something that needs the database in one of our own few threads."""

        def run() -> T:
            close_old_connections()
            try:
                return work()
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        for stream in self._streams.get(str(loads(payload).get("topic")), ()):
            stream.mark(str(loads(payload)["topic"]))

    async def _listen(self) -> None:
        """Keep one connection that listens; when it is lost, come back and have every stream look for itself."""
        delay = 0.2
        while True:
            connection = None
            try:
                lost = asyncio.Event()
                connection = await asyncpg.connect(**address(), timeout=10)
                connection.add_termination_listener(lambda _, lost=lost: lost.set())
                await connection.add_listener(CHANNEL, self._heard)
                for topic, streams in self._streams.items():
                    for stream in streams:
                        stream.mark(topic)
                delay = 0.2
                while not lost.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(lost.wait(), 30)
                        break
                    await connection.execute("SELECT 1", timeout=10)  # notices that a silent network is gone
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                logger.warning("not listening", error=repr(error), again_in=delay)
            finally:
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(delay)
            delay = min(delay * 2, 10)


async def left(receive: Receive) -> None:
    """Returns when the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def address() -> dict[str, Any]:
    """Django's database in asyncpg's words."""
    given = connections["default"].settings_dict
    return {
        "host": given["HOST"] or None,
        "port": int(given["PORT"]) if given["PORT"] else None,
        "user": given["USER"] or None,
        "password": given["PASSWORD"] or None,
        "database": given["NAME"],
    }


def open_stream(scope: Scope) -> Stream:
    """The stream that a request asks for. Raises Refused (400 topics not understood, 401 not signed in, 403 not allowed)."""
    headers = dict(scope["headers"])
    request = plain_request(headers)
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active:
        raise Refused(401, "sign in first")
    query = parse_qs(scope["query_string"].decode("latin-1"))
    names = list(dict.fromkeys(t for text in query.get("topics", []) for t in text.split(",") if t))
    if not 1 <= len(names) <= TOPICS:
        raise Refused(400, f"topics: expected 1 to {TOPICS}, for example user:3,workflow:5")
    since = number(headers.get(b"last-event-id", b"").decode("latin-1"))
    if since is None:
        since = number(query.get("since", [""])[0])
    feeds: dict[str, Feed] = {}
    for name in names:
        kind, _, rest = name.partition(":")
        feed = FEEDS.get(kind)
        if feed is None or not feed.understands(rest):
            raise Refused(400, f"topics: {name[:40]!r} is not a topic")
        if not feed.allowed(user, rest):
            raise Refused(403, f"topics: {name[:40]!r} is not for you")
        feeds[name] = feed(user, rest, since)
    return Stream(user, user.language or translation.get_language_from_request(request), feeds)


def number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def plain_request(headers: dict[bytes, bytes]) -> HttpRequest:
    """As much of Django's request as the session and the language are found by."""
    request = HttpRequest()
    request.COOKIES = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", b"").decode("latin-1")
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return request
