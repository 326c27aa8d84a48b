"""The collector: takes hits of browsers and mail programs, and answers when they are safe. Raw ASGI, no Django.

POST /t/e            hits of the tracker          204 committed, 202 kept on the disk
GET  /t/baton.js     the tracker, and the other scripts of scripts.py
GET  /o/<token>.gif  a mail was opened
GET  /c/<token>      a link of a mail was clicked
GET  /l/<code>       a short link or QR code was used
"""

import gc
import time
from pathlib import Path

from pydantic_core import from_json

from baton.collector import packet
from baton.collector.buffer import Buffer, Refused
from baton.collector.http import CORS, NOT_FOUND, PREFLIGHT, TEXT, Receive, Scope, Send, answer, crawler, fault, header, read_body
from baton.collector.links import Links
from baton.collector.mails import Mails
from baton.collector.scripts import Scripts, parts
from baton.collector.spill import LIMIT, Full, Spill
from baton.events import wire
from baton.platform import logs, signing
from baton.platform.config import Config, config

PREFIXES = ("/t/", "/o/", "/c/", "/l/")  # what the edge hands to the collector
GARBAGE = 50_000  # objects gathered before cycles are looked for; at Python's 700 every few waiting hits start a search

log = logs.log(__name__)


class Collector:
    """An ASGI app. Mount it under PREFIXES; call `start` before the first request and `stop` after the last."""

    def __init__(self, database_url: str | None = None, data_dir: Path | None = None, *, settings: Config | None = None, spill_limit: int = LIMIT) -> None:
        self.settings = settings or config()
        self.url = database_url or self.settings.database_url
        self.spill = Spill((data_dir or self.settings.data_dir) / "spill", spill_limit)
        self.buffer = Buffer(self.url, self.spill)
        self.mails = Mails(self.url, self.settings, self.buffer)
        self.links = Links(self.url, self.settings, self.buffer)
        self.scripts = Scripts(asks=lambda: False)

    async def start(self) -> None:
        """Begin to take hits. Does not need the database to be there."""
        gc.set_threshold(GARBAGE, 20, 20)  # waiting hits are no garbage: with 512 browsers a tenth of the time went into looking
        await self.buffer.start()

    async def stop(self) -> None:
        """Write what waits and close the connections."""
        await self.buffer.stop()
        await self.links.stop()
        self.mails.stop()

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
            await self.mails.open(scope, path[3:-4], send)
        elif path.startswith("/c/"):
            await self.mails.click(scope, path[3:], send)
        elif path.startswith("/l/"):
            await self.links.click(scope, path[3:], send)
        elif names := parts(path):
            await self.scripts.serve(scope, names, send)
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
            led = known[2] if known and len(known) > 2 else 0
            entry = packet.of_hits(batch, received, known=known[0] if known else 0, user_agent=user_agent, click=led)
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
