"""The collector's own HTTP server, spoken to by bytes: what browsers do, and what they should not do."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from baton.collector import server
from tests.collector.running import COOKIE, Running, events, now_ms, view


@pytest.fixture
def port(collector: Running) -> Iterator[int]:
    running = server.Server(collector.app, collector.loop)

    async def listen() -> asyncio.Server:
        return await collector.loop.create_server(lambda: server.Connection(running), "127.0.0.1", 0)

    listening = collector.do(listen())
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        collector.loop.call_soon_threadsafe(listening.close)


@contextmanager
def line(port: int) -> Iterator[Any]:
    import socket

    with socket.create_connection(("127.0.0.1", port), timeout=60) as made:
        yield made


def hits(*found: dict[str, Any], more: str = "") -> bytes:
    body = json.dumps({"v": 1, "c": COOKIE, "s": now_ms(), "h": list(found)}).encode()
    return f"POST /t/e HTTP/1.1\r\nHost: baton.example\r\nUser-Agent: Mozilla/5.0 Firefox/140.0\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


def read(made: Any, answers: int = 1) -> list[tuple[int, bytes]]:
    """(status, body) of so many answers; fewer when the other side hangs up."""
    found, data = [], b""
    while len(found) < answers:
        while b"\r\n\r\n" not in data:
            if not (part := made.recv(65536)):
                return found
            data += part
        head, _, data = data.partition(b"\r\n\r\n")
        length = next((int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")), 0)
        while len(data) < length:
            data += made.recv(65536)
        found.append((int(head[9:12]), data[:length]))
        data = data[length:]
    return found


def test_one_connection_carries_many_requests_one_after_the_other(collector: Running, port: int) -> None:
    with line(port) as made:
        made.sendall(hits(view(4)))
        assert read(made) == [(204, b"")]
        whole = hits(view(8)) + b"GET /t/other HTTP/1.1\r\nHost: x\r\n\r\n" + hits({"k": "purchase"}) + hits(view(12))
        for at in range(0, len(whole), 100):  # in pieces, and before the answer to the first was there
            made.sendall(whole[at : at + 100])
        first, missing, bad, last = read(made, 4)
        assert (first[0], missing[0], bad[0], last[0]) == (204, 404, 400, 204)
        assert json.loads(bad[1])["path"] == "h[0].k"
        made.sendall(hits(view(16), more="Connection: close\r\n"))
        assert read(made, 2) == [(204, b"")]  # and no more
    assert sorted(e[4] for e in events()) == [4, 8, 12, 16]


def test_bodies_in_chunks_preflights_and_the_other_routes(collector: Running, port: int) -> None:
    body = json.dumps({"v": 1, "c": COOKIE, "s": now_ms(), "h": [view(4)]}).encode()
    with line(port) as made:
        made.sendall(b"POST /t/e HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0 Firefox/140.0\r\nTransfer-Encoding: chunked\r\n\r\n")
        made.sendall(b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:]))
        assert read(made) == [(204, b"")]
        made.sendall(b"OPTIONS /t/e HTTP/1.1\r\nHost: x\r\nOrigin: https://www.nuriwork.example\r\n\r\n")
        assert read(made) == [(204, b"")]
        made.sendall(b"GET /t/config?h=www.nuriwork.example HTTP/1.1\r\nHost: x\r\n\r\n")
        [(status, told)] = read(made)
        assert (status, json.loads(told)) == (200, {"banner": None, "linked": [], "ask": False})
        made.sendall(b"HEAD /o/forged.gif HTTP/1.1\r\nHost: x\r\n\r\n")
        assert made.recv(1000).split(b"\r\n\r\n")[1] == b""
    assert len(events()) == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 hello\r\n\r\n", 400),
        (b"POST /t/e HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 70_000, 413),
        (b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /t/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    ],
)
def test_what_is_no_request_is_answered_and_the_line_is_cut(port: int, sent: bytes, status: int) -> None:
    with line(port) as made:
        with suppress(OSError):  # the answer may come before all is said
            made.sendall(sent)
        assert [found for found, _ in read(made, 2)] == [status]
    with line(port) as made:
        made.sendall(hits(view(4)))
        assert read(made) == [(204, b"")]


def test_who_lets_the_server_wait_is_hung_up_on_and_who_waits_for_it_is_not() -> None:
    now = time.monotonic()
    waits = server.Connection(server.Server(None, None))  # type: ignore[arg-type]  # never asked
    waits.since = now - 30
    assert not waits.late(now)  # between two requests
    waits.data_received(b"POST /t/e HTTP/1.1\r\n")
    assert not waits.late(now)  # its time begins with its first byte
    assert waits.late(now + 30)  # half a request
    waits._current = server.Request()
    assert not waits.late(now)  # it is our turn


def test_who_never_reads_the_answers_may_ask_no_more(collector: Running, port: int) -> None:
    asked = b"POST /t/e HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" * 1_000
    with line(port) as made:
        made.settimeout(0.5)
        with suppress(TimeoutError):
            for _ in range(1_000):  # 60 MB
                made.sendall(asked)
            raise AssertionError("all was taken, and as many answers wait in memory")
        with line(port) as other:
            other.sendall(hits(view(4)))
            assert read(other) == [(204, b"")]


class Line:
    """A transport that remembers what was written."""

    def __init__(self) -> None:
        self.said, self.closed = b"", False

    def write(self, data: bytes) -> None:
        self.said += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def connected() -> tuple[server.Connection, Line]:
    made, line = server.Connection(server.Server(None, None)), Line()  # type: ignore[arg-type]  # never asked
    made.transport = line  # type: ignore[assignment]
    return made, line


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"GET / HTTP/1.1\r\nX-Endless: ", b"431"),
        (b"POST /t/e HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"413"),
        (b"POST /t/e HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailing: ", b"413"),
    ],
)
def test_a_request_that_never_ends_is_cut_before_it_fills_the_memory(begun: bytes, status: bytes) -> None:
    made, line = connected()
    made.data_received(begun)
    for _ in range(100):
        if not line.closed:
            made.data_received(b"x" * 4096)
    assert line.closed
    assert line.said.split()[1] == status


def test_what_follows_the_body_says_nothing_of_the_sender() -> None:
    made, _line = connected()
    made._current = server.Request()  # busy with one before
    made.data_received(b"POST /t/e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
    assert [name for name, _ in made._waiting[0].headers] == [b"host", b"transfer-encoding"]
