"""The route /t/e: checks what a browser sends, keeps it, and answers when it is safe. By ASGI, or by the server of our own (server.py)."""

import asyncio
import math
import time
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from pydantic_core import from_json

from baton.collector import packet
from baton.collector.buffer import Buffer, Kept
from baton.collector.http import CORS, PREFLIGHT, Answer, Receive, Scope, Send, crawler, faulty, header, read_body
from baton.collector.limits import Buckets
from baton.collector.networks import network
from baton.collector.sites import Sites
from baton.events import wire
from baton.platform import signing
from baton.platform.config import Config
from baton.platform.senders import believed

COOKIE_RATE, COOKIE_BURST = 20, 1_000  # hits of one visitor, a second and at once: what waited offline for a day comes at once
ADDRESS_RATE, ADDRESS_BURST = 500, 10_000  # hits of one address: a company, a school or a phone network may stand behind it

LONGEST = 1_000  # characters of a header that is looked at: what is concluded from it is remembered, with the header

ANSWERS: dict[Kept, Answer] = {
    "stored": Answer(204, CORS),
    "spilled": Answer(202, CORS),
    "full": Answer(503, [*CORS, (b"retry-after", b"10")]),
    "refused": Answer(500, CORS),
}
PREFLIGHTED = Answer(204, PREFLIGHT)
NOT_ALLOWED = Answer(405, [*CORS, (b"allow", b"POST, OPTIONS")])
IGNORED = Answer(204, CORS)
TOO_LONG = faulty(413, f"more than {wire.MAX_BODY} bytes", "")
NO_JSON = faulty(400, "expected JSON", "")
FOREIGN = faulty(403, "this site is not registered with Baton", "")


class Hits:
    """What one request carries becomes one packet."""

    def __init__(self, settings: Config, buffer: Buffer, sites: Sites) -> None:
        self.demo = settings.demo
        self.keeps_net = settings.track_ip == "truncated"
        self.buffer = buffer
        self.sites = sites
        self.visitors = Buckets(COOKIE_RATE, COOKIE_BURST)
        self.addresses = Buckets(ADDRESS_RATE, ADDRESS_BURST)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI request."""
        if scope["method"] != "POST":
            await (PREFLIGHTED if scope["method"] == "OPTIONS" else NOT_ALLOWED).send(send)
            return
        body = await read_body(receive)
        if body is None:
            await TOO_LONG.send(send)
            return
        future: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        client = scope.get("client")
        sender = client[0] if client else "", header(scope, b"x-forwarded-for"), header(scope, b"origin"), header(scope, b"user-agent")

        def tell(kept: Kept) -> None:
            if not future.done():  # who asked may have gone
                future.set_result(kept)

        answer = self.take(body, *sender, tell)
        await (answer or ANSWERS[await future]).send(send)

    def take(self, body: bytes, client: str, forwarded: str, origin: str, user_agent: str, tell: Callable[[Kept], object]) -> Answer | None:
        """The answer, or None when it is given later: then `tell` is called with the word by which ANSWERS has it."""
        received = time.time_ns() // 1_000_000
        origin, user_agent = origin[:LONGEST], user_agent[:LONGEST]
        try:
            batch = wire.parse(from_json(body))
            known = signing.read("contact", batch.token) if batch.token else None
            if crawler(user_agent, self.demo):
                return IGNORED
            if not self.sites.may_send(_host(origin or (batch.hits[0].url if batch.hits else ""))):
                return FOREIGN
            address = believed(client, forwarded)
            now, hits = time.monotonic(), len(batch.hits) or 1
            wait = self.visitors.take(batch.cookie, hits, now) or (self.addresses.take(address, hits, now) if address else 0)
            if wait:
                return Answer(429, [*CORS, (b"retry-after", b"%d" % math.ceil(wait))])
            led = known[2] if known and len(known) > 2 else 0
            net = network(address) if self.keeps_net else ""
            entry = packet.of_hits(batch, received, known=known[0] if known else 0, user_agent=user_agent, click=led, address=address, net=net)
        except wire.Malformed as error:
            return faulty(400, str(error), error.path)
        except ValueError:
            return NO_JSON
        return None if self.buffer.add(entry, tell) else ANSWERS["full"]


@lru_cache(4096)
def _host(url: str) -> str:
    """The host of an address, "" when it has none (the Origin `null`)."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
