"""The collector when things go wrong: the database stopped, stopped for real, the collector killed, the disk's share used up; and its memory over time.

Every event is sent until it was acknowledged, as the tracker does. Afterwards there must be exactly one row for each.
BENCH_AWAY: seconds the database is away each time (30); BENCH_MINUTES: minutes of the memory run (10).
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg

from bench.collector import ROOT, free_port, migrate, request, scratch, serving, wait_until_open

RATE = 2_000  # events a second
CONNECTIONS = 64
AWAY = float(os.environ.get("BENCH_AWAY", "30"))
MINUTES = float(os.environ.get("BENCH_MINUTES", "10"))
SMALL = 2 * 1024 * 1024  # bytes that may wait on the disk in the last round
GROWTH = 1.15  # memory at the end, of what it was after the first minute


class Sender:
    """Sends RATE events a second, each until it is acknowledged."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.waiting: deque[int] = deque()
        self.acknowledged: set[int] = set()
        self.answers: Counter[str] = Counter()
        self.stopped = False
        self._next = 4
        self._body: dict[int, bytes] = {}

    async def run(self) -> None:
        """Until `stopped`, and then until nothing waits."""
        browsers = [asyncio.create_task(self._browser()) for _ in range(CONNECTIONS)]
        began, made = time.monotonic(), 0
        while not self.stopped:
            due = int((time.monotonic() - began) * RATE)
            for _ in range(due - made):
                self.waiting.append(self._event())
            made = due
            await asyncio.sleep(0.01)
        while self._body:
            await asyncio.sleep(0.1)
        for browser in browsers:
            browser.cancel()

    def _event(self) -> int:
        number, now = self._next, time.time_ns() // 1_000_000
        self._next += 4
        hit = {"k": "page_view", "id": number, "t": now, "u": f"https://www.nuriwork.example/page/{number % 60}", "title": "Page"}
        self._body[number] = json.dumps({"v": 1, "c": f"{random.randrange(500):032x}", "s": now, "h": [hit]}).encode()
        return number

    async def _browser(self) -> None:
        reader = writer = None
        while True:
            if not self.waiting:
                await asyncio.sleep(0.005)
                continue
            number = self.waiting.popleft()
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                assert reader is not None
                body = self._body[number]
                writer.write(b"POST /t/e HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0 Firefox/140.0\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                head = await reader.readuntil(b"\r\n\r\n")
                status = head[9:12].decode()
                if b"content-length: 0" not in head and b"content-length" in head:
                    writer.close()
                    writer = None
            except (OSError, asyncio.IncompleteReadError):
                status, writer = "cut", None
            self.answers[status] += 1
            if status in ("204", "202"):
                self.acknowledged.add(number)
                del self._body[number]
            else:
                self.waiting.append(number)
                await asyncio.sleep(0.2)


class Database:
    """An embedded PostgreSQL of this measurement's own, that can be stopped."""

    def __init__(self, folder: Path) -> None:
        from baton.platform import postgres

        self.url = postgres.start(folder)
        pid = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        self._process = psutil.Process(pid)
        self._command, self._user, self._where = self._process.cmdline(), self._process.uids().real, self._process.cwd()

    def hold(self) -> None:
        """Stop it where it stands: nothing is refused, nothing is answered."""
        for process in (self._process, *self._process.children()):
            process.suspend()

    def go_on(self) -> None:
        for process in (*self._process.children(), self._process):
            process.resume()

    def stop(self) -> None:
        """Shut it down."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)

    def start(self) -> None:
        made = subprocess.Popen(self._command, user=self._user, cwd=self._where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._process = psutil.Process(made.pid)
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)


def collector_faults() -> list[dict[str, Any]]:
    """One row a fault: events that were acknowledged, beside the rows that are there."""
    rows = []
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        database = Database(Path(folder) / "database")
        migrate(database.url)
        environment = {**os.environ, "BATON_DATABASE_URL": database.url, "BATON_DATA_DIR": folder, "BATON_SECRET_KEY": "bench", "PYTHONPATH": str(ROOT)}
        for name, fault, limit in (
            ("database held still", held, 0),
            ("database stopped and started", restarted, 0),
            ("collector killed, and killed while the database is away", killed, 0),
            ("disk's share full", restarted, SMALL),
        ):
            rows.append(asyncio.run(_fault(name, fault, limit, database, environment)))
            print(f"  {rows[-1]}", flush=True)
    return rows


class Process:
    """The collector in a process of its own, on one port for all its lives."""

    def __init__(self, environment: dict[str, str], limit: int) -> None:
        self.port = free_port()
        self._environment = {**environment, "BATON_BIND": f"127.0.0.1:{self.port}"}
        self._limit = limit
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "bench.collector_faults", str(self._limit)]
        self.process = subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until_open(self.port)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


async def held(database: Database, _process: Process) -> None:
    database.hold()
    await asyncio.sleep(AWAY)
    database.go_on()


async def restarted(database: Database, _process: Process) -> None:
    await asyncio.to_thread(database.stop)
    await asyncio.sleep(AWAY)
    await asyncio.to_thread(database.start)


async def killed(database: Database, process: Process) -> None:
    process.kill()
    await asyncio.to_thread(process.start)
    await asyncio.sleep(AWAY / 10)
    await asyncio.to_thread(database.stop)
    await asyncio.sleep(AWAY / 10)
    process.kill()
    await asyncio.to_thread(process.start)
    await asyncio.sleep(AWAY / 10)
    await asyncio.to_thread(database.start)


async def _fault(name: str, fault: Any, limit: int, database: Database, environment: dict[str, str]) -> dict[str, Any]:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("TRUNCATE event, change, visitor, identity")
    process = Process(environment, limit)
    sender = Sender(process.port)
    sending = asyncio.create_task(sender.run())
    try:
        await asyncio.sleep(3)
        await fault(database, process)
        await asyncio.sleep(3)
        sender.stopped = True
        await sending
        spill = Path(environment["BATON_DATA_DIR"]) / "spill"
        until = time.monotonic() + 120
        while list(spill.glob("*.jsonl")) and time.monotonic() < until:
            await asyncio.sleep(0.5)
        with psycopg.connect(database.url) as connection:
            [(stored, different)] = connection.execute("SELECT count(*), count(DISTINCT id) FROM event").fetchall()
            there = {number for (number,) in connection.execute("SELECT id FROM event")}
    finally:
        process.process.terminate()
        process.process.wait(30)
    sent = len(sender.acknowledged)
    print(f"  answers {dict(sender.answers)}", flush=True)
    return {
        "name": name, "value": float(stored), "unit": "events", "limit": float(sent), "ratio": stored / sent,
        "goal": "as many as acknowledged, none twice", "ok": stored == different and there == sender.acknowledged,
    }  # fmt: skip


def collector_memory() -> list[dict[str, Any]]:
    """Resident memory after the first minute (or a tenth of the time) and at the end, under a steady load."""
    with scratch() as environment, serving("baton.collector.server", environment) as port:
        process = next(p for p in psutil.Process().children() if "baton.collector.server" in p.cmdline())
        seconds = MINUTES * 60
        sizes = asyncio.run(_steady(port, process, seconds))
    start, end = sizes[len(sizes) // 10], sizes[-1]
    print(f"  memory in MB, every tenth of {MINUTES:g} minutes: {[round(size / 1e6, 1) for size in sizes]}", flush=True)
    ratio = end / start
    return [
        {
            "name": f"collector: memory after {MINUTES:g} minutes", "value": end / 1e6, "unit": "MB", "limit": start / 1e6, "ratio": ratio,
            "goal": f"ratio <= {GROWTH}", "ok": ratio <= GROWTH,
        }
    ]  # fmt: skip


async def _steady(port: int, process: psutil.Process, seconds: float) -> list[int]:
    """Memory at each tenth, with 32 connections that send a hit every 40 ms."""
    sizes: list[int] = []
    answers = Counter[bytes]()
    began = time.monotonic()

    async def browser() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            writer.write(request())
            answers[(await reader.readuntil(b"\r\n\r\n"))[9:12]] += 1
            await asyncio.sleep(0.04)

    browsers = [asyncio.create_task(browser()) for _ in range(32)]
    for tenth in range(1, 11):
        await asyncio.sleep(max(0.0, began + seconds * tenth / 10 - time.monotonic()))
        sizes.append(process.memory_info().rss)
    for task in browsers:
        task.cancel()
    print(f"  answers {dict(answers)}", flush=True)
    if set(answers) != {b"204"}:
        raise RuntimeError("answers other than 204")
    return sizes


def serve(limit: int) -> None:
    """The collector with less room on the disk (0: as usual)."""
    import uvloop

    from baton.collector.app import Collector
    from baton.collector.server import Server
    from baton.collector.spill import LIMIT
    from baton.platform.config import config

    async def main() -> None:
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        await Server(Collector(spill_limit=limit or LIMIT), loop).serve(config().host, config().port, stopped)

    uvloop.run(main())


BENCHES = {"collector_faults": collector_faults, "collector_memory": collector_memory}

if __name__ == "__main__":
    serve(int(sys.argv[1]))
