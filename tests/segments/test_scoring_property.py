"""Random cards, random histories, and a clock that moves on: stored scores are what a full evaluation says, and what plain Python says."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.events import record
from baton.events.models import Event
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import clock
from baton.platform.actor import SYSTEM
from baton.platform.config import config
from baton.query import evaluate
from baton.segments import card as cards_of
from baton.segments import cards, catalog, entries, filter, patience, presets, score_sql, scoring
from baton.segments.card import Card, Rule
from baton.segments.models import Score, ScoreEntry, ScoreModel
from tests import examples
from tests.segments.conftest import SITE, World

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAGES = ["/pricing", "/blog/a", "/blog/b"]
GROUPS = [("fit_person", "fit"), ("web", "engagement"), ("minus", "engagement")]
DAYS = [1, 2, 3, 5, 10, 20]
AGES = st.one_of(st.sampled_from([0.0, 0.5, 1, 2, 3, 5, 6, 10, 20]), st.floats(0, 40))

VIEWED: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda address, match, days: {"condition": "page_viewed", "address": address, "match": match} | ({"days": days} if days else {}),
    st.sampled_from(["/pricing", "/blog", ""]),
    st.just("starts"),
    st.sampled_from([None, *DAYS]),
)
EVENT_RULES = st.builds(
    lambda stored, points, group, times, per_item, decay, expires: {
        "kind": "event", "filter": stored, "points": points, "group": group[0], "times": times, "per_item": per_item, "expires_days": expires,
        "decay": decay and {"kind": decay[0], "days": decay[1]},
    },
    VIEWED, st.integers(-12, 12), st.sampled_from(GROUPS), st.sampled_from([None, 1, 2, 3]), st.booleans(),
    st.one_of(st.none(), st.tuples(st.sampled_from(["half", "linear"]), st.sampled_from(DAYS))), st.sampled_from([None, None, *DAYS]),
)  # fmt: skip
STATES = st.one_of(
    st.builds(lambda stored, least: stored | {"at_least": least}, VIEWED, st.integers(1, 3)),
    st.builds(lambda stored, most: stored | {"at_most": most}, VIEWED, st.integers(0, 2)),
    st.just({"condition": "property", "property": "city", "operator": "is", "value": "서울"}),
    st.just({"condition": "no_activity", "days": 3}),
)
STATE_RULES = st.builds(
    lambda stored, negated, points, group: {"kind": "state", "filter": {"not": stored} if negated else stored, "points": points, "group": group[0]},
    STATES,
    st.booleans(),
    st.integers(-12, 12),
    st.sampled_from(GROUPS),
)
CAPS = st.sampled_from([None, None, 0, 5, 20, -3, -15])
CARDS = st.builds(
    lambda rules, caps: (
        presets.blank("점수")
        | {
            "groups": [{"key": key, "label": key, "side": side, "cap": cap} for (key, side), cap in zip(GROUPS, caps, strict=True)],
            "rules": [{"key": f"rule{n}", **rule} for n, rule in enumerate(rules)],
        }
    ),
    st.lists(st.one_of(EVENT_RULES, EVENT_RULES, STATE_RULES), min_size=1, max_size=5),
    st.tuples(CAPS, CAPS, CAPS),
)
VIEWS = st.lists(st.tuples(st.sampled_from(PAGES), AGES), max_size=8)
GIVEN = st.lists(st.tuples(st.integers(-20, 20).filter(bool), st.sampled_from([None, *DAYS])), max_size=2)
STEPS = st.lists(st.one_of(st.sampled_from([1.0, 2, 5, 10]), st.floats(0.01, 9)), min_size=3, max_size=5)


def by_hand(card: Card, names: dict[str, str], person: evaluate.Person, given: list[ScoreEntry], now: datetime) -> tuple[int, int, dict[str, list[int]]]:
    """Total, fit and reasons of one contact by the words of docs/scoring.md, without SQL."""
    reasons: dict[str, list[int]] = {}
    sums = {group.key: 0 for group in card.groups}
    for rule in card.rules:
        times, points = (_state if rule.kind == "state" else _counted)(rule, person, now)
        sums[rule.group] += points
        if times:
            reasons[names[rule.key]] = [times, points]
    for group in card.groups:
        inside = sums[group.key]
        if group.cap is not None and (inside > group.cap if group.cap >= 0 else inside < group.cap):
            reasons[f"cap:{group.key}"] = [1, group.cap - inside]
            sums[group.key] = group.cap
    if counting := [entry.points for entry in given if entry.expires_at is None or entry.expires_at > now]:
        reasons["ledger"] = [len(counting), sum(counting)]
    return sum(points for _times, points in reasons.values()), sum(sums[g.key] for g in card.groups if g.side == "fit"), reasons


def _state(rule: Rule, person: evaluate.Person, now: datetime) -> tuple[int, int]:
    known = catalog.current()
    holds = evaluate.holds(filter.parse(rule.filter, known), person, known, now=now, zone=config().zone)
    return int(holds), rule.points * holds


def _counted(rule: Rule, person: evaluate.Person, now: datetime) -> tuple[int, int]:
    node: Any = filter.parse(rule.filter, catalog.current())
    found = [e for e in person.events if e.kind in node.kinds and (node.keys is None or e.key in node.keys)]
    if node.within is not None:
        found = [e for e in found if now - node.within <= e.ts <= now]
    if rule.expires_days is not None:
        found = [e for e in found if now - e.ts <= timedelta(days=rule.expires_days)]
    found.sort(key=lambda e: e.ts, reverse=True)
    if rule.per_item:
        found = list({e.key: e for e in reversed(found)}.values())
        found.sort(key=lambda e: e.ts, reverse=True)
    parts = [part for e in found if (part := _part(rule, now - e.ts))][: rule.times]
    return len(parts), _rounded(rule.points * sum(parts, Fraction(0)))


def _part(rule: Rule, age: timedelta) -> Fraction:
    if rule.decay is None:
        return Fraction(1)
    steps = max(age, timedelta()) // (timedelta(days=rule.decay.days) / (1 if rule.decay.kind == "half" else 10))
    if steps >= 10:
        return Fraction(0)
    return Fraction(1, 2**steps) if rule.decay.kind == "half" else Fraction(10 - steps, 10)


def _rounded(points: Fraction) -> int:
    """The nearest whole number; a half goes away from zero."""
    return int(abs(points) + Fraction(1, 2)) * (1 if points >= 0 else -1)


@contextmanager
def _undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def standing_still(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    moment = [NOON]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    return moment


@pytest.mark.django_db
@settings(max_examples=examples.some(4), deadline=None, suppress_health_check=list(HealthCheck))
@given(content=CARDS, lives=st.lists(st.tuples(VIEWS, GIVEN, st.booleans()), min_size=2, max_size=2), steps=STEPS)
def test_scores_are_right_at_every_moment(standing_still: list[datetime], content: Any, lives: Any, steps: list[float]) -> None:
    standing_still[0] = NOON
    with _undone():
        world = World()
        people = [world.contact(city="서울" if there else "부산") for _views, _given, there in lives]
        model = cards.create(content, actor=SYSTEM)
        scoring.everyone(model)
        for who, (views, given, _there) in zip(people, lives, strict=True):
            for page, ago in views:
                record.add([NewEvent(who, Kind.PAGE_VIEW, NOON - timedelta(days=ago), key_value=SITE + page)])
            for points, days in given:
                entries.add([who], model, points, reason="test", actor=SYSTEM, expires_days=days)
        world.settle()
        for days in (0.0, *steps):
            standing_still[0] += timedelta(days=days)
            world.settle()
            assert_right(people, ScoreModel.objects.get(pk=model.pk), standing_still[0])


def assert_right(people: list[int], model: ScoreModel, now: datetime) -> None:
    card = cards_of.read(cards.current(model).to_json())
    names = {row.key: str(row.pk) for row in score_sql.active(model)}
    for large in (patience.LARGE, -1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(patience, "LARGE", large)  # as in a large database, too
            assert scoring.everyone(model) == 0, "a full evaluation says something else"
    for who in people:
        events = Event.objects.filter(contact_id=who).values_list("kind", "ts", "key")
        person = evaluate.Person(
            properties={"city": _city(who)}, events=tuple(evaluate.Happened(kind, ts, key) for kind, ts, key in events if kind == Kind.PAGE_VIEW)
        )
        total, fit, reasons = by_hand(card, names, person, list(ScoreEntry.objects.filter(contact_id=who)), now)
        found = Score.objects.filter(contact_id=who, model_id=model.pk).first()
        assert ((found.total, found.fit, found.reasons) if found else (0, 0, {})) == (total, fit, reasons)
        told = Event.objects.filter(contact_id=who, kind=Kind.SCORE_CHANGED).values_list("value", flat=True)
        assert sum(v or 0 for v in told) == total
        explained = scoring.explain(who, model)
        assert explained is not None
        assert (explained.total, explained.fit) == (total, fit)
        assert sum(explained.groups.values()) + explained.ledger == explained.explicit + explained.implicit == total
        past = scoring.explain(who, model, at=now)
        assert past is not None
        assert past.total == total


def _city(who: int) -> str:
    from baton.crm import records

    return str(records.get("contact", who).properties["city"])
