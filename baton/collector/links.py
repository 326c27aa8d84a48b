"""Short links: GET /l/<code> leads on, with the campaign in the address, and is counted.

Whoever has Baton's cookie and is somebody already gets a `link_click` event. Everybody else is a number of a day: a click makes nobody up.
"""

import asyncio
import json
import re
import time
from collections import Counter
from datetime import date, datetime
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic_core import to_json

from baton.collector import packet
from baton.collector.buffer import Buffer, Refused
from baton.collector.http import NO_STORE, NOT_FOUND, SORRY, TEXT, Scope, Send, answer, header, now_ms
from baton.collector.judge import Judge
from baton.collector.packet import Fact
from baton.collector.reads import Reads
from baton.collector.spill import Full
from baton.collector.store import is_away
from baton.content.campaign import with_campaign
from baton.events.ids import new_id
from baton.events.vocabulary import Kind
from baton.events.wire import COOKIE, is_cookie
from baton.platform import logs
from baton.platform.config import Config

MEMORY = 20  # seconds a link is remembered: changed or switched off, it is so everywhere soon after
KEPT = 20_000  # links remembered
CODE = re.compile(r"[a-z0-9_-]{1,40}")  # what is none is neither asked for nor remembered

LINK = "SELECT id, name, url, utm::text, medium, active FROM short_link WHERE code = $1"
WHOSE = "SELECT 1 FROM identity WHERE kind = 'cookie' AND value = $1"
COUNT = """
INSERT INTO short_link_day (link_id, day, people, machines) SELECT * FROM unnest($1::bigint[], $2::date[], $3::bigint[], $4::bigint[])
ON CONFLICT (link_id, day) DO UPDATE SET people = short_link_day.people + excluded.people, machines = short_link_day.machines + excluded.machines
"""

log = logs.log(__name__)

Link = tuple[int, str, str, dict[str, str], str, bool]  # id, name, url, utm, medium, active


class Links:
    """The route /l/."""

    def __init__(self, settings: Config, buffer: Buffer, reads: Reads, judge: Judge) -> None:
        self.settings = settings
        self.buffer = buffer
        self.reads = reads
        self.judge = judge
        self._known: dict[str, tuple[Link | None, float]] = {}
        self._waiting: Counter[tuple[int, date, bool]] = Counter()  # (link, day, machine) -> clicks not written yet
        self._writing: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Write what was counted."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        if self._waiting and not self.buffer.away:
            await self._write()

    async def click(self, scope: Scope, code: str, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await answer(send, 405, b"", [(b"allow", b"GET, HEAD")])
            return
        code = code.rstrip("/").lower()
        try:
            link = await self._link(code) if CODE.fullmatch(code) else None
        except Exception as error:
            if not is_away(error):
                raise
            await answer(send, 503, SORRY, [*NO_STORE, TEXT, (b"retry-after", b"10")])
            return
        if link is None or not link[5]:
            await answer(send, 404, NOT_FOUND, [*NO_STORE, TEXT])
            return
        await self._note(scope, link)
        await answer(send, 302, b"", [*NO_STORE, (b"location", _ascii(with_campaign(link[2], link[3])).encode())], head=scope["method"] == "HEAD")

    async def _note(self, scope: Scope, link: Link) -> None:
        said = self.judge.said(Kind.LINK_CLICK, scope)
        self._waiting[link[0], datetime.now(self.settings.zone).date(), "machine" in said] += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        cookie = _cookie(scope)
        try:
            if not cookie or not await self.reads.value(WHOSE, cookie):
                return
            payload = {"url": link[2], "medium": link[4], **said}
            fact = Fact(now_ms(), new_id(), int(Kind.LINK_CLICK), int(Kind.LINK_CLICK), str(link[0]), link[1], None, to_json(payload).decode())
            await self.buffer.put(packet.Packet(fact.ts, [fact], cookie))
        except (Full, Refused) as error:
            log.error("a click was lost", error=str(error) or type(error).__name__)
        except Exception as error:
            if not is_away(error):
                raise  # else it is counted, and whose it was is not known

    async def _write(self) -> None:
        """Add up what was counted meanwhile; what cannot be written now waits for the next click."""
        while self._waiting:
            await asyncio.sleep(0)  # clicks of the same moment come along
            taken, self._waiting = self._waiting, Counter()
            rows: dict[tuple[int, date], list[int]] = {}
            for (link, day, machine), times in sorted(taken.items()):
                rows.setdefault((link, day), [0, 0])[machine] += times
            try:
                await self.reads.run(COUNT, [k[0] for k in rows], [k[1] for k in rows], [v[0] for v in rows.values()], [v[1] for v in rows.values()])
            except Exception as error:
                self._waiting.update(taken)
                if not is_away(error):
                    raise
                return

    async def _link(self, code: str) -> Link | None:
        """A link by its code. While the database is away, what was known before still leads on."""
        known, at = self._known.get(code, (None, -1e9))
        if time.monotonic() - at < MEMORY:
            return known
        try:
            row = await self.reads.row(LINK, code)
        except Exception as error:
            if known is not None and is_away(error):
                return known
            raise
        found = None if row is None else (row[0], row[1], row[2], json.loads(row[3]), row[4], row[5])
        if len(self._known) > KEPT:
            self._known.clear()
        self._known[code] = (found, time.monotonic())
        return found


def _cookie(scope: Scope) -> str:
    """Baton's own cookie, "" when there is none."""
    for part in header(scope, b"cookie").split(";"):
        name, _mark, value = part.strip().partition("=")
        if name == COOKIE and is_cookie(value):
            return value
    return ""


def _ascii(url: str) -> str:
    """An address as a header may carry it: what is beyond ASCII in percent signs, a foreign host name in Punycode."""
    if url.isascii():
        return url
    parts = urlsplit(url)
    host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    safe = "/?:@!$&'()*+,;=%~#[]"
    return urlunsplit((parts.scheme, host, quote(parts.path, safe=safe), quote(parts.query, safe=safe), quote(parts.fragment, safe=safe)))
