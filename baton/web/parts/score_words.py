"""Rules of a score, and what differs between two cards, in words that people read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from baton.accounts.models import User
from baton.crm import properties
from baton.platform.actor import Actor
from baton.platform.errors import Invalid
from baton.segments import cards
from baton.segments import filter as filters
from baton.segments.card import Card

from ..templatetags.fmt import minus, num, signed

GROUP_ICONS = {
    "fit_person": "user-round", "fit_company": "building-2", "form": "clipboard-list", "web": "mouse-pointer-click", "email": "mail",
    "minus": "circle-minus", "content": "file-text", "event": "calendar",
}  # fmt: skip
SIDE_ICONS = {"fit": "id-card", "engagement": "activity"}
TEXTS = ("text", "phone", "url")  # types whose values people write as they like
COMPARES = ("is", "is_not", "contains", "not_contains", "starts_with", "ends_with", "has_word", "has_no_word", "any_of", "none_of")


@dataclass(frozen=True, slots=True)
class Chip:
    """A limit of a rule in a word or two."""

    text: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One difference between two cards."""

    kind: str  # new, gone, changed
    what: str
    details: tuple[str, ...] = ()


def points(number: int) -> str:
    """35 points; −5 points."""
    return ngettext("{shown} point", "{shown} points", number).format(shown=minus(number))


def sentence(rule: Mapping[str, Any], object_type: str = "contact") -> str:
    """What a rule asks."""
    if not rule["filter"]:
        return _("A rule without a condition: it gives nobody points")
    try:
        return filters.sentence(dict(rule["filter"]), object_type)
    except Invalid:
        return _("This rule's condition can no longer be read ({key}).").format(key=rule["key"])


def group_icon(group: Mapping[str, Any]) -> str:
    return GROUP_ICONS.get(str(group["key"]), SIDE_ICONS[str(group["side"])])


def chips(rule: Mapping[str, Any]) -> list[Chip]:
    """How often it counts, once per what, how it gets less, when it ends, and whether people said it themselves."""
    found = []
    if rule["kind"] == "event":
        times = rule["times"]
        if times is None:
            found.append(Chip(_("each time")))
        elif times > 1:
            found.append(Chip(_("up to {n} times").format(n=num(times))))
        else:
            found.append(Chip(_("once")))
        if rule["per_item"]:
            found.append(Chip(_("each one once")))
        if decay := rule["decay"]:
            said = _("half every {n} days") if decay["kind"] == "half" else _("down to 0 over {n} days")
            found.append(Chip(said.format(n=num(decay["days"])), "hourglass"))
        if rule["expires_days"]:
            found.append(Chip(_("for {n} days").format(n=num(rule["expires_days"])), "calendar-x"))
    if rule["explicit"]:
        found.append(Chip(_("explicit")))
    return found


def free_texts(stored: Any) -> Iterator[str]:
    """The labels of free-text properties that a filter compares: what people write as they like is matched by luck."""
    if not isinstance(stored, Mapping):
        return
    for how in ("all", "any"):
        for inner in stored.get(how) or ():
            yield from free_texts(inner)
    for inner in (stored.get("not"), stored.get("filter")):
        yield from free_texts(inner)
    of = {"property": "contact", "company_property": "company"}.get(str(stored.get("condition")))
    if of and stored.get("operator") in COMPARES:
        definition = properties.definitions(of).get(str(stored.get("property")))
        if definition is not None and definition.type in TEXTS:
            yield properties.label(definition)


# Two cards -------------------------------------------------------------------


def differences(before: Card, after: Card) -> list[Said]:
    """What changed, a sentence each, in the order of the second card."""
    labels = {group.key: group.label for group in (*before.groups, *after.groups)}
    return [_said(found, labels, after.object_type) for found in cards.difference(before, after)]


def _said(found: cards.Difference, labels: Mapping[str, str], object_type: str) -> Said:
    part = found.after or found.before or {}
    kind = "new" if found.before is None else "gone" if found.after is None else "changed"
    match found.what:
        case "rule":
            what = _("Rule: {sentence}").format(sentence=sentence(part, object_type))
            if kind != "changed":
                return Said(kind, what, (signed(part["points"]), *(chip.text for chip in chips(part))))
        case "group":
            what = _("Group “{label}”").format(label=part["label"])
        case "band":
            what = _("Band “{label}”").format(label=part["label"])
            if kind != "changed":
                return Said(kind, what, (_("from {points}").format(points=points(part["at_least"])),))
        case _:
            what = _("The score")
    if kind != "changed":
        return Said(kind, what)
    assert found.before is not None
    assert found.after is not None
    return Said(kind, what, tuple(_details(found.before, found.after, labels, object_type)))


def _details(old: Mapping[str, Any], new: Mapping[str, Any], labels: Mapping[str, str], object_type: str) -> Iterator[str]:
    moved = [name for name in new if old.get(name) != new[name]]
    limits = {"kind", "times", "per_item", "decay", "expires_days", "explicit"}
    for name in moved:
        was, now = old.get(name), new[name]
        match name:
            case "points":
                yield _("{old} → {new} points").format(old=minus(was), new=minus(now))
            case "at_least":
                yield _("begins at {old} → {new} points").format(old=minus(was), new=minus(now))
            case "active":
                yield _("switched on") if now else _("switched off")
            case "filter":
                yield _("was: {sentence}").format(sentence=sentence({"key": new.get("key"), "filter": was}, object_type))
            case "group":
                yield _("moved to “{label}”").format(label=labels.get(now, now))
            case "cap":
                yield _("at most {old} → {new} points").format(
                    old=_("any number of") if was is None else minus(was), new=_("any number of") if now is None else minus(now)
                )
            case "side":
                yield _("counts as fit") if now == "fit" else _("counts as engagement")
            case "label" | "name":
                yield _("renamed: {old} → {new}").format(old=was, new=now)
            case "people":
                yield _("what its people bring was changed")
    if limits & set(moved):
        yield "{} → {}".format(*(" · ".join(c.text for c in chips(r)) or _("while it holds") for r in (old, new)))


# Who ---------------------------------------------------------------------------


def colleagues() -> dict[str, str]:
    """Names by actor (`user:3`)."""
    return {str(Actor("user", pk)): name for pk, name in User.objects.values_list("pk", "name")}


def who(actor: str, names: Mapping[str, str]) -> str:
    """An actor in words."""
    kind, _colon, _rest = actor.partition(":")
    if actor in names:
        return names[actor]
    return {"workflow": _("A workflow"), "token": _("A program"), "": "–"}.get(kind, "Baton")


def bands(content: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The bands with where each ends: {"key", "label", "at_least", "until"}; the last has no end."""
    ends = [band["at_least"] - 1 for band in content[1:]]
    return [{**band, "until": end} for band, end in zip(content, [*ends, None], strict=True)]
