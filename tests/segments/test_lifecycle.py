"""Entry into stages by rule: forward only, in one booking, never against what people decided."""

from typing import Any

import pytest

from baton.crm import associations, records, stages
from baton.crm.associations import Link
from baton.crm.builtin import stages as builtin
from baton.crm.models import Booking, LifecycleStage, PropertyHistory
from baton.events.models import Event
from baton.events.vocabulary import Kind
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Invalid
from baton.platform.models import History
from baton.segments import content, entries, lifecycle, verdicts
from baton.segments.models import ScoreModel
from tests.segments import scores

OH = Actor("user", 1)


def stage(contact_id: int) -> str:
    return str(records.get("contact", contact_id).properties.get("lifecyclestage", ""))


def booked(contact_id: int) -> list[tuple[str, str, str]]:
    return list(Booking.objects.filter(contact_id=contact_id).order_by("id").values_list("out_of", "into", "path"))


def told(contact_id: int) -> list[tuple[str, str, str]]:
    events = Event.objects.filter(contact_id=contact_id, kind=Kind.STAGE_CHANGED).order_by("ts", "id")
    return [(e.payload["from"], e.payload["to"], e.payload["path"]) for e in events]


def move(contact_id: int, into: str, **more: Any) -> None:
    assert stages.move([contact_id], into, actor=OH, source="page", **more) == {contact_id: True}


def model(world: Any) -> Any:
    return world.model(("web", world.viewed("/pricing"), 10, {"each": True}))


def test_who_can_be_reached_is_a_lead_at_once(world: Any) -> None:
    anna, nobody = world.contact(), world.contact(email=None, lastname="무명")
    world.settle()
    assert (stage(anna), stage(nobody)) == ("lead", "")
    event = Event.objects.get(contact_id=anna, kind=Kind.STAGE_CHANGED)
    assert event.payload == {"from": "", "to": "lead", "path": "entry", "source": "rule", "actor": "system"}
    assert event.id == Booking.objects.get(contact_id=anna).id


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
    scores.thresholds(scored, 500, 600, actor=SYSTEM)
    assert lifecycle.everyone() == 0
    assert stage(anna) == "sql"
    assert booked(anna) == told(anna)
    assert booked(anna)[0] == ("", "lead", "entry")
    assert booked(anna)[-1] == ("mql", "sql", "forward")
    history = PropertyHistory.objects.filter(record_id=anna, name="lifecyclestage").order_by("id")
    assert [(h.old, h.new, h.actor, h.source) for h in history][-1:] == [("mql", "sql", "system", "rule")]


def test_far_enough_at_once_is_one_fast_pass(world: Any) -> None:
    model(world)
    anna = world.contact()
    world.views(anna, "/pricing", times=7)
    world.settle()
    assert booked(anna) == told(anna) == [("", "lead", "entry"), ("lead", "sql", "fast_pass")]
    history = PropertyHistory.objects.filter(record_id=anna, name="lifecyclestage").order_by("id")
    assert [(h.old, h.new) for h in history] == [(None, "lead"), ("lead", "sql")]


def test_the_model_reads_contact_data_interest_and_inquiries(world: Any) -> None:
    """The preset that is there from the start, without any points."""
    reached, clicked, asked = world.contact(), world.contact(), world.contact()
    content.tag(Kind.FORM_SUBMISSION, "7", tags=["late"], rating=None, actor=SYSTEM)
    world.settle()
    world.did(clicked, Kind.EMAIL_CLICK, "3")
    world.did(asked, Kind.FORM_SUBMISSION, "7")
    world.settle()
    assert [stage(id) for id in (reached, clicked, asked)] == ["lead", "nurturing", "mql"]
    assert booked(asked)[-1] == ("lead", "mql", "fast_pass")
    deal = records.create("deal", {"dealname": "근태"}, actor=SYSTEM, source="test")
    associations.link_many([Link("deal", deal, "contact", asked)], actor=SYSTEM)
    world.settle()
    assert stage(asked) == "opportunity"
    records.update("deal", deal, {"dealstage": "closedwon"}, actor=SYSTEM, source="test")
    world.settle()
    assert booked(asked)[-1] == ("opportunity", "customer", "forward")
    assert lifecycle.everyone() == 0


@pytest.mark.parametrize("decided", ["opportunity", "customer", "recycle_a", "deadend", "other"])
def test_what_people_decided_stays(world: Any, decided: str) -> None:
    model(world)
    anna = world.contact(lifecyclestage=decided)
    world.views(anna, "/pricing", times=7)
    world.settle()
    assert lifecycle.everyone() == 0
    assert stage(anna) == decided


def test_a_subscriber_is_none_as_soon_as_he_shows_interest(world: Any) -> None:
    anna = world.contact(lifecyclestage="subscriber")
    world.settle()
    assert stage(anna) == "subscriber"
    world.views(anna, "/pricing")
    world.settle()
    assert booked(anna)[-1] == ("subscriber", "nurturing", "fast_pass")


def test_who_was_moved_back_earns_it_again(world: Any) -> None:
    model(world)
    anna = world.contact()
    world.views(anna, "/pricing", times=7)
    world.settle()
    world.later(hours=1)
    move(anna, "mql", back=True, reason="아직 이름")
    world.settle()
    assert lifecycle.everyone() == 0
    assert (stage(anna), booked(anna)[-1]) == ("mql", ("sql", "mql", "back"))
    world.later(hours=1)
    entries.add([anna], ScoreModel.objects.get(), 5, reason="전화로 확인", actor=OH)  # points won are as good as a visit
    world.settle()
    assert stage(anna) == "sql"


def test_who_comes_back_by_himself_is_lifted_too(world: Any) -> None:
    model(world)
    anna = world.contact()
    world.views(anna, "/pricing", times=7)
    world.settle()
    move(anna, "mql", back=True)
    world.later(hours=1)
    world.views(anna, "/about")
    world.settle()
    assert stage(anna) == "sql"


def test_a_cleared_stage_is_left_alone_and_one_set_anew_is_kept(world: Any) -> None:
    model(world)
    anna = world.contact()
    world.views(anna, "/pricing", times=7)
    world.settle()
    move(anna, "")
    world.settle()
    assert lifecycle.everyone() == 0
    assert stage(anna) == ""
    move(anna, "mql")
    world.settle()
    assert lifecycle.everyone() == 0
    assert (stage(anna), booked(anna)[-2:]) == ("mql", [("sql", "", "exit"), ("", "mql", "entry")])


def test_nothing_lifts_whom_sales_found_unqualified(world: Any) -> None:
    model(world)
    anna = world.contact()
    world.settle()
    verdicts.give(anna, "unqualified", reason="경쟁사", actor=OH)
    world.settle()
    world.later(hours=1)
    world.views(anna, "/pricing", times=9)
    world.settle()
    assert lifecycle.everyone() == 0
    assert stage(anna) == "subscriber"


def test_time_alone_makes_a_rule_hold(world: Any) -> None:
    silent = {"all": [{"condition": "page_viewed", "address": "/pricing"}, {"not": world.viewed("/pricing", days=10)}]}
    lifecycle.define("mql", actor=OH, rule={"mode": "filter", "filter": silent})
    assert lifecycle.everyone() == 0
    anna = world.contact()
    world.views(anna, "/pricing")
    world.settle()
    assert stage(anna) == "nurturing"
    world.later(days=9)
    assert stage(anna) == "nurturing"
    world.later(days=2)
    assert (stage(anna), lifecycle.everyone()) == ("mql", 0)


def test_lower_thresholds_move_everybody_who_has_the_points(world: Any) -> None:
    scored = model(world)
    anna, ben = world.contact(), world.contact()
    world.views(anna, "/pricing", times=2)
    world.views(ben, "/pricing")
    world.settle()
    scores.thresholds(scored, 15, 50, actor=SYSTEM)
    assert lifecycle.everyone() == 1
    assert (stage(anna), stage(ben)) == ("mql", "nurturing")


def test_a_stage_wakes_the_lists_that_look_at_it(world: Any) -> None:
    model(world)
    anna = world.contact()
    ripe = world.list(world.has("lifecyclestage", "mql", "sql"))
    world.views(anna, "/pricing", times=4)
    world.settle()
    assert world.members(ripe) == {anna}


class TestDefining:
    def test_a_changed_rule_shows_whom_it_would_move_and_is_remembered(self, world: Any) -> None:
        anna, ben = world.contact(jobtitle="CTO"), world.contact(jobtitle="CTO")
        world.contact()
        world.settle()
        move(ben, "deadend", reason="학생")
        rule = {"mode": "filter", "filter": {"condition": "property", "property": "jobtitle", "operator": "is", "value": "CTO"}, "reason": "old"}
        assert lifecycle.would_move("sql", rule) == {("lead", "sql"): 1}
        assert lifecycle.define("sql", actor=OH, rule=rule).rule == {"mode": "filter", "filter": rule["filter"]}
        assert lifecycle.everyone() == 1
        assert stage(anna) == "sql"
        row = LifecycleStage.objects.get(key="sql")
        assert row.changed_at is not None
        said = History.objects.get(subject_type="lifecycle_stage", subject_id="sql")
        assert said.detail["was"]["rule"] == {"mode": "score", "model": "", "band": "sql"}

    @pytest.mark.parametrize(
        ("rule", "path"),
        [
            ({}, "rule"),
            ({"mode": "score"}, "rule"),
            ({"mode": "both", "band": "sql"}, "rule"),
            ({"mode": "people"}, "rule.reason"),
            ({"mode": "guess"}, "rule"),
            ({"mode": "score", "band": "hot"}, "rule.band"),
            ({"mode": "score", "band": "sql", "model": "none"}, "rule.model"),
            ({"mode": "filter", "filter": {"all": [{"condition": "property", "property": "mood", "operator": "known"}]}}, "rule.filter.all.0.property"),
        ],
    )
    def test_a_stage_on_the_way_is_entered_by_what_can_be_measured(self, world: Any, rule: dict[str, Any], path: str) -> None:
        model(world)
        with pytest.raises(Invalid) as fault:
            lifecycle.define("sql", actor=OH, rule=rule)
        assert [p.path for p in fault.value.problems] == [path]

    def test_people_decide_where_they_say_why(self, world: Any) -> None:
        found = lifecycle.define("nurturing", actor=OH, rule={"mode": "people", "reason": "상담 후"})
        assert lifecycle.sentence(found.rule).endswith("상담 후")

    @pytest.mark.parametrize("preset", builtin.PRESETS)
    def test_every_preset_can_be_used(self, world: Any, preset: str) -> None:
        model(world)
        lifecycle.apply(preset, actor=OH)
        for one in stages.known():
            if one.key in builtin.PRESETS[preset][1]:
                lifecycle.checked(one.rule)
                assert lifecycle.sentence(one.rule)
        assert lifecycle.everyone() == 0
        assert lifecycle.apply(preset, actor=OH) == []
