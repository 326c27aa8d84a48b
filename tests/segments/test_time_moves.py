"""Time alone moves people exactly: random lists over random histories, and at every step of the clock the members are what a full evaluation finds."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.crm import associations, properties, records
from baton.events import partitions, record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.platform.errors import Invalid
from baton.query.periods import PERIODS
from baton.segments import refresh, verbs
from baton.segments.models import Membership, Segment
from tests import examples
from tests.segments.conftest import SITE, World

Stored = dict[str, Any]
STARTS = [
    datetime(2026, 11, 22, 14, 59, 58, tzinfo=UTC),  # before a Monday in Seoul
    datetime(2026, 11, 20, 15, 0, tzinfo=UTC),  # a midnight in Seoul
    datetime(2026, 12, 10, 3, 0, tzinfo=UTC),  # thirty days on lies another month, quarter and year
    datetime(2027, 2, 10, 3, 0, tzinfo=UTC),  # and here the day that the year has not
]
# edges are looked at once a second (edges.PACE), so no step is shorter
STEPS = [timedelta(seconds=1), timedelta(hours=9), timedelta(days=1), timedelta(days=3), timedelta(days=9)]
BESIDE = [timedelta(), timedelta(microseconds=1), timedelta(seconds=1), timedelta(hours=9)]
MONTH = timedelta(days=30)
LENGTHS = st.sampled_from([1, 2, 7, 10])
PAGES = ["/pricing", "/blog/a", "/blog/b"]
DAYS = [
    date(1996, 2, 29),
    date(1990, 11, 30),
    date(1990, 12, 25),
    date(1990, 2, 28),
    date(2026, 11, 30),
    date(2026, 12, 14),
    date(2027, 1, 1),
    date(2027, 3, 1),
]


@st.composite
def times(draw: st.DrawFn) -> Stored:
    """When something must have happened."""
    length = draw(LENGTHS)
    return draw(
        st.sampled_from(
            [
                {"days": length},
                {"days": length},
                {"days": length + 3, "until_days": length},
                {"until_days": length},
                {"since": "2026-11-25", "until": "2026-12-20"},
            ]
        )
        | st.sampled_from(PERIODS).map(lambda period: {"period": period})
    )


@st.composite
def happened(draw: st.DrawFn) -> Stored:
    """A condition about what people did."""
    about = draw(st.sampled_from([{}, {"address": "/pricing"}, {"address": "/blog", "match": "starts"}]))
    once = {"at_most": 1}
    counts: list[Stored] = [{}, {"at_least": 2}, once, {**once, "never": False}, {"exactly": 1}, {"exactly": 0}, {"which": "first"}, {"which": "last"}]
    often = draw(st.sampled_from(counts))
    if draw(st.booleans()):
        return {"condition": "page_viewed", **about, **often, **draw(times())}
    tests = draw(
        st.sampled_from(
            [
                [],
                [{"property": "about", "operator": "starts_with", "value": "/blog"}],
                [{"property": "referrer", "operator": "contains", "value": "search"}],
                [{"property": "value", "operator": "more_than", "value": 30}],
            ]
        )
    )
    if draw(st.booleans()):
        return {"condition": "event", "event": "page_dwell", "sum": draw(st.sampled_from([{"at_least": 60}, {"at_most": 60}])), **draw(times())}
    kinds = ["page_view"] if tests and tests[0]["property"] == "referrer" else ["page_view", "page_dwell", "stage_changed"]
    return {"condition": "event", "event": draw(st.sampled_from(kinds)), "tests": tests, **often, **draw(times())}


@st.composite
def dated(draw: st.DrawFn) -> Stored:
    """A condition about a date or a moment of the contact, or of his company."""
    length = draw(st.sampled_from([0, 1, 7, 10]))
    compared: Stored = draw(
        st.sampled_from(["in_last_days", "in_next_days", "more_than_days_ago", "more_than_days_ahead"]).map(lambda o: {"operator": o, "value": length})
        | st.sampled_from(PERIODS).map(lambda period: {"operator": "in_period", "value": period})
        | st.just({"operator": "anniversary_in_days", "value": length})
    )
    if draw(st.booleans()):
        return {"condition": "property", "property": draw(st.sampled_from(["birthday", "met", "createdate", "stage_since"])), **compared}
    inner = {"condition": "property", "property": "renewal", **compared}
    return {"related": "company", "filter": inner, **draw(st.sampled_from([{}, {}, {"at_least": 2}, {"at_most": 0}]))}


def leaves(vip: int) -> st.SearchStrategy[Stored]:
    """Whatever time can turn, and a little that it cannot; `vip` is a list that people join meanwhile."""
    n = LENGTHS
    return st.one_of(
        happened(),
        happened(),
        dated(),
        st.builds(lambda n: {"condition": "in_segment", "segment": vip, "joined_days": n}, n),
        st.builds(lambda n: {"condition": "in_segment", "segment": vip, "longer_days": n}, n),
        st.builds(lambda n, name: {"condition": "stage", "stages": ["mql", "sql"], name: n}, n, st.sampled_from(["entered_days", "longer_days"])),
        st.builds(lambda when, which: {"condition": "stage_moved", "into": ["mql"], **which, **when}, times(), st.sampled_from([{}, {"which": "last"}])),
        st.builds(lambda n: {"condition": "no_activity", "days": n}, n),
        st.just({"condition": "mail_state", "state": "paused"}),
        st.sampled_from(
            [{"condition": "property", "property": "city", "operator": "is", "value": "서울"}, {"condition": "stage", "stages": ["mql"], "ever": True}]
        ),
    )


def filters(vip: int) -> st.SearchStrategy[Stored]:
    return st.recursive(
        leaves(vip),
        lambda inner: (
            st.builds(lambda part: {"not": part}, inner)
            | st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3))
            | st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3))
        ),
        max_leaves=3,
    )


class History:
    """Four people with what they did in the forty days before, their companies, and a list that they join."""

    def __init__(self, draw: Any, start: datetime) -> None:
        self.draw, self.now, self.world = draw, start, World()
        partitions.ensure(start - timedelta(days=100), start + timedelta(days=40))
        properties.define("contact", "birthday", "Birthday", "date", actor=SYSTEM)
        properties.define("contact", "met", "Met", "datetime", actor=SYSTEM)
        properties.define("company", "renewal", "Renewal", "date", actor=SYSTEM)
        self.firms = [
            records.create("company", {"name": f"Firm {n}", "renewal": draw(st.sampled_from(DAYS[4:])).isoformat()}, actor=SYSTEM, source="") for n in range(2)
        ]
        self.people = [self.person() for _ in range(4)]
        self.vip = verbs.create_segment("VIP", {}, "fixed", SYSTEM)
        for person in self.people:
            self.past(person)

    def person(self) -> int:
        draw = self.draw
        made = self.world.contact(
            birthday=draw(st.sampled_from(DAYS)).isoformat(),
            met=(self.now + draw(st.sampled_from([timedelta(), timedelta(days=9), timedelta(days=-9, seconds=1)]))).strftime("%Y-%m-%dT%H:%M:%SZ"),
            city=draw(st.sampled_from(["서울", ""])),
        )
        pause = (self.now + draw(st.sampled_from([timedelta(days=-1), timedelta(days=5)]))).strftime("%Y-%m-%dT%H:%M:%SZ")
        sql.run("UPDATE contact SET properties = properties || jsonb_build_object('paused_until', %s::text) WHERE id = %s", [pause, made])
        for firm in draw(st.sampled_from([[], self.firms[:1], self.firms])):
            associations.link("contact", made, "company", firm, actor=SYSTEM)
        return made

    def past(self, person: int) -> None:
        """Some of what he did: on days and beside their ends, so that it stands on the edges of windows."""
        draw = self.draw
        for _ in range(draw(st.integers(0, 4))):
            ago = timedelta(days=draw(st.sampled_from([0, 1, 2, 5, 7, 9, 10, 31]))) + draw(st.sampled_from(BESIDE))
            page, kind = SITE + draw(st.sampled_from(PAGES)), draw(st.sampled_from([Kind.PAGE_VIEW, Kind.PAGE_VIEW, Kind.PAGE_DWELL]))
            value = draw(st.sampled_from([20.0, 31.0, 60.0])) if kind == Kind.PAGE_DWELL else None
            referrer = draw(st.sampled_from([{}, {"referrer": "https://search.example/"}]))
            record.add([NewEvent(person, kind, self.now - ago, page, value=value, payload=referrer)])

    def something_happens(self) -> None:
        draw = self.draw
        person = draw(st.sampled_from(self.people))
        match draw(st.sampled_from(["nothing", "nothing", "view", "stage", "list", "birthday", "link"])):
            case "view":
                record.add([NewEvent(person, Kind.PAGE_VIEW, self.now, SITE + draw(st.sampled_from(PAGES)))])
            case "stage":
                with suppress(Invalid):  # a stage before the one he is in
                    self.world.change(person, lifecyclestage=draw(st.sampled_from(["mql", "sql"])))
            case "list":
                verbs.add(self.vip.pk, [person], SYSTEM)
            case "birthday":
                self.world.change(person, birthday=draw(st.sampled_from(DAYS)).isoformat())
            case "link":
                associations.link("contact", person, "company", draw(st.sampled_from(self.firms)), actor=SYSTEM)


@pytest.mark.django_db
@settings(max_examples=examples.some(3), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_at_every_step_the_members_are_those_of_a_full_evaluation(data: st.DataObject, monkeypatch: pytest.MonkeyPatch) -> None:
    point = transaction.savepoint()
    try:
        follow(data, monkeypatch)
    finally:
        transaction.savepoint_rollback(point)
        properties.forget()


def follow(data: st.DataObject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty days of one world."""
    start = data.draw(st.sampled_from(STARTS))
    monkeypatch.setattr(clock, "now", lambda: start)
    history = History(data.draw, start)
    monkeypatch.setattr(clock, "now", lambda: history.now)
    stored = data.draw(st.lists(filters(history.vip.pk), min_size=3, max_size=6))
    lists = [verbs.create_segment(f"List {n}", one, "active", SYSTEM) for n, one in enumerate(stored)]
    history.world.settle()
    for one in lists:
        refresh.everyone(one)
    for step in [*data.draw(st.lists(st.sampled_from(STEPS), min_size=2, max_size=7)), MONTH]:
        history.now = min(history.now + step, start + MONTH)
        history.something_happens()
        history.world.settle()
        before = {one.pk: set(Membership.objects.filter(segment_id=one.pk).values_list("contact_id", flat=True)) for one in lists}
        point = transaction.savepoint()
        for one in lists:
            moved = refresh.everyone(Segment.objects.get(pk=one.pk))
            assert (moved.joined, moved.left) == ([], []), (one.filter, history.now, before[one.pk])
        transaction.savepoint_rollback(point)
