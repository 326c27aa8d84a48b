"""What can be chosen in the form of a step or trigger: mails, lists, properties, stages ... as (value, words), by the kind of input."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from baton.accounts import roles
from baton.automation.field import Fields
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.crm import life, pipelines, properties, types
from baton.crm.builtin.links import LABELS
from baton.crm.models import AssociationLabel, PropertyDefinition
from baton.events.models import EventDefinition
from baton.segments.models import ScoreModel

from . import choices, event_tests

Option = tuple[str, str]


@dataclass(frozen=True, slots=True)
class About:
    """The workflow that a form belongs to."""

    workflow: Workflow
    graph: Graph
    selected: str  # id of the step, the trigger, or "settings"

    @property
    def object_type(self) -> str:
        return self.workflow.object_type


def options(kind: str, item: Fields, about: About) -> list[Option]:
    """The choices of an input of this kind; of some they depend on the item's other fields."""
    return CHOICES[kind](item, about) if kind in CHOICES else []


def of_type(item: Fields, about: About) -> str:
    """The object type that an item speaks of: one of its own choosing, what it makes, or what the workflow leads."""
    return item.subject(about.object_type)


def definition(item: Fields, about: About) -> PropertyDefinition | None:
    """The property that the item names."""
    return properties.definitions(of_type(item, about)).get(str(getattr(item, "property", "") or ""))


def _properties(item: Fields, about: About) -> list[Option]:
    said = getattr(item, "writes", None)
    writes = any(asked.kind == "property_value" for asked in item.inputs().values()) if said is None else said
    found = properties.definitions(of_type(item, about)).values()
    return [
        (d.name, properties.label(d))
        for d in found
        if d.archived_at is None and not d.hidden and not (writes and (d.read_only or d.name == "email"))
    ]  # fmt: skip


def _any_properties(item: Fields, about: About) -> list[Option]:
    kinds = [about.object_type, *(key for key in ("contact", "company") if key != about.object_type)]
    return [
        (f"{kind}.{d.name}", f"{types.label(types.get(kind))} · {properties.label(d)}")
        for kind in kinds for d in properties.definitions(kind).values() if d.archived_at is None and not d.hidden
    ]  # fmt: skip


def _dates(item: Fields, about: About) -> list[Option]:
    found = properties.definitions(of_type(item, about)).values()
    return [(d.name, properties.label(d)) for d in found if d.archived_at is None and d.type in ("date", "datetime")]


def _scores(item: Fields, about: About) -> list[Option]:
    kind = about.object_type if about.object_type == "company" else "contact"
    return [(str(m.pk), m.name) for m in ScoreModel.objects.filter(archived_at=None, object_type=kind)]


def _bands(item: Fields, about: About) -> list[Option]:
    models = ScoreModel.objects.filter(archived_at=None)
    chosen = str(getattr(item, "score", "") or "")
    model = (
        (models.filter(pk=int(chosen)) if chosen.isdecimal() else models.filter(key=chosen)).first() if chosen else models.filter(object_type="contact").first()
    )
    return [(str(b["key"]), str(b.get("label") or b["key"])) for b in (model.bands if model else ())]


def _events(item: Fields, about: About) -> list[Option]:
    own = EventDefinition.objects.filter(archived_at=None).order_by("label").values_list("name", "label")
    return [(key, str(label)) for key, label in event_tests.kinds() if key != "custom_event"] + [(name, str(label or name)) for name, label in own]


def _pipelines(item: Fields, about: About) -> list[Option]:
    return [(p.key, pipelines.label(p)) for p in pipelines.pipelines(of_type(item, about))]


def _stages(item: Fields, about: About) -> list[Option]:
    chosen = str(getattr(item, "pipeline", "") or "")
    found = [p for p in pipelines.pipelines(of_type(item, about)) if not chosen or p.key == chosen]
    return [
        (s.key, pipelines.label(s) if chosen or len(found) == 1 else f"{pipelines.label(p)} · {pipelines.label(s)}")
        for p in found
        for s in p.stages_in_order  # type: ignore[attr-defined]  # pipelines() put it there
    ]


def _steps(item: Fields, about: About) -> list[Option]:
    found = [(s.id, f"{number}. {s.heading()}") for number, s in enumerate(about.graph.walk(), 1) if s.id != about.selected]
    if "to" in item.inputs():  # where the walk goes on
        return found
    return [*((t.id, t.heading()) for t in about.graph.triggers), *found]  # whose answers are asked for: a trigger brings some too


def _roles(item: Fields, about: About) -> list[Option]:
    """Names of links between who walks and the people, or what else the step links with."""
    to = getattr(item, "links_to", lambda: "contact")()
    found = AssociationLabel.objects.filter(from_type=about.object_type, to_type=to).order_by("type_id")
    builtin = {row["type_id"] for row in LABELS}
    return [(label.name, (_(label.label) if label.type_id in builtin else label.label) or label.name) for label in found]


CHOICES: dict[str, Callable[[Fields, About], list[Option]]] = {
    "email": lambda item, about: choices.emails(),
    "form": lambda item, about: choices.forms(),
    "segment": lambda item, about: choices.segments(""),
    "segments": lambda item, about: choices.segments(""),
    "fixed_segment": lambda item, about: choices.segments("fixed"),
    "user": lambda item, about: choices.colleagues(),
    "users": lambda item, about: choices.colleagues(),
    "team": lambda item, about: choices.teams(),
    "score": _scores,
    "band": _bands,
    "lifecycle": lambda item, about: [(s.key, s.label) for s in life.known()],
    "workflow": lambda item, about: [
        (str(pk), name) for pk, name in Workflow.objects.filter(archived_at=None).exclude(pk=about.workflow.pk).order_by("name").values_list("pk", "name")
    ],
    "step": _steps,
    "property": _properties,
    "any_property": _any_properties,
    "date_property": _dates,
    "event_kind": _events,
    "object_type": lambda item, about: [(kind.key, types.label(kind)) for kind in types.all(activities=False)],
    "pipeline": _pipelines,
    "pipeline_stage": _stages,
    "role": _roles,
    "user_role": lambda item, about: [(key, str(name)) for key, name in roles.names().items()],
}


def of_property(found: PropertyDefinition | None) -> tuple[str, list[Option]]:
    """How a value of a property is asked for: the kind of widget, and its choices."""
    match found.type if found else "text":
        case "choice" | "multi_choice":
            assert found is not None
            options = [(o["value"], properties.option_label(found, o["value"])) for o in found.options if not o.get("archived")]
            return ("many" if found.type == "multi_choice" else "select"), options
        case "boolean":
            return "select", [("true", _("Yes")), ("false", _("No"))]
        case "user":
            return "select", choices.colleagues()
        case "number" | "date" as kind:
            return kind, []
        case _:
            return "text", []
