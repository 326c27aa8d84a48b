"""What mail programs ask for: the pixel of an open, and the links that lead on. GET never changes anything but what is noted here."""

import re
import time
from urllib.parse import urlsplit

from baton.collector import packet
from baton.collector.buffer import Buffer, Refused
from baton.collector.http import NO_STORE, NOT_FOUND, SORRY, TEXT, Scope, Send, answer, now_ms
from baton.collector.judge import Judge
from baton.collector.reads import Reads
from baton.collector.spill import Full
from baton.collector.store import is_away
from baton.events import evidence
from baton.events.vocabulary import Kind
from baton.platform import logs, signing
from baton.platform.config import Config

HOST_MEMORY = 60  # seconds a host is remembered as tracked, or not
# A host that was registered, or from which views have come.
TRACKED = """
SELECT 1 WHERE EXISTS (SELECT 1 FROM site s WHERE s.archived_at IS NULL AND ($1 = s.domain OR right($1, length(s.domain) + 1) = '.' || s.domain))
    OR EXISTS (SELECT 1 FROM event_key WHERE kind = $2 AND value >= $1 || '/' AND value < $1 || '0')
"""
NUMBER = re.compile("[0-9]{1,18}")
TRAP = 0  # the link that nobody sees: only programs that fetch every address follow it
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")

log = logs.log(__name__)


class Mails:
    """The routes /o/ and /c/."""

    def __init__(self, settings: Config, buffer: Buffer, reads: Reads, judge: Judge) -> None:
        self.settings = settings
        self.buffer = buffer
        self.reads = reads
        self.judge = judge
        self._links: dict[int, tuple[str, int]] = {}
        self._hosts: dict[str, tuple[bool, float]] = {}

    async def open(self, scope: Scope, token: str, send: Send) -> None:
        read = signing.read("mail", token)
        if read is not None and len(read) == 3 and scope["method"] in ("GET", "HEAD"):
            message, contact, _email = read
            await self._keep(self._hit(Kind.EMAIL_OPEN, contact, message, scope))
        await answer(send, 200, GIF, [*NO_STORE, (b"content-type", b"image/gif")], head=scope["method"] == "HEAD")

    async def click(self, scope: Scope, which: str, send: Send) -> None:
        """`which`: <token>/<number of the link>. A number that is not of the same mail leads nowhere and counts for nothing."""
        if scope["method"] not in ("GET", "HEAD"):
            await answer(send, 405, b"", [(b"allow", b"GET, HEAD")])
            return
        token, _slash, number = which.partition("/")
        read = signing.read("mail", token)
        if read is None or len(read) != 3 or not NUMBER.fullmatch(number):
            await answer(send, 404, NOT_FOUND, [*NO_STORE, TEXT])
            return
        message, contact, email = read
        if int(number) == TRAP:
            await self._keep(self._hit(Kind.EMAIL_CLICK, contact, message, scope, "trap"))
            await answer(send, 204, b"", NO_STORE)
            return
        try:
            url = await self._link(int(number), email)
            own = url is not None and await self._own_host(urlsplit(url).netloc.lower())
        except Exception as error:
            if not is_away(error):
                raise
            await answer(send, 503, SORRY, [*NO_STORE, TEXT, (b"retry-after", b"10")])
            return
        if url is None:
            await answer(send, 404, NOT_FOUND, [*NO_STORE, TEXT])
            return
        hit = self._hit(Kind.EMAIL_CLICK, contact, message, scope, url=url)
        await self._keep(hit)
        # The number of the click comes back with the first page that is seen: what is done there tells who clicked.
        target = with_token(url, signing.make("contact", contact, message, hit.facts[0].id)) if own else url
        await answer(send, 302, b"", [*NO_STORE, (b"location", target.encode()), (b"referrer-policy", b"no-referrer")])

    async def _keep(self, entry: packet.Packet) -> None:
        """Whoever opens or clicks gets his answer whether or not it can be noted."""
        try:
            await self.buffer.put(entry)
        except (Full, Refused) as error:
            log.error("an open or click was lost", error=str(error) or type(error).__name__)

    def _hit(self, kind: Kind, contact: int, message: int, scope: Scope, *more: str, **payload: str) -> packet.Packet:
        """What is kept of an open or a click, with who probably made it. `more`: reasons besides what the request says."""
        said = {**payload, **self.judge.said(kind, scope)}
        if more:
            said = evidence.again(kind, said, *more)
        return packet.of_mail(kind, contact, message, now_ms(), grace=round(self.settings.scanner_seconds * 1000), machine="", payload=said)

    async def _link(self, number: int, email: int) -> str | None:
        """The target of this link of this mail; links never change, so each is read once."""
        known = self._links.get(number)
        if known is None:
            row = await self.reads.row("SELECT url, email_id FROM email_link WHERE id = $1", number)
            if row is None:
                return None
            known = (row[0], row[1])
            if len(self._links) > 50_000:
                self._links.clear()
            self._links[number] = known
        return known[0] if known[1] == email else None

    async def _own_host(self, host: str) -> bool:
        """Whether the host carries our tracker: only there the visitor may be told who he is."""
        known, at = self._hosts.get(host, (False, -1e9))
        if known or time.monotonic() - at < HOST_MEMORY:
            return known
        if host == urlsplit(self.settings.url).netloc.lower():
            found = True
        else:
            try:
                found = bool(await self.reads.value(TRACKED, host, int(Kind.PAGE_VIEW)))
            except Exception as error:
                if is_away(error):
                    return known
                raise
        if len(self._hosts) > 10_000:
            self._hosts.clear()
        self._hosts[host] = (found, time.monotonic())
        return found


def with_token(url: str, token: str) -> str:
    """The address with `bt=<token>` in its query, before the fragment."""
    base, mark, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}bt={token}{mark}{fragment}"
