"""A small world for lists and scores: contacts, what they did, and the tick that follows."""

from datetime import timedelta
from typing import Any

import pytest

from baton.crm import records
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock
from baton.platform.actor import SYSTEM
from baton.segments import edges, refresh, scoring, verbs
from baton.segments.models import Membership, ScoreModel, ScoreRule, Segment
from tests.segments import scores

SITE = "nuriwork.example"


class World:
    """What tests do and ask, in a few words."""

    def __init__(self) -> None:
        self.people = 0

    def contact(self, **values: Any) -> int:
        self.people += 1
        values.setdefault("email", f"person{self.people}@client.example")
        return records.create("contact", values, actor=SYSTEM, source="test")

    def change(self, contact_id: int, **values: Any) -> None:
        records.update("contact", contact_id, values, actor=SYSTEM, source="test")

    def did(self, contact_id: int, kind: Kind, about: str, *, ago: timedelta = timedelta(), times: int = 1, value: float | None = None) -> None:
        at = clock.now() - ago
        record.add([NewEvent(contact_id, kind, at, key_value=about, value=value) for _ in range(times)])

    def views(self, contact_id: int, path: str, *, days_ago: float = 0, times: int = 1) -> None:
        self.did(contact_id, Kind.PAGE_VIEW, SITE + path, ago=timedelta(days=days_ago), times=times)

    def settle(self) -> None:
        """Let time and the tick do their work until nothing is left."""
        edges.look()
        for _ in range(50):
            if not changes.tick():
                return
        raise AssertionError("the tick does not come to rest")

    def later(self, **by: float) -> None:
        """Move the clock from where it stands, and let the world settle."""
        clock.shift(clock._shift + timedelta(**by))
        self.settle()

    def list(self, filter: dict[str, Any], name: str = "List") -> Segment:
        segment = verbs.create_segment(name, filter, "active", SYSTEM)
        refresh.everyone(segment)
        return Segment.objects.get(pk=segment.pk)

    def members(self, segment: Segment) -> set[int]:
        return set(Membership.objects.filter(segment_id=segment.pk).values_list("contact_id", flat=True))

    def model(self, *given: tuple[str, dict[str, Any], int] | tuple[str, dict[str, Any], int, dict[str, Any]]) -> ScoreModel:
        """A score model with rules (group, filter, points, more)."""
        rules = [scores.rule(f"rule{number}", group, stored, points, *more) for number, (group, stored, points, *more) in enumerate(given)]
        model = scores.create("Lead score", rules=rules, actor=SYSTEM)
        scoring.everyone(model)
        return ScoreModel.objects.get(pk=model.pk)

    def rule(self, model: ScoreModel, number: int) -> ScoreRule:
        return model.rules.get(key=f"rule{number}")

    @staticmethod
    def viewed(address: str, *, at_least: int = 1, days: int | None = 30) -> dict[str, Any]:
        return {"condition": "page_viewed", "address": address, "match": "is", "at_least": at_least, "days": days}

    @staticmethod
    def has(name: str, *values: Any) -> dict[str, Any]:
        return {"condition": "property", "property": name, "operator": "any_of", "value": list(values)}

    @staticmethod
    def has_city(value: str) -> dict[str, Any]:
        return {"condition": "property", "property": "city", "operator": "is", "value": value}

    @staticmethod
    def has_number(value: int) -> dict[str, Any]:
        return {"condition": "property", "property": "numberofemployees", "operator": "is", "value": value}


@pytest.fixture
def world(db: None) -> World:
    return World()
