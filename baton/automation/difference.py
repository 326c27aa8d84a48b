"""What lies between two versions of a workflow, in words: steps added, removed, moved, changed; triggers and settings. And a value of a field in words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from baton.accounts.models import Team, User
from baton.automation.field import Fields, Input
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.automation.settings import Settings
from baton.automation.step import Step
from baton.automation.trigger import Trigger
from baton.crm import pipelines, properties, types
from baton.forms.models import Form
from baton.messaging.models import Email
from baton.segments import filter as filters
from baton.segments.models import ScoreModel, Segment

NAMED: dict[str, type[Model]] = {
    "email": Email,
    "form": Form,
    "segment": Segment,
    "fixed_segment": Segment,
    "segments": Segment,
    "user": User,
    "users": User,
    "team": Team,
    "score": ScoreModel,
    "workflow": Workflow,
}
LONGEST = 160  # letters of a text that are told


@dataclass(frozen=True, slots=True)
class Field:
    """One field that is not what it was."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One difference. `kind`: added, removed, moved, changed. `what`: step, trigger, settings. A step that was moved and changed is two entries."""

    kind: str
    what: str
    id: str  # of the step or trigger; "" for settings
    icon: str
    title: str
    detail: str = ""
    fields: tuple[Field, ...] = field(default=())


def between(old: Graph | None, new: Graph, object_type: str = "contact") -> list[Entry]:
    """What changed from one graph to another, in the order of the new one; first triggers and settings. Without an old one everything is added."""
    return [*_triggers(old, new, object_type), *_settings(old, new, object_type), *_steps(old, new, object_type)]


def _triggers(old: Graph | None, new: Graph, object_type: str) -> list[Entry]:
    before = {t.id: t for t in old.triggers} if old else {}
    found = []
    for trigger in new.triggers:
        was = before.get(trigger.id)
        if was is None or was.key != trigger.key:
            found.append(Entry("added", "trigger", trigger.id, trigger.icon, trigger.heading(), trigger.detail()))
        elif fields := changed(was, trigger, object_type, old, new):
            found.append(Entry("changed", "trigger", trigger.id, trigger.icon, trigger.heading(), "", fields))
    now = {t.id: t.key for t in new.triggers}
    gone = [t for t in before.values() if now.get(t.id) != t.key]
    return found + [Entry("removed", "trigger", t.id, t.icon, t.heading(), t.detail()) for t in gone]


def _settings(old: Graph | None, new: Graph, object_type: str) -> list[Entry]:
    fields = changed(old.settings if old else Settings(), new.settings, object_type, old, new)
    return [Entry("changed", "settings", "", "sliders-horizontal", _("Settings of the workflow"), "", fields)] if fields else []


def _steps(old: Graph | None, new: Graph, object_type: str) -> list[Entry]:
    before = {s.id: s for s in old.walk()} if old else {}
    after = {s.id: s for s in new.walk()}
    same = [id for id, step in after.items() if id in before and before[id].key == step.key]
    stayed = _stayed(old, new, same) if old else set()
    found = []
    for id, step in after.items():
        if id not in same:
            found.append(Entry("added", "step", id, step.icon, title(step), _place(new, id)))
            continue
        if id not in stayed and old is not None:
            found.append(Entry("moved", "step", id, step.icon, title(step), f"{_place(old, id)} → {_place(new, id)}"))
        if fields := changed(before[id], step, object_type, old, new):
            found.append(Entry("changed", "step", id, step.icon, title(step), "", fields))
    gone = [step for id, step in before.items() if id not in same]
    return found + [Entry("removed", "step", s.id, s.icon, title(s), _place(old, s.id) if old else "") for s in gone]


def _stayed(old: Graph, new: Graph, same: Sequence[str]) -> set[str]:
    """Steps in the list where they were, in the order in which they were there: the most that can be said to have stayed."""
    lists_old, lists_new = _lists(old), _lists(new)
    kept: set[str] = set()
    for name, ids in lists_new.items():
        was = [id for id in lists_old.get(name, []) if id in same]
        now = [id for id in ids if id in same and id in was]
        was = [id for id in was if id in now]
        kept |= set(_longest([was.index(id) for id in now], now))
    return kept


def _longest(numbers: Sequence[int], ids: Sequence[str]) -> list[str]:
    """The longest rising part of numbers, as the ids at their places."""
    best: list[list[int]] = []
    for at, number in enumerate(numbers):
        before = max((run for run in best if numbers[run[-1]] < number), key=len, default=[])
        best.append([*before, at])
    return [ids[at] for at in max(best, key=len, default=[])]


def _lists(found: Graph) -> dict[str, list[str]]:
    """The lists of steps by name: "" and "<branch>.<way>"."""
    result = {"": [s.id for s in found.steps]}
    for step in found.walk():
        for way in step.paths:
            result[f"{step.id}.{way.label}"] = [s.id for s in way.steps]
    return result


def _place(found: Graph, id: str) -> str:
    """Where a step stands, in words."""
    for name, ids in _lists(found).items():
        if id not in ids:
            continue
        number = ids.index(id)
        branch = found.get(name.partition(".")[0]) if name else None
        inside = f"{branch.heading()} › {way_name(branch, name.partition('.')[2])}" if branch else ""
        behind = found.get(ids[number - 1]) if number else None
        after = _("behind “{step}”").format(step=behind.heading()) if behind else _("at the beginning")
        return f"{inside}, {after}" if inside else after
    return ""


def title(item: Step | Trigger) -> str:
    """A step or trigger told apart from others of its kind: with what it does, unless people gave it a name."""
    detail = "" if getattr(item, "name", "") else item.detail()
    return f"{item.heading()} · {detail}"[:LONGEST] if detail else item.heading()


def way_name(step: Step | None, label: str) -> str:
    """The name of a way out of a branch."""
    return str(dict(step.ways()).get(label, label)) if step else label


def changed(old: Fields, new: Fields, object_type: str, before: Graph | None = None, after: Graph | None = None) -> tuple[Field, ...]:
    """The fields with another value, in words; the name that people gave is one of them."""
    found = []
    if (was := getattr(old, "name", "")) != (now := getattr(new, "name", "")):
        found.append(Field(_("Name"), was or "–", now or "–"))
    for name, asked in new.inputs().items():
        was, now = getattr(old, name, None), getattr(new, name)
        if was != now:
            found.append(Field(str(asked.label), said(old, name, object_type, before), said(new, name, object_type, after)))
    return tuple(found)


def said(item: Fields, name: str, object_type: str = "contact", graph: Graph | None = None) -> str:
    """The value of a field in words, as its form shows it."""
    asked = item.inputs().get(name)
    value = getattr(item, name, None)
    if asked is None:
        return ""
    if value in (None, "", {}, [], ()):
        return str(asked.empty) or "–"
    return _said(item, asked, value, object_type, graph)[:LONGEST]


def _said(item: Fields, asked: Input, value: Any, object_type: str, graph: Graph | None) -> str:
    match asked.kind:
        case "choice" | "choices":
            options = dict(asked.options)
            return ", ".join(str(options.get(v, v)) for v in (value if isinstance(value, list | tuple) else [value]))
        case "boolean":
            return _("yes") if value else _("no")
        case "filter":
            return filters.sentence(value, object_type)
        case "secret":
            return "••••"
        case "lifecycle":
            return properties.option_label(properties.definitions("contact")["lifecyclestage"], str(value))
        case "property" | "date_property":
            definition = properties.definitions(item.subject(object_type)).get(str(value))
            return properties.label(definition) if definition else str(value)
        case "property_value":
            definition = properties.definitions(item.subject(object_type)).get(str(getattr(item, "property", "")))
            values = value if isinstance(value, list | tuple) else [value]
            if definition is not None and definition.type == "user":
                return _names(User, values)
            return ", ".join(properties.option_label(definition, str(v)) if definition else str(v) for v in values)
        case "step":
            step = graph.get(str(value)) if graph else None
            return step.heading() if step else str(value)
        case "object_type":
            return types.label(types.get(str(value)))
        case "pipeline_stage":
            return next((label for (_way, key), label in pipelines.stage_labels(item.subject(object_type)).items() if key == value), str(value))
        case kind if kind in NAMED:
            return _names(NAMED[kind], value if isinstance(value, list | tuple) else [value])
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {part}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in value)
    return str(value)


def _names(model: type[Model], ids: Sequence[Any]) -> str:
    names = dict(model._default_manager.filter(pk__in=[int(id) for id in ids if str(id).isdecimal()]).values_list("pk", "name"))
    return ", ".join(str(names.get(int(id), f"#{id}")) if str(id).isdecimal() else str(id) for id in ids)
