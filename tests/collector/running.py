"""A running collector over the test database, reached through a line that can be cut."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from django.db import connection

from baton.collector.app import Collector
from baton.platform import sql
from baton.platform.config import config
from tests.running import PATIENCE

T = TypeVar("T")
COOKIE = "c" * 32
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"


class Line:
    """A TCP port that leads to PostgreSQL, until it is cut."""

    def __init__(self, host: str, port: str) -> None:
        self._to = (host, port or "5432")
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def connect(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._to
        up = asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}") if host.startswith("/") else asyncio.open_connection(host, int(port))
        far_reader, far_writer = await up
        self._open |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer), return_exceptions=True)
        self._open -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()


class Running:
    """A collector in a thread of its own, spoken to as a browser does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        at = connection.settings_dict
        self.line = Line(at["HOST"] or "/var/run/postgresql", at["PORT"])
        self.do(self.line.connect())
        user, password = quote(at["USER"] or ""), quote(at["PASSWORD"] or "")
        self.url = f"postgresql://{user}{':' + password if password else ''}@127.0.0.1:{self.line.port}/{at['NAME']}?sslmode=disable"
        self.start()

    def start(self, **options: Any) -> None:
        self.app = Collector(self.url, self.folder, settings=config(), **options)
        self.do(self.app.start())
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://baton.example", headers={"user-agent": BROWSER}, timeout=30)

    def stop(self) -> None:
        self.do(self.app.stop())
        self.do(self.http.aclose())

    def close(self) -> None:
        self.stop()
        self.do(self.line.cut())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def do(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(wait(), self.loop).result(60)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.do(self.http.get(path, **options))

    def head(self, path: str, **options: Any) -> httpx.Response:
        return self.do(self.http.head(path, **options))

    def post(self, body: Any, **options: Any) -> httpx.Response:
        return self.do(self.http.post("/t/e", content=body if isinstance(body, str | bytes) else json.dumps(body), **options))

    def hits(self, *hits: dict[str, Any], cookie: str = COOKIE, sent: int | None = None, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        return self.post({"v": 1, "c": cookie, "s": now_ms() if sent is None else sent, "h": list(hits), **more}, headers=headers)

    def cut(self) -> None:
        self.do(self.line.cut())

    def mend(self) -> None:
        self.do(self.line.connect())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def view(number: int = 2, *, at: int | None = None, url: str = "https://www.nuriwork.example/pricing", **more: Any) -> dict[str, Any]:
    return {"k": "page_view", "id": number, "t": now_ms() - 10 if at is None else at, "u": url, "title": "요금", **more}


def events() -> list[tuple[Any, ...]]:
    """(contact id, kind, key value, value, event id) of everything recorded, oldest first."""
    return sql.rows("SELECT e.contact_id, e.kind, coalesce(k.value, ''), e.value, e.id FROM event e LEFT JOIN event_key k ON k.id = e.key ORDER BY e.ts, e.id")


def wait_for(test: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not test():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
