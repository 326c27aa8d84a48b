"""Time moves people: windows end without any event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from baton.crm import properties
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.config import config
from baton.segments import edges, verbs
from baton.segments.models import Score, Segment


def waiting() -> list[tuple[Any, ...]]:
    return sql.rows("SELECT contact_id, kind, key FROM change ORDER BY id")


def test_a_member_leaves_when_the_window_ends(world: Any) -> None:
    anna = world.contact()
    world.views(anna, "/pricing", days_ago=29)
    recent = world.list(world.viewed("/pricing", days=30))
    assert world.members(recent) == {anna}
    world.later(hours=23)
    assert world.members(recent) == {anna}
    world.later(hours=2)
    assert not world.members(recent)


def test_silence_makes_a_member(world: Any) -> None:
    anna = world.contact()
    world.views(anna, "/pricing", days_ago=1)
    silent = world.list({"condition": "no_activity", "days": 90})
    world.later(days=88)
    assert not world.members(silent)
    world.later(days=2)
    assert world.members(silent) == {anna}


def test_points_go_when_the_window_ends(world: Any) -> None:
    anna = world.contact()
    model = world.model(("web", world.viewed("/pricing", days=30), 5, {"each": True, "times": 3}))
    world.views(anna, "/pricing", days_ago=20)
    world.views(anna, "/pricing", times=4)
    world.settle()
    assert Score.objects.get(contact_id=anna, model_id=model.pk).reasons == {str(world.rule(model, 0).pk): [3, 15]}
    world.later(days=11)
    assert Score.objects.get(contact_id=anna, model_id=model.pk).reasons == {str(world.rule(model, 0).pk): [3, 15]}
    world.later(days=20)
    assert Score.objects.get(contact_id=anna, model_id=model.pk).total == 0


def test_only_who_crossed_is_woken_and_once(world: Any) -> None:
    anna, ben = world.contact(), world.contact()
    world.views(anna, "/pricing", days_ago=29.5)
    world.views(ben, "/pricing", days_ago=2)
    world.views(anna, "/other", days_ago=29.5)
    recent = world.list(world.viewed("/pricing", days=30))
    world.settle()
    clock.shift(timedelta(days=1))
    assert edges.look() == 1
    assert waiting() == [(anna, "edge", f"segment:{recent.pk}")]
    assert edges.look() == 0
    assert Segment.objects.get(pk=recent.pk).evaluated_at > recent.evaluated_at


def test_what_happens_now_is_no_edge(world: Any) -> None:
    anna = world.contact()
    world.list(world.viewed("/pricing", days=30))
    world.settle()
    clock.shift(timedelta(minutes=1))
    world.views(anna, "/pricing")
    sql.run("DELETE FROM change")
    assert edges.look() == 0


def test_a_model_is_woken_by_one_of_its_rules(world: Any) -> None:
    anna = world.contact()
    world.views(anna, "/pricing", days_ago=29.5)
    world.model(("web", world.viewed("/pricing", days=30), 5), ("email", world.viewed("/pricing", days=30), 3))
    world.settle()
    clock.shift(timedelta(days=1))
    assert edges.look() == 1


def test_visitors_without_a_contact_are_not_looked_at(world: Any) -> None:
    world.did(4242, Kind.PAGE_VIEW, "nuriwork.example/pricing", ago=timedelta(days=29.5))
    world.list(world.viewed("/pricing", days=30))
    world.settle()
    clock.shift(timedelta(days=1))
    assert edges.look() == 0


def test_a_list_that_was_never_evaluated_has_no_edges_yet(world: Any) -> None:
    world.views(world.contact(), "/pricing", days_ago=29.5)
    verbs.create_segment("New", world.viewed("/pricing", days=30), "active", SYSTEM)
    clock.shift(timedelta(days=1))
    assert edges.look() == 0


def test_a_clock_that_goes_back_between_the_look_and_the_tick_loses_nobody(world: Any) -> None:
    anna = world.contact()
    world.views(anna, "/pricing", days_ago=29.5)
    recent = world.list(world.viewed("/pricing", days=30))
    model = world.model(("web", world.viewed("/pricing", days=30), 5))
    world.settle()
    clock.shift(timedelta(days=1))
    assert edges.look() == 2
    clock.shift(timedelta(hours=6))  # another machine's clock, or this one's set right
    world.settle()
    assert not world.members(recent)
    assert Score.objects.get(contact_id=anna, model_id=model.pk).total == 0
    world.later(days=3)
    assert not world.members(recent)


def test_an_event_exactly_at_the_edge_counts_until_that_moment_and_not_after(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = clock.now().replace(microsecond=0)
    monkeypatch.setattr(clock, "now", lambda: moment)
    anna = world.contact()
    world.views(anna, "/pricing", days_ago=30)
    recent = world.list(world.viewed("/pricing", days=30))
    assert world.members(recent) == {anna}  # both ends are in; evaluated at the very edge
    monkeypatch.setattr(clock, "now", lambda: moment + timedelta(seconds=1))
    world.settle()
    assert not world.members(recent)


def test_a_day_ends_when_it_does_for_the_account_on_the_day_clocks_change(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In New York 2026-11-01 has 25 hours: it ends at 05:00 UTC of the next day."""
    settings = config().model_copy(update={"time_zone": "America/New_York"})
    for module in ("edges", "refresh"):
        monkeypatch.setattr(f"baton.segments.{module}.config", lambda: settings)
    properties.define("contact", "renewal", "Renewal", "date", actor=SYSTEM)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 1, 5, 0, tzinfo=UTC))
    anna = world.contact(renewal="2026-11-01")
    due = world.list({"condition": "property", "property": "renewal", "operator": "in_next_days", "value": 1})
    for hour, minute, members in ((4, 30, {anna}), (5, 0, set()), (5, 30, set())):
        moment = datetime(2026, 11, 2, hour, minute, tzinfo=UTC)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        world.settle()
        assert world.members(due) == members, moment
