"""Takes mail from other servers (`baton intake`): bounces, complaints, answers. By LMTP from a mail server beside it, or by SMTP from anybody.

A mail is in the database before it is acknowledged, so none is lost; the sender keeps what we could not write down. By SMTP
only addresses of ours are taken: tokens that we have signed, and other names of our bounce hosts and sending domains.
"""

import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import Error, close_old_connections

from baton.messaging.incoming import inbound, whose
from baton.messaging.models import SendingDomain
from baton.platform import logs, signing
from baton.platform.config import config

LARGEST = 25 * 1024 * 1024  # bytes of a mail
MOST = 50  # addresses of one mail
TAKEN, LATER, NOBODY = "250 2.0.0 Taken", "451 4.3.0 Try again later", "550 5.1.1 There is no such address here"

_log = logs.log(__name__)


class Handler:
    """Answers the commands of one connection after another. Writes with the database in threads of its own."""

    def __init__(self, threads: ThreadPoolExecutor, *, lmtp: bool) -> None:
        self.threads = threads
        self.lmtp = lmtp

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= MOST:
            return "452 4.5.3 Too many recipients"
        try:
            known = await self._aside(partial(_known, address, any=self.lmtp))
        except Error:
            return LATER
        if not known:
            return NOBODY
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        answers = []
        for address in envelope.rcpt_tos:
            try:
                await self._aside(partial(_store, "lmtp" if self.lmtp else "smtp", raw, address))
                answers.append(TAKEN)
            except Exception as error:
                _log.warning("a mail could not be written down", error=str(error).splitlines()[0] if str(error) else type(error).__name__)
                answers.append(LATER)
        if self.lmtp:  # RFC 2033: one answer for each recipient
            return "\r\n".join(answers)
        return TAKEN if all(answer == TAKEN for answer in answers) else LATER  # the same again is known already

    async def _aside(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.threads, _fresh, work)


def _fresh(work: Callable[[], Any]) -> Any:
    close_old_connections()
    return work()


def _store(source: str, raw: bytes, address: str) -> None:
    inbound.store(source, raw, recipient=address)


def _known(address: str, *, any: bool) -> bool:
    """Whether mail for this address is ours. A token that is forged or cut is nobody; a server beside us may send whatever it likes else."""
    local, _at, domain = address.partition("@")
    if local.startswith("b+"):
        return whose.of_token(address) is not None
    if local.startswith("u+"):
        return signing.read("unsub", local[2:]) is not None
    domain = domain.lower()
    return any or SendingDomain.objects.filter(name=domain).exists() or SendingDomain.objects.filter(bounce_host=domain).exists()


async def listen(url: str, threads: ThreadPoolExecutor) -> asyncio.Server:
    """Listen where the address says: lmtp://host:port or smtp://host:port."""
    parts = urlsplit(url)
    lmtp = parts.scheme == "lmtp"
    handler = Handler(threads, lmtp=lmtp)

    def made() -> SMTP:
        return (LMTP if lmtp else SMTP)(handler, data_size_limit=LARGEST, enable_SMTPUTF8=True, ident="Baton", hostname=_name())

    return await asyncio.get_running_loop().create_server(made, parts.hostname, parts.port or 0)


def _name() -> str:
    return urlsplit(config().url).hostname or "localhost"


def main() -> None:
    """Until it is stopped."""
    asyncio.run(_serve(config().intake))


async def _serve(url: str) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with ThreadPoolExecutor(4, "intake") as threads:
        server = await listen(url, threads)
        _log.info("intake is listening", at=url)
        async with server:
            await stopped.wait()
