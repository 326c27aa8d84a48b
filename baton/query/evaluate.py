"""What a filter means, in plain Python over one person's data. Tests hold the compiled SQL against it; the product never runs it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, assert_never

from . import periods
from .catalog import Catalog, Property
from .check import event_property, resolve, resolve_seen, resolve_test
from .compile import MILLISECONDS, NUMBER, ORDER
from .moment import Moment
from .nodes import (
    And,
    Compare,
    EventTest,
    Everyone,
    FirstSeen,
    HasState,
    InBand,
    KeyTest,
    MemberOf,
    Nobody,
    Node,
    Not,
    Or,
    PayloadTest,
    Performed,
    Related,
    ScoreIs,
    Subscribed,
)
from .operator import is_number


@dataclass(frozen=True)
class Happened:
    """One event."""

    kind: int
    ts: datetime
    key: int = 0
    value: float | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Thing:
    """A related record: how it is linked, what it is, what is known of it."""

    object_type: str
    properties: Mapping[str, Any]
    label: str = ""
    archived: bool = False
    related: "tuple[Thing, ...]" = ()
    created_at: datetime | None = None
    number: int | None = None  # links with the same number lead to the same record

    @property
    def same(self) -> int:
        return id(self) if self.number is None else self.number


@dataclass(frozen=True)
class Person:
    """All that a filter can see of a contact."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Happened, ...] = ()
    segments: Mapping[int, tuple[datetime, str]] = field(default_factory=dict)  # list -> since when, why
    scores: Mapping[int, Mapping[str, int]] = field(default_factory=dict)  # model -> part -> points
    related: tuple[Thing, ...] = ()
    consent: Mapping[str, tuple[bool, datetime, datetime | None]] = field(default_factory=dict)  # channel -> granted, when, until when
    suppressed: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)  # channel -> reason, when
    created_at: datetime | None = None
    seen: Mapping[str, str] = field(default_factory=dict)  # first_page, first_referrer
    news: Mapping[tuple[int, str], tuple[bool, datetime | None]] = field(default_factory=dict)  # kind of news and channel -> granted, until when


def holds(node: Node, person: Person | Thing, catalog: Catalog, *, now: datetime, zone: tzinfo) -> bool:
    """Does the filter hold for the person, or the record?"""
    if isinstance(person, Thing):
        return _Meaning(catalog, Moment(now, zone), Person()).of(node, person)
    return _Meaning(catalog, Moment(now, zone), person).of(node)


@dataclass(frozen=True)
class _Meaning:
    catalog: Catalog
    moment: Moment
    person: Person

    def of(self, node: Node, thing: Thing | None = None) -> bool:
        match node:
            case Everyone():
                return True
            case Nobody():
                return False
            case And(children):
                return all(self.of(child, thing) for child in children)
            case Or(children):
                return any(self.of(child, thing) for child in children)
            case Not(child):
                return not self.of(child, thing)
            case Compare():
                prop, operator = resolve(node, self.catalog)
                return operator.holds(self._stored(prop, thing), node.value, self.moment)
            case Performed():
                return self._performed(node)
            case MemberOf():
                return self._member(node)
            case InBand():
                total = self.person.scores.get(node.model_id, {}).get("total", 0)
                reached = [band.key for band in self.catalog.bands(node.model_id) if total >= band.at_least]
                return node.band in reached if node.above else reached[-1:] == [node.band]
            case FirstSeen():
                return resolve_seen(node).holds(self.person.seen.get(node.what), node.value, self.moment)
            case ScoreIs():
                points = self.person.scores.get(node.model_id, {}).get(node.part, 0)
                return ORDER[node.operator][2](points, node.value)
            case HasState(state, channel):
                if state not in ("opted_in", "opted_out"):
                    such = ("bounced", "soft_limit") if state == "bounced" else (state,)
                    return self._suppressed(channel) and self.person.suppressed[channel][0] in such
                granted, _at, until = self.person.consent.get(channel, (None, None, None))
                refused = granted is False or self._suppressed(channel)
                return refused if state == "opted_out" else not refused and granted is True and (until is None or until > self.moment.now)
            case Subscribed(number, granted, channel):
                said, until = self.person.news.get((number, channel), (None, None))
                return said is granted and (until is None or until > self.moment.now)
            case Related():
                linked = {
                    t.same
                    for t in (self.person if thing is None else thing).related
                    if t.object_type == node.object_type and not t.archived and node.label in {None, t.label} and self.of(node.child, t)
                }
                return node.at_least <= len(linked) and (node.at_most is None or len(linked) <= node.at_most)
            case _:
                assert_never(node)

    def _stored(self, prop: Property, thing: Thing | None) -> Any:
        """The raw value as properties store it."""
        if prop.column == "created_at":
            at = (self.person if thing is None else thing).created_at
            return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if prop.column == "archived_at":
            return thing is not None and thing.archived
        return (self.person if thing is None else thing).properties.get(prop.name)

    def _suppressed(self, channel: str) -> bool:
        if channel not in self.person.suppressed:
            return False
        reason, at = self.person.suppressed[channel]
        granted, when, _until = self.person.consent.get(channel, (False, at, None))
        return not (reason == "unsubscribed" and granted and when > at)

    def _member(self, node: MemberOf) -> bool:
        if node.segment_id not in self.person.segments:
            return False
        joined, reason = self.person.segments[node.segment_id]
        been = self.moment.now - joined
        return (
            (node.within is None or been <= node.within)
            and (node.older is None or been > node.older)
            and (node.reason is None or (node.reason == "filter") == reason.startswith("filter"))
        )

    def _performed(self, node: Performed) -> bool:
        such = [e for e in self.person.events if e.kind in node.kinds and (node.keys is None or e.key in node.keys) and self._marked(e, node)]
        if node.pick is not None:
            in_order = sorted(enumerate(such), key=lambda numbered: (numbered[1].ts, numbered[0]))
            chosen = [event for _, event in (in_order[:1] if node.pick == "first" else in_order[-1:])]
            return any(self._counts(event, node) for event in chosen)
        found = [event for event in such if self._counts(event, node)]
        if node.total is not None:
            amount = sum((self._number(event, node) for event in found), Decimal(0))
            low, high = node.total.at_least, node.total.at_most
            enough = (low is None or amount >= Decimal(str(low))) and (high is None or amount <= Decimal(str(high)))
            return enough and (node.at_least <= 0 or found != [])
        return node.at_least <= len(found) and (node.at_most is None or len(found) <= node.at_most)

    def _marked(self, event: Happened, node: Performed) -> bool:
        enough = node.value_at_least is None or (event.value is not None and event.value >= node.value_at_least)
        return enough and all(_passes(event.payload, t.key, t.test, t.value) for t in node.where if isinstance(t, PayloadTest))

    def _counts(self, event: Happened, node: Performed) -> bool:
        """In the window, and it passes every test of its own."""
        return self._in_time(event, node) and all(self._true(event, test, node) for test in node.where if not isinstance(test, PayloadTest))

    def _in_time(self, event: Happened, node: Performed) -> bool:
        now = self.moment.now
        if node.period is not None:
            first, after = periods.days(node.period, self.moment.today)
            return first <= event.ts.astimezone(self.moment.zone).date() < after
        if node.since is not None and event.ts < self.moment.start(node.since):
            return False
        if node.until is not None and event.ts >= self.moment.start(node.until):
            return False
        rolling = node.within is not None or node.older is not None
        return not rolling or ((node.within is None or now - node.within <= event.ts) and event.ts <= (now if node.older is None else now - node.older))

    def _true(self, event: Happened, test: PayloadTest | EventTest | KeyTest, node: Performed) -> bool:
        match test:
            case KeyTest():
                return (event.key in test.keys) != test.negative
            case EventTest():
                prop, operator = resolve_test(test, node, self.catalog)
                return operator.holds(self._known(event, prop, node), test.value, self.moment)
            case PayloadTest():
                return True
            case _:
                assert_never(test)

    def _known(self, event: Happened, prop: Property, node: Performed) -> Any:
        """What is known of an event, as properties store it."""
        if prop.name == "value":
            return event.value
        if not node.event:
            return event.payload.get(prop.name)
        own = event.payload.get("properties")
        text = own.get(prop.name) if isinstance(own, dict) else None
        if text is None or prop.type not in ("number", "datetime"):
            return text
        if prop.type == "number":
            return Decimal(str(text).strip()) if re.match(NUMBER, str(text)) else None
        return datetime.fromtimestamp(int(text) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if re.match(MILLISECONDS, str(text)) else text

    def _number(self, event: Happened, node: Performed) -> Decimal:
        assert node.total is not None
        stored = self._known(event, event_property(node.total.property, node, self.catalog), node)
        return Decimal(str(stored)) if is_number(stored) else Decimal(0)


def _passes(payload: Mapping[str, Any], key: str, test: str, value: str) -> bool:
    if test == "is":
        return payload.get(key) == value
    return (key in payload) == (test == "present")
