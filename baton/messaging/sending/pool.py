"""The connections to one relay. They live in one event loop of a thread of its own; any thread hands letters over and waits for the answers."""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import uvloop

from baton.messaging.channel import Receipt, Result
from baton.messaging.sending.pace import Pace
from baton.messaging.sending.smtp import Errand, Line, Refused
from baton.messaging.sending.transport import Down, Letter
from baton.platform import clock

OPENING = 20.0  # seconds to connect, encrypt and log in
IDLE = 30.0  # seconds after which a connection that nobody uses is closed
AGE = 300.0  # seconds a connection lives: relays do not like them for ever
PATIENCE = 120.0  # seconds letters wait for a connection that takes them
AWAY = 15.0  # seconds a relay that was away is not asked
ENOUGH = 30.0  # seconds no further connection is tried where one was turned down and others work
TRIES = 2  # lines that may break before a letter goes back

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

_starting = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}  # by process: a thread does not survive a fork


@dataclass(frozen=True, slots=True)
class Relay:
    """Where a relay is and how one talks to it."""

    host: str
    port: int
    security: str = "starttls"  # starttls: where it is offered; required: never without; tls: from the first octet
    user: str = ""
    password: str = field(default="", repr=False)
    connections: int = 8
    per_connection: int = 500  # letters
    dsn: bool = True


class Batch:
    """Letters that were handed over together, and the answers so far."""

    __slots__ = ("done", "left", "receipts", "until")

    def __init__(self, count: int, until: float) -> None:
        self.receipts: list[Receipt | None] = [None] * count
        self.left = count
        self.until = until
        self.done: Future[None] = Future()

    def settle(self, place: int, receipt: Receipt) -> None:
        if self.receipts[place] is None:
            self.receipts[place] = receipt
            self.left -= 1
            if not self.left:
                self.done.set_result(None)


class _Errand:
    """A letter and its place in a batch."""

    __slots__ = ("batch", "letter", "place", "tries")

    def __init__(self, letter: Letter, batch: Batch, place: int) -> None:
        self.letter = letter
        self.tries = 0
        self.batch = batch
        self.place = place

    def done(self, receipt: Receipt) -> None:
        self.batch.settle(self.place, receipt)


class Pool:
    """Made for a relay; `send` may be called from any thread, the rest runs in the loop."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.pace = Pace(relay.connections)
        self._waiting: deque[_Errand] = deque()
        self._lines: set[Line] = set()
        self._idle: list[Line] = []
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._away_until = LONG_AGO
        self._enough_until = 0.0  # on the loop's clock
        self._away_for = ""
        self._pid = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    # from any thread

    def send(self, letters: Sequence[Letter]) -> list[Receipt]:
        """Hand them over; answers in their order. A relay that is away answers NOT_HANDED."""
        if not letters:
            return []
        loop = self._in()
        batch = Batch(len(letters), loop.time() + PATIENCE)
        began = self.pace.now()
        loop.call_soon_threadsafe(self._add, batch, letters)
        batch.done.result()
        receipts = [receipt or Receipt(Result.UNKNOWN) for receipt in batch.receipts]
        self.pace.learn(receipts, self.pace.now() - began)
        return receipts

    def check(self) -> str:
        """Connect, encrypt, log in and hang up; what the relay calls itself. Raises Down."""

        async def once() -> str:
            line = await self._connect()
            said = line.greeting
            line.close()
            return said

        return asyncio.run_coroutine_threadsafe(once(), self._in()).result()

    def pause(self) -> float:
        """For how many seconds the relay is not worth asking."""
        return max(0.0, (self._away_until - clock.now()).total_seconds()) if self._pid == os.getpid() else 0.0

    def close(self) -> None:
        """Take no more and hang up when all is done."""
        if self._loop is not None and self._pid == os.getpid():
            self._loop.call_soon_threadsafe(self._close)

    def _in(self) -> asyncio.AbstractEventLoop:
        """The loop of this process."""
        pid = os.getpid()
        if self._pid != pid:  # new here: nothing of a parent's connections is ours
            with _starting:
                if self._pid != pid:
                    self._lines, self._idle, self._waiting, self._opening, self._tasks = set(), [], deque(), 0, set()
                    self._sweeping, self._away_until, self._enough_until = None, LONG_AGO, 0.0
                    self._loop = _loop()
                    self._pid = pid
        assert self._loop is not None
        return self._loop

    # in the loop

    def _add(self, batch: Batch, letters: Sequence[Letter]) -> None:
        loop = self._in()
        if clock.now() < self._away_until:
            for place in range(len(letters)):
                batch.settle(place, Receipt(Result.NOT_HANDED, self._away_for))
            return
        self._waiting.extend(_Errand(letter, batch, place) for place, letter in enumerate(letters))
        if self._sweeping is None:
            self._sweeping = loop.call_later(1.0, self._sweep)
        self._staff()

    def _staff(self) -> None:
        """Wake lines, and open more while there is work for them."""
        while self._waiting and self._idle:
            self._idle.pop().wake()
        if self._lines and self._in().time() < self._enough_until:
            return
        wanted = min(-(-len(self._waiting) // self.pace.each), self.relay.connections) - len(self._lines) - self._opening
        for _ in range(wanted):
            self._opening += 1
            task = self._in().create_task(self._open())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        try:
            line = await self._connect()
        except Down as error:
            self._opening -= 1
            if self._lines:  # it may only allow so many
                self._enough_until = self._in().time() + ENOUGH
            elif not self._opening:
                self._away(str(error))
            return
        self._opening -= 1
        self._lines.add(line)
        line.work()

    async def _connect(self) -> Line:
        try:
            async with asyncio.timeout(OPENING):
                return await self._greet()
        except (OSError, Refused, EOFError, ValueError) as error:
            raise Down(str(error) or f"no answer from {self.relay.host} within {OPENING:.0f} seconds") from error

    async def _greet(self) -> Line:
        relay, loop = self.relay, asyncio.get_running_loop()
        context = _context(bool(relay.user))
        made = Line(self, loop, most=relay.per_connection, dsn=relay.dsn)
        tls = context if relay.security == "tls" else None
        _transport, line = await loop.create_connection(lambda: made, relay.host, relay.port, ssl=tls, server_hostname=relay.host if tls else None)
        try:
            code, text = await line.greeted()
            if code != 220:
                raise Refused(code, text)
            line.greeting = text
            await line.hello(_name())
            if relay.security != "tls":
                if "STARTTLS" in line.features:
                    await self._encrypt(line, context)
                elif relay.user or relay.security == "required":
                    raise Refused(0, "the relay offers no STARTTLS, so the password was not sent; use smtps:// or another relay")
            if relay.user:
                await line.log_in(relay.user, relay.password)
        except BaseException:
            if line.transport is not None:
                line.transport.abort()
            raise
        return line

    async def _encrypt(self, line: Line, context: ssl.SSLContext) -> None:
        code, text = await line.ask(b"STARTTLS\r\n")
        if code != 220:
            raise Refused(code, text)
        if not line.quiet or line.transport is None:
            raise Refused(0, "the relay spoke before the encryption began")
        line.transport = await asyncio.get_running_loop().start_tls(line.transport, line, context, server_hostname=self.relay.host)
        await line.hello(_name())

    def _away(self, reason: str, seconds: float = AWAY) -> None:
        """Nothing that waits can be handed over now."""
        self._away_until, self._away_for = clock.now() + timedelta(seconds=seconds), reason
        waiting, self._waiting = self._waiting, deque()
        for errand in waiting:
            errand.done(Receipt(Result.NOT_HANDED, reason))

    def _sweep(self) -> None:
        """Once a second: lines that wait for too long, that nobody uses, that are old; letters that nobody takes."""
        loop = self._in()
        now = loop.time()
        for line in list(self._lines):
            if line.deadline and line.deadline < now:
                line.abort("the relay did not answer in time")
            elif line in self._idle and (now - line.since > IDLE):
                self._idle.remove(line)
                line.close()
            elif now - line.born > AGE:
                line.close()
        while self._waiting and self._waiting[0].batch.until < now:
            self._waiting.popleft().done(Receipt(Result.NOT_HANDED, "the relay did not take it in time"))
        self._sweeping = loop.call_later(1.0, self._sweep) if self._lines or self._waiting or self._opening else None

    def _close(self) -> None:
        for line in list(self._lines):
            line.close()

    # what a line asks for (smtp.Desk)

    def next(self) -> Errand | None:
        return self._waiting.popleft() if self._waiting else None

    def back(self, errand: Errand, reason: str) -> None:
        assert isinstance(errand, _Errand)
        errand.tries += 1
        if errand.tries > TRIES or clock.now() < self._away_until:
            errand.done(Receipt(Result.NOT_HANDED, reason))
        else:
            self._waiting.appendleft(errand)

    def turned_away(self, reason: str) -> None:
        self._away(reason)

    def idle(self, line: Line) -> None:
        self._idle.append(line)

    def gone(self, line: Line, reason: str) -> None:
        if line not in self._lines:
            return  # it never worked: see _open
        self._lines.discard(line)
        with contextlib.suppress(ValueError):
            self._idle.remove(line)
        if self._waiting:
            self._staff()


def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of this process, in a thread of its own."""
    pid = os.getpid()
    if pid not in _loops:
        loop = uvloop.new_event_loop()
        threading.Thread(target=loop.run_forever, name="mail", daemon=True).start()
        _loops[pid] = loop
    return _loops[pid]


@cache
def _context(verify: bool) -> ssl.SSLContext:
    """Without a password to protect, encryption with anybody is better than none; with one, the relay proves who it is."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@cache
def _name() -> str:
    """What we call ourselves: a full name, or an address in brackets (RFC 5321, 4.1.4)."""
    name = socket.getfqdn()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
