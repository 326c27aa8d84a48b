"""Names, types and values of a filter against the catalog: what is wrong is said with its place, never answered with nobody."""

import math
from datetime import date, datetime, timedelta
from typing import assert_never

from . import depends
from .catalog import Catalog, Property
from .errors import FilterError
from .nodes import (
    And,
    Compare,
    EventTest,
    Everyone,
    FirstSeen,
    HasState,
    InBand,
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
    Value,
    children,
)
from .operator import BLANK, Operator, gettext_noop
from .operators import OPERATORS
from .operators.date import as_value
from .periods import PERIODS

LONGEST = 1000  # letters of a text, values of a choice
DAYS = 36_500
YEARS = (1000, 9000)  # so that adding days or a time zone stays within what dates can be
WHOLE = 2**31 - 1


def check(node: Node, catalog: Catalog, *, segment: int | None = None, of: str = "contact", deep: bool = False) -> None:
    """Raise FilterError for the first thing that is wrong. `segment` is the list this filter belongs to: it must not lead back to itself.

    `of` is the object type asked about. With `deep` relations may be about people and lead further; lists and scores cannot follow those.
    """
    _check(node, catalog, "", of, deep)
    if segment is not None:
        _no_circle(segment, depends.of(node).segments, catalog)


def resolve(node: Compare, catalog: Catalog, path: str = "") -> tuple[Property, Operator]:
    """The property and the operator a comparison names. Raises FilterError."""
    prop = catalog.property(node.of, node.property)
    if prop is None:
        raise FilterError(_at(path, "property"), "PROPERTY_DOESNT_EXIST", gettext_noop("There is no property “{name}”."), name=node.property)
    operator = OPERATORS[prop.type].get(node.operator)
    if operator is None:
        raise FilterError(
            _at(path, "operator"),
            "INVALID_OPERATOR",
            gettext_noop("“{name}” has no operator “{operator}”. It has: {choices}."),
            name=prop.label,
            operator=node.operator,
            choices=", ".join(OPERATORS[prop.type]),
        )
    return prop, _cased(operator, node.case, path)


VALUE = Property("value", gettext_noop("Number"), "number")
SEEN = {
    "first_page": Property("first_page", gettext_noop("First page"), "text"),
    "first_referrer": Property("first_referrer", gettext_noop("Came from"), "text"),
}


def resolve_test(test: EventTest, node: Performed, catalog: Catalog, path: str = "") -> tuple[Property, Operator]:
    """The property and the operator that a test of an event names. Raises FilterError."""
    prop = event_property(test.property, node, catalog, _at(path, "property"))
    operator = OPERATORS[prop.type].get(test.operator)
    if operator is None:
        text = gettext_noop("“{name}” has no operator “{operator}”. It has: {choices}.")
        given = {"name": prop.label, "operator": test.operator, "choices": ", ".join(OPERATORS[prop.type])}
        raise FilterError(_at(path, "operator"), "INVALID_OPERATOR", text, **given)
    return prop, _cased(operator, test.case, path)


def event_property(name: str, node: Performed, catalog: Catalog, path: str = "") -> Property:
    """What is known of the events a node asks for, by name; `value` is the event's own number. Raises FilterError."""
    prop = VALUE if name == "value" else catalog.event_property(node.kinds[0], node.event, name)
    if prop is None:
        raise FilterError(path, "PROPERTY_DOESNT_EXIST", gettext_noop("There is no property “{name}”."), name=name)
    return prop


def resolve_seen(node: FirstSeen, path: str = "") -> Operator:
    """The text operator over where somebody was first seen. Raises FilterError."""
    operator = OPERATORS["text"].get(node.operator)
    if operator is None:
        text = gettext_noop("“{name}” has no operator “{operator}”. It has: {choices}.")
        given = {"name": SEEN[node.what].label, "operator": node.operator, "choices": ", ".join(OPERATORS["text"])}
        raise FilterError(_at(path, "operator"), "INVALID_OPERATOR", text, **given)
    return _cased(operator, node.case, path)


def _cased(operator: Operator, case: bool, path: str) -> Operator:
    if not case:
        return operator
    if operator.cased is None:
        raise FilterError(_at(path, "case"), "UNEXPECTED_VALUE", gettext_noop("Only texts are compared with capital and small letters."))
    return operator.cased


def _at(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _check(node: Node, catalog: Catalog, path: str, of: str, deep: bool) -> None:
    if of != "contact" and isinstance(node, Performed | MemberOf | ScoreIs | InBand | FirstSeen | HasState | Subscribed):
        raise FilterError(path, "NOT_ABOUT_A_PERSON", gettext_noop("Only people do things and are in lists."))
    if of != "contact" and not deep and isinstance(node, Related):
        raise FilterError(path, "NOT_ABOUT_A_PERSON", gettext_noop("A related record is filtered by its properties only."))
    match node:
        case Everyone() | Nobody():
            pass
        case And() | Or() | Not():
            for i, child in enumerate(children(node)):
                _check(child, catalog, _at(path, f"children.{i}"), of, deep)
        case Compare():
            if node.of != of:
                raise FilterError(_at(path, "property"), "WRONG_OBJECT", gettext_noop("“{name}” is not a property of this record."), name=node.property)
            _check_value(*resolve(node, catalog, path), node.value, _at(path, "value"))
        case Performed():
            _check_performed(node, path)
            _check_tests(node, catalog, path)
        case MemberOf():
            if catalog.segment(node.segment_id) is None:
                raise FilterError(_at(path, "segment"), "SEGMENT_DOESNT_EXIST", gettext_noop("There is no list {number}."), number=node.segment_id)
            _check_length(node.within, _at(path, "joined_days"))
            _check_length(node.older, _at(path, "longer_days"))
        case InBand():
            if catalog.score(node.model_id) is None:
                raise FilterError(_at(path, "model"), "SCORE_DOESNT_EXIST", gettext_noop("There is no score {number}."), number=node.model_id)
            if node.band not in (bands := [band.key for band in catalog.bands(node.model_id)]):
                text = gettext_noop("The score has no band “{name}”. It has: {choices}.")
                raise FilterError(_at(path, "band"), "INVALID_OPTION", text, name=node.band, choices=", ".join(bands))
        case FirstSeen():
            _check_value(SEEN[node.what], resolve_seen(node, path), node.value, _at(path, "value"))
        case ScoreIs():
            if catalog.score(node.model_id) is None:
                raise FilterError(_at(path, "model"), "SCORE_DOESNT_EXIST", gettext_noop("There is no score {number}."), number=node.model_id)
            if abs(node.value) > WHOLE:
                raise FilterError(_at(path, "value"), "INVALID_NUMBER", gettext_noop("The number is too large."))
        case HasState() | Subscribed():
            if isinstance(node, Subscribed) and catalog.news(node.news_id) is None:
                raise FilterError(_at(path, "news"), "NEWS_DOESNT_EXIST", gettext_noop("There is no kind of news {number}."), number=node.news_id)
            if not node.channel.isidentifier():
                raise FilterError(_at(path, "channel"), "INVALID_CHANNEL", gettext_noop("There is no channel “{name}”."), name=node.channel)
        case Related():
            if catalog.relation(node.object_type) is None or (node.object_type == "contact" and not deep):
                raise FilterError(_at(path, "object_type"), "OBJECT_DOESNT_EXIST", gettext_noop("There is no object “{name}”."), name=node.object_type)
            if node.label and catalog.link(of, node.object_type, node.label) is None:
                raise FilterError(_at(path, "label"), "INVALID_OPTION", gettext_noop("There is no label “{name}”."), name=node.label)
            _check_counts(node.at_least, node.at_most, path)
            _check(node.child, catalog, _at(path, "child"), node.object_type, deep)
        case _:
            assert_never(node)


def _check_performed(node: Performed, path: str) -> None:
    if not node.kinds:
        raise FilterError(_at(path, "kinds"), "REQUIRED", gettext_noop("Say what happened."))
    _check_counts(node.at_least, node.at_most, path)
    _check_length(node.within, _at(path, "days"))
    _check_length(node.older, _at(path, "until_days"))
    if node.within is not None and node.older is not None and node.older >= node.within:
        raise FilterError(_at(path, "until_days"), "INVALID_NUMBER", gettext_noop("The end is before the beginning."))
    if node.value_at_least is not None and not math.isfinite(node.value_at_least):
        raise FilterError(_at(path, "value_at_least"), "INVALID_NUMBER", gettext_noop("This is not a number."))
    for end, name in ((node.since, "since"), (node.until, "until")):
        if end is not None and (not YEARS[0] <= end.year <= YEARS[1] or (isinstance(end, datetime) and end.tzinfo is None)):
            raise FilterError(_at(path, name), "INVALID_DATE", gettext_noop("A date is written like 2026-11-21."))
    if node.since is not None and node.until is not None and _day(node.until) < _day(node.since):
        raise FilterError(_at(path, "until"), "INVALID_DATE", gettext_noop("The end is before the beginning."))


def _day(at: date) -> date:
    return at.date() if isinstance(at, datetime) else at


def _check_counts(at_least: int, at_most: int | None, path: str) -> None:
    if not 0 <= at_least <= WHOLE:
        raise FilterError(_at(path, "at_least"), "INVALID_NUMBER", gettext_noop("A count is 0 or more."))
    if at_most is not None and not at_least <= at_most <= WHOLE:
        raise FilterError(_at(path, "at_most"), "INVALID_NUMBER", gettext_noop("The most must not be less than the least."))


def _check_length(length: timedelta | None, path: str) -> None:
    if length is not None and not timedelta() < length <= timedelta(days=DAYS):
        raise FilterError(path, "INVALID_NUMBER", gettext_noop("Days are a number from 1 to {most}."), most=DAYS)


def _check_tests(node: Performed, catalog: Catalog, path: str) -> None:
    """What is asked of one event; places are counted without the tests that conditions add by themselves."""
    for test in node.where:
        if isinstance(test, PayloadTest):
            _check_text(test.key, _at(path, "where"))
    for i, test in enumerate(test for test in node.where if not isinstance(test, PayloadTest)):
        place = _at(path, f"tests.{i}")
        if isinstance(test, EventTest):
            _check_value(*resolve_test(test, node, catalog, place), test.value, _at(place, "value"))
    if node.total is None:
        return
    place = _at(path, "sum")
    if event_property(node.total.property, node, catalog, _at(place, "of")).type != "number":
        raise FilterError(_at(place, "of"), "INVALID_NUMBER", gettext_noop("Only numbers are added up."))
    low, high = node.total.at_least, node.total.at_most
    if low is None and high is None:
        raise FilterError(_at(place, "at_least"), "REQUIRED", gettext_noop("Say how much at least or at most."))
    if any(end is not None and not math.isfinite(end) for end in (low, high)):
        raise FilterError(place, "INVALID_NUMBER", gettext_noop("This is not a number."))
    if low is not None and high is not None and low > high:
        raise FilterError(_at(place, "at_most"), "INVALID_NUMBER", gettext_noop("The most must not be less than the least."))


def _check_value(prop: Property, operator: Operator, value: Value, path: str) -> None:
    match operator.takes:
        case "nothing":
            if value is not None:
                raise FilterError(path, "UNEXPECTED_VALUE", gettext_noop("This operator takes no value."))
        case "one":
            if isinstance(value, tuple) or value is None:
                raise FilterError(path, "REQUIRED", gettext_noop("Give one value."))
            _check_one(prop, value, path)
        case "many":
            if not isinstance(value, tuple) or not value:
                raise FilterError(path, "REQUIRED", gettext_noop("Give at least one value, as a list."))
            if len(value) > LONGEST:
                raise FilterError(path, "TOO_MANY_VALUES", gettext_noop("At most {most} values."), most=LONGEST)
            for i, item in enumerate(value):
                _check_one(prop, item, f"{path}.{i}")
        case "two":
            if not isinstance(value, tuple) or len(value) != 2:
                raise FilterError(path, "REQUIRED", gettext_noop("Give two values: from and to."))
            for i, item in enumerate(value):
                _check_one(prop, item, f"{path}.{i}")
            low, high = value
            if _turned(low, high):
                raise FilterError(path, "INVALID_RANGE", gettext_noop("The end is before the beginning."))
        case "days":
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= DAYS:
                raise FilterError(path, "INVALID_NUMBER", gettext_noop("Days are a number from 0 to {most}."), most=DAYS)
        case "period":
            if value not in PERIODS:
                raise FilterError(path, "INVALID_OPTION", gettext_noop("A period is one of: {choices}."), choices=", ".join(PERIODS))
        case _:
            assert_never(operator.takes)


def _turned(low: object, high: object) -> bool:
    if isinstance(low, str) and isinstance(high, str):
        return low[:10] > high[:10] if "T" in low + high else low > high
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high


def _check_one(prop: Property, value: object, path: str) -> None:
    """One value of the property's type."""
    match prop.type:
        case "text" | "phone" | "email" | "url":
            _check_text(value, path)
        case "number":
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise FilterError(path, "INVALID_NUMBER", gettext_noop("This is not a number."))
        case "date" | "datetime":
            _check_date(value, path, day_only=prop.type == "date")
        case "choice" | "multi_choice":
            if value not in {option for option, _ in prop.options}:
                raise FilterError(path, "INVALID_OPTION", gettext_noop("“{name}” has no option “{value}”."), name=prop.label, value=value)
        case "user":
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
                raise FilterError(path, "INVALID_USER", gettext_noop("A user is named by number."))
        case "boolean":
            if not isinstance(value, bool):
                raise FilterError(path, "INVALID_BOOLEAN", gettext_noop("The value is true or false."))
        case _:
            assert_never(prop.type)


def _check_text(value: object, path: str) -> None:
    if not isinstance(value, str) or not value.strip(BLANK):
        raise FilterError(path, "REQUIRED", gettext_noop("Give a text that is not blank. To ask for blank ones, use “is unknown”."))
    if len(value) > LONGEST:
        raise FilterError(path, "TOO_LONG", gettext_noop("At most {most} letters."), most=LONGEST)
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise FilterError(path, "INVALID_TEXT", gettext_noop("The text has letters that cannot be stored."))


def _check_date(value: object, path: str, *, day_only: bool) -> None:
    try:
        at = as_value(value)
    except ValueError:
        at = None
    if at is None or not YEARS[0] <= at.year <= YEARS[1] or (day_only and len(str(value)) != 10):
        raise FilterError(path, "INVALID_DATE", gettext_noop("A date is written like 2026-11-21."))


def _no_circle(segment: int, mentions: frozenset[int], catalog: Catalog) -> None:
    """Follow the lists this one mentions; the way back to itself is an error that names it."""
    ways: list[tuple[int, ...]] = [(m,) for m in sorted(mentions)]
    seen: set[int] = set()
    while ways:
        way = ways.pop()
        if way[-1] == segment:
            names = [info.name if (info := catalog.segment(s)) else str(s) for s in way]
            raise FilterError("", "CIRCLE", gettext_noop("The list would depend on itself: {way}."), way=" → ".join(names))
        if way[-1] in seen:
            continue
        seen.add(way[-1])
        info = catalog.segment(way[-1])
        ways += [(*way, m) for m in sorted(info.mentions if info else ())]
