"""What a filter means, in plain Python over one person's data. Tests hold the compiled SQL against it; the product never runs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, assert_never

from .catalog import Catalog, Property
from .check import resolve
from .compile import ORDER
from .moment import Moment
from .nodes import And, Compare, Everyone, HasState, MemberOf, Nobody, Node, Not, Or, Performed, Related, ScoreIs


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


@dataclass(frozen=True)
class Person:
    """All that a filter can see of a contact."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Happened, ...] = ()
    segments: frozenset[int] = frozenset()
    scores: Mapping[int, Mapping[str, int]] = field(default_factory=dict)  # model -> part -> points
    related: tuple[Thing, ...] = ()
    consent: Mapping[str, tuple[bool, datetime]] = field(default_factory=dict)  # channel -> granted, when
    suppressed: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)  # channel -> reason, when
    created_at: datetime | None = None


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
                times = sum(self._counts(event, node) for event in self.person.events)
                return node.at_least <= times and (node.at_most is None or times <= node.at_most)
            case MemberOf():
                return node.segment_id in self.person.segments
            case ScoreIs():
                points = self.person.scores.get(node.model_id, {}).get(node.part, 0)
                return ORDER[node.operator][2](points, node.value)
            case HasState(state, channel):
                granted = self.person.consent.get(channel, (None, None))[0]
                refused = granted is False or self._suppressed(channel)
                return refused if state == "opted_out" else not refused and granted is True
            case Related():
                return any(
                    t.object_type == node.object_type and not t.archived and node.label in {None, t.label} and self.of(node.child, t)
                    for t in (self.person if thing is None else thing).related
                )
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
        granted, when = self.person.consent.get(channel, (False, at))
        return not (reason == "unsubscribed" and granted and when > at)

    def _counts(self, event: Happened, node: Performed) -> bool:
        now = self.moment.now
        return (
            event.kind in node.kinds
            and (node.keys is None or event.key in node.keys)
            and (node.within is None or now - node.within <= event.ts <= now)
            and (node.since is None or node.since <= event.ts)
            and (node.until is None or event.ts <= node.until)
            and (node.value_at_least is None or (event.value is not None and event.value >= node.value_at_least))
            and all(_passes(event.payload, test.key, test.test, test.value) for test in node.where)
        )


def _passes(payload: Mapping[str, Any], key: str, test: str, value: str) -> bool:
    if test == "is":
        return payload.get(key) == value
    return (key in payload) == (test == "present")
