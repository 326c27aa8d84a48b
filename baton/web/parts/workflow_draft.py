"""Changes to the tree of a draft, in its stored form (automation/graph.py). Each answers a new draft; the given one stays."""

from collections.abc import Collection
from copy import deepcopy
from typing import Any

from django.utils.translation import gettext as _

from baton.automation.step import steps
from baton.automation.trigger import triggers
from baton.platform.errors import Conflict, Invalid, NotFound

Draft = dict[str, Any]
Steps = list[dict[str, Any]]


def _lists(found: Steps, name: str = "root") -> dict[str, Steps]:
    """Every list of steps by its name: `root`, and `s3.yes` for the way "yes" out of step s3."""
    result = {name: found}
    for step in found:
        for way in step.get("paths", ()):
            result |= _lists(way["steps"], f"{step['id']}.{way['label']}")
    return result


def _copy(draft: Draft) -> Draft:
    new = deepcopy(draft or {})
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
    if found is None or not number.isascii() or not number.isdigit():
        raise NotFound(_("This place in the workflow no longer exists."))
    return found, min(int(number), len(found))


def get(draft: Draft, step_id: str) -> dict[str, Any]:
    """The stored form of a step. Raises NotFound."""
    _name, found, i = _find(_copy(draft), step_id)
    return found[i]


def add(draft: Draft, at: str, kind: str, used: Collection[str] = ()) -> tuple[Draft, str]:
    """A new step of this kind at a place (`root:2`, `s3.yes:0`); answers its id too. Raises NotFound, Invalid (`type`).

    `used` are ids of steps that were published once: people who went through them are counted by these, so none comes back.
    """
    known = steps().get(kind)
    if known is None:
        raise Invalid.one("type", "INVALID_OPTION", _("Unknown kind of step: {kind}").format(kind=kind))
    new = _copy(draft)
    found, i = _place(new, at)
    step: dict[str, Any] = {"id": _free_id({*used, *_ids(new["steps"])}), "type": kind}
    if known.labels:
        step["paths"] = [{"label": label, "steps": []} for label, _name in known.labels]
    found.insert(i, step)
    return new, step["id"]


def put_back(draft: Draft, at: str, step: dict[str, Any]) -> Draft:
    """A removed step at its old place. Raises Conflict when its id was given to a new step meanwhile."""
    new = _copy(draft)
    found, i = _place(new, at)
    if str(step.get("id")) in _ids(new["steps"]):
        raise Conflict(_("The step cannot be put back: the workflow was changed meanwhile."))
    found.insert(i, step)
    return new


def _ids(found: Steps) -> list[str]:
    return [str(step.get("id")) for rows in _lists(found).values() for step in rows]


def _free_id(used: Collection[str]) -> str:
    numbers = [int(id[1:]) for id in used if id[:1] == "s" and id[1:].isascii() and id[1:].isdigit()]
    return f"s{max(numbers, default=0) + 1}"


def remove(draft: Draft, step_id: str) -> tuple[Draft, str, dict[str, Any]]:
    """Without this step (and what is inside it); answers where it stood, and the step."""
    new = _copy(draft)
    name, found, i = _find(new, step_id)
    return new, f"{name}:{i}", found.pop(i)


def move(draft: Draft, step_id: str, by: int) -> Draft:
    """One place up (-1) or down (1) within its list; at the end of the list it stays."""
    new = _copy(draft)
    _name, found, i = _find(new, step_id)
    j = min(max(i + by, 0), len(found) - 1)
    found.insert(j, found.pop(i))
    return new


def fill(draft: Draft, step_id: str, values: dict[str, Any]) -> Draft:
    """With new values of one step, or of the trigger."""
    new = _copy(draft)
    if trigger := next((t for t in new.get("triggers", ()) if t.get("id", "t") == step_id), None):
        trigger |= values
    else:
        _name, found, i = _find(new, step_id)
        found[i] |= values
    return new


def set_trigger(draft: Draft, kind: str) -> Draft:
    """With a trigger of this kind, its fields empty. Raises Invalid (`type`)."""
    if kind not in triggers():
        raise Invalid.one("type", "INVALID_OPTION", _("Unknown kind of trigger: {kind}").format(kind=kind))
    new = _copy(draft)
    new["triggers"] = [{"id": "t", "type": kind}]
    return new
