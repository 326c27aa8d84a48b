"""Which workflows need a list, a property, a stage, a score or the like: in a trigger, a step, a setting, or a filter of one. Asked before it is put aside."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from baton.automation.field import Fields
from baton.automation.models import Workflow
from baton.automation.settings import Settings
from baton.automation.step import steps
from baton.automation.trigger import triggers
from baton.crm import life, types, uses
from baton.crm.uses import Mention
from baton.segments import circles, mentions
from baton.segments import uses as scores


@circles.also_used_by
def workflows(segment_ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Names of the workflows whose draft or published version looks at these lists."""
    wanted = {str(id) for id in segment_ids}
    for _pk, name, found in _workflows():
        yield from ((int(key), name) for key in sorted({m.key for m in found if m.kind == "segment"} & wanted))


@uses.also_used_by
def needed_by(thing: Mention) -> Iterator[str]:
    """Names of the workflows whose draft or published version mentions it. A workflow does not need itself."""
    wanted = scores.names(thing)
    return (name for pk, name, found in _workflows() if not wanted.isdisjoint(found) and thing != Mention("workflow", str(pk)))


def _workflows() -> Iterator[tuple[int, str, set[Mention]]]:
    rows = Workflow.objects.filter(archived_at=None).order_by("id").values_list("pk", "name", "object_type", "draft", "published__graph")
    for pk, name, object_type, *graphs in rows:
        yield pk, name, {mention for graph in graphs for mention in of(graph, object_type)}


def of(stored: Any, object_type: str) -> Iterator[Mention]:
    """All that a stored graph of a workflow that leads records of this type would be broken without. What cannot be read mentions nothing."""
    if not isinstance(stored, Mapping):
        return
    for trigger in _objects(stored.get("triggers")):
        if (kind := triggers().get(str(trigger.get("type")))) is not None:
            yield from _item(kind, trigger, object_type)
    yield from _item(Settings, stored.get("settings") or {}, object_type)
    yield from _steps(stored.get("steps"), object_type)


def _steps(stored: Any, object_type: str) -> Iterator[Mention]:
    for step in _objects(stored):
        if (kind := steps().get(str(step.get("type")))) is not None:
            yield from _item(kind, step, object_type)
        for path in _objects(step.get("paths")):
            yield from _steps(path.get("steps"), object_type)


def _item(kind: type[Fields], stored: Mapping[str, Any], object_type: str) -> Iterator[Mention]:
    """What the fields of a trigger, a step or the settings hold, by how they are asked for (field.py)."""
    try:
        item = kind.model_validate({name: value for name, value in stored.items() if name in kind.model_fields and name != "paths"})
    except ValidationError:
        return
    if hasattr(item, "_leads"):
        item._leads = object_type
    about = item.subject(object_type)
    for field in item.entries():
        yield from _field(item, field.name, field.input.kind, field.value, object_type if field.input.kind in ("filter", "rules") else about)


def _field(item: Fields, name: str, kind: str, value: Any, of_type: str) -> Iterator[Mention]:
    if value in (None, "", {}, [], ()):
        return
    match kind:
        case "form" | "email" | "workflow" | "segment" as plain:
            yield Mention(plain, str(value))
        case "fixed_segment":
            yield Mention("segment", str(value))
        case "segments":
            yield from (Mention("segment", str(id)) for id in value)
        case "score":
            yield Mention("score", str(value))
        case "band":
            yield Mention("band", str(getattr(item, "score", "") or ""), str(value))
        case "property" | "date_property":
            yield Mention("property", f"{of_type}.{value}")
        case "any_property":
            yield Mention("property", str(value))
        case "property_value" | "values":
            asked = str(getattr(item, "property", "") or "")
            several = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else [value]
            full = asked if "." in asked else f"{of_type}.{asked}"
            yield from (Mention("option", full, str(one)) for one in several if asked and isinstance(one, str))
        case "lifecycle":
            yield Mention("option", f"contact.{life.PROPERTY}", str(value))
        case "pipeline":
            yield Mention("option", f"{of_type}.pipeline", str(value))
        case "pipeline_stage" if (known := types.known().get(of_type)) and known.stage_property:
            yield Mention("option", f"{of_type}.{known.stage_property}", str(value))
        case "pairs" if name == "values" and hasattr(item, "makes"):
            yield from (Mention("property", f"{of_type}.{one}") for one in value)
        case "filter":
            yield from _filter(value, of_type)
        case "rules":
            for rule in _objects(value):
                yield from _filter(rule.get("filter"), of_type)


def _filter(stored: Any, object_type: str) -> Iterator[Mention]:
    yield from mentions.things(stored, object_type)
    yield from (Mention("segment", str(id)) for id in mentions.lists(stored))


def _objects(stored: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in stored if isinstance(one, Mapping)) if isinstance(stored, list | tuple) else iter(())
