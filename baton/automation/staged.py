"""Triggers by stages of pipelines: which changes of the stage count, and how they are said."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.crm import pipelines
from baton.platform.errors import Problem
from baton.query.statement import Sql

HOW = (("enters", gettext_lazy("Comes into it")), ("leaves", gettext_lazy("Leaves it")))


def test(object_type: str, pipeline: str, stage: str, how: str) -> Sql:
    """A condition over `v.old` and `v.new`, the keys of two stages: it came into one of those wanted, or left them."""
    known = pipelines.stages(object_type)
    wanted = [stage] if stage else [s.key for key, stages in known.items() if pipeline in ("", key) for s in stages]
    here, there = ("v.new", "v.old") if how == "enters" else ("v.old", "v.new")
    # Any stage at all: each move counts. All stages of a pipeline: coming into it.
    moved = f"coalesce({there} #>> '{{}}', '') <> {here} #>> '{{}}'" if stage or not pipeline else f"NOT coalesce({there} #>> '{{}}' = ANY(%(stages)s), false)"
    return Sql(f"(coalesce({here} #>> '{{}}' = ANY(%(stages)s), false) AND {moved})", {"stages": wanted})


def heading(object_type: str, pipeline: str, stage: str, how: str) -> str:
    """What the card says; "" when no stage or pipeline is named."""
    label = name(object_type, pipeline, stage)
    if not label:
        return ""
    return (_("Leaves the stage {stage}") if how == "leaves" else _("Comes to the stage {stage}")).format(stage=label)


def name(object_type: str, pipeline: str, stage: str) -> str:
    """What people call the stage, or else the pipeline; "" for any."""
    found = pipelines.pipelines(object_type)
    if stage:
        rows = pipelines.stages(object_type)
        own = next((s for key, stages in rows.items() if pipeline in ("", key) for s in stages if s.key == stage), None)
        return pipelines.label(own) if own else stage
    return next((pipelines.label(p) for p in found if p.key == pipeline), pipeline)


def problems(object_type: str, pipeline: str, stage: str) -> list[Problem]:
    """Whether what is named is still there."""
    known = pipelines.stages(object_type)
    if pipeline and pipeline not in known:
        return [Problem("pipeline", "NOT_FOUND", _("This pipeline does not exist any more."))]
    if stage and not any(s.key == stage for key, stages in known.items() if pipeline in ("", key) for s in stages):
        return [Problem("stage", "NOT_FOUND", _("This stage does not exist any more."))]
    return []
