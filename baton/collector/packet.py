"""What waits to be written: the facts of one request, complete and with fixed ids, so that writing them twice does no harm."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from baton.collector.countries import country
from baton.events import wire
from baton.events.ids import BITS, new_id
from baton.events.vocabulary import Kind, key_kind

SKEW = 5 * 60_000  # ms a browser's clock may be late before its times are corrected
AHEAD = 1_000  # ms it may be early
MINUTE = 60_000
OLDEST = 62 * 24 * 3600_000  # ms
KEY_KINDS = {kind: int(key_kind(kind)) for kind in Kind}
OF_VIEW = (Kind.PAGE_DWELL, Kind.PAGE_SCROLL)  # what they are about is told by the view's payload


class Fact(NamedTuple):
    """One event without the contact it belongs to. Times in milliseconds since 1970, by the server's clock."""

    ts: int
    id: int
    kind: int
    key_kind: int
    key: str  # "" for mail events: their key is the message's e-mail
    label: str
    value: float | None
    payload: str  # JSON


@dataclass(slots=True)
class Packet:
    """The facts of one request. Whose they are is told by `cookie`, or by `message` (and `contact`) for opens and clicks."""

    received: int
    facts: list[Fact]
    cookie: str = ""
    known: int = 0  # contact id of a signed mail link: the cookie is probably this contact's
    page: str = ""
    referrer: str = ""
    user_agent: str = ""
    language: str = ""
    zone: str = ""
    address: str = ""  # in memory only: what is kept is the country
    country: str = ""
    contact: int = 0
    message: int = 0
    grace: int = 0  # ms after the sending in which a hit is taken for a machine's

    def dump(self) -> bytes:
        """One line for the spill file."""
        return to_json(asdict(self) | {"facts": [list(f) for f in self.facts], "address": "", "country": self.where()}) + b"\n"

    def where(self) -> str:
        """The country the request came from, "" when it is not known."""
        return self.country or country(self.address, self.zone, self.language)

    @classmethod
    def load(cls, line: bytes) -> "Packet":
        """The packet of a line; raises ValueError for a line that was cut."""
        raw = from_json(line)
        try:
            return cls(**raw | {"facts": [Fact(*f) for f in raw["facts"]]})
        except (TypeError, KeyError) as error:
            raise ValueError(str(error)) from None


def of_hits(batch: wire.Batch, received: int, *, known: int, user_agent: str, click: int = 0, address: str = "", net: str = "") -> Packet:
    """The packet of a tracker's request. Raises Malformed for a hit that is too old to be kept.

    A browser's clock that is off (over 5 minutes late, over a second early) is corrected by whole minutes, rounded
    towards the past: the same hit sent again gets the same time, and none lies in the future. `click`: the event of a mail or link that led here;
    `net`: what may be kept of the address.
    """
    off = received - batch.sent
    shift = off // MINUTE * MINUTE if off > SKEW or off < -AHEAD else 0
    facts, page, referrer = [], "", ""
    for number, (kind, id, time, url, key, label, came_from, value, extra) in enumerate(batch.hits):
        ts = min(time + shift, received)
        if ts < received - OLDEST:
            raise wire.Malformed(f"h[{number}].t", "older than 62 days")
        if kind is Kind.PAGE_VIEW:
            page, referrer = page or url, referrer or came_from
            payload = {"url": url}
            if label:
                payload["title"] = label
            if came_from:
                payload["referrer"] = came_from
            if net:
                payload["net"] = net
            if click:
                payload |= {"click": str(click), "whom": str(known)}
                click = 0  # the first page only
            text = to_json(payload).decode()
        elif kind in OF_VIEW:
            text = "{}"
        else:
            text = to_json({"page": url, **extra}).decode()
        facts.append(Fact(ts, id, kind, KEY_KINDS[kind], key, label, value, text))
    if batch.said:
        facts.append(_said(batch, received))
    return Packet(received, facts, batch.cookie, known, page, referrer, user_agent[:300], batch.language, batch.zone, address)


def _said(batch: wire.Batch, received: int) -> Fact:
    """Who the site says its visitor is, known by what it says and the minute: sites say it with every page."""
    rest = dict(batch.said)
    payload = to_json({"email": rest.pop("email"), "properties": rest})
    digest = hashlib.blake2b(batch.cookie.encode() + payload, digest_size=8).digest()
    kind = Kind.SAID_WHO
    return Fact(received // MINUTE * MINUTE, int.from_bytes(digest, "big") >> 64 - BITS, int(kind), KEY_KINDS[kind], "", "", None, payload.decode())


def of_mail(kind: Kind, contact: int, message: int, received: int, *, grace: int, machine: str, payload: dict[str, Any]) -> Packet:
    """The packet of an open or a click. `machine` says why it was no person, or is empty."""
    payload = {"message": message, **payload, **({"machine": machine} if machine else {})}
    fact = Fact(received, new_id(), int(kind), int(kind), "", "", None, to_json(payload).decode())
    return Packet(received, [fact], contact=contact, message=message, grace=0 if machine else grace)
