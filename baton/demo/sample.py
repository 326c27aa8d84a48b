"""All that the parts of the sample company share while it is loaded."""

import random
from dataclasses import dataclass, field
from datetime import datetime

from baton.demo.book import Book
from baton.demo.people import Company, Person
from baton.demo.setting import Setting


@dataclass(slots=True)
class Journey:
    """How a person came to his stage: (when, from, to, who moved him, source)."""

    stage: str
    moves: list[tuple[datetime, str, str, str, str]]

    def at(self, stage: str) -> datetime | None:
        return next((when for when, _from, to, _who, _source in self.moves if to == stage), None)


@dataclass(slots=True)
class Sample:
    """Who there is and what they did. `people[0]` is the hero; `journeys` is by contact, known once everybody was scored."""

    rng: random.Random
    now: datetime
    setting: Setting
    companies: list[Company]
    people: list[Person]
    book: Book
    journeys: dict[int, Journey] = field(default_factory=dict)
