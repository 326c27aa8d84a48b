"""Changes to the content of a score's draft (segments/card.py), as its sheet makes them. Each answers a new content; the given one stays."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from baton.platform.errors import Conflict, Invalid, NotFound
from baton.segments import cards
from baton.segments.models import ScoreModel, ScoreVersion

Content = dict[str, Any]
Part = dict[str, Any]


def working(model: ScoreModel) -> tuple[Content, ScoreVersion | None]:
    """What the sheet shows: the draft, and its version; else what is published, and None."""
    draft = cards.draft(model)
    return deepcopy(dict(draft.content)) if draft else cards.current(model).to_json(), draft


def alone(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For views that change the draft: a change that comes before another one is answered begins with what that one made."""

    @wraps(view)
    def guarded(request: HttpRequest, key: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, key, *args, **kwargs)
        with cards.changing(key):
            return view(request, key, *args, **kwargs)

    return guarded


def free(wish: str, taken: Sequence[str]) -> str:
    """A key that no other part has, from a wish; Korean words have no letters for one, so they are counted."""
    key = slugify(wish).replace("-", "_")[:40]
    key = key if key[:1].isalpha() else "part"
    return key if key not in taken else next(f"{key}_{n}" for n in range(2, 10_000) if f"{key}_{n}" not in taken)


def keys(parts: Sequence[Part]) -> list[str]:
    return [str(part["key"]) for part in parts]


def find(parts: Sequence[Part], key: str, gone: str = "") -> int:
    """The place of a part. Raises NotFound."""
    place = next((i for i, part in enumerate(parts) if part["key"] == key), None)
    if place is None:
        raise NotFound(gone or _("This part of the score no longer exists."))
    return place


def rule(content: Mapping[str, Any], key: str) -> Part:
    """A rule. Raises NotFound."""
    found: Part = content["rules"][find(content["rules"], key, _("This rule no longer exists."))]
    return found


def put(content: Content, values: Part) -> Content:
    """With a rule in place of the one of its key, or at the end of its group."""
    new = deepcopy(content)
    rules = new["rules"]
    place = next((i for i, r in enumerate(rules) if r["key"] == values["key"]), None)
    if place is None:
        last = max((i for i, r in enumerate(rules) if r["group"] == values["group"]), default=len(rules) - 1)
        rules.insert(last + 1, values)
    else:
        rules[place] = values
    return new


def duplicate(content: Content, key: str) -> Content:
    """With a copy of a rule behind it, switched off."""
    new = deepcopy(content)
    place = find(new["rules"], key, _("This rule no longer exists."))
    old = new["rules"][place]
    new["rules"].insert(place + 1, {**deepcopy(old), "key": free(str(old["key"]), keys(new["rules"])), "active": False})
    return new


def drop(content: Content, key: str) -> Content:
    """Without a rule."""
    new = deepcopy(content)
    del new["rules"][find(new["rules"], key, _("This rule no longer exists."))]
    return new


def move(content: Content, key: str, to: str) -> Content:
    """A rule one place `up` or `down` within its group, or at the end of the group `to`."""
    new = deepcopy(content)
    rules = new["rules"]
    place = find(rules, key, _("This rule no longer exists."))
    if to not in ("up", "down"):
        find(new["groups"], to)
        moved = rules.pop(place) | {"group": to}
        return put(new, moved)
    beside = [i for i, r in enumerate(rules) if r["group"] == rules[place]["group"]]
    at = beside.index(place) + (-1 if to == "up" else 1)
    if 0 <= at < len(beside):
        rules[place], rules[beside[at]] = rules[beside[at]], rules[place]
    return new


def add_group(content: Content, label: str, side: str) -> Content:
    new = deepcopy(content)
    new["groups"].append({"key": free(label, keys(new["groups"])), "label": label, "side": side, "cap": None})
    return new


def change_group(content: Content, key: str, values: Part) -> Content:
    new = deepcopy(content)
    new["groups"][find(new["groups"], key)] |= values
    return new


def drop_group(content: Content, key: str) -> Content:
    """Without an empty group. Raises Conflict while it has rules, or is the last."""
    if any(r["group"] == key for r in content["rules"]):
        raise Conflict(_("Move or delete the rules of this group first."))
    if len(content["groups"]) == 1:
        raise Conflict(_("A score has at least one group."))
    new = deepcopy(content)
    del new["groups"][find(new["groups"], key)]
    return new


def thresholds(content: Content, wanted: Mapping[str, int]) -> Content:
    """With other beginnings of bands: however they were dragged past each other, the lowest stays the lowest."""
    new = deepcopy(content)
    beginnings = sorted(wanted.get(band["key"], band["at_least"]) for band in new["bands"])
    for band, at_least in zip(new["bands"], beginnings, strict=True):
        band["at_least"] = at_least
    return new


def add_band(content: Content, label: str, at_least: int) -> Content:
    new = deepcopy(content)
    new["bands"].append({"key": free(label, keys(new["bands"])), "label": label, "at_least": at_least})
    new["bands"].sort(key=lambda band: band["at_least"])
    return new


def change_band(content: Content, key: str, label: str, at_least: int) -> Content:
    new = deepcopy(content)
    new["bands"][find(new["bands"], key)] |= {"label": label, "at_least": at_least}
    new["bands"].sort(key=lambda band: band["at_least"])
    return new


def drop_band(content: Content, key: str) -> Content:
    new = deepcopy(content)
    del new["bands"][find(new["bands"], key)]
    return new


def text(given: Mapping[str, str], name: str) -> str:
    """What was typed, without spaces around it. Raises Invalid for letters that cannot be stored."""
    typed = str(given.get(name, "")).strip()
    if "\0" in typed:
        raise Invalid.one(name, "INVALID_TEXT", _("The text has letters that cannot be stored."))
    return typed


def integer(given: Mapping[str, str], name: str, low: int, high: int) -> int:
    """A whole number of a form. Raises Invalid."""
    try:
        value = int(str(given.get(name, "")).strip())
    except ValueError:
        value = high + 1
    if not low <= value <= high:
        raise Invalid.one(name, "INVALID_NUMBER", _("This must be a whole number from {low} to {high}.").format(low=low, high=high))
    return value


def optional(given: Mapping[str, str], name: str, low: int, high: int) -> int | None:
    """The same; blank is None."""
    return integer(given, name, low, high) if str(given.get(name, "")).strip() else None
