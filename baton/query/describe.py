"""Core node -> a sentence for people: in the editor, in the audit log, in the docs. The words come translated from `gettext`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import assert_never

from .catalog import Catalog, Property
from .check import SEEN, event_property, resolve, resolve_seen, resolve_test
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
    Performed,
    Related,
    Scalar,
    ScoreIs,
    Subscribed,
    Value,
)
from .operator import Operator, gettext_noop

Gettext = Callable[[str], str]
FEW = 3  # names that are spelled out

SCORES = {
    "at_least": gettext_noop("{score} is at least {value}"),
    "at_most": gettext_noop("{score} is at most {value}"),
    "more_than": gettext_noop("{score} is more than {value}"),
    "less_than": gettext_noop("{score} is less than {value}"),
    "is": gettext_noop("{score} is {value}"),
    "is_not": gettext_noop("{score} is not {value}"),
}
STATES = {
    "opted_in": gettext_noop("agreed to messages by {channel}"),
    "opted_out": gettext_noop("opted out of messages by {channel}"),
    "bounced": gettext_noop("cannot be reached by {channel}: bounced"),
    "complained": gettext_noop("complained about messages by {channel}"),
    "unsubscribed": gettext_noop("unsubscribed from messages by {channel}"),
}
PERIODS = {
    "today": gettext_noop("today"),
    "yesterday": gettext_noop("yesterday"),
    "tomorrow": gettext_noop("tomorrow"),
    "this_week": gettext_noop("this week"),
    "last_week": gettext_noop("last week"),
    "next_week": gettext_noop("next week"),
    "this_month": gettext_noop("this month"),
    "last_month": gettext_noop("last month"),
    "next_month": gettext_noop("next month"),
    "this_quarter": gettext_noop("this quarter"),
    "last_quarter": gettext_noop("last quarter"),
    "next_quarter": gettext_noop("next quarter"),
    "this_year": gettext_noop("this year"),
    "last_year": gettext_noop("last year"),
    "next_year": gettext_noop("next year"),
}
PARTS = {"total": gettext_noop("{score}"), "fit": gettext_noop("{score} (fit)"), "engagement": gettext_noop("{score} (engagement)")}


def sentence(node: Node, catalog: Catalog, gettext: Gettext = str) -> str:
    """What the node asks for. The node must have passed check()."""
    match node:
        case Everyone():
            return gettext(gettext_noop("every contact"))
        case Nobody():
            return gettext(gettext_noop("no contact"))
        case And(children):
            return joined([sentence(c, catalog, gettext) for c in children], "all", gettext) if children else sentence(Everyone(), catalog, gettext)
        case Or(children):
            return joined([sentence(c, catalog, gettext) for c in children], "any", gettext) if children else sentence(Nobody(), catalog, gettext)
        case Not(child):
            return negated(sentence(child, catalog, gettext), gettext)
        case Compare():
            return compared(node, catalog, gettext)
        case Performed():
            return _performed(node, catalog, gettext)
        case MemberOf():
            return _member(node, catalog, gettext)
        case InBand():
            text = gettext_noop("{score} is in the band “{band}” or above") if node.above else gettext_noop("{score} is in the band “{band}”")
            label = next((band.label for band in catalog.bands(node.model_id) if band.key == node.band), node.band)
            return gettext(text).format(score=catalog.score(node.model_id) or node.model_id, band=label)
        case FirstSeen():
            return _compared(replace(SEEN[node.what], label=gettext(SEEN[node.what].label)), resolve_seen(node), node.value, node.case, gettext)
        case ScoreIs():
            name = gettext(PARTS[node.part]).format(score=catalog.score(node.model_id) or node.model_id)
            return gettext(SCORES[node.operator]).format(score=name, value=node.value)
        case HasState(state, channel):
            return gettext(STATES[state]).format(channel=gettext(CHANNELS.get(channel, channel)))
        case Subscribed(number, granted, channel):
            known = catalog.news(number)
            text = gettext_noop("took the news “{name}” by {channel}") if granted else gettext_noop("refused the news “{name}” by {channel}")
            return gettext(text).format(name=known.name if known else f"#{number}", channel=gettext(CHANNELS.get(channel, channel)))
        case Related():
            return related(node, sentence(node.child, catalog, gettext), catalog, gettext)
        case _:
            assert_never(node)


RELATED = gettext_noop("{object}: {filter}")


def related(node: Related, inner: str, catalog: Catalog, gettext: Gettext) -> str:
    """What is asked of linked records, `inner` of each, and of how many."""
    label = catalog.relation(node.object_type) or node.object_type
    if node.label:
        label = gettext(gettext_noop("{object} ({label})")).format(object=label, label=catalog.link("contact", node.object_type, node.label) or node.label)
    if (node.at_least, node.at_most) == (0, 0):
        if isinstance(node.child, Everyone):
            return gettext(gettext_noop("has no {object}")).format(object=label)
        return gettext(gettext_noop("no {object}: {filter}")).format(object=label, filter=inner)
    if isinstance(node.child, Everyone):
        said = gettext(gettext_noop("has a {object}")).format(object=label)
    else:
        said = gettext(RELATED).format(object=label, filter=inner)
    often = [] if (node.at_least, node.at_most) == (1, None) else _numbered(node.at_least, node.at_most, gettext)
    return ", ".join([said, *often])


def _numbered(at_least: int, at_most: int | None, gettext: Gettext) -> list[str]:
    """How many of them."""
    if at_most is None:
        return [gettext(gettext_noop("at least {n} of them")).format(n=at_least)]
    if at_least == 0:
        return [gettext(gettext_noop("at most {n} of them")).format(n=at_most)]
    return [gettext(gettext_noop("{low} to {high} of them")).format(low=at_least, high=at_most)]


CHANNELS = {"email": gettext_noop("e-mail"), "kakaotalk": gettext_noop("KakaoTalk"), "sms": gettext_noop("text message")}


def joined(parts: list[str], how: str, gettext: Gettext) -> str:
    """Several sentences as one; alternatives stand in brackets."""
    if len(parts) == 1:
        return parts[0]
    if how == "all":
        return gettext(gettext_noop(" and ")).join(parts)
    either = gettext(gettext_noop(" or ")).join(parts)
    return f"({either})"


def negated(part: str, gettext: Gettext) -> str:
    """The opposite of a sentence, which stands in brackets."""
    return gettext(gettext_noop("not {filter}")).format(filter=part if part.startswith("(") else f"({part})")


def compared(node: Compare, catalog: Catalog, gettext: Gettext) -> str:
    """A comparison with the property's and the options' labels."""
    return _compared(*resolve(node, catalog), node.value, node.case, gettext)


def _compared(prop: Property, operator: Operator, value: Value, case: bool, gettext: Gettext) -> str:
    if value is None:
        shown = ""
    elif operator.takes == "two" and isinstance(value, tuple):
        shown = gettext(gettext_noop("{low} to {high}")).format(low=_value(prop, value[0], gettext), high=_value(prop, value[1], gettext))
    elif isinstance(value, tuple):
        shown = listed([_value(prop, v, gettext) for v in value], gettext)
    elif operator.takes == "period":
        shown = gettext(PERIODS[str(value)])
    else:
        shown = _value(prop, value, gettext) if operator.takes == "one" else str(value)
    words = gettext_noop("{property} has its day of the year today") if (operator.key, value) == ("anniversary_in_days", 0) else operator.sentence
    said = gettext(words).format(property=prop.label, value=shown)
    return gettext(gettext_noop("{filter} (capital and small letters as written)")).format(filter=said) if case else said


def _value(prop: Property, value: Scalar, gettext: Gettext) -> str:
    if isinstance(value, bool):
        return gettext(gettext_noop("yes")) if value else gettext(gettext_noop("no"))
    if isinstance(value, int | float):
        return f"{value:,}" if prop.type == "number" else str(value)
    label = dict(prop.options).get(value)
    return label if label is not None else value if prop.type in {"date", "datetime"} else f"“{value}”"


def listed(names: list[str], gettext: Gettext) -> str:
    """The first few names, and how many more."""
    if len(names) <= FEW:
        return ", ".join(names)
    return gettext(gettext_noop("{names} and {count} more")).format(names=", ".join(names[:FEW]), count=len(names) - FEW)


def _member(node: MemberOf, catalog: Catalog, gettext: Gettext) -> str:
    info = catalog.segment(node.segment_id)
    parts = [gettext(gettext_noop("is in the list “{name}”")).format(name=info.name if info else node.segment_id)]
    if node.within is not None:
        parts.append(gettext(gettext_noop("joined in the last {n} days")).format(n=_days(node.within)))
    if node.older is not None:
        parts.append(gettext(gettext_noop("for more than {n} days")).format(n=_days(node.older)))
    if node.reason is not None:
        parts.append(gettext(gettext_noop("put in by hand") if node.reason == "hand" else gettext_noop("found by its filter")))
    return ", ".join(parts)


def _performed(node: Performed, catalog: Catalog, gettext: Gettext) -> str:
    what = " / ".join(catalog.kind_label(kind) for kind in node.kinds)
    about = listed([f"“{name}”" for name in catalog.key_names(node.keys)], gettext) if node.keys is not None else ""
    if node.value_at_least is not None:
        about = f"{about} ≥ {node.value_at_least:g}".strip()
    return happened(node, f"{what} {about}".strip(), catalog, gettext)


def happened(node: Performed, what: str, catalog: Catalog, gettext: Gettext) -> str:
    """`what` happened: what is asked of each time, how often, and when."""
    tests = [said for test in node.where if (said := _test(test, node, catalog, gettext))]
    if tests:
        what = gettext(gettext_noop("{what} ({tests})")).format(what=what, tests=gettext(gettext_noop(" and ")).join(tests))
    if node.total is not None:
        often = [_summed(node, catalog, gettext)]
    elif node.pick is not None:
        often, what = [], picked(what, node.pick, gettext)
    else:
        often = times(node.at_least, node.at_most, gettext)
    return ", ".join([what, *often, *time(node, gettext)])


def _test(test: object, node: Performed, catalog: Catalog, gettext: Gettext) -> str:
    match test:
        case EventTest():
            prop, operator = resolve_test(test, node, catalog)
            label = gettext(prop.label) if prop.name == "value" else prop.label
            return _compared(replace(prop, label=label), operator, test.value, test.case, gettext)
        case KeyTest():
            text = gettext_noop("not about {names}") if test.negative else gettext_noop("about {names}")
            return gettext(text).format(names=listed([f"“{name}”" for name in catalog.key_names(test.keys)], gettext) or "–")
        case _:
            return ""


def _summed(node: Performed, catalog: Catalog, gettext: Gettext) -> str:
    assert node.total is not None
    prop = event_property(node.total.property, node, catalog)
    name, low, high = gettext(prop.label) if prop.name == "value" else prop.label, node.total.at_least, node.total.at_most
    if high is None:
        return gettext(gettext_noop("{property} adds up to at least {n}")).format(property=name, n=_number(low))
    if low is None:
        return gettext(gettext_noop("{property} adds up to at most {n}")).format(property=name, n=_number(high))
    return gettext(gettext_noop("{property} adds up to {low} to {high}")).format(property=name, low=_number(low), high=_number(high))


def _number(value: float | None) -> str:
    return f"{value:,}".removesuffix(".0")


def picked(what: str, which: str, gettext: Gettext) -> str:
    """The first or the last time something happened."""
    return gettext(gettext_noop("first time: {what}") if which == "first" else gettext_noop("last time: {what}")).format(what=what)


def times(at_least: int, at_most: int | None, gettext: Gettext) -> list[str]:
    """How often, as parts of a sentence; once or more is not said."""
    if at_most is None:
        return [] if at_least == 1 else [gettext(gettext_noop("at least {n} times")).format(n=at_least)]
    if at_most == 0:
        return [gettext(gettext_noop("never"))]
    if at_least == at_most:
        return [gettext(gettext_noop("exactly once") if at_most == 1 else gettext_noop("exactly {n} times")).format(n=at_most)]
    if (at_least, at_most) == (0, 1):
        return [gettext(gettext_noop("at most once"))]
    if at_least == 0:
        return [gettext(gettext_noop("at most {n} times")).format(n=at_most)]
    return [gettext(gettext_noop("{low} to {high} times")).format(low=at_least, high=at_most)]


def time(node: Performed, gettext: Gettext) -> list[str]:
    """In which time, as parts of a sentence."""
    if node.period is not None:
        return [gettext(PERIODS[node.period])]
    if node.within is not None and node.older is not None:
        return [gettext(gettext_noop("from {n} to {m} days ago")).format(n=_days(node.within), m=_days(node.older))]
    parts = []
    if node.within is not None:
        length = _days(node.within)
        parts.append(gettext(gettext_noop("in the last day") if length == "1" else gettext_noop("in the last {n} days")).format(n=length))
    if node.older is not None:
        parts.append(gettext(gettext_noop("up to {n} days ago")).format(n=_days(node.older)))
    if node.since is not None:
        parts.append(gettext(gettext_noop("since {date}")).format(date=_moment(node.since)))
    if node.until is not None:
        parts.append(gettext(gettext_noop("before {date}")).format(date=_moment(node.until)))
    return parts


def _days(length: timedelta) -> str:
    return f"{length / timedelta(days=1):g}"


def _moment(day: date) -> str:
    return day.isoformat(sep=" ", timespec="minutes") if isinstance(day, datetime) else day.isoformat()
