"""The collector: takes hits of browsers and mail programs, and answers when they are safe. Raw ASGI, no Django.

POST /t/e            hits of the tracker          204 committed, 202 kept on the disk
GET  /t/config       what a site's tracker is told: banner, linked sites
GET  /t/baton.js     the tracker, and the other scripts of scripts.py
GET  /o/<token>.gif  a mail was opened
GET  /c/<token>/<n>  a link of a mail was clicked
GET  /l/<code>       a short link or QR code was used
"""

import gc
from pathlib import Path

from baton.collector.buffer import Buffer
from baton.collector.hits import Hits
from baton.collector.http import NOT_FOUND, TEXT, Receive, Scope, Send, answer
from baton.collector.judge import Judge
from baton.collector.links import Links
from baton.collector.mails import Mails
from baton.collector.reads import Reads
from baton.collector.scripts import Scripts, parts
from baton.collector.sites import Sites
from baton.collector.spill import LIMIT, Spill
from baton.platform import logs
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
        self.sites = Sites(self.url, self.settings)
        self.buffer = Buffer(self.url, self.spill, {"baton_site": self.sites.changed})
        self.hits = Hits(self.settings, self.buffer, self.sites)
        self.reads = Reads(self.url, self.buffer)
        self.judge = Judge(self.settings)
        self.mails = Mails(self.settings, self.buffer, self.reads, self.judge)
        self.links = Links(self.settings, self.buffer, self.reads, self.judge)
        self.scripts = Scripts(asks=self.sites.asks)

    async def start(self) -> None:
        """Begin to take hits. Does not need the database to be there."""
        gc.set_threshold(GARBAGE, 20, 20)  # waiting hits are no garbage: with 512 browsers a tenth of the time went into looking
        await self.sites.start()
        await self.buffer.start()

    async def stop(self) -> None:
        """Write what waits and close the connections."""
        await self.buffer.stop()
        await self.sites.stop()
        await self.links.stop()
        self.reads.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path == "/t/e":
            await self.hits.serve(scope, receive, send)
        elif path == "/t/config":
            await self.sites.config(scope, send)
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


_own: Collector | None = None


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The collector for a server of ASGI apps, made with the first message of the process that serves."""
    global _own
    if _own is None:
        logs.setup("collector")
        _own = Collector()
    await _own(scope, receive, send)
