"""How far a record has come: a contact on the life cycle, a deal or ticket in its pipeline."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton.crm import pipelines, properties
from baton.crm.models import PropertyHistory

from ..templatetags.fmt import STAGES
from .subject import Subject


@dataclass(frozen=True)
class Step:
    """One stage on the way."""

    key: str
    label: str
    done: bool
    now: bool


@dataclass(frozen=True)
class Progress:
    """Where the record stands; `steps` is empty when it stands beside the way."""

    title: str
    property: str
    key: str
    label: str
    steps: list[Step]
    since: datetime | None
    tone: str = ""  # good: won; bad: lost
    days: int | None = None  # longer than these many here, it is ageing


def of(subject: Subject) -> Progress | None:
    """None for records without stages."""
    if subject.is_person:
        return _life(subject)
    return _way(subject) if subject.kind.stage_property else None


def _life(subject: Subject) -> Progress:
    definition = properties.definitions("contact")["lifecyclestage"]
    now = str(subject.values.get("lifecyclestage") or "")
    number = STAGES.index(now) + 1 if now in STAGES else 0
    steps = [Step(key, properties.option_label(definition, key), i < number, i == number) for i, key in enumerate(STAGES, 1)]
    label = properties.option_label(definition, now) if now else ""
    return Progress(properties.label(definition), definition.name, now, label, steps if number or not now else [], _since(subject, definition.name, now))


def _way(subject: Subject) -> Progress:
    name = subject.kind.stage_property
    way, now = str(subject.values.get("pipeline") or ""), str(subject.values.get(name) or "")
    stages = pipelines.stages(subject.key).get(way, [])
    here = next((stage for stage in stages if stage.key == now), None)
    number = stages.index(here) if here else -1
    open_ones = [stage for stage in stages if not stage.closed]
    shown = [*open_ones, *([here] if here and here.closed else [])]
    steps = [Step(stage.key, pipelines.label(stage), stages.index(stage) < number, stage is here) for stage in shown]
    definition = properties.definitions(subject.key).get(name)
    tone = "" if here is None or not here.closed else "bad" if subject.key == "deal" and not here.probability else "good"
    since = _moment(subject.values.get("stage_since")) or _since(subject, name, now)
    days = here.hours // 24 if here and here.hours else None
    return Progress(properties.label(definition) if definition else "", name, now, pipelines.label(here) if here else now, steps, since, tone, days)


def _since(subject: Subject, name: str, now: str) -> datetime | None:
    if not now:
        return None
    changed = PropertyHistory.objects.filter(record_id=subject.id, name=name).order_by("-at", "-id").values_list("at", flat=True).first()
    return changed or subject.row.created_at


def _moment(stored: Any) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None
