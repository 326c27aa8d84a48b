"""The collector as a server of its own (`baton collector`): HTTP/1.1 on uvloop and httptools.

A hit is answered without a task, a future or a message between threads of its own: that is half of what a general server spends on it.
Every other request goes to the collector's ASGI app.
"""

import asyncio
import signal
import time
from collections import deque
from typing import cast
from urllib.parse import unquote

import httptools
import uvloop

from baton.collector.app import Collector
from baton.collector.buffer import Kept
from baton.collector.hits import ANSWERS, TOO_LONG
from baton.collector.http import Answer, Headers, Message, whole
from baton.events import wire
from baton.platform import logs
from baton.platform.config import config

IDLE = 75.0  # seconds a connection may be quiet
SLOW = 20.0  # seconds a request may take to arrive
SWEEP = 5.0  # seconds between two looks at both
MOST = 10_000  # connections
HEAD = 32 * 1024  # bytes of a request's line and headers
WHOLE = HEAD + 4 * wire.MAX_BODY  # bytes of a request as it comes, in chunks however small
AHEAD = 16  # requests a client may send before it has the answer to the first

BAD = Answer(400, [(b"connection", b"close")])
LARGE = Answer(431, [(b"connection", b"close")])
CUT = Answer(TOO_LONG.status, [*TOO_LONG.headers, (b"connection", b"close")], TOO_LONG.body)
RAW = {kept: answer.raw for kept, answer in ANSWERS.items()}

log = logs.log(__name__)


class Request:
    """One request as it arrives."""

    __slots__ = ("body", "came", "headers", "last", "method", "size", "url")

    def __init__(self) -> None:
        self.method = ""
        self.url = b""
        self.headers: Headers = []
        self.body = b""
        self.size = 0  # of line and headers
        self.came = 0  # bytes since the piece it began in: the parser tells of a header when it is whole
        self.last = False  # the connection is closed after the answer


class Connection(asyncio.Protocol):
    """One connection of a browser: its requests are answered one after the other."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.client = ""
        self.since = 0.0  # when the client last had its turn: the connection, the last answer, the beginning of a request
        self.quiet = True  # nothing of a request has come since
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request()
        self._arriving: Request | None = None  # the request that is not whole yet
        self._waiting: deque[Request] = deque()  # whole requests that came before the one before was answered
        self._current: Request | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.since = time.monotonic()
        if len(self.server.connections) >= MOST:
            self.transport.abort()
            return
        peer = transport.get_extra_info("peername")
        self.client = peer[0] if isinstance(peer, tuple) else ""
        self.server.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self.server.connections.discard(self)  # what was asked for is done all the same: a click counts although its answer is not read

    def data_received(self, data: bytes) -> None:
        if self.quiet:
            self.quiet = False
            self.since = time.monotonic()
        before = self._arriving
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end(BAD)
            return
        if before is not None and before is self._arriving:
            before.came += len(data)
            if before.came > (WHOLE if before.method else HEAD):
                self._end(CUT if before.method else LARGE)

    def pause_writing(self) -> None:
        """The client does not read what it asked for: it gets no more, and may ask no more, until it does."""
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def late(self, now: float) -> bool:
        """Whether the client let us wait for too long."""
        return self._current is None and now - self.since > (IDLE if self.quiet else SLOW)

    # What the parser finds

    def on_message_begin(self) -> None:
        self._request = self._arriving = Request()

    def on_url(self, part: bytes) -> None:
        self._request.url += part
        self._grew(len(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._request.method:
            return  # after the body: it may not say whose the request is
        self._request.headers.append((name.lower(), value))
        self._grew(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._request.method = self._parser.get_method().decode()
        self._request.last = not self._parser.should_keep_alive()
        for name, value in self._request.headers:
            if name == b"expect" and value.lower() == b"100-continue":
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        request = self._request
        request.body = request.body + part if request.body else part
        if len(request.body) > wire.MAX_BODY:
            self._end(CUT)

    def on_message_complete(self) -> None:
        self._arriving = None
        if self.transport.is_closing():
            return
        if self._current is None:
            self._answer(self._request)
        elif len(self._waiting) < AHEAD:
            self._waiting.append(self._request)
        else:
            self._end(BAD)

    def _grew(self, size: int) -> None:
        self._request.size += size
        if self._request.size > HEAD:
            self._end(LARGE)

    # Answering

    def _answer(self, request: Request) -> None:
        self._current = request
        if request.url != b"/t/e" or request.method != "POST":
            self._task = self.server.loop.create_task(self._ask(request))
            return
        forwarded = origin = agent = b""
        for name, value in request.headers:
            if name == b"user-agent":
                agent = value
            elif name == b"origin":
                origin = value
            elif name == b"x-forwarded-for":
                forwarded = forwarded + b"," + value if forwarded else value
        answer = self.server.collector.hits.take(
            request.body, self.client, str(forwarded, "latin-1"), str(origin, "latin-1"), str(agent, "latin-1"), self._kept
        )
        if answer is not None:
            self._write(answer.raw)

    def _kept(self, kept: Kept) -> None:
        self._write(RAW[kept])

    def _write(self, raw: bytes) -> None:
        request, self._current = self._current, None
        self.since = time.monotonic()
        self.quiet = True
        if self.transport.is_closing():
            return  # who asked has gone
        self.transport.write(raw)
        if request is None or request.last:
            self.transport.close()
        elif self._waiting:
            self._answer(self._waiting.popleft())

    def _end(self, answer: Answer) -> None:
        """Say what is wrong and hang up."""
        if not self.transport.is_closing():
            self.transport.write(answer.raw)
            self.transport.close()

    async def _ask(self, request: Request) -> None:
        """Let the ASGI app answer. It answers whole, so the parts are put together."""
        path, _, query = request.url.partition(b"?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(path.decode("latin-1")),
            "raw_path": path,
            "query_string": query,
            "headers": request.headers,
            "client": (self.client, 0) if self.client else None,
        }
        said: Message = {"status": 500, "headers": []}
        body = b""

        async def receive() -> Message:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal body
            if message["type"] == "http.response.start":
                said.update(message)
            else:
                body += message.get("body", b"")

        try:
            await self.server.collector(scope, receive, send)
        except Exception:
            log.exception("request failed", path=scope["path"])
            said, body = {"status": 500, "headers": []}, b""
        self._task = None
        self._write(whole(said["status"], said["headers"], body, head=request.method == "HEAD"))


class Server:
    """Listens, and hangs up on those who let it wait."""

    def __init__(self, collector: Collector, loop: asyncio.AbstractEventLoop) -> None:
        self.collector = collector
        self.loop = loop
        self.connections: set[Connection] = set()

    async def serve(self, host: str, port: int, stopped: asyncio.Event) -> None:
        """Serve until `stopped`, then write what waits."""
        await self.collector.start()
        listening = await self.loop.create_server(lambda: Connection(self), host, port, backlog=2048)
        sweeping = self.loop.create_task(self._sweep())
        await stopped.wait()
        sweeping.cancel()
        listening.close()
        await self.collector.stop()  # who waits for an answer gets it
        for connection in list(self.connections):
            connection.transport.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            now = time.monotonic()
            for connection in [c for c in self.connections if c.late(now)]:
                connection.transport.abort()


def run() -> None:
    """Serve on BATON_BIND until SIGTERM or Ctrl-C."""

    async def main() -> None:
        settings, stopped, loop = config(), asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        await Server(Collector(), loop).serve(settings.host.strip("[]"), settings.port, stopped)

    logs.setup("collector")
    uvloop.run(main())


if __name__ == "__main__":
    run()
