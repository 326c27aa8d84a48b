"""All that the parts of the sample company share while it is loaded."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from baton.crm.models import Import
from baton.demo.book import Book
from baton.demo.people import Company, Person
from baton.demo.setting import Setting
from baton.platform import sql

BLOCK = 1000  # record ids taken at once
STILL = timedelta(days=89)  # who was quiet for longer counts as asleep, and stays so


@dataclass(slots=True)
class Pause:
    """No marketing from one moment until another; over when `ended` is set, by time, wake, or an actor."""

    at: datetime
    until: datetime
    reason: str
    actor: str
    wake: dict[str, Any] = field(default_factory=dict)
    ended: datetime | None = None
    by: str = ""


@dataclass(slots=True)
class Journey:
    """How a person came to his stage: (when, from, to, who moved him, source)."""

    stage: str
    moves: list[tuple[datetime, str, str, str, str]]
    why: dict[datetime, str] = field(default_factory=dict)  # of the move made then
    verdict: tuple[datetime, str, str] | None = None  # of sales: when, which, why
    pause: Pause | None = None

    def at(self, stage: str) -> datetime | None:
        return next((when for when, _from, to, _who, _source in self.moves if to == stage), None)


@dataclass(slots=True)
class Row:
    """A record other than a contact, with the (type, id) of those it is linked to."""

    kind: str
    id: int
    properties: dict[str, Any]
    at: datetime  # when it was written down
    links: list[tuple[str, int]] = field(default_factory=list)
    by: str = "system"
    source: str = "page"
    changed: datetime | None = None


@dataclass(slots=True)
class Deal:
    """A deal and whom it is made with. `seats` is how many employees are to use what is sold."""

    person: Person
    row: Row
    seats: int

    @property
    def stage(self) -> str:
        return str(self.row.properties["dealstage"])

    @property
    def owner(self) -> int:
        return int(self.row.properties["owner_id"])

    @property
    def open(self) -> bool:
        return not self.stage.startswith("closed")

    @property
    def about(self) -> list[tuple[str, int]]:
        """What is linked to whatever happens in this deal."""
        return [("contact", self.person.id), ("company", self.person.company.id), ("deal", self.row.id)]


@dataclass(slots=True)
class Sample:
    """Who there is and what they did. `people[0]` is the hero; `journeys` is by contact, known once everybody was scored."""

    seed: int
    rng: random.Random
    now: datetime
    setting: Setting
    companies: list[Company]
    people: list[Person]
    book: Book
    journeys: dict[int, Journey] = field(default_factory=dict)
    deals: list[Deal] = field(default_factory=list)  # that of the hero first
    given: dict[int, list[Any]] = field(default_factory=dict)  # points by hand, by contact
    pinned: dict[tuple[int, str], datetime] = field(default_factory=dict)  # (contact, list) put in or kept out by hand
    imports: dict[str, Import] = field(default_factory=dict)  # by name: past, fair, webinar
    cards: list[Person] = field(default_factory=list)  # met at the fair, unknown before
    products: dict[str, int] = field(default_factory=dict)  # record id by name
    _ids: list[int] = field(default_factory=list)

    def number(self) -> int:
        """The id of a new record."""
        if not self._ids:
            self._ids = sql.next_ids("record_id_seq", BLOCK)[::-1]
        return self._ids.pop()

    def luck(self, of: str) -> random.Random:
        """Chance of its own for one part, so that one part can change without the others."""
        return random.Random(f"{self.seed}:{of}")

    def reach(self, person: Person) -> datetime:
        """Until when somebody can be talked to: who has gone quiet was not called last week."""
        return self.now if self.now - person.seen < STILL else person.seen
