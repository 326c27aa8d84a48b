"""Takes mail from other servers (`baton intake`): bounces, complaints, answers. By LMTP from a mail server beside it, or by SMTP from anybody.

A mail is in the database before it is acknowledged, so none is lost; the sender keeps what we could not write down. By SMTP
only addresses of ours are taken: tokens that we have signed, and other names of our bounce hosts and sending domains. How it speaks is door.py.
"""

import asyncio
import signal
import ssl
import tempfile
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import Error, close_old_connections

from baton.events.wire import storable
from baton.messaging.incoming import door, inbound, reading, whose
from baton.messaging.models import SendingDomain
from baton.platform import clock, logs, signing
from baton.platform.config import config

TAKEN, NOBODY = "250 2.0.0 Taken", "550 5.1.1 There is no such address here"
LOCAL_PART, ADDRESS = 128, 512  # letters: of a token and its mark, and of any address that is kept

_log = logs.log(__name__)


class Handler:
    """Answers the commands of one connection after another. Writes with the database in threads of its own."""

    def __init__(self, threads: ThreadPoolExecutor, *, lmtp: bool) -> None:
        self.threads = threads
        self.lmtp = lmtp

    async def handle_EHLO(self, _server: SMTP, session: Session, _envelope: Envelope, name: str, said: list[str]) -> list[str]:
        session.host_name = name
        kept = [line for line in said[:-1] if not line.startswith("250-AUTH")]  # nobody signs in here
        return [*kept, "250-PIPELINING", "250 ENHANCEDSTATUSCODES"]

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= door.MOST:
            return "452 4.5.3 Too many recipients"
        if len(address) > ADDRESS or not address.isprintable():
            return NOBODY
        try:
            known = await self._aside(partial(_known, address, any=self.lmtp))
        except Error:
            return door.LATER
        if not known:
            return NOBODY
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """One answer for all recipients: the mail is written down once, or not at all."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            await self._aside(partial(_store, "lmtp" if self.lmtp else "smtp", raw, envelope.rcpt_tos, envelope.mail_from or ""))
        except Exception as error:
            _log.warning("a mail could not be written down", error=str(error).splitlines()[0] if str(error) else type(error).__name__)
            return door.LATER
        return TAKEN  # the same again too: it is known already

    async def _aside(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.threads, _fresh, work)


def _fresh(work: Callable[[], Any]) -> Any:
    close_old_connections()
    return work()


def _store(source: str, raw: bytes, addresses: Collection[str], sender: str) -> None:
    inbound.store(source, raw, recipient="\n".join(sorted(set(addresses))), headers={reading.SENDER: storable(f"<{sender.strip('<>')}>", ADDRESS)})


def _known(address: str, *, any: bool) -> bool:
    """Whether mail for this address is ours. A token that is forged or cut is nobody; a server beside us may send whatever it likes else."""
    local, _at, domain = address.rpartition("@")
    if local.startswith(("b+", "u+")) and len(local) > LOCAL_PART:
        return False
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
    room = door.Room(door.CONNECTIONS if lmtp else door.OF_ONE)  # by LMTP all come from the server beside us
    tls = None if lmtp else _tls()

    def made() -> SMTP:
        return door.Door(handler, room, lmtp=lmtp, hostname=_name(), tls_context=tls)

    return await asyncio.get_running_loop().create_server(made, parts.hostname, parts.port or 0)


def _tls() -> ssl.SSLContext:
    """For STARTTLS: servers take any certificate from the host a mail goes to (RFC 7435), so it is made for as long as we listen."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _name()[:64])])
    now = clock.now()
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=3650))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "intake.pem"
        path.touch(0o600)
        path.write_bytes(pem)
        context.load_cert_chain(path)
    return context


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
