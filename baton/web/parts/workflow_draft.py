"""Changes to the tree of a draft, in its stored form (automation/graph.py). Each answers a new draft; the given one stays."""

import re
from collections.abc import Collection, Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from baton.automation.models import Version, Workflow
from baton.automation.step import Step, steps
from baton.automation.trigger import Trigger, triggers
from baton.platform.errors import Invalid, NotFound

Draft = dict[str, Any]
Steps = list[dict[str, Any]]
MENTION = re.compile(r"\bsteps\.(s[0-9]+)\b")  # a merge field that reads what an earlier step kept


def _lists(found: Steps, name: str = "root") -> dict[str, Steps]:
    """Every list of steps by its name, in the order in which they are drawn: `root`, and `s3.yes` for the way "yes" out of step s3."""
    result = {name: found}
    for step in found:
        for way in step.get("paths", ()):
            result |= _lists(way["steps"], f"{step['id']}.{way['label']}")
    return result


def _copy(draft: Draft) -> Draft:
    new = deepcopy(draft or {})
    new.setdefault("triggers", [])
    new.setdefault("steps", [])
    return new


def _find(draft: Draft, step_id: str) -> tuple[str, Steps, int]:
    for name, found in _lists(draft["steps"]).items():
        for i, step in enumerate(found):
            if step["id"] == step_id:
                return name, found, i
    raise NotFound(_("This step no longer exists."))


def _place(draft: Draft, at: str) -> tuple[Steps, int]:
    name, _colon, number = at.rpartition(":")
    found = _lists(draft["steps"]).get(name)
    if found is None or not number.isascii() or not number.isdigit() or len(number) > 9:
        raise NotFound(_("This place in the workflow no longer exists."))
    return found, min(int(number), len(found))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands: in which way out of which step ("" at the top), and as which of how many."""

    owner: str
    way: str
    number: int
    total: int


def place(draft: Draft, step_id: str) -> Place:
    """Raises NotFound."""
    name, found, i = _find(_copy(draft), step_id)
    owner, _dot, way = name.partition(".")
    return Place(owner if way else "", way, i + 1, len(found))


def behind(draft: Draft, step_id: str) -> str:
    """The place behind a step. Raises NotFound."""
    name, _found, i = _find(_copy(draft), step_id)
    return f"{name}:{i + 1}"


def beside(draft: Draft, at: str) -> str:
    """The step at a place, else the one before it, else the branch around it; "" in an empty workflow."""
    new = _copy(draft)
    found, i = _place(new, at)
    return str(found[min(i, len(found) - 1)]["id"]) if found else at.partition(".")[0] if "." in at else ""


# Steps -----------------------------------------------------------------------


def add(draft: Draft, at: str, kind: str, object_type: str = "contact", used: Collection[str] = ()) -> tuple[Draft, str]:
    """A new step of this kind at a place (`root:2`, `s3.yes:0`); answers its id too. Raises NotFound, Invalid (`type`).

    `used` are ids of steps that were published once: people who went through them are counted by these, so none comes back.
    """
    known = steps().get(kind)
    if known is None or not fits(known, object_type):
        raise Invalid.one("type", "INVALID_OPTION", _("Unknown kind of step: {kind}").format(kind=kind))
    new = _copy(draft)
    found, i = _place(new, at)
    step: dict[str, Any] = {"id": _free_id({*used, *ids(new["steps"])}), "type": kind}
    _fit_ways(step)
    found.insert(i, step)
    return new, step["id"]


def fits(kind: type[Step | Trigger], object_type: str) -> bool:
    """Whether a step or trigger of this kind can stand in a workflow for records of this type."""
    return not kind.objects or object_type in kind.objects


def ids(found: Steps) -> list[str]:
    """The ids of all steps of a list, and of those inside them."""
    return [str(step.get("id")) for rows in _lists(found).values() for step in rows]


def _free_id(used: Collection[str]) -> str:
    numbers = [int(id[1:]) for id in used if id[:1] == "s" and id[1:].isascii() and id[1:].isdigit()]
    return f"s{max(numbers, default=0) + 1}"


def remove(draft: Draft, step_id: str) -> tuple[Draft, str, dict[str, Any]]:
    """Without this step (and what is inside it); answers where it stood, and the step. Who pointed at it (go to) points nowhere."""
    new = _copy(draft)
    name, found, i = _find(new, step_id)
    step = found.pop(i)
    _retarget(new["steps"], dict.fromkeys(ids([step]), ""))
    return new, f"{name}:{i}", step


def move(draft: Draft, step_id: str, at: str) -> Draft:
    """The step, with what is inside it, at another place. Raises NotFound, Invalid (`at`) for a place inside itself."""
    new = _copy(draft)
    _name, found, i = _find(new, step_id)
    if (place := at.rpartition(":")[0]) and place in _lists([found[i]], ""):
        raise Invalid.one("at", "INVALID_VALUE", _("A branch cannot be moved into one of its own ways."))
    target, j = _place(new, at)
    step = found.pop(i)
    if target is found and j > i:
        j -= 1
    target.insert(j, step)
    return new


def nudge(draft: Draft, step_id: str, to: str) -> Draft:
    """One place `up` or `down`, at the end of a way out of it; `right` into the branch beside it or the next way, `left` into the way before or out."""
    new = _copy(draft)
    name, found, i = _find(new, step_id)
    owner, _dot, label = name.partition(".")
    owner = owner if label else ""
    if to in ("up", "down"):
        j = i + (1 if to == "down" else -1)
        if 0 <= j < len(found):
            return move(draft, step_id, f"{name}:{j + 1 if to == 'down' else j}")
        return _outside(draft, step_id, owner, before=to == "up") if owner else new
    ways = _ways_of(new, owner) if owner else []
    beside = ways.index(label) + (1 if to == "right" else -1) if owner else -1
    if 0 <= beside < len(ways):
        return move(draft, step_id, f"{owner}.{ways[beside]}:{i}")
    if to == "left":
        return _outside(draft, step_id, owner, before=False) if owner else new
    for neighbour, place in ((found[i + 1 : i + 2], "first"), (found[max(i - 1, 0) : i], "last")):
        if neighbour and (inner := neighbour[0].get("paths")):
            way = inner[0]
            return move(draft, step_id, f"{neighbour[0]['id']}.{way['label']}:{0 if place == 'first' else len(way['steps'])}")
    return new


def _outside(draft: Draft, step_id: str, owner: str, *, before: bool) -> Draft:
    name, _found, i = _find(_copy(draft), owner)
    return move(draft, step_id, f"{name}:{i if before else i + 1}")


def _ways_of(draft: Draft, step_id: str) -> list[str]:
    _name, found, i = _find(draft, step_id)
    return [str(way["label"]) for way in found[i].get("paths", ())]


def copy(source: Draft, step_id: str, draft: Draft, at: str, object_type: str = "contact", used: Collection[str] = ()) -> tuple[Draft, str]:
    """A copy of a step of this or another draft, with what is inside it, at a place of this one; answers its id. Raises NotFound, Invalid (`type`).

    Inside the copy, what points at copied steps points at the copies; what points elsewhere is kept within one draft and empty in another.
    """
    _name, found, i = _find(_copy(source), step_id)
    step = deepcopy(found[i])
    known = steps()
    wrong = [s for rows in _lists([step]).values() for s in rows if (kind := known.get(str(s.get("type")))) is None or not fits(kind, object_type)]
    if wrong:
        raise Invalid.one("type", "INVALID_OPTION", _("Steps of this kind do not go with what this workflow leads."))
    new = _copy(draft)
    target, j = _place(new, at)
    taken = {*used, *ids(new["steps"])}
    others: dict[str, str] = {}
    for old in ids([step]):
        others[old] = _free_id(taken)
        taken.add(others[old])
    there = set(ids(new["steps"]))
    _retarget([step], others | {t: "" for t in _targets([step]) if t not in others and t not in there})
    for rows in _lists([step]).values():
        for one in rows:
            one["id"] = others[one["id"]]
    target.insert(j, step)
    return new, others[step_id]


def _targets(found: Steps) -> set[str]:
    return {str(s.get(name, "")) for rows in _lists(found).values() for s in rows for name in _step_fields(s)} - {""}


def _retarget(found: Steps, others: dict[str, str]) -> None:
    """Let fields and merge fields that mean one of these steps mean another one; "" empties the fields."""
    for rows in _lists(found).values():
        for step in rows:
            for name in _step_fields(step):
                if step.get(name) in others:
                    step[name] = others[step[name]]
            for name, value in step.items():
                if isinstance(value, str):
                    step[name] = MENTION.sub(lambda m: f"steps.{others.get(m[1]) or m[1]}", value)


def _step_fields(step: dict[str, Any]) -> Iterable[str]:
    kind = steps().get(str(step.get("type")))
    return () if kind is None else (name for name, asked in kind.inputs().items() if asked.kind == "step")


# Fields ------------------------------------------------------------------------


def fill(draft: Draft, item_id: str, values: dict[str, Any]) -> tuple[Draft, int]:
    """With new values of a step, a trigger, or the `settings`; answers too how many steps went with ways that are no more."""
    new = _copy(draft)
    if item_id == "settings":
        new["settings"] = {**new.get("settings", {}), **values}
        return new, 0
    if trigger := next((t for t in new["triggers"] if t.get("id", "t") == item_id), None):
        trigger |= values
        return new, 0
    _name, found, i = _find(new, item_id)
    before = ids([found[i]])
    found[i] |= values
    _fit_ways(found[i])
    gone = set(before) - set(ids([found[i]]))
    _retarget(new["steps"], dict.fromkeys(gone, ""))
    return new, len(gone)


def _fit_ways(step: dict[str, Any]) -> None:
    """Give the step the ways that its fields ask for; what is inside a way that stays is kept."""
    kind = steps()[str(step["type"])]
    try:
        made = kind.model_validate({k: v for k, v in step.items() if k not in ("type", "paths")})
    except ValidationError:
        return  # graph.parse says what is wrong
    had = {way["label"]: way["steps"] for way in step.get("paths", ())}
    if ways := made.ways():
        step["paths"] = [{"label": label, "steps": had.get(label, [])} for label, _words in ways]


# Triggers ----------------------------------------------------------------------


def add_trigger(draft: Draft, kind: str, object_type: str = "contact", used: Collection[str] = (), instead: str = "") -> tuple[Draft, str]:
    """With a trigger of this kind, its fields empty; `instead` of another one. Answers its id. Raises Invalid (`type`)."""
    known = triggers().get(kind)
    if known is None or not fits(known, object_type):
        raise Invalid.one("type", "INVALID_OPTION", _("Unknown kind of trigger: {kind}").format(kind=kind))
    new = _copy(draft)
    had = [str(t.get("id", "t")) for t in new["triggers"]]
    numbers = [int(id[1:] or 1) for id in {*used, *had} if id[:1] == "t" and (id == "t" or (id[1:].isascii() and id[1:].isdigit()))]
    made = {"id": "t" if not numbers else f"t{max(numbers) + 1}", "type": kind}
    if instead in had:
        new["triggers"][had.index(instead)] = made
    else:
        new["triggers"].append(made)
    return new, str(made["id"])


def remove_trigger(draft: Draft, trigger_id: str) -> Draft:
    """Raises NotFound."""
    new = _copy(draft)
    left = [t for t in new["triggers"] if t.get("id", "t") != trigger_id]
    if len(left) == len(new["triggers"]):
        raise NotFound(_("This trigger no longer exists."))
    new["triggers"] = left
    return new


def used_triggers(workflow: Workflow) -> set[str]:
    """Ids of all triggers that were ever published: people are counted by them, so a new one gets another id."""
    stored = Version.objects.filter(workflow=workflow).values_list("graph__triggers", flat=True)
    return {str(one.get("id", "t")) for found in stored for one in found or ()}
