"""Core node -> a sentence for people: in the editor, in the audit log, in the docs. The words come translated from `gettext`."""

from collections.abc import Callable
from datetime import timedelta
from typing import assert_never

from .catalog import Catalog, Property
from .check import resolve
from .nodes import And, Compare, Everyone, HasState, MemberOf, Nobody, Node, Not, Or, Performed, Related, Scalar, ScoreIs
from .operator import gettext_noop

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
        case MemberOf(segment_id):
            info = catalog.segment(segment_id)
            return gettext(gettext_noop("is in the list “{name}”")).format(name=info.name if info else segment_id)
        case ScoreIs():
            name = gettext(PARTS[node.part]).format(score=catalog.score(node.model_id) or node.model_id)
            return gettext(SCORES[node.operator]).format(score=name, value=node.value)
        case HasState(state, channel):
            text = gettext_noop("agreed to messages by {channel}") if state == "opted_in" else gettext_noop("opted out of messages by {channel}")
            return gettext(text).format(channel=gettext(CHANNELS.get(channel, channel)))
        case Related():
            inner = sentence(node.child, catalog, gettext)
            label = catalog.relation(node.object_type) or node.object_type
            if isinstance(node.child, Everyone):
                return gettext(gettext_noop("has a {object}")).format(object=catalog.relation(node.object_type) or node.object_type)
            return gettext(RELATED).format(object=label, filter=inner)
        case _:
            assert_never(node)


RELATED = gettext_noop("{object}: {filter}")
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
    prop, operator = resolve(node, catalog)
    value = node.value
    if value is None:
        shown = ""
    elif operator.takes == "two" and isinstance(value, tuple):
        shown = gettext(gettext_noop("{low} to {high}")).format(low=_value(prop, value[0], gettext), high=_value(prop, value[1], gettext))
    elif isinstance(value, tuple):
        shown = listed([_value(prop, v, gettext) for v in value], gettext)
    else:
        shown = _value(prop, value, gettext) if operator.takes == "one" else str(value)
    return gettext(operator.sentence).format(property=prop.label, value=shown)


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


def _performed(node: Performed, catalog: Catalog, gettext: Gettext) -> str:
    what = " / ".join(catalog.kind_label(kind) for kind in node.kinds)
    about = listed([f"“{name}”" for name in catalog.key_names(node.keys)], gettext) if node.keys is not None else ""
    if node.value_at_least is not None:
        about = f"{about} ≥ {node.value_at_least:g}".strip()
    parts = [f"{what} {about}".strip(), *occurrences(node.at_least, node.at_most, node.within, gettext)]
    if node.since is not None:
        parts.append(gettext(gettext_noop("since {date}")).format(date=node.since.date().isoformat()))
    if node.until is not None:
        parts.append(gettext(gettext_noop("until {date}")).format(date=node.until.date().isoformat()))
    return ", ".join(parts)


def occurrences(at_least: int, at_most: int | None, within: timedelta | None, gettext: Gettext) -> list[str]:
    """How often and in which time, as parts of a sentence; once is not said."""
    parts = []
    if at_most is None:
        if at_least != 1:
            parts.append(gettext(gettext_noop("at least {n} times")).format(n=at_least))
    elif at_most == 0:
        parts.append(gettext(gettext_noop("never")))
    elif (at_least, at_most) == (0, 1):
        parts.append(gettext(gettext_noop("at most once")))
    elif at_least == 0:
        parts.append(gettext(gettext_noop("at most {n} times")).format(n=at_most))
    else:
        parts.append(gettext(gettext_noop("{low} to {high} times")).format(low=at_least, high=at_most))
    if within is not None:
        length = within / timedelta(days=1)
        words = gettext_noop("in the last day") if length == 1 else gettext_noop("in the last {n} days")
        parts.append(gettext(words).format(n=f"{length:g}"))
    return parts
