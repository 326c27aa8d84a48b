"""Who belongs to a list: joins and leaves, one by one and for everybody."""

import random
from datetime import timedelta
from typing import Any

import pytest

from baton.crm import records
from baton.events.models import Event, EventKey
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.segments import catalog, filter, refresh, scoring, verbs
from baton.segments.models import Membership, Segment


def test_members_are_those_who_match(world: Any) -> None:
    anna, ben = world.contact(industry="manufacturing"), world.contact(industry="finance")
    makers = world.list(world.has("industry", "manufacturing"))
    assert world.members(makers) == {anna}
    world.change(ben, industry="manufacturing")
    world.change(anna, industry="finance")
    world.settle()
    assert world.members(makers) == {ben}


def test_joining_and_leaving_are_events_and_changes(world: Any) -> None:
    anna = world.contact(industry="finance")
    makers = world.list(world.has("industry", "manufacturing"), name="Makers")
    world.settle()
    world.change(anna, industry="manufacturing")
    world.settle()
    world.change(anna, industry="finance")
    world.settle()
    key = EventKey.objects.get(kind=Kind.SEGMENT_JOINED, value=str(makers.pk))
    assert key.label == "Makers"
    kinds = [Kind.SEGMENT_JOINED, Kind.SEGMENT_LEFT]
    assert list(Event.objects.filter(contact_id=anna, kind__in=kinds).order_by("ts").values_list("kind", flat=True)) == kinds


def test_a_full_evaluation_leaves_changes_for_the_tick(world: Any) -> None:
    anna = world.contact(industry="manufacturing")
    world.settle()
    segment = verbs.create_segment("Makers", world.has("industry", "manufacturing"), "active", SYSTEM)
    moved = refresh.everyone(segment)
    assert moved == refresh.Moved(segment.pk, [anna], [])
    assert ("membership", f"{segment.pk}:joined") in sql.rows("SELECT kind, key FROM change WHERE contact_id = %s", [anna])
    assert refresh.everyone(segment) == refresh.Moved(segment.pk, [], [])


def test_a_pin_wins_over_the_filter_in_both_evaluations(world: Any) -> None:
    anna, ben, cara = world.contact(industry="finance"), world.contact(industry="manufacturing"), world.contact(industry="manufacturing")
    makers = world.list(world.has("industry", "manufacturing"))
    assert verbs.add(makers.pk, [anna], Actor("user", 1), why="met at the fair") == 1
    assert verbs.remove(makers.pk, [ben], Actor("user", 1), why="a competitor") == 1
    assert world.members(makers) == {anna, cara}
    assert Membership.objects.get(contact_id=anna).reason == "user:1"
    for _ in range(2):
        moved = refresh.everyone(makers)
        assert (moved.joined, moved.left) == ([], [])
        world.change(anna, industry="it")  # the few
        world.change(ben, city="서울", industry="finance")
        world.change(ben, industry="manufacturing")
        world.settle()
        assert world.members(makers) == {anna, cara}
    records.archive("contact", anna, actor=SYSTEM)
    world.settle()
    assert world.members(makers) == {cara}
    records.restore("contact", anna, actor=SYSTEM)
    world.settle()
    assert world.members(makers) == {anna, cara}
    assert verbs.take_back(makers.pk, [anna, ben], actor=Actor("user", 1)) == refresh.Moved(makers.pk, [ben], [anna])
    assert refresh.everyone(makers) == refresh.Moved(makers.pk, [], [])


def test_a_pinned_member_who_fits_stays_when_the_pin_is_taken_back(world: Any) -> None:
    anna = world.contact(industry="manufacturing")
    makers = world.list(world.has("industry", "manufacturing"))
    assert verbs.add(makers.pk, [anna], Actor("user", 1)) == 0
    assert Membership.objects.get(contact_id=anna).reason == "user:1"
    assert verbs.take_back(makers.pk, [anna], actor=SYSTEM) == refresh.Moved(makers.pk, [], [])
    assert Membership.objects.get(contact_id=anna).reason == "filter"


def test_each_membership_says_by_which_alternative(world: Any) -> None:
    anna, ben = world.contact(industry="manufacturing", city="서울"), world.contact(city="서울")
    either = {"any": [world.has("industry", "manufacturing"), world.viewed("/pricing"), world.has_city("서울")]}
    segment = world.list(either)
    cara = world.contact()
    world.views(cara, "/pricing")
    world.change(cara, city="서울")
    world.settle()
    assert dict(Membership.objects.filter(segment_id=segment.pk).values_list("contact_id", "reason")) == {
        anna: "filter:0:2",
        ben: "filter:2",
        cara: "filter:1:2",
    }


def test_a_list_of_a_list_follows_at_once(world: Any) -> None:
    anna = world.contact(industry="finance")
    makers = world.list(world.has("industry", "manufacturing"))
    others = world.list({"not": {"condition": "in_segment", "segment": makers.pk}})
    third = world.list({"condition": "in_segment", "segment": others.pk})
    assert world.members(others) == world.members(third) == {anna}
    world.change(anna, industry="manufacturing")
    changes.tick()
    assert world.members(makers) == {anna}
    assert not world.members(others)
    assert not world.members(third)


def test_lists_are_evaluated_after_those_they_depend_on(world: Any) -> None:
    anna = world.contact(industry="manufacturing")
    upper = verbs.create_segment("Upper", world.has("industry", "manufacturing"), "active", SYSTEM)
    lower = verbs.create_segment("Lower", world.has("industry", "manufacturing"), "active", SYSTEM)
    verbs.update_segment(upper, filter={"condition": "in_segment", "segment": lower.pk}, actor=SYSTEM)
    moved = refresh.some(Segment.objects.filter(pk__in=[upper.pk, lower.pk]), [anna])
    assert [(m.segment_id, m.joined) for m in moved] == [(lower.pk, [anna]), (upper.pk, [anna])]


def test_an_archived_contact_belongs_to_no_list(world: Any) -> None:
    anna = world.contact(industry="manufacturing")
    makers = world.list(world.has("industry", "manufacturing"))
    records.archive("contact", anna, actor=Actor("user", 1))
    world.settle()
    assert not world.members(makers)
    records.restore("contact", anna, actor=Actor("user", 1))
    world.settle()
    assert world.members(makers) == {anna}


def test_a_fixed_list_keeps_who_fitted_once(world: Any) -> None:
    anna = world.contact(industry="manufacturing")
    segment = verbs.create_segment("Makers of today", world.has("industry", "manufacturing"), "fixed", SYSTEM)
    refresh.everyone(segment)
    world.change(anna, industry="finance")
    world.settle()
    refresh.everyone(segment)
    assert world.members(segment) == {anna}


def test_a_view_of_a_page_that_is_new_to_a_pattern_counts(world: Any) -> None:
    anna = world.contact()
    blog = world.list({"condition": "page_viewed", "address": "/blog", "match": "starts", "at_least": 1, "days": 30})
    world.views(anna, "/blog/never-seen-before")
    world.settle()
    assert world.members(blog) == {anna}


@pytest.mark.parametrize("seed", range(4))
def test_the_few_and_everybody_agree_after_anything(world: Any, seed: int) -> None:
    """After each handful of random writes and moves of the clock, a full evaluation finds nothing left to do."""
    chance = random.Random(seed)
    makers = world.list(world.has("industry", "manufacturing", "it"))
    pricing = world.viewed("/pricing", at_least=2, days=10)
    lists = [
        makers,
        world.list(pricing),
        world.list({"not": world.viewed("/pricing", days=5)}),
        world.list({"all": [{"condition": "in_segment", "segment": makers.pk}, {"not": pricing}]}),
        world.list({"any": [world.viewed("/demo", days=None), {"condition": "no_activity", "days": 20}]}),
        world.list({"condition": "opted_out"}),
    ]
    model = world.model(
        ("fit_company", world.has("industry", "manufacturing"), 10),
        ("web", world.viewed("/pricing", days=10), 5, {"each": True, "times": 3}),
        ("web", {"condition": "in_segment", "segment": lists[3].pk}, 7),
        ("minus", {"condition": "no_activity", "days": 20}, -10),
    )
    lists.append(world.list({"condition": "score", "at_least": 15}))
    people = [world.contact() for _ in range(6)]
    for _ in range(12):
        for _ in range(chance.randint(1, 5)):
            who = chance.choice(people)
            match chance.randint(0, 6):
                case 0:
                    people.append(world.contact(industry=chance.choice(["manufacturing", "finance"])))
                case 1 | 2:
                    world.change(who, industry=chance.choice(["manufacturing", "it", "finance", ""]), city=chance.choice(["서울", "부산"]))
                case 3 | 4:
                    world.views(who, chance.choice(["/pricing", "/demo", "/blog"]), days_ago=chance.choice([0, 1, 8, 30]), times=chance.randint(1, 2))
                case 5:
                    people.remove(who)
                    records.archive("contact", who, actor=SYSTEM)
                    people.append(world.contact())
                case _:
                    world.later(days=chance.choice([0.1, 2, 6]))
            match chance.randint(0, 5):
                case 0:
                    verbs.add(chance.choice(lists).pk, [who], SYSTEM)
                case 1:
                    verbs.remove(chance.choice(lists).pk, [who], SYSTEM)
                case 2:
                    verbs.take_back(chance.choice(lists).pk, people, actor=SYSTEM)
        world.settle()
        for segment in lists:
            moved = refresh.everyone(segment)
            assert (moved.joined, moved.left) == ([], []), segment.filter
        assert scoring.everyone(model) == 0


def test_the_tick_asks_nothing_when_nobody_can_care(world: Any, django_assert_num_queries: Any) -> None:
    """A change that no list and no rule looks at costs one look at the definitions for scores, one for lists and two for stages."""
    anna = world.contact()
    world.list(world.has("industry", "manufacturing"))
    world.list(world.viewed("/pricing"))
    world.model(("web", world.viewed("/pricing"), 5))
    world.settle()
    from baton.platform.changes import Batch, Change
    from baton.segments import jobs

    unrelated = [Change(anna, "property", "city"), Change(anna, "event", f"{int(Kind.DOWNLOAD)}:999999")]
    with django_assert_num_queries(1):
        jobs.scores(Batch(unrelated), unrelated)
    with django_assert_num_queries(1):
        jobs.lists(Batch(unrelated), unrelated)
    with django_assert_num_queries(2):
        jobs.stages(Batch(unrelated), unrelated)


def test_a_view_of_another_page_evaluates_nothing(world: Any) -> None:
    from baton.platform.changes import Change
    from baton.segments import definitions

    anna = world.contact()
    world.views(anna, "/pricing")
    world.views(anna, "/blog")
    segment = world.list(world.viewed("/pricing"))
    keys = dict(EventKey.objects.filter(kind=Kind.PAGE_VIEW).values_list("value", "id"))
    stored = {segment.pk: (segment.filter, segment.depends)}
    kind = int(Kind.PAGE_VIEW)
    assert definitions.woken("segment", stored, [Change(anna, "event", f"{kind}:{keys['nuriwork.example/blog']}")]) == {}
    assert definitions.woken("segment", stored, [Change(anna, "event", f"{kind}:{keys['nuriwork.example/pricing']}")]) == {segment.pk: {anna}}


def test_a_filter_that_can_no_longer_be_read_keeps_its_members(world: Any) -> None:
    anna = world.contact(industry="manufacturing")
    makers = world.list(world.has("industry", "manufacturing"))
    Segment.objects.filter(pk=makers.pk).update(filter={"condition": "of another time"})
    assert refresh.everyone(makers) == refresh.Moved(makers.pk, [], [])
    world.change(anna, industry="finance")
    world.settle()
    assert world.members(makers) == {anna}


def test_members_of_a_filter(world: Any) -> None:
    """What the two statements do is what the filter says."""
    from baton.platform.config import config
    from baton.query import compile

    for number in range(20):
        world.contact(industry=["manufacturing", "finance"][number % 2])
    segment = world.list(world.has("industry", "finance"))
    known = catalog.current()
    asked = compile.members(filter.parse(segment.filter, known), known, now=clock.now() + timedelta(), zone=config().zone)
    assert world.members(segment) == {id for (id,) in sql.rows(asked.text, asked.params)}
