"""What was known at a moment: the same conditions, asked about the past, for everybody or for many cases at once."""

from datetime import datetime, timedelta
from typing import Any

from baton.crm import associations, consent, records
from baton.events.vocabulary import Kind
from baton.messaging.consent import subscriptions
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.config import config
from baton.query import compile
from baton.segments import catalog, filter, past
from baton.segments.past import Case
from tests.segments.conftest import World


def holds(stored: dict[str, Any], *cases: tuple[int, datetime], moved: bool = True) -> list[bool]:
    """The filter asked about each (contact, moment), in one statement."""
    known, now = catalog.current(), clock.now()
    node = filter.parse(stored, known)
    told = past.each([node], [Case(i, *case) for i, case in enumerate(cases)], now, moved=moved)
    members = compile.members(node, known, now=now, zone=config().zone)
    found = {id for (id,) in sql.rows(f"WITH {told.text} SELECT m.id FROM ({members.text}) m", told.params | members.params)}
    return [i in found for i in range(len(cases))]


def then(stored: dict[str, Any], at: datetime) -> set[int]:
    """Who matched at a moment, of everybody."""
    known = catalog.current()
    node = filter.parse(stored, known)
    told, members = past.tables([node], at), compile.members(node, known, now=at, zone=config().zone)
    return {id for (id,) in sql.rows(f"WITH {told.text} SELECT m.id FROM ({members.text}) m", told.params | members.params)}


def test_a_property_is_what_it_was(world: World) -> None:
    early, late = world.contact(industry="it"), world.contact(industry="finance")
    start = clock.now()
    clock.shift(timedelta(days=1))
    world.change(early, industry="finance", jobtitle="부장")
    between = clock.now()
    clock.shift(timedelta(days=2))
    world.change(early, industry="", jobtitle="상무")
    finance, unknown = world.has("industry", "finance"), {"condition": "property", "property": "jobtitle", "operator": "unknown"}
    assert holds(finance, (early, start), (early, between), (early, clock.now()), (late, start)) == [False, True, False, True]
    assert holds(unknown, (early, start), (early, between), (late, between)) == [True, False, True]
    assert then(finance, start) == {late}
    assert then(finance, between) == {early, late}
    assert then(finance, start - timedelta(days=1)) == set()  # nobody was there yet


def test_windows_end_at_the_moment_of_each_case(world: World) -> None:
    one, two = world.contact(), world.contact()
    start = clock.now()
    world.views(one, "/pricing")
    clock.shift(timedelta(days=10))
    world.views(two, "/pricing")
    clock.shift(timedelta(days=60))
    seen = world.viewed("/pricing", days=30)
    edge = timedelta(days=30)
    moments = [start - timedelta(seconds=1), start + timedelta(days=9), start + edge - timedelta(minutes=1), start + edge + timedelta(minutes=1)]
    assert holds(seen, *((one, at) for at in moments)) == [False, True, True, False]
    assert holds(seen, (two, start + timedelta(days=9)), (two, start + timedelta(days=11))) == [False, True]
    assert holds({"not": seen}, (two, start + timedelta(days=9))) == [True]
    often = world.viewed("/pricing", at_least=2, days=None)
    world.views(one, "/pricing")
    assert holds(often, (one, start + edge), (one, clock.now() + timedelta(minutes=1))) == [False, True]  # the same person at two moments


def test_lists_consents_and_companies_are_those_of_the_moment(world: World) -> None:
    person, company = world.contact(industry="it"), records.create("company", {"name": "한빛", "industry": "it"}, actor=SYSTEM, source="test")
    segment, news = world.list(world.has("industry", "finance")), subscriptions.define({"ko": "소식"}, SYSTEM)
    start = clock.now()
    clock.shift(timedelta(days=1))
    world.change(person, industry="finance")
    world.settle()
    consent.set([person], "email", False, actor=SYSTEM, source="test")
    subscriptions.choose(person, {news.pk: False}, actor=SYSTEM, source="test")
    associations.link("contact", person, "company", company, actor=SYSTEM)
    middle = clock.now()
    clock.shift(timedelta(days=2))
    world.change(person, industry="it")
    world.settle()
    consent.set([person], "email", True, actor=SYSTEM, source="test")
    subscriptions.choose(person, {news.pk: True}, actor=SYSTEM, source="test")
    records.update("company", company, {"industry": "finance"}, actor=SYSTEM, source="test")
    cases = (person, start), (person, middle), (person, clock.now())
    assert holds({"condition": "in_segment", "segment": segment.pk}, *cases) == [False, True, False]
    assert holds({"condition": "opted_out", "channel": "email"}, *cases) == [False, True, False]
    assert holds({"condition": "news", "news": news.pk, "state": "refused"}, *cases) == [False, True, False]
    in_it = {"condition": "company_property", "property": "industry", "operator": "any_of", "value": ["it"]}
    assert holds(in_it, *cases) == [False, True, False]
    assert holds({"related": "company", "filter": world.has("industry", "finance")}, *cases) == [False, False, True]


def test_a_score_is_the_sum_of_what_happened_until_then(world: World) -> None:
    model = world.model(("fit_person", world.has("industry", "it"), 10), ("web", world.viewed("/pricing"), 30))
    person = world.contact(industry="it")
    world.settle()
    start = clock.now()
    clock.shift(timedelta(days=1))
    world.views(person, "/pricing")
    world.settle()
    cases = (person, start), (person, clock.now())
    assert holds({"condition": "score", "model": model.pk, "at_least": 35, "at_most": None}, *cases) == [False, True]
    assert holds({"condition": "score", "model": model.pk, "part": "fit", "at_least": 10, "at_most": None}, *cases) == [True, True]


def test_days_of_the_calendar_are_asked_without_moving_the_clock(world: World) -> None:
    known = catalog.current()
    dated = {"condition": "property", "property": "created_at", "operator": "in_last_days", "value": 3}
    assert past.of_days(filter.parse(dated, known), known)
    assert not past.of_days(filter.parse(world.viewed("/pricing"), known), known)
    person = world.contact()
    world.did(person, Kind.PAGE_VIEW, "nuriwork.example/pricing")
    before = {"condition": "property", "property": "created_at", "operator": "before", "value": (clock.now() + timedelta(days=2)).date().isoformat()}
    clock.shift(timedelta(days=100))
    assert holds(before, (person, clock.now() - timedelta(days=99)), moved=False) == [True]
