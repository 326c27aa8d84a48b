"""Names, types and values of a filter against the catalog: what is wrong is said with its place, never answered with nobody."""

import math
from datetime import timedelta
from typing import assert_never

from . import depends
from .catalog import Catalog, Property
from .errors import FilterError
from .nodes import And, Compare, Everyone, HasState, MemberOf, Nobody, Node, Not, Or, Performed, Related, ScoreIs, Value, children
from .operator import BLANK, Operator, gettext_noop
from .operators import OPERATORS
from .operators.date import as_value

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
    return prop, operator


def _at(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _check(node: Node, catalog: Catalog, path: str, of: str, deep: bool) -> None:
    if of != "contact" and isinstance(node, Performed | MemberOf | ScoreIs | HasState):
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
        case MemberOf():
            if catalog.segment(node.segment_id) is None:
                raise FilterError(_at(path, "segment"), "SEGMENT_DOESNT_EXIST", gettext_noop("There is no list {number}."), number=node.segment_id)
        case ScoreIs():
            if catalog.score(node.model_id) is None:
                raise FilterError(_at(path, "model"), "SCORE_DOESNT_EXIST", gettext_noop("There is no score {number}."), number=node.model_id)
            if abs(node.value) > WHOLE:
                raise FilterError(_at(path, "value"), "INVALID_NUMBER", gettext_noop("The number is too large."))
        case HasState():
            if not node.channel.isidentifier():
                raise FilterError(_at(path, "channel"), "INVALID_CHANNEL", gettext_noop("There is no channel “{name}”."), name=node.channel)
        case Related():
            if catalog.relation(node.object_type) is None or (node.object_type == "contact" and not deep):
                raise FilterError(_at(path, "object_type"), "OBJECT_DOESNT_EXIST", gettext_noop("There is no object “{name}”."), name=node.object_type)
            _check(node.child, catalog, _at(path, "child"), node.object_type, deep)
        case _:
            assert_never(node)


def _check_performed(node: Performed, path: str) -> None:
    if not node.kinds:
        raise FilterError(_at(path, "kinds"), "REQUIRED", gettext_noop("Say what happened."))
    if not 0 <= node.at_least <= WHOLE:
        raise FilterError(_at(path, "at_least"), "INVALID_NUMBER", gettext_noop("A count is 0 or more."))
    if node.at_most is not None and not node.at_least <= node.at_most <= WHOLE:
        raise FilterError(_at(path, "at_most"), "INVALID_NUMBER", gettext_noop("The most must not be less than the least."))
    if node.within is not None and not timedelta() < node.within <= timedelta(days=DAYS):
        raise FilterError(_at(path, "days"), "INVALID_NUMBER", gettext_noop("Days are a number from 1 to {most}."), most=DAYS)
    if node.value_at_least is not None and not math.isfinite(node.value_at_least):
        raise FilterError(_at(path, "value_at_least"), "INVALID_NUMBER", gettext_noop("This is not a number."))
    for test in node.where:
        _check_text(test.key, _at(path, "where"))
    if node.since is not None and node.until is not None and node.since > node.until:
        raise FilterError(_at(path, "until"), "INVALID_DATE", gettext_noop("The end is before the beginning."))


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
