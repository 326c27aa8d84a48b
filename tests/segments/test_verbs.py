"""What people do with lists: checked, noted in the history, and followed by an evaluation."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation

from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.platform.models import History
from baton.segments import cards, jobs, pauses, sizes, verbs
from baton.segments.models import Membership, Pin, Segment
from tests.segments import scores

ANN = Actor("user", 7)


def deferred(task: str) -> list[dict[str, Any]]:
    import json

    found = sql.rows("SELECT args FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", [f"baton.segments.jobs.{task}"])
    return [json.loads(args) if isinstance(args, str) else args for (args,) in found]


def history(subject: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [(h.actor, h.verb, h.detail) for h in History.objects.filter(subject_type=subject).order_by("id")]


def path(error: pytest.ExceptionInfo[Invalid]) -> str:
    return error.value.problems[0].path


def test_a_new_list_is_evaluated_in_the_background(world: Any) -> None:
    anna = world.contact(industry="manufacturing")
    segment = verbs.create_segment(" Makers ", world.has("industry", "manufacturing"), "active", ANN)
    assert (segment.name, segment.depends["properties"]) == ("Makers", ["industry"])
    assert history("segment")[0][:2] == ("user:7", "created")
    jobs.evaluate_list(**deferred("evaluate_list")[-1])
    assert world.members(segment) == {anna}


def test_an_evaluation_for_an_older_filter_does_nothing(world: Any) -> None:
    world.contact(industry="manufacturing")
    segment = verbs.create_segment("Makers", world.has("industry", "manufacturing"), "active", ANN)
    verbs.update_segment(segment, filter=world.has("industry", "finance"), actor=ANN)
    first, second = deferred("evaluate_list")[-2:]
    jobs.evaluate_list(**first)
    assert Segment.objects.get(pk=segment.pk).evaluated_at is None
    jobs.evaluate_list(**second)
    assert Segment.objects.get(pk=segment.pk).evaluated_at is not None


def test_another_filter_moves_the_members(world: Any) -> None:
    anna, ben = world.contact(industry="manufacturing"), world.contact(industry="finance")
    segment = world.list(world.has("industry", "manufacturing"))
    verbs.update_segment(segment, filter=world.has("industry", "finance"), actor=ANN)
    jobs.evaluate_list(**deferred("evaluate_list")[-1])
    assert world.members(segment) == {ben}
    assert history("segment")[-1][1] == "updated"
    assert anna != ben


def test_saving_what_is_there_already_changes_nothing(world: Any) -> None:
    segment = world.list(world.has("industry", "manufacturing"))
    before = (len(deferred("evaluate_list")), len(history("segment")))
    verbs.update_segment(segment, name="List", filter=world.has("industry", "manufacturing"), actor=ANN)
    assert (len(deferred("evaluate_list")), len(history("segment"))) == before


@pytest.mark.parametrize(
    ("name", "kind", "filter", "at"),
    [
        ("", "active", {}, "name"),
        ("A", "open", {}, "kind"),
        ("A", "active", {"condition": "property", "property": "nothing", "operator": "known"}, "property"),
        ("A", "active", {"all": [{"condition": "page_viewed", "address": "/a", "days": "x"}]}, "all.0.days"),
        ("A", "fixed", {"condition": "nonsense"}, "condition"),
    ],
)
def test_a_faulty_list_is_not_made(world: Any, name: str, kind: str, filter: dict[str, Any], at: str) -> None:
    with pytest.raises(Invalid) as error:
        verbs.create_segment(name, filter, kind, ANN)
    assert path(error) == at
    assert not Segment.objects.exists()


def test_fixed_lists_change_by_hand_only(world: Any) -> None:
    anna, ben = world.contact(), world.contact()
    segment = verbs.create_segment("Guests", {}, "fixed", ANN)
    assert verbs.add(segment.pk, [anna, ben, anna, 999_999_999], ANN) == 2
    assert verbs.add(segment.pk, [anna], ANN) == 0
    assert Membership.objects.get(contact_id=anna, segment_id=segment.pk).reason == "user:7"
    assert verbs.remove(segment.pk, [anna], ANN) == 1
    assert world.members(segment) == {ben}
    assert [key for _id, kind, key in sql.rows("SELECT contact_id, kind, key FROM change ORDER BY id") if kind == "membership"] == [
        f"{segment.pk}:joined",
        f"{segment.pk}:joined",
        f"{segment.pk}:left",
    ]
    with pytest.raises(Conflict):
        verbs.update_segment(segment, filter=world.has("industry", "it"), actor=ANN)


def test_what_a_hand_did_to_an_active_list_is_told(world: Any) -> None:
    segment, anna = world.list(world.has("industry", "manufacturing")), world.contact()
    assert verbs.add(segment.pk, [anna, 999_999_999], ANN, why=" a partner ") == 1
    pin = Pin.objects.get(contact_id=anna, segment_id=segment.pk)
    assert (pin.side, pin.actor, pin.why) == ("in", "user:7", "a partner")
    assert history("segment")[-1] == ("user:7", "pinned_in", {"contacts": 1, "why": "a partner"})
    assert verbs.remove(segment.pk, [anna], ANN) == 1
    assert Pin.objects.get().side == "out"
    with pytest.raises(NotFound):
        verbs.remove(987654, [1], ANN)


def test_a_list_is_made_fixed_and_active_again(world: Any) -> None:
    anna, ben, cara = world.contact(industry="manufacturing"), world.contact(), world.contact()
    makers = world.has("industry", "manufacturing")
    segment = verbs.create_segment("Makers", makers, "active", ANN)
    with pytest.raises(Conflict):
        verbs.make_fixed(segment, actor=ANN)
    segment = world.list(makers)
    verbs.add(segment.pk, [ben], ANN, why="asked for it")
    fixed = verbs.make_fixed(segment, actor=ANN)
    assert (fixed.kind, world.members(fixed)) == ("fixed", {anna, ben})
    world.change(anna, industry="finance")
    verbs.add(segment.pk, [cara], ANN)
    world.settle()
    assert world.members(fixed) == {anna, ben, cara}
    copy = verbs.duplicate(fixed, "Makers again", actor=ANN)
    jobs.evaluate_list(**deferred("evaluate_list")[-1])
    assert world.members(copy) == {anna, ben, cara}
    verbs.make_active(fixed, actor=ANN)
    jobs.evaluate_list(**deferred("evaluate_list")[-1])
    assert world.members(fixed) == {ben, cara}  # who was added by hand stays
    with pytest.raises(Invalid):
        verbs.make_active(verbs.create_segment("Guests", {}, "fixed", ANN), actor=ANN)


def test_sizes_follow_every_move_and_agree_with_the_count(world: Any) -> None:
    anna, ben = world.contact(industry="manufacturing"), world.contact()
    segment = world.list(world.has("industry", "manufacturing"))
    world.change(ben, industry="manufacturing")
    world.settle()
    world.later(days=2)
    world.change(anna, industry="finance")
    world.settle()
    days = sizes.history([segment.pk], days=3)[segment.pk]
    assert [(d.members, d.joined, d.departed) for d in days] == [(2, 2, 0), (2, 0, 0), (1, 0, 1)]
    sizes.count_all()
    assert sizes.history([segment.pk], days=3)[segment.pk] == days
    assert sizes.now(segment.pk) == (1, True)


def test_a_list_in_use_is_not_archived(world: Any) -> None:
    inner = world.list(world.has("industry", "manufacturing"), name="Inner")
    outer = world.list({"condition": "in_segment", "segment": inner.pk}, name="Outer")
    with pytest.raises(Conflict, match="Outer"):
        verbs.archive_segment(inner, actor=ANN)
    verbs.archive_segment(outer, actor=ANN)
    verbs.archive_segment(inner, actor=ANN)
    with pytest.raises(NotFound):
        verbs.update_segment(inner, name="Again", actor=ANN)


def test_a_list_that_a_draft_or_a_pause_waits_for_is_not_archived(world: Any, account: object) -> None:
    hot = world.list({"condition": "property", "property": "city", "operator": "is", "value": "Busan"}, name="Hot")
    asks = {"condition": "in_segment", "segment": hot.pk}
    anna = world.contact()
    pauses.pause([anna], clock.now() + timedelta(days=5), wake=asks, actor=ANN)
    with pytest.raises(Conflict, match="pause"), translation.override("en"):
        verbs.archive_segment(hot, actor=ANN)
    pauses.end([anna], by=ANN)
    model = scores.create("Points")
    content = cards.current(model).to_json()
    rule = {"key": "hot", "group": content["groups"][0]["key"], "filter": asks, "points": 5}
    cards.put_rule(model, rule, actor=ANN)
    with pytest.raises(Conflict, match="Points"):
        verbs.archive_segment(hot, actor=ANN)
    cards.discard(model, actor=ANN)
    verbs.archive_segment(hot, actor=ANN)


def test_nothing_may_depend_on_itself(world: Any) -> None:
    first = world.list(world.has("industry", "manufacturing"))
    second = world.list({"condition": "in_segment", "segment": first.pk}, name="Second")
    with pytest.raises(Invalid, match="List → Second → List"):
        verbs.update_segment(first, filter={"not": {"condition": "in_segment", "segment": second.pk}}, actor=ANN)
    model = world.model(("web", {"condition": "in_segment", "segment": second.pk}, 5))
    with pytest.raises(Invalid) as error:
        verbs.update_segment(first, filter={"condition": "score", "at_least": 3}, actor=ANN)
    assert error.value.problems[0].code == "CIRCLE"
    with pytest.raises(Invalid):
        scores.define(model, "own", "web", {"condition": "score", "at_least": 3}, 5, actor=ANN)
