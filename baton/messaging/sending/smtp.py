"""One connection to a relay (RFC 5321): letter after letter, without waiting where the relay offers pipelining (RFC 2920).

Behind the last octet of one mail go the commands of the next, so a mail costs one round trip. At any moment at most one mail of
a connection is wholly on the wire and not answered yet: only that one can become `unknown` when the line breaks.
"""

import asyncio
import base64
import re
from collections import deque
from typing import Protocol

from baton.messaging.channel import Receipt, Result
from baton.messaging.sending.transport import Letter

TIMEOUT = 60.0  # seconds for the answer to a command
PATIENCE = 180.0  # seconds for the answer to a whole mail: the relay may scan it first
LONGEST = 64 * 1024  # octets of an answer without an end
NO_ADDRESS = re.compile(r"[\r\n\0<> \t]")
NO_XTEXT = re.compile(r"[^!-~]|[+=]")
SENT = Receipt(Result.SENT, code=250)

MAIL, RCPT, DATA, CONTENT, EMPTY, RESET, QUIT, ASKED = range(8)  # what an answer is to
USUAL = deque((CONTENT, MAIL, RCPT, DATA))
ALL_FINE = re.compile(rb"250 [^\n]*\n(?:25[0-9] [^\n]*\n){2}354 [^\n]*\n")  # the answers to these when nothing is wrong, in one piece


class Errand(Protocol):
    """One letter on its way."""

    letter: Letter
    tries: int  # lines that broke before they had it

    def done(self, receipt: Receipt) -> None:
        """What became of it."""


class Desk(Protocol):
    """What a line asks its pool for."""

    def next(self) -> Errand | None: ...

    def back(self, errand: Errand, reason: str) -> None:
        """The line broke, or ends, before this letter was handed over."""

    def turned_away(self, reason: str) -> None:
        """The relay does not take mail from us."""

    def idle(self, line: "Line") -> None:
        """The line has nothing to do."""

    def gone(self, line: "Line", reason: str) -> None:
        """The line has ended."""


class Refused(Exception):
    """An answer during the greeting that ends the connection; the text is the relay's."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code


class Line(asyncio.Protocol):
    """A connection. First it is asked (`ask`), then, from `work` on, it takes letters by itself until `close`."""

    def __init__(self, desk: Desk, loop: asyncio.AbstractEventLoop, *, most: int, dsn: bool) -> None:
        self.desk = desk
        self.loop = loop
        self.most = most  # letters before it is closed
        self.wants_dsn = dsn
        self.transport: asyncio.Transport | None = None
        self.features: dict[str, str] = {}
        self.deadline = 0.0  # when the next answer is too late; 0: none is awaited
        self.born = self.since = loop.time()  # when it had something to do last
        self.greeting = ""
        self.pipelined = self.dsn = self.utf8 = False
        self.taken = 0
        self.refused_in_a_row = 0  # MAIL commands
        self._expect: deque[int] = deque([ASKED])
        self._asked: asyncio.Future[tuple[int, str]] = loop.create_future()  # first the greeting: it comes by itself
        self._out: list[bytes] = []  # what one turn has to say goes out at its end, in one piece
        self._buffer = b""
        self._lines: list[bytes] = []  # of an answer that goes on
        self._opening: Errand | None = None  # its commands are on the wire, its content is not
        self._trouble: tuple[int, int, str] | None = None  # of the letter being opened: (answer to what, code, text)
        self._handed: Errand | None = None  # its content is on the wire
        self._ending = ""  # why it takes no more
        self.reason = "the connection was lost"

    # asked

    async def greeted(self) -> tuple[int, str]:
        """What the relay says first. Raises OSError."""
        return await self._asked

    async def ask(self, command: bytes) -> tuple[int, str]:
        """Send a command and give back its answer. Raises OSError."""
        self._asked = self.loop.create_future()
        self._expect.append(ASKED)
        self._write(command)
        self._flush()
        return await self._asked

    async def hello(self, name: str) -> None:
        """EHLO, or HELO for a relay of old. Raises Refused."""
        code, text = await self.ask(b"EHLO %s\r\n" % name.encode())
        if code == 250:
            words = (line.strip().partition(" ") for line in text.split("\n")[1:])
            self.features = {word.upper(): rest.upper() for word, _space, rest in words}
            return
        code, text = await self.ask(b"HELO %s\r\n" % name.encode())
        if code != 250:
            raise Refused(code, text)

    async def log_in(self, user: str, password: str) -> None:
        """AUTH (RFC 4954) by PLAIN or LOGIN. Raises Refused."""
        offered = self.features.get("AUTH", "").split()
        if "PLAIN" in offered or "LOGIN" not in offered:
            code, text = await self.ask(b"AUTH PLAIN %s\r\n" % base64.b64encode(f"\0{user}\0{password}".encode()))
        else:
            code, text = await self.ask(b"AUTH LOGIN\r\n")
            for secret in (user, password):
                if code != 334:
                    break
                code, text = await self.ask(base64.b64encode(secret.encode()) + b"\r\n")
        if code != 235:
            raise Refused(code, text)

    @property
    def quiet(self) -> bool:
        """Whether nothing came that nobody asked for: what stands before STARTTLS must not count as said after it."""
        return not self._buffer and not self._lines

    # at work

    def work(self) -> None:
        """From now on take letters from the desk."""
        self.pipelined = "PIPELINING" in self.features
        self.dsn = self.wants_dsn and "DSN" in self.features
        self.utf8 = "SMTPUTF8" in self.features
        self._begin()
        self._flush()

    def wake(self) -> None:
        """There is something to do again."""
        if not self._expect and not self._ending:
            self._begin()
            self._flush()

    def close(self, reason: str = "closed") -> None:
        """Take no more; hang up when what is under way is done."""
        self._ending = self._ending or reason
        if not self._expect:
            self._quit()
            self._flush()

    def abort(self, reason: str) -> None:
        self.reason = reason
        self._ending = self._ending or reason
        if self.transport is not None:
            self.transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # of a stream

    def data_received(self, data: bytes) -> None:
        if self._expect == USUAL and not self._buffer and not self._lines and self._trouble is None and ALL_FINE.fullmatch(data):
            self._expect.clear()
            self._taken()
            self._content()
        else:
            self._read(data)
        self._flush()

    def _read(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        *lines, self._buffer = data.split(b"\n")
        if len(self._buffer) > LONGEST or len(self._lines) > 1000:
            self.abort("the relay answers without an end")
            return
        for line in lines:
            if line[3:4] == b"-":
                self._lines.append(line)
                continue
            if not line[:3].isdigit():
                self.abort(f"the relay does not speak SMTP: {line[:80].decode(errors='replace')}")
                return
            self._lines.append(line)
            code, lines_of_it = int(line[:3]), self._lines
            self._lines = []
            self._answered(code, lines_of_it)

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None and self.reason == "the connection was lost":
            self.reason = str(error) or type(error).__name__
        self.deadline = 0.0
        self._expect.clear()
        if not self._asked.done():
            self._asked.set_exception(ConnectionError(self.reason))
            self._asked.exception()  # nobody may wait for it any more
        if (handed := self._handed) is not None:
            self._handed = None
            handed.done(Receipt(Result.UNKNOWN, self.reason))
        if (opening := self._opening) is not None:
            self._opening = None
            self.desk.back(opening, self.reason)
        self.desk.gone(self, self.reason)

    # one answer after the other

    def _answered(self, code: int, lines: list[bytes]) -> None:
        if not self._expect:  # said by itself: 421, the relay is about to hang up
            self.reason = _text(code, lines)
            self._ending = self._ending or self.reason
            self._close()
            return
        what = self._expect.popleft()
        if what == CONTENT:
            self.deadline = self.loop.time() + TIMEOUT
            self._taken(SENT if code == 250 else _verdict(code, _text(code, lines)))
        elif what in (MAIL, RCPT, DATA):
            self._opened(what, code, lines)
        elif what == ASKED:
            if not self._asked.done():
                self._asked.set_result((code, "\n".join(line[4:].decode(errors="replace").rstrip("\r") for line in lines)))
            return
        elif what == QUIT:
            self._close()
            return
        if code == 421:
            self._hang_up(_text(code, lines))
        elif not self._expect:
            self._begin()

    def _taken(self, receipt: Receipt = SENT) -> None:
        """The answer to a whole mail."""
        handed, self._handed = self._handed, None
        if handed is not None:
            handed.done(receipt)

    def _opened(self, what: int, code: int, lines: list[bytes]) -> None:
        """An answer to MAIL, RCPT or DATA of the letter being opened."""
        fine = code == 354 if what == DATA else 250 <= code < 260
        if not fine and self._trouble is None:
            self._trouble = (what, code, _text(code, lines))
        if what != DATA:
            if self.pipelined:
                return  # the rest is on the wire already
            if self._trouble is None:
                self._command(RCPT if what == MAIL else DATA)
                return
        elif code == 354:
            if self._trouble is None:
                self._content()
            else:  # the relay took DATA although there is nobody to get it: an empty mail ends it (RFC 2920, 3.1)
                self._write(b".\r\n")
                self._expect.append(EMPTY)
                self._turned_down(reset=True)
            return
        self._turned_down(reset=True)

    def _turned_down(self, *, reset: bool) -> None:
        errand, self._opening = self._opening, None
        (what, code, text), self._trouble = self._trouble or (MAIL, 0, ""), None
        assert errand is not None
        if what == MAIL and not 250 <= code < 260:  # about us, not about this person: log in first, sender not allowed ...
            errand.done(Receipt(Result.NOT_HANDED, text, code))
            self.refused_in_a_row += 1
            if self.refused_in_a_row >= 3:
                self.desk.turned_away(text)
        else:
            errand.done(_verdict(code, text))
        if reset and code != 421:
            self._write(b"RSET\r\n")
            self._expect.append(RESET)

    def _begin(self) -> None:
        """Open the next letter, if there is one."""
        if self._ending or self.taken >= self.most:
            if not self._expect:
                self._quit()
            return
        errand = self.desk.next()
        if errand is None:
            if not self._expect:
                self.deadline = 0.0
                self.since = self.loop.time()
                self.desk.idle(self)
            return
        self.taken += 1
        if problem := self._cannot(errand.letter):
            errand.done(Receipt(Result.REFUSED, problem, 553))
            self._begin()
            return
        self._opening, self._trouble = errand, None
        if self.pipelined:
            self._write(f"{self._mail(errand.letter)}{self._rcpt(errand.letter)}DATA\r\n".encode())
            self._expect.extend((MAIL, RCPT, DATA))
            if self._handed is None:
                self.deadline = self.loop.time() + TIMEOUT
        else:
            self._command(MAIL)

    def _command(self, what: int) -> None:
        assert self._opening is not None
        letter = self._opening.letter
        self._write((self._mail(letter) if what == MAIL else self._rcpt(letter) if what == RCPT else "DATA\r\n").encode())
        self._expect.append(what)
        self.deadline = self.loop.time() + TIMEOUT

    def _content(self) -> None:
        """The mail itself; from here on a broken line leaves it open whether the relay has it."""
        self._handed, self._opening = self._opening, None
        assert self._handed is not None
        self.refused_in_a_row = 0
        content = self._handed.letter.content
        if not getattr(self._handed.letter, "dotless", False) and (b"\n." in content or content.startswith(b".")):
            content = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        self._write(content)
        self._write(b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")
        self._expect.append(CONTENT)
        self.deadline = self.loop.time() + PATIENCE
        if self.pipelined:
            self._begin()

    def _hang_up(self, reason: str) -> None:
        """421: the relay closes the connection after this answer."""
        if self._opening is not None and self._trouble is not None and self._trouble[0] != MAIL:  # said of this person's mail; before that, of the line
            self._turned_down(reset=False)
        self.reason = reason
        self._ending = self._ending or reason
        self._close()

    def _close(self) -> None:
        self._flush()
        if self.transport is not None:
            self.transport.close()

    def _quit(self) -> None:
        if self.transport is not None and QUIT not in self._expect:
            self._write(b"QUIT\r\n")
            self._expect.append(QUIT)
            self.deadline = self.loop.time() + 5

    def _write(self, data: bytes) -> None:
        self._out.append(data)

    def _flush(self) -> None:
        """Three small packets cost both sides more than the mail itself."""
        if out := self._out:
            self._out = []
            if self.transport is not None:
                self.transport.writelines(out)

    # commands

    def _cannot(self, letter: Letter) -> str:
        """Why these addresses cannot stand in a command, or ""."""
        if NO_ADDRESS.search(letter.address) or NO_ADDRESS.search(letter.envelope_from):
            return "the address cannot stand in a command of SMTP"
        if not self.utf8 and not letter.address.isascii():
            return "the relay does not carry addresses outside ASCII"
        return ""

    def _mail(self, letter: Letter) -> str:
        plain = letter.address.isascii() and letter.envelope_from.isascii()
        options = "" if plain else " SMTPUTF8 BODY=8BITMIME"
        if self.dsn:  # RFC 3461: bounces come back with our name of the message, and without its content
            options += f" RET=HDRS ENVID={letter.contact_id}.{letter.message_id}"
        return f"MAIL FROM:<{letter.envelope_from}>{options}\r\n"

    def _rcpt(self, letter: Letter) -> str:
        options = f" NOTIFY=FAILURE,DELAY ORCPT=rfc822;{xtext(letter.address)}" if self.dsn and letter.address.isascii() else ""
        return f"RCPT TO:<{letter.address}>{options}\r\n"


def xtext(text: str) -> str:
    """A value of a DSN option (RFC 3461, 4): what is not printable, `+` and `=` become +XX."""
    return NO_XTEXT.sub(lambda match: f"+{ord(match[0]):02X}", text) if NO_XTEXT.search(text) else text


def _verdict(code: int, text: str) -> Receipt:
    if 200 <= code < 300:
        return SENT
    return Receipt(Result.REFUSED if 500 <= code < 600 else Result.DEFERRED, text, code)


def _text(code: int, lines: list[bytes]) -> str:
    words = " ".join(line[4:].decode(errors="replace").strip() for line in lines)
    return f"{code} {words}".strip()[:1000]
