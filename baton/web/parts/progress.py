"""How far a record has come: a contact on the life cycle with when he came where, a deal or ticket in its pipeline."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from baton.crm import pipelines, properties, stages
from baton.crm.models import Booking, PropertyHistory
from baton.platform import clock

from .subject import Subject

SHOWN = 6  # moves below the steps
PATHS = {
    "entry": gettext_noop("came in"),
    "forward": gettext_noop("forward"),
    "fast_pass": gettext_noop("fast pass"),
    "recycle": gettext_noop("recycled"),
    "return": gettext_noop("came back"),
    "dead_end": gettext_noop("dead end"),
    "reopen": gettext_noop("reopened"),
    "back": gettext_noop("moved back"),
    "exit": gettext_noop("went out"),
}


@dataclass(frozen=True)
class Step:
    """One stage on the way; `entered`: when somebody came there last."""

    key: str
    label: str
    done: bool
    now: bool
    entered: datetime | None = None


@dataclass(frozen=True)
class Moved:
    """One booking in words. `until`: when he went on."""

    into: str
    label: str
    path: str
    at: datetime
    until: datetime | None
    reason: str


@dataclass(frozen=True)
class Progress:
    """Where the record stands; `steps` is empty when it stands beside the way."""

    title: str
    name: str  # of the property
    key: str
    label: str
    steps: list[Step]
    since: datetime | None
    tone: str = ""  # good: won; bad: lost
    days: int | None = None  # longer than these many here, it is ageing
    moves: list[Moved] = field(default_factory=list)  # newest first
    may_move: bool = False

    @property
    def stuck(self) -> bool:
        """Whether it is here for longer than it should."""
        return self.days is not None and self.since is not None and (clock.now() - self.since).days >= self.days


def of(subject: Subject) -> Progress | None:
    """None for records without stages."""
    if subject.is_person:
        return _life(subject)
    return _way(subject) if subject.kind.stage_property else None


def _life(subject: Subject) -> Progress:
    definition = properties.definitions("contact")[stages.PROPERTY]
    known = {stage.key: stage for stage in stages.known()}
    key = str(subject.values.get(definition.name) or "")
    here = known.get(key)
    moves = _moves(subject.id)
    entered = {move.into: move.at for move in reversed(moves)}
    way = [stage for stage in known.values() if stage.on_the_way]
    steps = [Step(s.key, s.label, here is not None and s.rank < here.rank and s.key in entered, s is here, entered.get(s.key)) for s in way]
    label = here.label if here else properties.option_label(definition, key) if key else ""
    ended = here is not None and here.kind == "dead_end"
    return Progress(
        properties.label(definition), definition.name, key, label, steps if here in way or not key else [],
        _moment(subject.values.get("stage_since")) or _since(subject, definition.name, key), days=here.days if here else None, moves=moves[:SHOWN],
        may_move=subject.may_edit and not ended,
    )  # fmt: skip


def _moves(contact_id: int) -> list[Moved]:
    """The newest moves of a contact; what was merged into him kept its own."""
    labels = {stage.key: stage.label for stage in stages.known()}
    found: list[Moved] = []
    until: datetime | None = None
    for booked in Booking.objects.filter(contact_id=contact_id).order_by("-id")[:50]:
        label = labels.get(booked.into, booked.into) or _("No stage")
        found.append(Moved(booked.into, label, _(PATHS.get(booked.path, booked.path)), booked.at, until, booked.reason))
        until = booked.at
    return found


def _way(subject: Subject) -> Progress:
    name = subject.kind.stage_property
    way, now = str(subject.values.get("pipeline") or ""), str(subject.values.get(name) or "")
    known = pipelines.stages(subject.key).get(way, [])
    here = next((stage for stage in known if stage.key == now), None)
    number = known.index(here) if here else -1
    open_ones = [stage for stage in known if not stage.closed]
    shown = [*open_ones, *([here] if here and here.closed else [])]
    steps = [Step(stage.key, pipelines.label(stage), known.index(stage) < number, stage is here) for stage in shown]
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
