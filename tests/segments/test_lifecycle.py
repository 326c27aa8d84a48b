"""Stages by score: forward only, and never what people decided."""

from typing import Any

import pytest

from baton.crm import records
from baton.crm.models import PropertyHistory
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.platform.actor import SYSTEM
from baton.segments import lifecycle
from tests.segments import scores


def stage(contact_id: int) -> str:
    return str(records.get("contact", contact_id).properties.get("lifecyclestage", ""))


def model(world: Any) -> Any:
    return world.model(("web", world.viewed("/pricing"), 10, {"each": True}))


def test_a_new_contact_is_a_lead(world: Any) -> None:
    anna = world.contact()
    world.settle()
    assert stage(anna) == "lead"
    event = Event.objects.get(contact_id=anna, kind=Kind.STAGE_CHANGED)
    assert event.payload == {"from": "", "to": "lead", "score": 0}


def test_points_move_a_lead_forward_and_nothing_moves_him_back(world: Any) -> None:
    scored = model(world)
    anna = world.contact()
    world.settle()
    world.views(anna, "/pricing", times=4)
    world.settle()
    assert stage(anna) == "mql"
    world.views(anna, "/pricing", times=3)
    world.settle()
    assert stage(anna) == "sql"
    world.later(days=31)
    assert stage(anna) == "sql"
    scores.thresholds(scored, 500, 600, actor=SYSTEM)
    lifecycle.everyone()
    assert stage(anna) == "sql"
    moves = Event.objects.filter(contact_id=anna, kind=Kind.STAGE_CHANGED).order_by("ts")
    assert [(e.payload["from"], e.payload["to"], e.payload["score"]) for e in moves] == [("", "lead", 0), ("lead", "mql", 40), ("mql", "sql", 70)]
    history = PropertyHistory.objects.filter(record_id=anna, name="lifecyclestage").order_by("at", "id")
    assert [(h.old, h.new, h.actor, h.source) for h in history][1:] == [("lead", "mql", "system", "rule"), ("mql", "sql", "system", "rule")]


def test_far_enough_at_once_goes_through_every_stage(world: Any) -> None:
    model(world)
    anna = world.contact()
    world.views(anna, "/pricing", times=7)
    world.settle()
    assert stage(anna) == "sql"
    history = PropertyHistory.objects.filter(record_id=anna, name="lifecyclestage").order_by("id")
    assert [(h.old, h.new) for h in history] == [(None, "lead"), ("lead", "mql"), ("mql", "sql")]
    told = Event.objects.filter(contact_id=anna, kind=Kind.STAGE_CHANGED).order_by("ts")
    assert [(e.payload["from"], e.payload["to"]) for e in told] == [("", "lead"), ("lead", "mql"), ("mql", "sql")]


@pytest.mark.parametrize("decided", ["opportunity", "customer", "recycle_a", "deadend"])
def test_what_people_decided_stays(world: Any, decided: str) -> None:
    model(world)
    anna = world.contact(lifecyclestage=decided)
    world.views(anna, "/pricing", times=7)
    world.settle()
    lifecycle.everyone()
    assert stage(anna) == decided


def test_a_subscriber_becomes_mql_by_points_only(world: Any) -> None:
    model(world)
    anna = world.contact(lifecyclestage="subscriber")
    world.views(anna, "/pricing", times=1)
    world.settle()
    assert stage(anna) == "subscriber"
    world.views(anna, "/pricing", times=3)
    world.settle()
    assert stage(anna) == "mql"


def test_lower_thresholds_move_everybody_who_has_the_points(world: Any) -> None:
    scored = model(world)
    anna, ben = world.contact(), world.contact()
    world.views(anna, "/pricing", times=2)
    world.views(ben, "/pricing")
    world.settle()
    scores.thresholds(scored, 15, 50, actor=SYSTEM)
    assert lifecycle.everyone() == 1
    assert (stage(anna), stage(ben)) == ("mql", "lead")


def test_a_stage_wakes_the_lists_that_look_at_it(world: Any) -> None:
    model(world)
    anna = world.contact()
    ripe = world.list(world.has("lifecyclestage", "mql", "sql"))
    world.views(anna, "/pricing", times=4)
    world.settle()
    assert world.members(ripe) == {anna}
