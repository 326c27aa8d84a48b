"""Gathers packets and writes all that wait in one transaction; to the disk while the database is away."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from baton.collector.packet import Packet
from baton.collector.spill import Full, Spill
from baton.collector.store import Store, is_away
from baton.platform import logs

log = logs.log(__name__)

Kept = Literal["stored", "spilled", "full", "refused"]
Tell = Callable[[Kept], object]
WRITERS = 2  # connections
FULL = 500  # facts that must wait for all writers but the first to begin: many small sets cost the database a third more a hit than few large ones
BATCH = 1000  # facts of one transaction
WAITING = 20_000  # facts in memory before new ones are turned away
BACK_OFF = (0.1, 5.0)  # seconds between two tries to reach the database, first and longest
PAUSE = 1.0  # seconds between two looks at the spill folder


class Refused(Exception):
    """PostgreSQL cannot store this packet; it never will."""


class Buffer:
    """While a transaction is on its way the next one gathers; WRITERS of them may be on their way at once."""

    def __init__(self, url: str, spill: Spill, listeners: Mapping[str, Callable[..., None]] = MappingProxyType({})) -> None:
        self.url = url
        self.stores = [Store(url, listeners) for _ in range(WRITERS)]
        self.spill = spill
        self.away = False
        self._waiting: deque[tuple[Packet, Tell]] = deque()
        self._facts = 0  # of what waits
        self._wake = asyncio.Event()  # something waits
        self._full = asyncio.Event()  # FULL waits
        self._writers: list[asyncio.Task[None]] = []
        self._returner: asyncio.Task[None] | None = None
        self._closing = False

    async def start(self) -> None:
        """Begin to write. The database may be away: then what comes is kept on the disk."""
        try:
            for store in self.stores:
                await store.connect()
        except Exception as error:
            if not is_away(error):
                raise
            self._gone(error)
        first, *others = self.stores
        self._writers = [asyncio.create_task(self._flush_for_ever(first, self._wake, 0))]
        self._writers += [asyncio.create_task(self._flush_for_ever(store, self._full, FULL)) for store in others]
        self._returner = asyncio.create_task(self._return_for_ever())

    async def stop(self) -> None:
        """Write what waits, then end."""
        self._closing = True
        self._wake.set()
        self._full.set()
        await asyncio.gather(*self._writers)
        if self._returner is not None:
            self._returner.cancel()
            await asyncio.gather(self._returner, return_exceptions=True)
        self.spill.finish()
        for store in self.stores:
            await store.close()

    def add(self, packet: Packet, tell: Tell) -> bool:
        """Take a packet: `tell` is called once, when it is safe (or is not). False, and nothing taken, when too many wait."""
        if self._closing or self._facts >= WAITING:
            return False
        self._facts += len(packet.facts)
        self._waiting.append((packet, tell))
        if not self._wake.is_set():
            self._wake.set()
        if self._facts >= FULL and not self._full.is_set():
            self._full.set()
        return True

    def put(self, packet: Packet) -> asyncio.Future[Kept]:
        """As `add`; the future tells where the packet is safe, or raises Full or Refused. Raises Full at once when too many wait."""
        future: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()

        def tell(kept: Kept) -> None:
            if future.done():
                return
            if kept in ("stored", "spilled"):
                future.set_result(kept)
            else:
                future.set_exception(Full() if kept == "full" else Refused())

        if not self.add(packet, tell):
            raise Full
        return future

    def _take(self) -> list[tuple[Packet, Tell]]:
        """The oldest that wait, as many as one transaction has."""
        taken, facts = [], 0
        while self._waiting and facts < BATCH:
            one = self._waiting.popleft()
            facts += len(one[0].facts)
            taken.append(one)
        self._facts -= facts
        return taken

    async def _flush_for_ever(self, store: Store, wake: asyncio.Event, least: int) -> None:
        """Write whenever something waits, and `least` facts."""
        while not (self._closing and not self._waiting):
            if not self._closing and (not self._waiting or self._facts < least):
                await wake.wait()
                wake.clear()
                continue
            taken = self._take()
            try:
                await self._flush(store, taken)
            except Exception:  # the writer must live: whoever waits hears of it
                log.exception("flush failed")
                _tell(taken, "refused", frozenset())

    async def _flush(self, store: Store, taken: Sequence[tuple[Packet, Tell]]) -> None:
        packets = [packet for packet, _ in taken]
        kept: Kept = "spilled"
        refused: set[int] = set()
        if not self.away:
            try:
                refused = await self._store(store, packets)
                kept = "stored"
            except Exception as error:
                if not is_away(error):
                    raise
                self._gone(error)
        if kept == "spilled":
            try:
                await asyncio.to_thread(self.spill.append, packets)
            except (Full, OSError):
                kept = "full"
        # Soon, not now: the next set goes to the database first, and is written while these are answered.
        asyncio.get_running_loop().call_soon(_tell, taken, kept, refused)

    async def _store(self, store: Store, packets: Sequence[Packet]) -> set[int]:
        """Write; when PostgreSQL refuses a set, halve it until only the packets at fault are left out: returns their places."""
        try:
            await store.write(packets)
        except Exception as error:
            if is_away(error):
                raise
            if len(packets) == 1:
                log.error("a packet was refused", error=str(error))
                self.spill.set_aside(packets[0])
                return {0}
            half = len(packets) // 2
            first = await self._store(store, packets[:half])
            return first | {half + place for place in await self._store(store, packets[half:])}
        return set()

    def _gone(self, error: BaseException) -> None:
        if not self.away:
            self.away = True
            log.warning("the database is away; hits are kept on the disk", error=f"{type(error).__name__}: {error}")

    async def _return_for_ever(self) -> None:
        """Notice when the database is back, and deliver what was kept by this run or an earlier one."""
        wait = BACK_OFF[0]
        while True:
            try:
                if self.away:
                    await self._probe()
                    self.away = False  # new hits go to the database from here on; ids make the order between old and new unimportant
                if await asyncio.to_thread(self.spill.finish) and (delivered := await self._deliver()):
                    log.info("delivered what was kept", packets=delivered)
                wait = BACK_OFF[0]
            except Exception as error:
                if is_away(error):
                    self._gone(error)
                else:
                    log.exception("delivery failed")
                wait = min(wait * 2, BACK_OFF[1])
            await asyncio.sleep(wait if self.away else PAUSE)

    async def _probe(self) -> None:
        """Raises unless the database answers."""
        store = Store(self.url)
        try:
            await store.connect()
        finally:
            await store.close()

    async def _deliver(self) -> int:
        """Write the finished spill files and remove each when it is committed; returns how many packets."""
        delivered, store = 0, Store(self.url)
        try:
            for path in self.spill.segments():
                with self.spill.take(path) as packets:
                    for start in range(0, len(packets or ()), BATCH):
                        part = (packets or [])[start : start + BATCH]
                        await self._store(store, part)  # nobody waits for an answer any more
                        delivered += len(part)
        finally:
            await store.close()
        return delivered


def _tell(taken: Sequence[tuple[Packet, Tell]], kept: Kept, refused: Collection[int]) -> None:
    for number, (_, tell) in enumerate(taken):
        try:
            tell("refused" if number in refused else kept)
        except Exception:  # whoever comes next must hear all the same
            log.exception("an answer failed")
