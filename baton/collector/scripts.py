"""The scripts that other sites load: the tracker, its parts, and what stands in for HubSpot's files. Raw ASGI."""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from baton.collector.http import CORS, TEXT, Headers, Scope, Send, answer, header

FOLDER = Path(__file__).parent / "static"
SCRIPT = FOLDER / "baton.js"
PARTS = {f"/t/{name}.js": (name,) for name in ("baton", "video", "banner", "linked", "hubspot")}
FORMS = re.compile(r"/forms/(?:embed/)?(?:v2|v2-legacy|shell|\d{1,12})\.js")  # where HubSpot's form embeds are loaded from
LOADER = re.compile(r"/\d{1,12}\.js")  # where HubSpot's tracking code is loaded from: /<portal>.js
ASK = b"window.batonAsk=1;"  # some site has a banner or sites beside it: the tracker asks for its own settings first
MINUTES = 60  # a browser keeps a script


def parts(path: str) -> tuple[str, ...]:
    """The built files an address is answered with, none when it is no script."""
    if path.endswith(".js"):
        if path in PARTS:
            return PARTS[path]
        if LOADER.fullmatch(path):
            return ("baton", "hubspot")
        if FORMS.fullmatch(path):
            return ("hbspt",)
    return ()


class Scripts:
    """Serves the built files, packed once. `asks` tells whether the tracker must ask for its site's settings."""

    def __init__(self, asks: Callable[[], bool]) -> None:
        self._asks = asks
        self._ready: dict[tuple[tuple[str, ...], bool], tuple[bytes, bytes, bytes]] = {}  # plain, gzip, ETag

    async def serve(self, scope: Scope, names: tuple[str, ...], send: Send) -> None:
        """Answer with the files of these names as one script."""
        if scope["method"] not in ("GET", "HEAD"):
            await answer(send, 405, b"", [(b"allow", b"GET, HEAD")])
            return
        asks = names[0] == "baton" and self._asks()
        if (names, asks) not in self._ready:
            if not all((FOLDER / f"{name}.js").exists() for name in names):
                await answer(send, 404, b"The tracker has not been built: run `make setup`.\n", [TEXT])
                return
            self._ready[names, asks] = await asyncio.to_thread(_read, names, asks)
        plain, packed, tag = self._ready[names, asks]
        seconds = 300 if names[0] == "baton" else MINUTES * 60  # a banner that was just switched on is asked for soon
        headers: Headers = [*CORS, (b"etag", tag), (b"cache-control", b"public, max-age=%d" % seconds), (b"vary", b"accept-encoding")]
        if header(scope, b"if-none-match") == tag.decode():
            await answer(send, 304, b"", headers)
            return
        gzipped = "gzip" in header(scope, b"accept-encoding")
        headers += [(b"content-type", b"text/javascript; charset=utf-8"), (b"cross-origin-resource-policy", b"cross-origin")]
        if gzipped:
            headers.append((b"content-encoding", b"gzip"))
        await answer(send, 200, packed if gzipped else plain, headers, head=scope["method"] == "HEAD")


def _read(names: tuple[str, ...], asks: bool) -> tuple[bytes, bytes, bytes]:
    plain = (ASK if asks else b"") + b"".join((FOLDER / f"{name}.js").read_bytes() for name in names)
    return plain, gzip.compress(plain, 9, mtime=0), f'"{hashlib.sha256(plain).hexdigest()[:16]}"'.encode()
