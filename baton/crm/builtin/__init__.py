"""What every Baton has from the start: object types, their properties and groups, pipelines, stages of the life cycle, labels of associations.

One file an area.

Property names are HubSpot's defaults where one exists, so that imports and programs find what they look for.
"""

from django.db import transaction

from baton.crm import life, properties
from baton.crm.models import AssociationLabel, LifecycleStage, ObjectType, Pipeline, PropertyDefinition, PropertyGroup, Stage

from . import activities, commerce, company, contact, deal, links, stages, ticket
from .shape import Kind

KINDS: dict[str, Kind] = {
    kind.key: kind for kind in (contact.KIND, company.KIND, deal.KIND, ticket.KIND, *commerce.KINDS, *activities.KINDS)
}  # in the order people meet them


def ensure() -> None:
    """Make what is missing of all this; what is there is left as people changed it."""
    with transaction.atomic():
        _types()
        _properties()
        _pipelines()
        _stages()
        AssociationLabel.objects.bulk_create([AssociationLabel(**row) for row in links.LABELS], ignore_conflicts=True)
    properties.forget()
    life.forget()


def _types() -> None:
    ObjectType.objects.bulk_create(
        [
            ObjectType(
                key=kind.key, plural=kind.plural, type_id=kind.type_id, label=kind.label, label_plural=kind.label_plural, icon=kind.icon,
                primary_property=kind.primary, secondary_properties=list(kind.secondary), searchable=list(kind.searchable),
                stage_property=kind.stage_property, activity=kind.activity, builtin=True,
            )
            for kind in KINDS.values()
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _properties() -> None:
    PropertyGroup.objects.bulk_create(
        [
            PropertyGroup(object_type_id=kind.key, name=name, label=label, position=position, builtin=True)
            for kind in KINDS.values()
            for position, (name, label) in enumerate(kind.groups.items())
        ],
        ignore_conflicts=True,
    )
    PropertyDefinition.objects.bulk_create(
        [
            PropertyDefinition(
                object_type_id=kind.key, name=name, label=label, type=type, group=group, builtin=True, position=position,
                **{**more, "options": [{"value": value, "label": text} for value, text in more.get("options", {}).items()]},
            )
            for kind in KINDS.values()
            for position, (name, label, type, group, more) in enumerate(kind.properties)
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _pipelines() -> None:
    for kind in KINDS.values():
        if kind.pipeline is None:
            continue
        pipeline, made = Pipeline.objects.get_or_create(object_type=kind.key, key=kind.pipeline.key, defaults={"label": kind.pipeline.label, "builtin": True})
        if made:
            Stage.objects.bulk_create(
                Stage(pipeline=pipeline, key=key, label=text, position=position, probability=probability, closed=closed, hours=hours, builtin=True)
                for position, (key, text, probability, closed, hours) in enumerate(kind.pipeline.stages)
            )


def _stages() -> None:
    rules = stages.PRESETS[stages.DEFAULT][1]
    LifecycleStage.objects.bulk_create(
        [
            LifecycleStage(key=key, kind=kind, team=team, rule=rules.get(key, {}), returns_to=returns_to, days=days)
            for key, (kind, team, days, returns_to) in stages.STAGES.items()
        ],
        ignore_conflicts=True,
    )
