"""The ways records go: which pipelines and stages there are, what changes of them, and that a record stands in one of them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import types, uses
from baton.crm.models import Pipeline, PropertyDefinition, Record, Stage
from baton.crm.uses import Mention
from baton.crm.values import stamp
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

Known = dict[str, list[Stage]]


def pipelines(object_type: str, *, archived: bool = False) -> list[Pipeline]:
    """The pipelines of an object type in order, each with `.stages_in_order`. Two queries."""
    found = list(Pipeline.objects.filter(object_type=object_type, archived_at__isnull=not archived).order_by("position", "id"))
    stages: dict[int, list[Stage]] = {}
    for stage in Stage.objects.filter(pipeline__in=found, archived_at=None).order_by("position", "id"):
        stages.setdefault(stage.pipeline_id, []).append(stage)
    for pipeline in found:
        pipeline.stages_in_order = stages.get(pipeline.pk, [])  # type: ignore[attr-defined]
    return found


def stages(object_type: str) -> Known:
    """The live stages of every live pipeline of an object type by the pipeline's key, in order."""
    found: Known = {}
    rows = Stage.objects.filter(pipeline__object_type=object_type, pipeline__archived_at=None, archived_at=None)
    for stage in rows.select_related("pipeline").order_by("pipeline__position", "pipeline_id", "position", "id"):
        found.setdefault(stage.pipeline.key, []).append(stage)
    return found


def label(row: Pipeline | Stage) -> str:
    """What people call a pipeline or a stage, in the current language."""
    return _(row.label) if row.builtin and row.label else row.label


def stage_labels(object_type: str) -> dict[tuple[str, str], str]:
    """(pipeline key, stage key) -> label, for showing many records."""
    return {(key, stage.key): label(stage) for key, rows in stages(object_type).items() for stage in rows}


def place(object_type: str, values: dict[str, Any], *, was: Mapping[str, Any], known: Known) -> None:
    """Complete `values` with the first pipeline and its first stage where none is given, and with what follows from a new stage.

    What follows: `stage_since`; of a deal `probability`, and a close date when it is closed without one; of a ticket `closed_at`. Nothing for objects
    without pipelines. Raises Invalid when the pipeline is unknown, the stage is not one of it, or a property the stage asks for is not set.
    """
    name = types.get(object_type).stage_property
    if not name or (was and not {"pipeline", name} & values.keys()):
        return
    pipeline = values.get("pipeline") or was.get("pipeline") or next(iter(known), "")
    if pipeline not in known:
        text = _("{value} was not one of the allowed options: [{options}]").format(value=pipeline, options=", ".join(known))
        raise Invalid.one("properties.pipeline", "INVALID_OPTION", text)
    ways = {stage.key: stage for stage in known[pipeline]}
    stage = values.get(name) or (was.get(name) if was.get("pipeline") == pipeline else None) or next(iter(ways), None)
    if stage not in ways:
        text = _("{value} is not a valid pipeline stage ID. Valid options are: pipelineId={pipeline} : [{options}]")
        raise Invalid.one(f"properties.{name}", "INVALID_OPTION", text.format(value=stage, pipeline=pipeline, options=", ".join(ways)))
    values["pipeline"], values[name] = pipeline, stage
    if (was.get("pipeline"), was.get(name)) == (pipeline, stage):
        return
    full = {**was, **values}
    missing = [one for one in ways[stage].required if full.get(one) is None]
    if missing:
        text = _("The stage {stage} needs {name}.")
        raise Invalid([Problem(f"properties.{one}", "REQUIRED", text.format(stage=label(ways[stage]), name=one)) for one in missing])
    _enter(object_type, ways[stage], values, full)


def _enter(object_type: str, stage: Stage, values: dict[str, Any], full: Mapping[str, Any]) -> None:
    now = clock.now()
    known = _system_names(object_type)
    if "stage_since" in known:
        values["stage_since"] = stamp(now)
    if "probability" in known:
        values["probability"] = stage.probability
    if "closed_at" in known:
        values["closed_at"] = stamp(now) if stage.closed else None
    if object_type == "deal" and stage.closed and not full.get("closedate"):
        values["closedate"] = now.astimezone(config().zone).date().isoformat()


def _system_names(object_type: str) -> set[str]:
    from baton.crm import properties

    return {name for name, definition in properties.definitions(object_type).items() if definition.read_only}


def _existing(object_type: str, key: str) -> Pipeline:
    found = Pipeline.objects.filter(object_type=object_type, key=key, archived_at=None).first()
    if found is None:
        raise NotFound(_("There is no such pipeline."))
    return found


def _new_key(label: str, taken: set[str]) -> str:
    """A key for programs: from the label where it is Latin, else a number."""
    base = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:40]
    number = 1
    key = base or "1"
    while key in taken:
        number += 1
        key = f"{base}_{number}" if base else str(number)
    return key


STAGE_FIELDS = ("label", "position", "probability", "closed", "required", "hours")


def _checked(object_type: str, row: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The fields of a stage that may be written. Raises Invalid at `<path><field>`."""
    fields = {name: row[name] for name in STAGE_FIELDS if name in row}
    problems = []
    if "label" in fields and not str(fields["label"]).strip():
        problems.append(Problem(f"{path}label", "REQUIRED", _("A label is required.")))
    probability = fields.get("probability", 0)
    if isinstance(probability, bool) or not isinstance(probability, (int, float)) or not 0 <= probability <= 1:
        problems.append(Problem(f"{path}probability", "INVALID_NUMBER", _("A probability is between 0 and 1.")))
    hours = fields.get("hours")
    if hours is not None and (isinstance(hours, bool) or not isinstance(hours, int) or not 0 < hours < 100_000):
        problems.append(Problem(f"{path}hours", "INVALID_NUMBER", _("Hours are a whole number above 0.")))
    if wanted := fields.get("required"):
        known = set(PropertyDefinition.objects.filter(object_type=object_type, archived_at=None).values_list("name", flat=True))
        for name in wanted:
            if name not in known:
                problems.append(Problem(f"{path}required", "PROPERTY_DOESNT_EXIST", _('Property "{name}" does not exist').format(name=name)))
    if problems:
        raise Invalid(problems)
    return fields


def define(object_type: str, label: str, stages: Sequence[Mapping[str, Any]], *, actor: Actor, key: str = "", position: int | None = None) -> Pipeline:
    """Make a pipeline with its stages: each {"label"[, "key", "probability", "closed", "required", "hours"]}. Raises Invalid, Conflict (key or label taken)."""
    if not types.get(object_type).stage_property:
        raise Invalid.one("object_type", "NOT_ALLOWED", _("Records of this type have no pipelines."))
    if not label.strip():
        raise Invalid.one("label", "REQUIRED", _("A label is required."))
    if not stages:
        raise Invalid.one("stages", "REQUIRED", _("A pipeline needs at least one stage."))
    rows = [{"label": "", **row} for row in stages]
    checked = [_checked(object_type, row, f"stages.{number}.") for number, row in enumerate(rows)]
    with transaction.atomic():
        others = list(Pipeline.objects.filter(object_type=object_type))
        if (key and key in {other.key for other in others}) or label.strip() in {other.label for other in others if other.archived_at is None}:
            raise Conflict(_("A pipeline named '{name}' already exists.").format(name=label.strip()))
        made = Pipeline.objects.create(
            object_type=object_type, key=key or _new_key(label, {other.key for other in others}), label=label.strip(),
            position=len(others) if position is None else position,
        )  # fmt: skip
        taken: set[str] = set()
        for number, (row, fields) in enumerate(zip(rows, checked, strict=True)):
            given = str(row.get("key") or "") or _new_key(row["label"], taken)
            if given in taken:
                raise Invalid.one(f"stages.{number}.key", "NOT_UNIQUE", _("Two stages have the same key."))
            taken.add(given)
            Stage.objects.create(pipeline=made, key=given, **{"position": number, **fields, "label": fields["label"].strip()})
        history.record(actor, "created", "pipeline", made.pk, label=made.label, object_type=object_type)
    return made


def change(object_type: str, key: str, *, actor: Actor, label: str | None = None, position: int | None = None) -> Pipeline:
    """Rename or move a pipeline. Raises NotFound, Invalid."""
    found = _existing(object_type, key)
    if label is not None and not label.strip():
        raise Invalid.one("label", "REQUIRED", _("A label is required."))
    with transaction.atomic():
        if label is not None and label.strip() != found.label:
            found.label, found.builtin = label.strip(), False  # a name of one's own is not translated
        if position is not None:
            found.position = position
        found.updated_at = clock.now()
        found.save()
        history.record(actor, "changed", "pipeline", found.pk, label=found.label, position=found.position)
    return found


def archive(object_type: str, key: str, *, actor: Actor) -> None:
    """Put a pipeline aside. Raises NotFound, Conflict when records stand in it, a list asks for it, or it is the last one."""
    found = _existing(object_type, key)
    if _stands(object_type, {"pipeline": key}):
        raise Conflict(_("Records stand in this pipeline. Move them first."))
    if not Pipeline.objects.filter(object_type=object_type, archived_at=None).exclude(pk=found.pk).exists():
        raise Conflict(_("The last pipeline cannot be removed."))
    uses.refuse(Mention("option", f"{object_type}.pipeline", key), label(found))
    for stage in Stage.objects.filter(pipeline=found, archived_at=None):
        uses.refuse(Mention("option", f"{object_type}.{types.get(object_type).stage_property}", stage.key), label(stage))
    with transaction.atomic():
        found.archived_at = clock.now()
        found.save()
        history.record(actor, "archived", "pipeline", found.pk, label=found.label)


def define_stage(object_type: str, pipeline_key: str, label: str, *, actor: Actor, key: str = "", **fields: Any) -> Stage:
    """Add a stage at the end, or at `position`. Raises NotFound, Invalid, Conflict."""
    pipeline = _existing(object_type, pipeline_key)
    checked = _checked(object_type, {**fields, "label": label}, "")
    with transaction.atomic():
        others = list(Stage.objects.filter(pipeline=pipeline))
        taken = {stage.key for stage in others}
        if key in taken or label.strip() in {stage.label for stage in others if stage.archived_at is None}:
            raise Conflict(_("A stage named '{name}' already exists.").format(name=label.strip()))
        made = Stage.objects.create(pipeline=pipeline, key=key or _new_key(label, taken), **{"position": len(others), **checked, "label": label.strip()})
        history.record(actor, "created", "stage", made.pk, label=made.label, pipeline=pipeline.key)
    return made


def change_stage(object_type: str, pipeline_key: str, key: str, *, actor: Actor, **fields: Any) -> Stage:
    """Change a stage: label, position, probability, closed, required, hours. Deals that stand in it get a new probability. Raises NotFound, Invalid."""
    stage = _stage(object_type, pipeline_key, key)
    checked = _checked(object_type, fields, "")
    with transaction.atomic():
        if checked.get("label", stage.label) != stage.label:
            stage.builtin = False
        for name, value in checked.items():
            setattr(stage, name, value.strip() if name == "label" else value)
        stage.updated_at = clock.now()
        stage.save()
        if "probability" in checked and "probability" in _system_names(object_type):
            from baton.crm import records

            stand = {"pipeline": pipeline_key, types.get(object_type).stage_property: key}
            there = Record.objects.filter(object_type=object_type, archived_at=None, properties__contains=stand)
            ids = list(there.values_list("id", flat=True))
            records.derive(object_type, ids, {"probability": stage.probability}, actor=actor)
        history.record(actor, "changed", "stage", stage.pk, **checked)
    return stage


def archive_stage(object_type: str, pipeline_key: str, key: str, *, actor: Actor) -> None:
    """Put a stage aside. Raises NotFound, Conflict when records stand in it, a list asks for it, or it is the last one."""
    stage = _stage(object_type, pipeline_key, key)
    if _stands(object_type, {"pipeline": pipeline_key, types.get(object_type).stage_property: key}):
        raise Conflict(_("Records stand in this stage. Move them first."))
    if not Stage.objects.filter(pipeline=stage.pipeline, archived_at=None).exclude(pk=stage.pk).exists():
        raise Conflict(_("The last stage cannot be removed."))
    uses.refuse(Mention("option", f"{object_type}.{types.get(object_type).stage_property}", key), label(stage))
    with transaction.atomic():
        stage.archived_at = clock.now()
        stage.save()
        history.record(actor, "archived", "stage", stage.pk, label=stage.label)


def _stage(object_type: str, pipeline_key: str, key: str) -> Stage:
    found = Stage.objects.filter(pipeline=_existing(object_type, pipeline_key), key=key, archived_at=None).first()
    if found is None:
        raise NotFound(_("There is no such stage."))
    return found


def _stands(object_type: str, values: dict[str, str]) -> bool:
    return Record.objects.filter(object_type=object_type, archived_at=None, properties__contains=values).exists()
