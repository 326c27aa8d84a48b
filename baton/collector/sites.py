"""Which sites may send hits, and what their trackers are told: GET /t/config?h=<host>. Reads the table `site`; knows nothing of Django.

As long as no site is registered every site may send, so that a new install just works.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
from pydantic_core import to_json

from baton.collector.http import CORS, Answer, Scope, Send
from baton.collector.store import is_away
from baton.platform import logs
from baton.platform.config import Config

EVERY = 60.0  # seconds between two notes of a site's last hit, and between two looks at the table if no call comes
MINUTES = 5  # a tracker keeps what it was told
HOSTS = 20_000  # hosts remembered
LONGEST = 253  # characters of a host

SITES = 'SELECT domain, "group", banner::text FROM site WHERE archived_at IS NULL ORDER BY domain'
SEEN = """
UPDATE site s SET seen_at = $3, hits_on = $4, hits = r.hits + CASE WHEN s.hits_on = $4 THEN s.hits ELSE 0 END
FROM unnest($1::text[], $2::integer[]) AS r(domain, hits) WHERE s.domain = r.domain
"""
NOTHING: Mapping[str, Any] = {"banner": None, "linked": [], "ask": False}

log = logs.log(__name__)


class Sites:
    """What the table says, read again when it changes; and when each site was last heard of."""

    def __init__(self, url: str, settings: Config) -> None:
        self.url = url
        self.own = urlsplit(settings.url).hostname or ""  # Baton's own pages may always send
        self._sites: dict[str, tuple[str, dict[str, Any]]] = {}  # domain -> group, banner
        self._hosts: dict[str, str] = {}  # host -> the domain it belongs to, "" for none
        self._heard = Counter[str]()  # requests of each domain since the last round
        self._noted: set[str] = set()  # domains written in the last minute
        self._zone = settings.zone
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the table (soon, if the database is away) and keep to it."""
        try:
            await self._look()
        except Exception as error:
            if not is_away(error):
                raise
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Note who was heard of and follow no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._heard:
            try:
                await self._look()
            except Exception as error:
                if not is_away(error):
                    log.exception("the sites could not be noted")

    def changed(self, *_: object) -> None:
        """The table changed: called by whoever listens to `baton_site`."""
        self._wake.set()

    def asks(self) -> bool:
        """Whether any site has something to tell its tracker."""
        return any(said != NOTHING for said in map(self.told, self._sites))

    def may_send(self, host: str) -> bool:
        """Whether pages of this host may send hits. Notes that the site was heard of."""
        if not self._sites:
            return True
        domain = self._domain(host)
        if domain:
            self._heard[domain] += 1
            if domain not in self._noted:  # a site just installed is seen at once
                self._noted.add(domain)
                self._wake.set()
        return bool(domain) or host == self.own

    def told(self, host: str) -> Mapping[str, Any]:
        """What a tracker on this host needs to know."""
        domain = self._domain(host)
        if not domain:
            return NOTHING
        group, banner = self._sites[domain]
        mode = banner.get("mode", "none")
        linked = [one for one, (theirs, _) in self._sites.items() if group and theirs == group]  # its own domain too: for what lies below it
        return {"banner": banner if mode in ("notice", "ask") else None, "linked": linked if len(linked) > 1 else [], "ask": mode == "ask"}

    async def config(self, scope: Scope, send: Send) -> None:
        """Answer GET /t/config."""
        if scope["method"] not in ("GET", "HEAD"):
            await Answer(405, [*CORS, (b"allow", b"GET, HEAD")]).send(send)
            return
        host = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("h", [""])[0].lower()
        headers = [*CORS, (b"content-type", b"application/json"), (b"cache-control", b"public, max-age=%d" % (MINUTES * 60))]
        await Answer(200, headers, to_json(self.told(host))).send(send)

    def _domain(self, host: str) -> str:
        if len(host) > LONGEST:
            return ""
        found = self._hosts.get(host)
        if found is None:
            parts = host.split(".")
            found = next((d for d in (".".join(parts[n:]) for n in range(len(parts))) if d in self._sites), "")
            if len(self._hosts) >= HOSTS:
                self._hosts.clear()
            self._hosts[host] = found
        return found

    async def _follow(self) -> None:
        minute = time.monotonic() + EVERY
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, minute - time.monotonic()))
            self._wake.clear()
            if time.monotonic() >= minute:
                minute = time.monotonic() + EVERY
                self._noted.clear()
            try:
                await self._look()
            except Exception as error:
                if not is_away(error):
                    log.exception("the sites could not be read")
                await asyncio.sleep(1)

    async def _look(self) -> None:
        """Note who was heard of, and read the table."""
        connection = await asyncpg.connect(self.url, timeout=5, command_timeout=5)
        try:
            if self._heard:
                heard, now = dict(self._heard), datetime.now(self._zone)
                await connection.execute(SEEN, sorted(heard), [heard[domain] for domain in sorted(heard)], now, now.date())
                self._heard.subtract(heard)
                self._heard += Counter()  # drops what is zero
            self._put(await connection.fetch(SITES))
        finally:
            await connection.close()

    def _put(self, rows: Sequence[asyncpg.Record]) -> None:
        found = {domain: (group, json.loads(banner)) for domain, group, banner in rows}
        if found != self._sites:
            self._sites = found
            self._hosts.clear()
