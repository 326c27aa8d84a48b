"""A workflow as a YAML file that another deployment reads: names stand where a workflow holds numbers.

    baton: workflow/1
    name: 상담 문의 후속
    object_type: contact
    triggers: [{id: t, type: form_submitted, form: 데모 신청}]
    settings: {again: every_time}
    steps: [{id: s1, type: send_email, email: 서비스 소개}]

What is named must exist where the file is read; nothing of it is made (gallery.py makes what its templates bring along). Secrets are not exported.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from django.db import transaction
from django.utils.translation import gettext as _

from baton.automation import graph, names, plain_yaml, verbs
from baton.automation.field import Fields, Input, join
from baton.automation.models import Workflow
from baton.automation.names import Names
from baton.automation.settings import Settings
from baton.automation.step import steps
from baton.automation.trigger import triggers
from baton.crm import properties, types
from baton.crm.models import PropertyType
from baton.events.models import EventDefinition
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound, Problem
from baton.segments.conditions.event import NUMBERED

FORMAT = "workflow/1"
LARGEST = 4 * plain_yaml.LARGEST  # bytes of a file
PARTS = ("baton", "name", "description", "object_type", "triggers", "settings", "steps")
ONE = {
    "email": "email", "form": "form", "segment": "segment", "fixed_segment": "segment", "user": "user", "team": "team", "workflow": "workflow",
    "score": "score",
}  # fmt: skip
MANY = {"segments": "segment", "users": "user"}
Stored = dict[str, Any]


def export(workflow: Workflow, *, published: bool = False) -> str:
    """The draft (or what is published) as YAML. Raises NotFound when nothing is published."""
    stored = workflow.draft
    if published:
        if workflow.published is None:
            raise NotFound(_("This workflow was never published."))
        stored = workflow.published.graph
    return plain_yaml.write(document(workflow.name, stored, description=workflow.description, object_type=workflow.object_type))


def document(name: str, stored: Mapping[str, Any], *, description: str = "", object_type: str = "contact") -> Stored:
    """What the file says, as plain data."""
    turned = _Turn("out", Names(), object_type).graph(stored)
    head = {"baton": FORMAT, "name": name, **({"description": description} if description else {}), "object_type": object_type}
    return {**head, "triggers": turned.get("triggers", []), "settings": turned.get("settings", {}), "steps": turned.get("steps", [])}


def load(text: str, actor: Actor, *, name: str = "") -> Workflow:
    """A new workflow from a file, as a draft. A name that is taken gets a number. Raises Invalid with the place of every fault."""
    said = read(text)
    stored = numbers(said)
    with transaction.atomic():
        called = names.free(name.strip() or str(said["name"]).strip(), Names().taken("workflow"))
        return verbs.create(called, actor, stored, object_type=str(said.get("object_type", "contact")), description=str(said.get("description") or ""))


def read(text: str) -> Stored:
    """The file as plain data, its head checked. Raises Invalid."""
    said = plain_yaml.read(text)
    if not isinstance(said, dict) or said.get("baton") != FORMAT:
        raise Invalid.one("baton", "INVALID_VALUE", _("This is no workflow: the file begins with “baton: {format}”.").format(format=FORMAT))
    problems = [Problem(str(part), "UNKNOWN_FIELD", _("There is no such field.")) for part in said if part not in PARTS]
    if not isinstance(said.get("name"), str) or not said["name"].strip():
        problems.append(Problem("name", "REQUIRED", _("A name is required.")))
    if str(said.get("object_type", "contact")) not in types.known():
        problems.append(Problem("object_type", "INVALID_OPTION", _("There is no object type {name}.").format(name=said.get("object_type"))))
    if problems:
        raise Invalid(problems)
    return said


def numbers(said: Mapping[str, Any], brought: Mapping[tuple[str, str], int | str] | None = None) -> Stored:
    """The graph of a file with the numbers of this deployment. `brought`: things made along with it. Raises Invalid with paths."""
    turn = _Turn("in", Names(brought), str(said.get("object_type", "contact")))
    stored = turn.graph(said)
    try:
        parsed = graph.parse(stored, turn.object_type)
    except Invalid as error:
        known = {problem.path for problem in turn.problems}
        raise Invalid([*turn.problems, *(problem for problem in error.problems if problem.path not in known)]) from None
    if turn.problems:
        raise Invalid(turn.problems)
    return parsed.stored()


def filter_numbers(said: Stored, brought: Mapping[tuple[str, str], int | str]) -> Stored:
    """A filter about contacts with the numbers of this deployment. Raises Invalid with paths."""
    turn = _Turn("in", Names(brought), "contact")
    made: Stored = turn._filter(said, "filter", "contact")
    if turn.problems:
        raise Invalid(turn.problems)
    return made


class _Turn:
    """One pass over a graph, from numbers to names (`out`) or back (`in`, which gathers what there is not)."""

    def __init__(self, way: Literal["out", "in"], known: Names, object_type: str) -> None:
        self.out, self.names, self.object_type = way == "out", known, object_type
        self.problems: list[Problem] = []

    def graph(self, stored: Mapping[str, Any]) -> Stored:
        made: Stored = {name: stored[name] for name in ("triggers", "settings", "steps") if name in stored}
        if isinstance(made.get("triggers"), list):
            made["triggers"] = [self._item(one, triggers(), join("triggers", n)) for n, one in enumerate(made["triggers"])]
        if isinstance(made.get("settings"), dict):
            made["settings"] = self._fields(Settings, made["settings"], "settings")
        if "steps" in made:
            made["steps"] = self._steps(made["steps"], "steps")
        return made

    def _steps(self, stored: Any, at: str) -> Any:
        if not isinstance(stored, list):
            return stored
        made = [self._item(one, steps(), join(at, n)) for n, one in enumerate(stored)]
        for number, one in enumerate(made):
            if isinstance(one, dict) and isinstance(one.get("paths"), list):
                here = join(at, number, "paths")
                one["paths"] = [
                    {**way, "steps": self._steps(way.get("steps", []), join(here, n, "steps"))} if isinstance(way, dict) else way
                    for n, way in enumerate(one["paths"])
                ]
        return made

    def _item(self, item: Any, kinds: Mapping[str, type[Fields]], at: str) -> Any:
        """A trigger or a step; what cannot be read is left for graph.parse to refuse."""
        kind = kinds.get(str(item.get("type"))) if isinstance(item, dict) else None
        return item if kind is None else self._fields(kind, item, at)

    def _fields(self, kind: type[Fields], item: Stored, at: str) -> Stored:
        inputs, made = kind.inputs(), {}
        for name, value in (_in_order(item, inputs) if self.out else item).items():
            asked = inputs.get(name)
            if self.out and (_is_default(kind, name, value, asked, item) or (asked is not None and asked.kind == "secret")):
                continue
            made[name] = value if asked is None or value in (None, "", [], {}) else self._value(asked, value, join(at, name), item)
        return made

    def _value(self, asked: Input, value: Any, at: str, item: Stored) -> Any:
        match asked.kind:
            case one if one in ONE:
                return self._reference(ONE[one], value, at)
            case many if many in MANY and isinstance(value, list):
                return [self._reference(MANY[many], each, join(at, n)) for n, each in enumerate(value)]
            case "filter":
                return self._filter(value, at, self.object_type)
            case "property" | "date_property" if isinstance(value, str):
                return self._property(self._of(item), value, at)
            case "any_property" if isinstance(value, str) and "." in value:  # deal.amount
                self._property(value.partition(".")[0], value.partition(".")[2], at)
            case "pipeline" if isinstance(value, str):
                return self.names.brought.get(("pipeline", value), value)
            case "property_value":
                return self._held(self._of(item), item.get("property"), value, at)
            case "values" if isinstance(value, dict):  # the values of a property that ways are chosen by
                return {label: self._held(self._of(item), item.get("property"), each, join(at, label)) for label, each in value.items()}
            case "rules" if isinstance(value, list):
                return [self._rule(rule, join(at, n)) if isinstance(rule, dict) else rule for n, rule in enumerate(value)]
        return value

    def _rule(self, rule: Stored, at: str) -> Stored:
        """Whom a rule chooses, and for whom it holds."""
        people = {kind: self._reference(kind, rule[kind], join(at, kind)) for kind in ("user", "team") if rule.get(kind) is not None}
        asked = {"filter": self._filter(rule["filter"], join(at, "filter"), self.object_type)} if rule.get("filter") else {}
        return {**rule, **people, **asked}

    def _of(self, item: Stored) -> str:
        """The object type whose properties a step speaks of: its own word for it, or whom the workflow leads."""
        kind = {"create_deal": "deal", "create_ticket": "ticket"}.get(str(item.get("type")))
        return kind or str(item.get("record") or self.object_type)

    def _reference(self, kind: str, value: Any, at: str) -> Any:
        if self.out:
            return self.names.name(kind, value) if isinstance(value, int) else value
        found = self.names.id(kind, value)
        if found is None:
            self.problems.append(self._nothing(kind, value, at))
        return found

    def _nothing(self, kind: str, value: Any, at: str) -> Problem:
        if names.twice(kind, value, self.names):
            return Problem(at, "AMBIGUOUS", _("Several are called “{name}”: say which as {{name: …, nth: 1}}.").format(name=value))
        if not isinstance(value, (str, Mapping)) or (isinstance(value, Mapping) and "name" not in value):
            return Problem(at, "INVALID_VALUE", _("Expected a name: numbers differ from one deployment to the next."))
        return Problem(at, "NOT_FOUND", _(names.NONE[kind]).format(name=value["name"] if isinstance(value, Mapping) else value))

    def _property(self, of: str, name: Any, at: str) -> Any:
        """The name of the property here: one that came along may have got another."""
        name = self.names.brought.get(("property", str(name)), name)
        if not self.out and name and (of not in types.known() or name not in properties.definitions(of)):
            self.problems.append(Problem(at, "PROPERTY_DOESNT_EXIST", _("There is no property {name}.").format(name=name)))
        return name

    def _held(self, of: str, name: Any, value: Any, at: str) -> Any:
        """A value of a property: colleagues by their address, pipelines that came along by their key."""
        definition = properties.definitions(of).get(str(name)) if of in types.known() else None
        if definition is not None and definition.type == PropertyType.USER:
            return self._each(value, at, self._colleague)
        if name == "pipeline":
            return self._each(value, at, lambda one, _at: self.names.brought.get(("pipeline", str(one)), one))
        return value

    def _colleague(self, value: Any, at: str) -> Any:
        """Held as a number or its digits."""
        if self.out:
            return self.names.name("user", int(value)) if str(value).isdecimal() else value
        found = self._reference("user", value, at)
        return None if found is None else str(found)

    def _each(self, value: Any, at: str, turn: Callable[[Any, str], Any]) -> Any:
        return [turn(one, join(at, n)) for n, one in enumerate(value)] if isinstance(value, list) else turn(value, at)

    def _filter(self, stored: Any, at: str, of: str) -> Any:
        match stored:
            case {"condition": str(key)}:
                made = self._condition(key, stored, at, of)
                return {"condition": key, **made} if self.out else made  # it says what it is first
            case {"related": str(other), **rest}:
                inner = {"filter": self._filter(rest["filter"], join(at, "filter"), other)} if isinstance(rest.get("filter"), dict) else {}
                return {"related": other, **rest, **inner}
            case {"not": dict(inner)}:
                return {**stored, "not": self._filter(inner, join(at, "not"), of)}
            case {"all": list(parts)} | {"any": list(parts)}:
                word = "all" if "all" in stored else "any"
                return {**stored, word: [self._filter(one, join(at, word, n), of) for n, one in enumerate(parts)]}
        return stored

    def _condition(self, key: str, fields: Stored, at: str, of: str) -> Stored:
        made = dict(fields)
        for name in ("segment", "form", "email"):
            if fields.get(name) is not None:
                made[name] = self._reference(name, fields[name], join(at, name))
        if key == "score" and isinstance(fields.get("model"), int) and self.out:
            made["model"] = self._reference("score", fields["model"], join(at, "model"))
        elif key == "score" and isinstance(fields.get("model"), str) and not self.out and self.names.id("score", fields["model"]) is None:
            self.problems.append(self._nothing("score", fields["model"], join(at, "model")))
        if key == "event":
            self._event(made, at)
        if key in ("property", "company_property") and isinstance(fields.get("property"), str):
            whose, asked = ("company" if key == "company_property" else of), str(fields["property"])
            made["property"] = self._property(whose, asked, join(at, "property"))
            if "value" in fields:
                made["value"] = self._held(whose, asked, fields["value"], join(at, "value"))
        return made

    def _event(self, made: Stored, at: str) -> None:
        """An event of one's own by its name; what a built-in one was about, where that is a number."""
        name = made.get("name")
        if name and not self.out and not EventDefinition.objects.filter(name=name, archived_at=None).exists():
            self.problems.append(Problem(join(at, "name"), "EVENT_DOESNT_EXIST", _("There is no event {name}.").format(name=name)))
        about = made.get("about") or ""
        known = NUMBERED.get(str(made.get("event")))
        if known is None or not about or made.get("match", "is") != "is":
            return
        if self.out:
            made["about"] = self.names.name(known, int(about)) if str(about).isdecimal() else about
        else:
            found = self._reference(known, about, join(at, "about"))
            made["about"] = "" if found is None else str(found)


def _is_default(kind: type[Fields], name: str, value: Any, asked: Input | None, item: Stored) -> bool:
    """Whether a value need not be said: it is what stands there without it, and it is empty or nobody is asked for it."""
    field = kind.model_fields.get(name)
    if field is None or (list(field.default) if isinstance(field.default, tuple) else field.default) != value:
        return False
    hidden = asked is not None and asked.shown_when is not None and item.get(asked.shown_when[0]) not in asked.shown_when[1:]
    return value in (None, "", [], {}) or hidden


def _in_order(item: Stored, inputs: Mapping[str, Input]) -> Stored:
    """As people read it: what it is, its fields as the panel asks for them, its ways."""
    order = {name: number for number, name in enumerate(("id", "type", "name", *inputs))}
    return {name: item[name] for name in sorted(item, key=lambda name: (name == "paths", order.get(name, len(order))))}
