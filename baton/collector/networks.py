"""From which network a request came: its address without the last part, and whether the administrator listed it as a relay or a scanner's.

Two files in the data folder may be put there and replaced at any time, one network a line (`192.0.2.0/24`, or the first column of a table):
`networks/relays.csv` in the form in which Apple publishes the addresses of its relays, `networks/scanners.csv` for one's own knowledge.
"""

import threading
import time
from bisect import bisect_right
from ipaddress import ip_network
from pathlib import Path

from baton.collector.http import Scope, header
from baton.platform import logs
from baton.platform.senders import Address, believed, read

FILES = {"scanners.csv": "scanner", "relays.csv": "relay"}  # the first that has the network tells
LOOK = 60.0  # seconds between two looks at the files

log = logs.log(__name__)


def address(scope: Scope) -> Address | None:
    """Who asked, as far as it can be believed: what a proxy in our own network says of whom it spoke for, else the other end of the line."""
    client = scope.get("client")
    return read(believed(client[0] if client else "", header(scope, b"x-forwarded-for")))


def truncated(found: Address | None) -> str:
    """What is kept: the network of 256 addresses (version 6: of a site), "" when it is not known."""
    if found is None:
        return ""
    return str(ip_network((found, 24 if found.version == 4 else 48), strict=False).network_address)


def network(text: str) -> str:
    """As `truncated`, of an address as text."""
    return truncated(read(text))


class Networks:
    """The files, read again when they change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._looked = time.monotonic()
        self._times: dict[str, float] = {}
        self._known: dict[tuple[str, int], tuple[list[int], list[int]]] = {}  # (word, version) -> first addresses, last addresses
        self.look()

    def kind(self, found: Address | None) -> str:
        """ "scanner", "relay" or ""."""
        if time.monotonic() - self._looked >= LOOK:
            self._looked = time.monotonic()
            threading.Thread(target=self.look, daemon=True).start()  # Apple's list has a quarter of a million lines: nobody waits for it
        if found is None or not self._known:
            return ""
        for word in FILES.values():
            first, last = self._known.get((word, found.version), ([], []))
            place = bisect_right(first, int(found)) - 1
            if place >= 0 and int(found) <= last[place]:
                return word
        return ""

    def look(self) -> None:
        """Read the files that changed."""
        for name, word in FILES.items():
            path = self.folder / name
            try:
                at = path.stat().st_mtime
                if self._times.get(name) == at:
                    continue
                text = path.read_text()
            except OSError:
                at, text = 0.0, ""
            self._times[name] = at
            self._put(name, word, text)

    def _put(self, name: str, word: str, text: str) -> None:
        found: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for number, line in enumerate(text.splitlines(), 1):
            given = line.partition("#")[0].partition(",")[0].strip()
            if not given:
                continue
            try:
                network = ip_network(given, strict=False)
            except ValueError:
                log.warning("not a network", file=name, line=number)
                continue
            found[network.version].append((int(network.network_address), int(network.broadcast_address)))
        for version, ranges in found.items():
            merged: list[tuple[int, int]] = []
            for first, last in sorted(ranges):
                if merged and first <= merged[-1][1]:
                    merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
                else:
                    merged.append((first, last))
            if merged:
                self._known[word, version] = [one[0] for one in merged], [one[1] for one in merged]
            else:
                self._known.pop((word, version), None)
