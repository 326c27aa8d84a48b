"""Plays a trace of opens and clicks through the collector and the tick, and counts what became of it."""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from baton.collector import mails
from baton.crm import records
from baton.events.models import Site
from baton.events.vocabulary import Kind
from baton.messaging.models import Email, EmailLink, Message
from baton.platform import changes, clock, signing, sql
from baton.platform.actor import SYSTEM
from tests.collector.running import Running, now_ms
from tests.collector.trace import LINKS, Hit, Maker

SITE = "nuriwork.example"
AGO = timedelta(hours=3)  # when the mail was sent
MESSAGE = 1_000_000  # message of the first person


@dataclass
class Result:
    """How many hits of each label there were, and how many of them count."""

    of: Counter[str] = field(default_factory=Counter)
    counting: Counter[str] = field(default_factory=Counter)
    views: Counter[str] = field(default_factory=Counter)  # pages seen by contacts after a click of this label
    points: int = 0  # of all contacts, by a score that gives one for each open and click

    def share(self, human: bool) -> tuple[int, int]:
        """(counting, all) of what people did, or of what programs did."""
        mine = [label for label in self.of if label.startswith("human") == human]
        return sum(self.counting[label] for label in mine), sum(self.of[label] for label in mine)

    def __str__(self) -> str:
        return "\n".join(f"{label:28}{self.counting[label]:5} of {n:5} count" for label, n in sorted(self.of.items()))


class World:
    """A sending to everybody in the trace."""

    def __init__(self, maker: Maker, collector: Running) -> None:
        self.collector = collector
        self.sent = clock.now() - AGO
        Site.objects.update_or_create(domain=SITE)
        self.email = Email.objects.create(name="뉴스레터", subject="소식", body="<p></p>")
        self.links = [EmailLink.objects.create(email=self.email, url=f"https://www.{SITE}/page-{n}").pk for n in range(LINKS)]
        addresses = [f"p{person}@firm{number}.example" for number, person in _everybody(maker.companies)]
        made = records.create_many("contact", [{"email": address} for address in addresses], actor=SYSTEM, source="api")
        self.people = [one if isinstance(one, int) else 0 for one in made]
        assert all(self.people)
        Message.objects.bulk_create(
            Message(contact_id=id, id=MESSAGE + n, cause="test", email_id=self.email.pk, state="sent", created_at=self.sent, sent_at=self.sent)
            for n, id in enumerate(self.people)
        )
        self.labels: dict[tuple[int, int, int], str] = {}  # contact, kind, milliseconds
        self.landed: dict[int, str] = {}  # number of a page view -> label

    def address(self, hit: Hit) -> str:
        token = signing.make("mail", MESSAGE + hit.person, self.people[hit.person], self.email.pk)
        if hit.what == "open":
            return f"/o/{token}.gif"
        return f"/c/{token}/{0 if hit.what == 'trap' else self.links[int(hit.what)]}"

    def play(self, hits: Sequence[Hit]) -> None:
        """Send the hits, each at its time."""
        for hit in hits:
            at = self.sent + timedelta(seconds=hit.at)
            kind = Kind.EMAIL_OPEN if hit.what == "open" else Kind.EMAIL_CLICK
            ms = _ms(at)
            while (self.people[hit.person], int(kind), ms) in self.labels:
                ms += 1
            self.labels[self.people[hit.person], int(kind), ms] = hit.label
            with at_time(ms):
                headers = {**hit.headers, "user-agent": hit.agent, "x-forwarded-for": hit.address}
                answer = self.collector.do(self.collector.http.request(hit.method, self.address(hit), headers=headers))
            assert answer.status_code == (204 if hit.what == "trap" else 200 if hit.what == "open" else 302)
            if hit.landing is not None:
                self._land(hit, answer.headers["location"], ms + 400)

    def _land(self, hit: Hit, location: str, ms: int) -> None:
        address, _, token = location.partition("?bt=")
        page: dict[str, Any] = {"id": secrets.randbelow(1 << 48) * 4, "t": ms, "u": address}
        stay = hit.landing
        self.landed[page["id"]] = hit.label
        assert stay is not None
        assert token
        told = [{**page, "k": "page_view"}, {**page, "k": "page_dwell", "id": page["id"] + 1, "n": stay.dwell}]
        told.append({**page, "k": "page_scroll", "id": page["id"] + 2, "n": stay.depth})
        if stay.clicked:
            told.append({"k": "cta_click", "id": page["id"] + 3, "t": ms + 4000, "u": address, "x": {"cta": "문의하기", "href": f"{address}#form"}})
        body = {"v": 1, "c": secrets.token_hex(16), "s": now_ms(), "bt": token, "h": told}
        answer = self.collector.post(body, headers={"user-agent": hit.agent})
        assert answer.status_code == 204, answer.text

    def result(self) -> Result:
        """What became of everything played so far."""
        found = Result()
        rows = sql.rows("SELECT contact_id, kind, ts, payload FROM event WHERE kind IN (11, 12) AND contact_id = ANY(%s)", [self.people])
        told = {(contact, kind, _ms(ts)): json.loads(payload) for contact, kind, ts, payload in rows}
        assert told.keys() == self.labels.keys()
        for place, label in self.labels.items():
            found.of[label] += 1
            found.counting[label] += "machine" not in told[place]
        seen = sql.rows("SELECT id FROM event WHERE kind = %s AND contact_id = ANY(%s)", [int(Kind.PAGE_VIEW), self.people])
        found.views.update(self.landed[id] for (id,) in seen)
        found.points = int(sql.rows("SELECT coalesce(sum(total), 0) FROM score WHERE contact_id = ANY(%s)", [self.people])[0][0])
        return found


def settle() -> None:
    """Let the tick do all its work."""
    while changes.tick():
        pass


def at_time(ms: int) -> AbstractContextManager[Callable[[], int]]:
    """The collector takes it for this time when mails are opened."""
    return patch.object(mails, "now_ms", lambda: ms)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _everybody(companies: Sequence[int]) -> list[tuple[int, int]]:
    """(company, person) of everybody."""
    people = [number for number, size in enumerate(companies) for _ in range(size)]
    return [(number, person) for person, number in enumerate(people)]
