"""A workflow as it is stored, as a tree: triggers, steps in order, and branches whose paths are again steps.

    {"triggers": [{"id": "t", "type": "form_submitted", "form": 3}],
     "settings": {"again": "every_time"},
     "steps": [{"id": "s1", "type": "send_email", "email": 7},
               {"id": "s2", "type": "branch", "filter": {...}, "paths": [{"label": "yes", "steps": [...]}, {"label": "no", "steps": []}]}]}

After the last step of a path the walk goes on behind the branch: there the ways join. A step `go_to` leads elsewhere, a step that ends
ends the run. A draft may have fields that are not filled in; `problems` tells what is missing before it can be published (checks.py adds
what only the whole shows).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from baton.automation import loops
from baton.automation.field import Fields, faults, join
from baton.automation.models import Version
from baton.automation.settings import Settings
from baton.automation.step import Path, Step, steps
from baton.automation.trigger import Trigger, triggers
from baton.platform import logs
from baton.platform.errors import Invalid, Problem

_log = logs.log(__name__)

DEPTH = 12  # branches within branches
MOST_TRIGGERS = 20


@dataclass(frozen=True)
class Graph:
    """What a version or a draft says. Made by parse() only."""

    triggers: tuple[Trigger, ...]
    steps: tuple[Step, ...]
    settings: Settings = field(default_factory=Settings)
    _by_id: dict[str, Step] = field(default_factory=dict, repr=False)
    _next: dict[str, str] = field(default_factory=dict, repr=False)
    _at: dict[str, str] = field(default_factory=dict, repr=False)
    _order: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def first(self) -> str:
        """The step where a walk begins, or "" when there is none."""
        return self.steps[0].id if self.steps else ""

    def walk(self) -> Iterator[Step]:
        """Every step, in the order in which it is drawn."""
        return iter(self._by_id.values())

    def get(self, step_id: str) -> Step | None:
        return self._by_id.get(step_id)

    def where(self, step_id: str) -> str:
        """The path of a step in the stored form: `steps[1].paths[0].steps[2]`."""
        return self._at[step_id]

    def after(self, step_id: str, path: str = "") -> str:
        """The step that follows, or "" at the end. `path` is the way taken out of a branch."""
        step = self._by_id[step_id]
        if step.ends:
            return ""
        if target := step.target():
            return target
        for way in step.paths:
            if way.label == path and way.steps:
                return way.steps[0].id
        return self._next[step_id]

    def back(self, step_id: str, to: str) -> bool:
        """Whether the way from one step to another goes back (or nowhere): each time is a turn, and steps run anew."""
        return bool(to) and self._order[to] <= self._order[step_id]

    def trigger(self, trigger_id: str) -> Trigger | None:
        return next((t for t in self.triggers if t.id == trigger_id), None)

    def stored(self) -> dict[str, Any]:
        """The same as it is kept in the database."""
        return {
            "triggers": [{"type": t.key, **t.model_dump(mode="json")} for t in self.triggers],
            "settings": self.settings.model_dump(mode="json"),
            "steps": [_stored(s) for s in self.steps],
        }

    def problems(self) -> list[Problem]:
        """Everything that must be put right before publishing, with paths."""
        found: list[Problem] = []
        if not self.triggers:
            found.append(Problem("triggers", "REQUIRED", _("Choose what enrolls contacts.")))
        for number, trigger in enumerate(self.triggers):
            at = join("triggers", number)
            missing = _unfilled(trigger, at)
            found += missing or [Problem(join(at, p.path), p.code, p.message) for p in trigger.problems()]
        found += _unfilled(self.settings, "settings")
        if not self.steps:
            found.append(Problem("steps", "REQUIRED", _("Add at least one step.")))
        for step in self.walk():
            at = self.where(step.id)
            missing = _unfilled(step, at)
            found += missing or [Problem(join(at, p.path), p.code, p.message) for p in step.problems()]
        endless = _("Nobody waits on this way back: whoever comes here would run in circles. Put a wait into it.")
        return found + [Problem(join(self.where(id), "to"), "ENDLESS_LOOP", endless) for id in loops.endless(self)]


def parse(data: Mapping[str, Any], object_type: str = "contact") -> Graph:
    """Read the stored form of a workflow that leads records of this type. Raises Invalid with paths: unknown types and fields, wrong values, ids used twice."""
    problems: list[Problem] = []
    if not isinstance(data, Mapping):
        raise Invalid.one("", "INVALID_VALUE", _("Expected an object."))
    for name in data.keys() - {"triggers", "steps", "settings"}:
        problems.append(Problem(str(name), "UNKNOWN_FIELD", _("There is no such field.")))
    triggers = _triggers(data.get("triggers", []), problems)
    settings = _settings(data.get("settings", {}), problems)
    found = _steps(data.get("steps", []), "steps", problems, 0)
    by_id: dict[str, Step] = {}
    where: dict[str, str] = {}
    known = {t.id for t in triggers}
    for trigger in triggers:
        trigger._leads = object_type
    for step, at in _flat(found, "steps"):
        if step.id in by_id or step.id in known:
            problems.append(Problem(join(at, "id"), "DUPLICATE", _("Another step has the id {id}.").format(id=step.id)))
        by_id[step.id] = step
        where[step.id] = at
        step._leads = object_type
    for step in by_id.values():
        if (target := step.target()) and target not in by_id:
            problems.append(Problem(join(where[step.id], "to"), "NOT_FOUND", _("There is no step {id}.").format(id=target)))
    if problems:
        raise Invalid(problems)
    order = {id: number for number, id in enumerate(by_id)}
    return Graph(triggers, found, settings, by_id, dict(_following(found, "")), where, order)


@lru_cache(maxsize=512)
def _of(version_id: int) -> Graph:
    return parse(*Version.objects.values_list("graph", "workflow__object_type").get(pk=version_id))


def of(version_id: int) -> Graph:
    """The graph of a published version, which never changes and is read once a process."""
    return _of(version_id)


def readable(version_id: int) -> Graph | None:
    """The graph of a version, or None when it cannot be read (a step's code is gone): that must not hold up the others."""
    try:
        return of(version_id)
    except (Version.DoesNotExist, Invalid) as error:
        _log.error("a published workflow cannot be read", version=version_id, error=str(error))
        return None


def _triggers(data: Any, problems: list[Problem]) -> tuple[Trigger, ...]:
    if not isinstance(data, Sequence) or isinstance(data, str):
        problems.append(Problem("triggers", "INVALID_VALUE", _("Expected a list.")))
        return ()
    if len(data) > MOST_TRIGGERS:
        problems.append(Problem("triggers", "TOO_MANY", _("At most {n} triggers.").format(n=MOST_TRIGGERS)))
        return ()
    found: list[Trigger] = []
    for number, item in enumerate(data):
        at = join("triggers", number)
        kind: type[Trigger] | None = _kind(item, triggers(), at, problems)
        if kind is None:
            continue
        try:
            one = kind.model_validate({k: v for k, v in item.items() if k != "type"})
        except ValidationError as error:
            problems += faults(error, at)
            continue
        if any(other.id == one.id for other in found):
            problems.append(Problem(join(at, "id"), "DUPLICATE", _("Another trigger has the id {id}.").format(id=one.id)))
        found.append(one)
    return tuple(found)


def _settings(data: Any, problems: list[Problem]) -> Settings:
    if not isinstance(data, Mapping):
        problems.append(Problem("settings", "INVALID_VALUE", _("Expected an object.")))
        return Settings()
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        problems += faults(error, "settings")
        return Settings()


def _steps(data: Any, at: str, problems: list[Problem], depth: int) -> tuple[Step, ...]:
    if not isinstance(data, Sequence) or isinstance(data, str):
        problems.append(Problem(at, "INVALID_VALUE", _("Expected a list.")))
        return ()
    if depth > DEPTH:
        problems.append(Problem(at, "TOO_DEEP", _("Branches may be nested {depth} deep.").format(depth=DEPTH)))
        return ()
    return tuple(step for number, item in enumerate(data) if (step := _step(item, join(at, number), problems, depth)))


def _step(data: Any, at: str, problems: list[Problem], depth: int) -> Step | None:
    kind: type[Step] | None = _kind(data, steps(), at, problems)
    if kind is None:
        return None
    values = {k: v for k, v in data.items() if k not in ("type", "paths")}
    try:
        step: Step = kind.model_validate(values)
    except ValidationError as error:
        problems += faults(error, at)
        return None
    return step.model_copy(update={"paths": _paths(step, data.get("paths", []), join(at, "paths"), problems, depth)})


def _paths(step: Step, data: Any, at: str, problems: list[Problem], depth: int) -> tuple[Path, ...]:
    """The ways out of a branch, always all of them and in their order."""
    if not isinstance(data, Sequence) or isinstance(data, str):
        problems.append(Problem(at, "INVALID_VALUE", _("Expected a list.")))
        return ()
    known = [label for label, _name in step.ways()]
    given: dict[str, tuple[Step, ...]] = {}
    for number, item in enumerate(data):
        here = join(at, number)
        if not isinstance(item, Mapping) or item.get("label") not in known or item["label"] in given:
            problems.append(Problem(join(here, "label"), "INVALID_OPTION", _("Expected each of these once: {labels}.").format(labels=", ".join(known) or "-")))
            continue
        for name in item.keys() - {"label", "steps"}:
            problems.append(Problem(join(here, name), "UNKNOWN_FIELD", _("There is no such field.")))
        given[item["label"]] = _steps(item.get("steps", []), join(here, "steps"), problems, depth + 1)
    return tuple(Path(label=label, steps=given.get(label, ())) for label in known)


def _kind(data: Any, known: Mapping[str, type[Any]], at: str, problems: list[Problem]) -> Any:
    if not isinstance(data, Mapping):
        problems.append(Problem(at, "INVALID_VALUE", _("Expected an object.")))
        return None
    if (kind := known.get(str(data.get("type")))) is None:
        problems.append(Problem(join(at, "type"), "INVALID_OPTION", _("Expected one of {types}.").format(types=", ".join(known))))
    return kind


def _flat(found: Sequence[Step], at: str) -> Iterator[tuple[Step, str]]:
    for number, step in enumerate(found):
        here = join(at, number)
        yield step, here
        for way, path in enumerate(step.paths):
            yield from _flat(path.steps, f"{here}.paths[{way}].steps")


def _following(found: Sequence[Step], end: str) -> Iterator[tuple[str, str]]:
    """For each step the one behind it; `end` is what follows the whole list."""
    for number, step in enumerate(found):
        behind = found[number + 1].id if number + 1 < len(found) else end
        yield step.id, behind
        for path in step.paths:
            yield from _following(path.steps, behind)


def _stored(step: Step) -> dict[str, Any]:
    data = {"id": step.id, "type": step.key, **step.model_dump(mode="json", exclude={"id", "paths"})}
    if step.paths:
        data["paths"] = [{"label": p.label, "steps": [_stored(s) for s in p.steps]} for p in step.paths]
    return data


def _unfilled(item: Fields, at: str) -> list[Problem]:
    return [Problem(join(at, name), "REQUIRED", _("{field} is missing.").format(field=item.inputs()[name].label)) for name in item.unfilled()]
