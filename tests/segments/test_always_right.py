"""Whatever happens in whatever order, scores, lists and stages are what a full evaluation would say, and every score adds up."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from baton.crm import consent, contacts, records
from baton.crm.models import Contact
from baton.events import identity, record
from baton.events.models import Event
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from baton.segments import lifecycle, refresh, scoring, verbs
from baton.segments.models import Membership, Score, ScoreModel, ScoreRule, Segment
from tests import examples
from tests.segments import scores
from tests.segments.conftest import SITE, World

PAGES = ["/pricing", "/blog/a", "/blog/b", "/case"]
CITIES = ["서울", "부산", ""]
PEOPLE = st.integers(0, 3)
FILTERS: list[dict[str, Any]] = [
    {"condition": "page_viewed", "address": "/pricing", "at_least": 2, "days": 3},
    {"condition": "page_viewed", "address": "/blog", "match": "starts", "days": 1},
    {"not": {"condition": "page_viewed", "address": "/case", "days": 2}},
    {"condition": "property", "property": "city", "operator": "is", "value": "서울"},
    {"condition": "property", "property": "createdate", "operator": "in_last_days", "value": 2},
    {"condition": "no_activity", "days": 2},
    {"all": [{"condition": "property", "property": "city", "operator": "known"}, {"condition": "page_viewed", "address": "", "at_most": 2}]},
    {"condition": "opted_out"},
]


class Life(RuleBasedStateMachine):
    """Four people and their visitors, a score, and lists that look at lists and at the score."""

    @initialize()
    def begin(self) -> None:
        self.undo = transaction.atomic()
        self.undo.__enter__()
        clock.shift(timedelta())
        self.world = World()
        self.ids = [self.world.contact() for _ in range(4)]
        self.visitors: list[int] = []
        self.model = scores.create("점수", actor=SYSTEM)
        scores.define(self.model, "each", "web", {"condition": "page_viewed", "address": "/pricing", "days": 3}, 10, each=True, times=30, actor=SYSTEM)
        scores.define(self.model, "city", "fit_person", FILTERS[3], 30, actor=SYSTEM)
        scores.define(self.model, "silent", "minus", FILTERS[5], -20, actor=SYSTEM)
        self.segments = [verbs.create_segment(f"목록 {n}", stored, "active", SYSTEM) for n, stored in enumerate(FILTERS)]
        hot = verbs.create_segment("뜨거운", {"condition": "score", "at_least": 35}, "active", SYSTEM)
        both = {"all": [{"condition": "in_segment", "segment": hot.pk}, {"not": {"condition": "in_segment", "segment": self.segments[0].pk}}]}
        self.segments += [hot, verbs.create_segment("뜨겁지만", both, "active", SYSTEM)]
        self.evaluate()

    def evaluate(self) -> None:
        """What the jobs do after a definition changed."""
        scoring.everyone(self.model)
        for segment in self.segments:
            refresh.everyone(segment)

    @rule(who=PEOPLE, page=st.sampled_from(PAGES), ago=st.sampled_from([0.0, 0.5, 1.0, 2.9, 3.0, 5.0]))
    def views(self, who: int, page: str, ago: float) -> None:
        self.world.views(self.ids[who], page, days_ago=ago)

    @rule(who=PEOPLE, city=st.sampled_from(CITIES))
    def moves(self, who: int, city: str) -> None:
        if Contact.objects.get(pk=self.ids[who]).archived_at is None:
            self.world.change(self.ids[who], city=city)

    @rule(who=PEOPLE, granted=st.booleans())
    def answers(self, who: int, granted: bool) -> None:
        consent.set([self.ids[who]], "email", granted, actor=SYSTEM, source="test")

    @rule(page=st.sampled_from(PAGES), ago=st.sampled_from([0.0, 1.5]))
    def comes_as_a_stranger(self, page: str, ago: float) -> None:
        visitor = sql.next_ids("record_id_seq", 1)[0]
        at = clock.now() - timedelta(days=ago)
        identity.first_seen(visitor, at)
        record.add([NewEvent(visitor, Kind.PAGE_VIEW, at, key_value=SITE + page)])
        self.visitors.append(visitor)

    @rule(who=PEOPLE)
    def is_recognised(self, who: int) -> None:
        if self.visitors:
            identity.join(self.visitors.pop(), self.ids[who], by="email_click")

    @rule()
    def becomes_a_contact(self) -> None:
        if self.visitors:
            visitor = self.visitors.pop()
            contacts.create_as(visitor, {"email": f"visitor{visitor}@client.example"}, actor=SYSTEM, source="form")
            identity.became_known(visitor, by="form")

    @rule(who=PEOPLE)
    def is_archived_and_back(self, who: int) -> None:
        if Contact.objects.get(pk=self.ids[who]).archived_at is None:
            records.archive("contact", self.ids[who], actor=SYSTEM)
        else:
            records.restore("contact", self.ids[who], actor=SYSTEM)

    @rule(points=st.integers(-30, 60), active=st.booleans(), key=st.sampled_from(["each", "city", "silent"]))
    def a_rule_changes(self, points: int, active: bool, key: str) -> None:
        scores.change(ScoreRule.objects.get(model=self.model, key=key), points=points, active=active)
        self.evaluate()

    @rule(number=st.integers(0, len(FILTERS) - 1), other=st.sampled_from(FILTERS))
    def a_list_changes(self, number: int, other: dict[str, Any]) -> None:
        self.segments[number] = verbs.update_segment(self.segments[number], filter=other, actor=SYSTEM)
        refresh.everyone(self.segments[number])

    @rule(hours=st.sampled_from([0.01, 1, 11.9, 24, 25, 71]))
    def time_goes_by(self, hours: float) -> None:
        clock.shift(clock._shift + timedelta(hours=hours))

    @rule(hours=st.sampled_from([0.5, 26]))
    def the_clock_goes_back(self, hours: float) -> None:
        self.world.settle()
        clock.shift(clock._shift - timedelta(hours=hours))
        self.world.settle()
        clock.shift(clock._shift + timedelta(hours=hours))

    @invariant()
    def all_is_as_a_full_evaluation_says(self) -> None:
        self.world.settle()
        live = set(Contact.objects.filter(archived_at=None).values_list("pk", flat=True))
        for contact_id, total, fit, engagement, reasons in Score.objects.values_list("contact_id", "total", "fit", "engagement", "reasons"):
            told = Event.objects.filter(contact_id=contact_id, kind=Kind.SCORE_CHANGED).values_list("value", flat=True)
            assert total == sum(points for _times, points in reasons.values()) == fit + engagement == sum(v or 0 for v in told)
        point = transaction.savepoint()
        assert scoring.everyone(ScoreModel.objects.get()) == 0
        for segment in Segment.objects.all():
            before = set(Membership.objects.filter(segment_id=segment.pk).values_list("contact_id", flat=True))
            moved = refresh.everyone(segment)
            assert (moved.joined, [c for c in moved.left if c in live]) == ([], []), segment.filter
            told = Event.objects.filter(kind__in=[Kind.SEGMENT_JOINED, Kind.SEGMENT_LEFT], contact_id__in=before).values_list("contact_id", "kind")
            assert {c for c, _kind in told} >= before
        assert lifecycle.everyone() == 0
        transaction.savepoint_rollback(point)

    def teardown(self) -> None:
        if hasattr(self, "undo"):
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)
            transaction.set_rollback(False)


@pytest.mark.django_db
def test_scores_lists_and_stages_are_always_right() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Life, settings=settings(max_examples=examples.some(5), stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
    )
