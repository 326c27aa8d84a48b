"""The one HTTP client for requests to addresses that people type: webhooks, feeds, identity providers.

It never reaches into the private network (unless the operator allows a part of it), follows no redirect, waits a bounded time
for all of an answer, however slowly it comes, and reads a bounded one. Names are resolved once and the connection goes to the address that was checked.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession, ip_filter
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from baton.platform.config import config
from baton.platform.errors import DomainError

PORTS = frozenset({80, 443, 8443})
CONNECT, READ, WHOLE = 3.0, 15.0, 30.0  # seconds: to connect, between two pieces of the answer, for all of it
LARGEST = 1024 * 1024  # bytes of an answer, after decompression
PIECE = 16 * 1024
AGENT = "Baton/1"
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "user-agent"})  # headers a caller may not set
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Refused(DomainError):
    """The address may not be reached: private, another scheme or port, or not an address at all."""


class Unreachable(DomainError):
    """No usable answer: no connection, no answer in time, or one that is too large. Trying again may help."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def get(url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
    return send("GET", url, headers=headers)


def post(url: str, *, json: Any = None, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    return send("POST", url, json=json, body=body, headers=headers)


def send(
    method: str, url: str, *, json: Any = None, body: bytes | None = None, headers: Mapping[str, str] | None = None, within: float | None = None
) -> Answer:
    """One request; any status is an answer, a redirect too. `within`: seconds for all of it. Raises Refused and Unreachable."""
    _check(url)
    given = {name: value for name, value in (headers or {}).items() if name.lower() not in OURS and not name.lower().startswith("x-forwarded-")}
    started, whole = time.monotonic(), WHOLE if within is None else within
    patience = (min(CONNECT, whole), min(READ, whole))
    try:
        with (
            _Deadline(whole) as deadline,
            _session(deadline) as session,
            session.request(method, url, json=json, data=body, headers=given, stream=True, timeout=patience) as response,
        ):
            return Answer(response.status_code, dict(response.headers), _read(response, started, whole))
    except ip_filter.InvalidIPAddress:
        raise Refused(f"{urlsplit(url).hostname} is an address of a private network") from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, UnicodeError) as error:
        raise Refused(f"not a usable address: {error}") from None
    except (requests.RequestException, HTTPError) as error:
        raise Unreachable(f"{urlsplit(url).hostname}: {type(error).__name__}") from None


def session() -> HTTPSession:
    """For a library that talks to a provider's API: the same filter and no redirects; it keeps connections, and says itself how long it waits."""
    return _session(None)


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise Refused(f"not a usable address: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise Refused("the address must begin with https:// or http://")
    if parts.username is not None or parts.password is not None:
        raise Refused("the address must not carry a user name")
    if host.rstrip(".") == urlsplit(config().url).hostname:
        raise Refused("the address is Baton's own")


def _read(response: requests.Response, started: float, whole: float) -> bytes:
    """The whole answer, piece by piece as it comes: a server that sends one byte at a time is not waited for."""
    pieces, size = [], 0
    while piece := response.raw.read1(PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST:
            raise Unreachable(f"the answer is larger than {LARGEST} bytes")
        _in_time(started, whole)
    _in_time(started, whole)  # what was cut among its headers looks whole
    return b"".join(pieces)


class _Deadline:
    """Cuts the connection when the time is over, wherever it hangs: a timeout of the socket begins anew with every byte of the handshake and the headers."""

    def __init__(self, seconds: float) -> None:
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        self._timer.join()
        for one in self._sockets:
            one.close()

    def _cut(self) -> None:
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:  # closed by the other side
                continue

    def pools(self) -> dict[str, type[HTTPConnectionPool]]:
        """Pools by scheme whose connections are cut."""
        return {"http": self._pool(HTTPConnectionPool), "https": self._pool(HTTPSConnectionPool)}

    def _pool(self, pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
        watched = self._sockets

        class Connection(pool.ConnectionCls):  # type: ignore[name-defined,misc]
            def _new_conn(self) -> socket.socket:
                made: socket.socket = super()._new_conn()
                watched.append(made.dup())  # TLS takes the socket over and leaves an empty one
                return made

        return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def _in_time(started: float, whole: float) -> None:
    if time.monotonic() - started > whole:
        raise Unreachable(f"the answer took longer than {whole:.0f} s")


@cache
def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


class _Adapter(IPFilterAdapter):  # type: ignore[misc]  # requests-hardened has no types
    """The library's filter, with the networks of BATON_ALLOW_PRIVATE_WEBHOOKS let through, on any port; elsewhere only PORTS."""

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        try:
            host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        except ip_filter.InvalidIPAddress as error:
            address = error.args[0]
            if not any(address in network for network in _networks(config().allow_private_webhooks)):
                raise
            host, pool = HTTPAdapter.build_connection_pool_key_attributes(self, request, verify, cert)
            if host["scheme"] == "https":
                pool["assert_hostname"] = pool["server_hostname"] = host["host"]
            host["host"] = f"[{address}]" if address.version == 6 else str(address)
            return host, pool
        if (port := host["port"] or (443 if host["scheme"] == "https" else 80)) not in PORTS:
            raise Refused(f"port {port} is not open to outgoing requests")
        return host, pool


def _session(deadline: _Deadline | None) -> HTTPSession:
    session = HTTPSession(
        Config(default_timeout=(CONNECT, READ), never_redirect=True, ip_filter_enable=True, ip_filter_allow_loopback_ips=False, user_agent_override=AGENT)
    )
    for scheme in ("https", "http"):
        adapter = _Adapter(is_https_proto=scheme == "https")
        if deadline is not None:
            adapter.poolmanager.pool_classes_by_scheme = deadline.pools()
        session.mount(f"{scheme}://", adapter)
    session.trust_env = False  # a proxy or .netrc of the machine would lead around the filter
    return session
