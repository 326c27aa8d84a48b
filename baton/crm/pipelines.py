"""The ways deals and tickets go: which stages there are, and that a record stands in one of them."""

from typing import Any

from django.utils.translation import gettext as _

from baton.crm.models import Stage
from baton.platform.errors import Invalid

STAGE_PROPERTY = {"deal": "dealstage", "ticket": "ticket_stage"}


def stages(object_type: str) -> dict[str, list[Stage]]:
    """The stages of every pipeline of an object type by the pipeline's key, in order."""
    found: dict[str, list[Stage]] = {}
    for stage in Stage.objects.filter(pipeline__object_type=object_type).select_related("pipeline").order_by("pipeline__position", "position"):
        found.setdefault(stage.pipeline.key, []).append(stage)
    return found


def place(object_type: str, values: dict[str, Any], *, was: dict[str, Any]) -> None:
    """Complete `values` with the first pipeline and its first stage where none is given; nothing for objects without pipelines.

    Raises Invalid when the pipeline is unknown or the stage is not one of it.
    """
    name = STAGE_PROPERTY.get(object_type)
    if name is None or (was and not {"pipeline", name} & values.keys()):
        return
    known = stages(object_type)
    pipeline = values.get("pipeline") or was.get("pipeline") or next(iter(known), "")
    if pipeline not in known:
        text = _("{value} was not one of the allowed options: [{options}]").format(value=pipeline, options=", ".join(known))
        raise Invalid.one("properties.pipeline", "INVALID_OPTION", text)
    keys = [stage.key for stage in known[pipeline]]
    stage = values.get(name) or (was.get(name) if was.get("pipeline") == pipeline else None) or keys[0]
    if stage not in keys:
        text = _("{value} is not a valid pipeline stage ID. Valid options are: pipelineId={pipeline} : [{options}]")
        raise Invalid.one(f"properties.{name}", "INVALID_OPTION", text.format(value=stage, pipeline=pipeline, options=", ".join(keys)))
    values["pipeline"] = pipeline
    values[name] = stage
