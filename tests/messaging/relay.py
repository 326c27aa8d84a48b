"""An SMTP server for tests: keeps what it got, and refuses by the local part of the address."""

import socket
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

ANSWERS = {
    "hard": "550 5.1.1 User unknown",
    "block": "554 5.7.1 Message refused by policy",
    "full": "452 4.2.2 Mailbox full",
}
SLOW = "451 4.7.0 Too many messages, slow down"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Relay:
    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[tuple[str, bytes]] = []  # (recipient, content)
        self.connections = 0
        self.slow: set[str] = set()  # domains that want fewer mails at a time
        self._controller: Any = None

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:
        answer = SLOW if address.rpartition("@")[2] in self.slow else ANSWERS.get(address.partition("@")[0])
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_EHLO(self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        self.mails += [(r, content if isinstance(content, bytes) else content.encode()) for r in envelope.rcpt_tos]
        return "250 2.0.0 Queued"

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None
