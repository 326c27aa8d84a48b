"""The mail catcher: an SMTP server that keeps what it is given as files instead of delivering it.

Pure Python, no Django: it runs in the process that starts the demo, and its inbox pages (inbox.py) read the files.
"""

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_binary_file, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from baton.platform.config import config

LARGEST = 25 * 1024 * 1024  # bytes of one mail


@dataclass(frozen=True, slots=True)
class Mail:
    """One caught mail, as the list shows it. `key` names its file; `to` is the envelope's address."""

    key: str
    at: datetime  # when the server took it, UTC, to the millisecond
    sender: str
    to: str
    subject: str


def folder() -> Path:
    """Where the mails are kept."""
    return config().data_dir / "mail"


class _Keep:
    """aiosmtpd's handler: one file for each mail, named by the millisecond it came in."""

    def __init__(self, on_mail: Callable[[str], None] | None) -> None:
        self.on_mail = on_mail
        self.path = folder()
        self.path.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # aiosmtpd's name
        key = f"{time.time_ns() // 1_000_000:013d}-{secrets.token_hex(3)}"
        part = self.path / f"{key}.part"
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        part.write_bytes(head.encode() + envelope.original_content)
        os.replace(part, self.path / f"{key}.eml")  # the inbox never sees half a mail
        if self.on_mail:
            self.on_mail(key)
        return "250 2.0.0 Kept"


def start(port: int = 0, on_mail: Callable[[str], None] | None = None) -> int:
    """Listen on the loopback in a thread of this process; returns the port (0 takes a free one).

    `on_mail` is told the key of each mail in that thread. Raises OSError when the port is taken.
    """
    ready: threading.Event = threading.Event()
    result: list[int | OSError] = []
    handler = _Keep(on_mail)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: SMTP(handler, hostname="mail.demo.example", data_size_limit=LARGEST, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port
            )
        except OSError as error:
            result.append(error)
            ready.set()
            return
        result.append(server.sockets[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), name="mail-catcher", daemon=True).start()
    ready.wait(10)
    if not result:
        raise OSError("the mail catcher did not start within 10 s")
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


def newest(limit: int = 200, to: str = "") -> list[Mail]:
    """The latest mails, newest first; with `to`, only those to that address."""
    if not folder().exists():
        return []
    out = []
    for name in sorted((n for n in os.listdir(folder()) if n.endswith(".eml")), reverse=True):
        mail = _head(folder() / name)
        if not to or to.lower() in mail.to.lower():
            out.append(mail)
        if len(out) == limit:
            break
    return out


@lru_cache(maxsize=4096)
def _head(path: Path) -> Mail:
    with path.open("rb") as file:
        head = BytesHeaderParser(policy=policy.default).parse(file)
    at = datetime.fromtimestamp(int(path.stem.partition("-")[0]) / 1000, UTC)
    return Mail(path.stem, at, str(head["From"] or head["X-Envelope-From"]), str(head["X-Envelope-To"]), str(head["Subject"] or ""))


def read(key: str) -> tuple[Mail, EmailMessage] | None:
    """One mail, or None when there is no such key."""
    path = folder() / f"{key}.eml"
    if not key.replace("-", "").isalnum() or not path.exists():
        return None
    with path.open("rb") as file:
        message = message_from_binary_file(file, policy=policy.default)
    return _head(path), message


def clear() -> int:
    """Throw all mails away; returns how many."""
    files = list(folder().glob("*.eml")) if folder().exists() else []
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)
