"""Requests a second of the collector, which answers after the commit, beside a Granian app that answers 204 to everything."""

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SECONDS = 4.0
ROUNDS = 2  # of each, alternating, so that a busy moment of the machine meets both
CONNECTIONS = 512
GOAL = 0.35
DATABASE = "baton_bench"


async def bare(scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """The least an ASGI app can do."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Client(asyncio.Protocol):
    """One browser connection: sends the next hit as soon as the last was answered."""

    def __init__(self, counter: dict[bytes, int]) -> None:
        self._counter = counter
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._transport.write(request())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._buffer.endswith(b"\r\n\r\n"):  # a 204 has no body
            status = self._buffer[9:12]
            self._counter[status] = self._counter.get(status, 0) + 1
            self._buffer = b""
            self._transport.write(request())


def request() -> bytes:
    """A hit as the tracker sends it: one of 2,000 visitors sees one of 60 pages."""
    now = time.time_ns() // 1_000_000
    body = (
        b'{"v":1,"c":"%032x","s":%d,"h":[{"k":"page_view","id":%d,"t":%d,"u":"https://www.nuriwork.example/page/%d?utm_source=mail",'
        b'"title":"Page","r":"https://search.example/"}]}'
    ) % (random.randrange(2000), now, random.getrandbits(52) * 2, now, random.randrange(60))
    return (
        b"POST /t/e HTTP/1.1\r\nHost: baton.example\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0.0.0 Safari/537.36\r\n"
        b"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) + body


async def load(port: int, seconds: float) -> float:
    """Answers a second with CONNECTIONS browsers that never pause. Raises RuntimeError for any answer but 204."""
    loop, counter = asyncio.get_running_loop(), dict[bytes, int]()
    made = [await loop.create_connection(lambda: Client(counter), "127.0.0.1", port) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.5)
    counter.clear()
    began = time.monotonic()
    await asyncio.sleep(seconds)
    took, answers = time.monotonic() - began, dict(counter)
    for transport, _ in made:
        transport.abort()
    if set(answers) != {b"204"}:
        raise RuntimeError(f"answers other than 204: {answers}")
    return answers[b"204"] / took


def collector_rps() -> list[dict[str, Any]]:
    """One row: the collector against the bare server, one process each, with the load from another process."""
    url = prepare()
    with TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "BATON_DATABASE_URL": url,
            "BATON_DATA_DIR": folder,
            "BATON_SECRET_KEY": "bench",
            "PYTHONPATH": str(Path(__file__).parent.parent),
        }
        best = {"bench.collector:bare": 0.0, "baton.collector.app:application": 0.0}
        for _ in range(ROUNDS):
            for app in best:
                best[app] = max(best[app], measure(app, environment))
    limit, value = best["bench.collector:bare"], best["baton.collector.app:application"]
    ratio = value / limit
    return [{"name": "collector_rps", "value": value, "unit": "requests/s", "limit": limit, "ratio": ratio, "goal": f"ratio >= {GOAL}", "ok": ratio >= GOAL}]


def measure(app: str, environment: dict[str, str]) -> float:
    """Start a server with the app, load it, stop it; answers a second."""
    port = free_port()
    command = [sys.executable, "-m", "granian", app, "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "1"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        return asyncio.run(load(port, SECONDS))
    finally:
        server.terminate()
        server.wait(20)


def prepare() -> str:
    """An empty database for this measurement; its address."""
    from urllib.parse import urlsplit, urlunsplit

    from baton.platform import postgres, setup

    parts = urlsplit(setup.database())
    admin = urlunsplit(parts._replace(path="/postgres"))
    import psycopg

    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    postgres.create_database(admin, DATABASE)
    url = urlunsplit(parts._replace(path=f"/{DATABASE}"))
    root = Path(__file__).parent.parent
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=root, env={**os.environ, "BATON_DATABASE_URL": url}, check=True)
    return url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


BENCHES = {"collector_rps": collector_rps}
