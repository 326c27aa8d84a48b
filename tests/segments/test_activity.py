"""Calls and meetings that colleagues log are counted, filtered and scored."""

import pytest
from django.utils import translation

from baton.accounts import users
from baton.crm import activities, records
from baton.platform.actor import SYSTEM, Actor
from baton.segments import catalog, filter
from baton.segments.models import Score

from .conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(account: object) -> Actor:
    return Actor("user", users.create("han@nuriwork.example", "한도윤", "a-long-enough-one", "sales", actor=SYSTEM).pk)


def test_a_logged_meeting_scores(world: World, actor: Actor) -> None:
    anna, ben = world.contact(), world.contact()
    world.model(("web", {"condition": "activity", "kind": "meeting", "outcome": "COMPLETED"}, 2, {"each": True}))
    meeting = activities.write("meeting", {"title": "Demo", "outcome": "COMPLETED"}, [("contact", anna)], actor=actor)
    activities.write("meeting", {"title": "Demo", "outcome": "NO_SHOW"}, [("contact", ben)], actor=actor)
    world.settle()
    assert points(anna) == 2
    assert points(ben) == 0
    activities.change("meeting", meeting, {"outcome": "NO_SHOW"}, actor=actor)
    world.settle()
    assert points(anna) == 0
    activities.change("meeting", meeting, {"outcome": "COMPLETED"}, actor=actor)
    world.settle()
    assert points(anna) == 2
    records.archive("meeting", meeting, actor=actor)
    world.settle()
    assert points(anna) == 0


def points(contact: int) -> int:
    return Score.objects.filter(contact_id=contact).values_list("total", flat=True).first() or 0


def test_a_list_of_who_was_called(world: World, actor: Actor) -> None:
    anna, ben = world.contact(), world.contact()
    called = world.list({"condition": "activity", "kind": "call", "at_least": 2, "days": 30})
    for _turn in range(2):
        activities.write("call", {"body": "…", "outcome": "connected"}, [("contact", anna)], actor=actor)
    activities.write("call", {"body": "…"}, [("contact", ben)], actor=actor)
    world.settle()
    assert world.members(called) == {anna}
    world.later(days=31)
    assert world.members(called) == set()


def test_it_says_what_it_asks_for() -> None:
    translation.activate("en")
    assert filter.sentence({"condition": "activity", "kind": "call", "outcome": "connected", "days": 30}).startswith("was called (“Connected”)")
    assert filter.parse({"condition": "activity", "kind": "meeting"}, catalog.current())
