"""Outgoing requests: what they refuse, and what they do with servers that behave badly. Nothing leaves this machine."""

import gzip
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from baton.platform import http
from baton.platform.config import Config

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "2130706433",
    "0x7f.1",
    "localhost",
    "0.0.0.0",
    "[::]",
    "100.64.0.1",
    "[64:ff9b::7f00:1]",
    "[fd00::1]",
    "[fe80::1]",
    "192.0.2.1",
    "224.0.0.1",
    "255.255.255.255",
]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    allow(monkeypatch, "")


def allow(monkeypatch: pytest.MonkeyPatch, networks: str) -> None:
    given = Config(base_url="https://baton.example", allow_private_webhooks=networks)
    monkeypatch.setattr(http, "config", lambda: given)


@pytest.mark.parametrize("host", PRIVATE)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_private_addresses_are_refused_however_they_are_written(scheme: str, host: str) -> None:
    with pytest.raises(http.Refused):
        http.get(f"{scheme}://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://files.example/",
        "file:///etc/passwd",
        "//files.example/",
        "files.example",
        "",
        "http://",
        "https://good@127.0.0.1/",
        "https://user:secret@files.example/",
        "https://files.example:99999/",
        "https://[::1",
        "https://baton.example/hooks",
        "gopher://127.0.0.1:25/",
    ],
)
def test_what_is_no_public_web_address_is_refused(url: str) -> None:
    with pytest.raises(http.Refused):
        http.get(url)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Names resolve to these addresses in turn, the last one from then on."""
    asked: list[str] = []

    def lookup(host: str, port: int, *_args: Any, **_more: Any) -> list[Any]:
        address = addresses[min(len(asked), len(addresses) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 443))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


def test_a_public_name_of_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "10.1.2.3")
    for name in ("hooks.example", "localhost."):
        with pytest.raises(http.Refused):
            http.post(f"https://{name}/", json={})


def test_other_ports_of_public_hosts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.215.14")
    with pytest.raises(http.Refused, match="port 25"):
        http.get("http://hooks.example:25/")


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers a public address first and a private one afterwards does not get through."""
    asked = resolve_to(monkeypatch, "93.184.215.14", "127.0.0.1")
    tried: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *_args: Any, **_more: Any) -> Any:
        tried.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with pytest.raises(http.Unreachable):
        http.get("http://hooks.example/")
    assert asked == ["hooks.example"]
    assert tried == [("93.184.215.14", 80)]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind = self.path.strip("/")
        self.send_response(302 if kind == "redirect" else 200)
        if kind == "heads":
            for number in range(50):
                self.send_header(f"X-{number}", "x")
                self.flush_headers()
                self.server.pause.wait(0.05)  # type: ignore[attr-defined]
        if kind == "redirect":
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
        if kind == "bomb":
            self.send_header("Content-Encoding", "gzip")
        if kind == "fine":
            self.send_header("Content-Length", "6")
        self.end_headers()
        try:
            if kind == "large":
                for _ in range(40):
                    self.wfile.write(b"x" * 65_536)
            elif kind == "bomb":
                self.wfile.write(gzip.compress(b"\0" * 30_000_000))
            elif kind == "slow":
                for _ in range(50):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    self.server.pause.wait(0.05)  # type: ignore[attr-defined]
            else:
                self.wfile.write(b"\xec\x95\x88\xeb\x85\x95")
        except OSError:
            pass  # the client hung up, as it should

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(dict(self.headers)).encode())

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    allow(monkeypatch, "10.0.0.0/8, 127.0.0.0/8")
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    running.pause = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.pause.set()  # type: ignore[attr-defined]
    running.shutdown()
    thread.join()
    running.server_close()


def test_a_network_the_operator_opened_can_be_reached(server: str) -> None:
    answer = http.get(f"{server}/fine")
    assert (answer.status, answer.text) == (200, "안녕")
    with pytest.raises(http.Refused):
        http.get("http://192.168.0.1/")


def test_a_redirect_is_an_answer_and_is_not_followed(server: str) -> None:
    answer = http.get(f"{server}/redirect")
    assert answer.status == 302
    assert answer.headers["Location"].startswith("http://169.254")


@pytest.mark.parametrize("kind", ["large", "bomb"])
def test_an_answer_that_is_too_large_is_given_up(server: str, kind: str) -> None:
    with pytest.raises(http.Unreachable, match="larger"):
        http.get(f"{server}/{kind}")


@pytest.mark.parametrize("kind", ["slow", "heads"])
def test_an_answer_that_drips_is_given_up(server: str, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(http, "WHOLE", 0.3)
    with pytest.raises(http.Unreachable, match="longer"):
        http.get(f"{server}/{kind}")


def test_headers_that_are_ours_cannot_be_set(server: str) -> None:
    text = http.post(f"{server}/", json={"a": 1}, headers={"Host": "evil.example", "X-Forwarded-For": "1.2.3.4", "X-Signature": "abc"}).text
    assert "evil.example" not in text
    assert "1.2.3.4" not in text
    assert "X-Signature" in text
    assert http.AGENT in text


def test_a_name_nobody_has_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_more: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(http.Unreachable):
        http.get("https://nowhere.example/")
