"""The collector, which answers after the commit: requests a second beside a Granian app that answers 204 to everything, how long the slowest
wait, and hits a second of large requests beside PostgreSQL's own INSERT of generated rows. Rounds alternate, medians count."""

import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SECONDS = 3.0
WARM = 0.7  # before that
ROUNDS = 3  # of each, alternating, so that a busy moment of the machine meets all
MANY, FEW = 512, 64  # browsers that never pause
SENDERS, HITS = 16, 100  # of the large requests: connections, hits of one
GOAL = 0.45
BATCH_GOAL = 0.5
SLOWEST = 25.0  # ms, 99th percentile of FEW
DATABASE = "baton_bench_collector"
ROOT = Path(__file__).parent.parent

BARE = "bench.collector:bare"
ALONE = "baton.collector.server"  # `baton collector`
EDGE = "baton.collector.app:application"  # as part of `baton serve`

GENERATED = """
INSERT INTO event (contact_id, ts, id, kind, key, value, payload)
SELECT 1000000 + (random() * 2000)::bigint, now() - random() * interval '1 second', (random() * 9e15)::bigint, 1, (random() * 60)::bigint, NULL,
  '{"url": "https://www.nuriwork.example/page/1?utm_source=mail", "title": "Page", "referrer": "https://search.example/"}'::jsonb
FROM generate_series(1, 500)
"""


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
    """One browser connection: sends the next request as soon as the last was answered."""

    def __init__(self, statuses: Counter[bytes], waits: list[float], hits: int) -> None:
        self._statuses, self._waits, self._hits = statuses, waits, hits
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(request(self._hits))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._buffer.endswith(b"\r\n\r\n"):  # a 204 has no body
            self._waits.append(time.perf_counter() - self._sent)
            self._statuses[self._buffer[9:12]] += 1
            self._buffer = b""
            self._send()


def request(hits: int = 1) -> bytes:
    """Hits as the tracker sends them: one of 2,000 visitors sees some of 60 pages."""
    now, visitor = time.time_ns() // 1_000_000, random.randrange(2000)
    views = b",".join(
        b'{"k":"page_view","id":%d,"t":%d,"u":"https://www.nuriwork.example/page/%d?utm_source=mail","title":"Page","r":"https://search.example/"}'
        % (random.getrandbits(51) * 4, now, random.randrange(60))
        for _ in range(hits)
    )
    body = b'{"v":1,"c":"%032x","s":%d,"l":"ko-KR","z":"Asia/Seoul","h":[%s]}' % (visitor, now, views)
    return (
        b"POST /t/e HTTP/1.1\r\nHost: baton.example\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0.0.0 Safari/537.36\r\n"
        b"X-Forwarded-For: 203.0.%d.%d\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n" % (*divmod(visitor, 250), len(body))
    ) + body


async def load(port: int, seconds: float, connections: int = MANY, hits: int = 1) -> tuple[float, list[float]]:
    """Answers a second with browsers that never pause, and how long each waited, in seconds. Raises RuntimeError for any answer but 204."""
    loop, statuses, waits = asyncio.get_running_loop(), Counter[bytes](), list[float]()
    made = [await loop.create_connection(lambda: Client(statuses, waits, hits), "127.0.0.1", port) for _ in range(connections)]
    await asyncio.sleep(WARM)
    statuses.clear()
    waits.clear()
    began = time.monotonic()
    await asyncio.sleep(seconds)
    took, answers = time.monotonic() - began, dict(statuses)
    for transport, _ in made:
        transport.abort()
    if set(answers) != {b"204"}:
        raise RuntimeError(f"answers other than 204: {answers}")
    return answers[b"204"] / took, waits


def collector_rps() -> list[dict[str, Any]]:
    """Six rows, one process each, with the load from another process."""
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    slowest: list[float] = []
    with scratch() as environment:
        for _ in range(ROUNDS):
            for app in (BARE, ALONE, EDGE):
                with serving(app, environment) as port:
                    before = processor_time()
                    rate, _ = asyncio.run(load(port, SECONDS))
                    rates.setdefault(app, []).append(rate)
                    costs.setdefault(app, []).append((processor_time() - before) / (rate * (SECONDS + WARM)) * 1e6)
            with serving(ALONE, environment) as port:
                waits = sorted(asyncio.run(load(port, SECONDS, FEW))[1])
                slowest.append(waits[int(len(waits) * 0.99)] * 1000)
        generated, stored = batches(environment)
    limit = statistics.median(rates[BARE])
    wait = statistics.median(slowest)
    return [
        row("collector alone, 512 connections", statistics.median(rates[ALONE]), "requests/s", limit, GOAL),
        row("collector in the edge, 512 connections", statistics.median(rates[EDGE]), "requests/s", limit, None),
        *(cost(name, costs[app], costs[BARE]) for name, app in (("alone", ALONE), ("in the edge", EDGE))),
        {
            "name": "collector, 64 connections, p99",
            "value": wait,
            "unit": "ms",
            "limit": None,
            "ratio": wait / SLOWEST,
            "goal": "< 25 ms",
            "ok": wait < SLOWEST,
        },
        row("collector, 100 hits a request", statistics.median(stored), "hits/s", statistics.median(generated), BATCH_GOAL),
    ]


def batches(environment: dict[str, str]) -> tuple[list[float], list[float]]:
    """Rows a second of PostgreSQL's own INSERT, 500 a commit, and hits a second of large requests; one figure a round."""
    import psycopg

    generated, stored = [], []
    for _ in range(ROUNDS):
        with psycopg.connect(environment["BATON_DATABASE_URL"], autocommit=True) as connection:
            began, sets = time.monotonic(), 0
            while time.monotonic() - began < SECONDS:
                connection.execute(GENERATED)
                sets += 1
            generated.append(sets * 500 / (time.monotonic() - began))
        with serving(ALONE, environment) as port:
            stored.append(HITS * asyncio.run(load(port, SECONDS, SENDERS, HITS))[0])
    return generated, stored


def row(name: str, value: float, unit: str, limit: float, goal: float | None) -> dict[str, Any]:
    """A row of the table, by its ratio; without a goal it is for comparison."""
    ratio = value / limit
    return {
        "name": name, "value": value, "unit": unit, "limit": limit, "ratio": ratio,
        "goal": f"ratio >= {goal}" if goal else "–", "ok": goal is None or ratio >= goal,
    }  # fmt: skip


def cost(name: str, costs: list[float], bare: list[float]) -> dict[str, Any]:
    """Processor time of the server's process a request, beside the bare one's: what is left of the ratio when others use the machine too."""
    value, limit = statistics.median(costs), statistics.median(bare)
    return {"name": f"collector {name}, processor time", "value": value, "unit": "us", "limit": limit, "ratio": limit / value, "goal": "–", "ok": True}


def processor_time() -> float:
    """Seconds that the servers started here have used so far."""
    import psutil

    spent = (p.cpu_times() for p in psutil.Process().children(recursive=True) if not p.name().startswith("postgres"))
    return sum(times.user + times.system for times in spent)


@contextmanager
def serving(app: str, environment: dict[str, str], *more: str) -> Iterator[int]:
    """A server with the app (or a module that is one) in a process of its own; its port."""
    port = free_port()
    if ":" in app:
        command = [sys.executable, "-m", "granian", app, "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "1"]
    else:
        command = [sys.executable, "-m", app, *more]
    server = subprocess.Popen(command, env={**environment, "BATON_BIND": f"127.0.0.1:{port}"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_open(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def wait_until_open(port: int) -> None:
    """Until somebody listens. Raises OSError after 20 seconds."""
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@contextmanager
def scratch() -> Iterator[dict[str, str]]:
    """The variables of a process with an empty database and a folder of its own."""
    url = prepare()
    with TemporaryDirectory() as folder:
        yield {**os.environ, "BATON_DATABASE_URL": url, "BATON_DATA_DIR": folder, "BATON_SECRET_KEY": "bench", "PYTHONPATH": str(ROOT)}


def prepare() -> str:
    """An empty database for this measurement; its address."""
    from urllib.parse import urlsplit, urlunsplit

    import psycopg

    from baton.platform import postgres, setup

    parts = urlsplit(setup.database())
    admin = urlunsplit(parts._replace(path="/postgres"))
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    postgres.create_database(admin, DATABASE)
    url = urlunsplit(parts._replace(path=f"/{DATABASE}"))
    migrate(url)
    return url


def migrate(url: str) -> None:
    """Make the tables."""
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env={**os.environ, "BATON_DATABASE_URL": url}, check=True)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


BENCHES = {"collector_rps": collector_rps}
