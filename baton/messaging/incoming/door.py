"""How the intake speaks with strangers: SMTP (RFC 5321) and LMTP (RFC 2033) with a limit to everything that somebody else decides."""

import asyncio
import contextlib
import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from aiosmtpd.smtp import syntax as _syntax

from baton.platform import logs

LARGEST = 25 * 1024 * 1024  # bytes of a mail
HELD = 128 * 1024 * 1024  # bytes of all mails that are being told at this moment
MOST = 100  # addresses of one mail: RFC 5321, 4.5.3.1.8 asks for as many
CONNECTIONS, OF_ONE = 100, 20  # at once: of all, and of one machine (of IPv6: one network)
COMMANDS = {"MAIL": 200, "DATA": 200, "RCPT": 2000, "*": 50}  # of one connection, each
ERRORS = 20  # answers with 5xx to one connection
LINE = 1000  # bytes of a line with its end: RFC 5321, 4.5.3.1.6
IDLE, WHOLE = 300.0, 3600.0  # seconds: from one command to the next, the time a mail takes included; of a connection

BARE = "500 5.5.2 Lines end with CR LF, and neither stands alone (RFC 5321, 2.3.8)"
BARE_MAIL = "550 5.6.0 A CR or LF stands alone in the mail (RFC 5321, 2.3.8)"
LONG = f"500 5.6.0 A line is longer than {LINE} bytes (RFC 5321, 4.5.3.1.6)"
LARGE = f"552 5.3.4 More than {LARGEST} bytes"
FULL = "452 4.3.1 Too much mail at once; try again later"
LATER = "451 4.3.0 Try again later"

_log = logs.log(__name__)


class _Bare(Exception):
    """A command whose line did not end as lines do: whoever believes it can be made to see commands in the text of a mail."""


class _Reader(asyncio.StreamReader):
    async def readuntil(self, separator: bytes = b"\n") -> bytes:  # type: ignore[override]
        line = await super().readuntil(separator)
        if separator == b"\n" and (not line.endswith(b"\r\n") or b"\r" in line[:-2]):
            raise _Bare
        return line


@dataclass
class Room:
    """What all connections of a listener share: who is in, and how much is being told."""

    of_one: int = OF_ONE
    inside: Counter[str] = field(default_factory=Counter)
    held: int = 0

    def enter(self, who: str) -> bool:
        if self.inside.total() >= CONNECTIONS or self.inside[who] >= self.of_one:
            return False
        self.inside[who] += 1
        return True

    def leave(self, who: str) -> None:
        self.inside[who] -= 1
        self.inside += Counter()  # forgets who is not there any more


class Door(SMTP):
    """One connection. What is done with addresses and mails is the handler's."""

    line_length_limit = LINE + 1  # with the dot that was put before one
    loop: asyncio.AbstractEventLoop

    def __init__(self, handler: Any, room: Room, *, lmtp: bool, **options: Any) -> None:
        super().__init__(
            handler, data_size_limit=LARGEST, enable_SMTPUTF8=True, ident="Baton", timeout=IDLE, command_call_limit=COMMANDS,
            auth_exclude_mechanism=["LOGIN", "PLAIN"], **options,
        )  # fmt: skip
        self.room, self.lmtp = room, lmtp
        self.who: str | None = None  # None: was not let in
        self.errors = self.held = 0
        self._end: asyncio.TimerHandle | None = None

    # Coming and going ---------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        if self._original_transport is None:  # STARTTLS makes the connection once more
            who = _who(transport.get_extra_info("peername"))
            if not self.room.enter(who):
                transport.write(b"421 4.7.0 Too many connections; try again later\r\n")
                transport.close()
                return
            self.who = who
            self._end = self.loop.call_later(WHOLE, self._timeout_cb)
        super().connection_made(transport)

    def _cb_client_connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader.__class__ = _Reader  # aiosmtpd makes its own, and takes any LF for the end of a command
        super()._cb_client_connected(reader, writer)

    def connection_lost(self, error: Exception | None) -> None:
        if self.who is None:
            return
        who, self.who = self.who, None
        self.room.leave(who)
        self._let_go()
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self.who is not None:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self.who is not None else None

    def _timeout_cb(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(b"421 4.4.2 Timeout\r\n")
            self.transport.close()

    def _let_go(self) -> None:
        self.room.held -= self.held
        self.held = 0

    # Answers ------------------------------------------------------------------

    async def push(self, status: Any) -> None:
        """Give an answer; the last one to somebody who makes one mistake after another."""
        await super().push(status)
        self.errors += status[:1] in ("5", b"5")
        if self.errors >= ERRORS:
            await super().push("421 4.7.0 Too many errors")
            self._writer.close()
            raise asyncio.CancelledError

    async def handle_exception(self, error: Exception) -> str:
        """Nobody outside is told what went wrong in here."""
        if isinstance(error, _Bare):
            return BARE
        _log.warning("a command could not be answered", error=type(error).__name__)
        return LATER

    # Commands -----------------------------------------------------------------

    @_syntax("HELO hostname")
    async def smtp_HELO(self, arg: str) -> None:
        await (self._other() if self.lmtp else super().smtp_HELO(arg))

    @_syntax("EHLO hostname")
    async def smtp_EHLO(self, arg: str) -> None:
        await (self._other() if self.lmtp else super().smtp_EHLO(arg))

    @_syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:
        await (super().smtp_EHLO(arg) if self.lmtp else self._other())

    @_syntax("AUTH mechanism", when="nobody_signs_in")
    async def smtp_AUTH(self, arg: str) -> None:
        await self.push("502 5.5.1 Nobody signs in here")

    async def _other(self) -> None:
        await self.push("500 5.5.1 This is " + ("LMTP: say LHLO" if self.lmtp else "SMTP: say EHLO"))

    @_syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        """Take a mail as far as it is one, and answer when it has ended."""
        if await self.check_helo_needed("LHLO" if self.lmtp else "HELO"):
            return
        envelope, session = cast(Envelope, self.envelope), cast(Session, self.session)
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 No recipient")
            return
        await self.push("354 End with <CR><LF>.<CR><LF>")
        try:
            lines, problem = await self._mail()
            if not problem:
                envelope.content = b"".join(lines)
                lines.clear()
                problem = await self.event_handler.handle_DATA(self, session, envelope)
            for _recipient in envelope.rcpt_tos if self.lmtp else (0,):  # RFC 2033, 4.2: an answer for each
                await self.push(problem)
        finally:
            self._let_go()
            self.envelope = self._create_envelope()

    async def _mail(self) -> tuple[list[bytes], str]:
        """The lines of a mail, and why it is refused. One that is refused is heard to its end, unless it has none."""
        lines: list[bytes] = []
        problem, size, begun = "", 0, False
        while True:
            try:
                line = await self._reader.readuntil(b"\r\n")
            except asyncio.LimitOverrunError as error:
                line = await self._reader.read(max(1, error.consumed))
                problem, begun = problem or LONG, True
            else:
                if line == b".\r\n" and not begun:
                    return lines, problem
                if not problem and (b"\r" in line[:-2] or b"\n" in line[:-2]):
                    problem = BARE_MAIL
                begun = False
            size += len(line)
            if size > 2 * LARGEST:
                await super().push("421 4.7.0 Too much")
                self._writer.close()
                raise asyncio.CancelledError
            if not problem and (size > LARGEST or self.room.held > HELD):
                problem = LARGE if size > LARGEST else FULL
            if problem:
                lines.clear()
                self._let_go()
                continue
            lines.append(line[1:] if line.startswith(b".") else line)
            self.held += len(line)
            self.room.held += len(line)


def _who(peer: Any) -> str:
    """One machine, however many addresses its network has."""
    with contextlib.suppress(ValueError, TypeError, IndexError):
        address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        return str(address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else address)
    return ""
