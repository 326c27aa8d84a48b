"""The contract of a step: its fields draw the side panel, its run() does the work for everybody who stands there.

Implementations are in steps/, one file each. run() is called inside the transaction that also moves the contacts on:
what it writes to the database happens once or not at all. It must not talk to the outside; that is what the outbox is for.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.utils.functional import Promise
from pydantic import BaseModel, ConfigDict, SerializeAsAny

from baton.automation.field import Fields
from baton.platform import registry
from baton.platform.actor import Actor
from baton.platform.errors import Problem

DONE, WAITING, SKIPPED, FAILED = "done", "waiting", "skipped", "failed"


@dataclass(frozen=True, slots=True)
class Standing:
    """A contact at a step."""

    contact_id: int
    enrollment_id: int


@dataclass(slots=True)
class Effect:
    """What the step did for one contact; `path` is the label of the way a branch takes."""

    outcome: str = DONE
    detail: dict[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    path: str = ""


@dataclass(slots=True)
class Batch:
    """Everybody who stands at a step now. Who is not mentioned by the step is done."""

    workflow_id: int
    step: str
    now: datetime
    standing: Sequence[Standing]
    effects: dict[int, Effect] = field(default_factory=dict)  # by enrollment

    @property
    def contact_ids(self) -> list[int]:
        return [s.contact_id for s in self.standing]

    @property
    def actor(self) -> Actor:
        return Actor("workflow", self.workflow_id)

    def cause(self, standing: Standing) -> str:
        """Names this step of this walk: what it sends or says carries it, and goes out once."""
        return f"step:{standing.enrollment_id}:{self.step}"

    def wait(self, standing: Standing, until: datetime) -> None:
        self.effects[standing.enrollment_id] = Effect(WAITING, {"until": until.isoformat()}, until)

    def skip(self, standing: Standing, reason: str) -> None:
        """Go on without having done anything."""
        self.effects[standing.enrollment_id] = Effect(SKIPPED, {"reason": reason})

    def fail(self, standing: Standing, reason: str) -> None:
        """The contact stops here; the others go on."""
        self.effects[standing.enrollment_id] = Effect(FAILED, {"reason": reason})

    def note(self, standing: Standing, **detail: Any) -> None:
        """Keep something about what was done, for the log."""
        self.effects[standing.enrollment_id] = Effect(DONE, detail)

    def take(self, label: str, standing: Iterable[Standing]) -> None:
        """These go the way of this label."""
        for one in standing:
            self.effects[one.enrollment_id] = Effect(label, {}, None, label)


class Path(BaseModel):
    """A way out of a branch, with its own steps; at its end the walk goes on after the branch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    steps: tuple[SerializeAsAny["Step"], ...] = ()


class Step(Fields, ABC):
    key: ClassVar[str]
    label: ClassVar[str | Promise]
    icon: ClassVar[str] = "circle"
    labels: ClassVar[tuple[tuple[str, str | Promise], ...]] = ()  # of a branch: its ways by label, in order, with their names

    id: str
    name: str = ""  # given by people; empty: the step's own title
    paths: tuple[Path, ...] = ()

    @abstractmethod
    def run(self, batch: Batch) -> None:
        """Do the step for the whole batch, in sets. Exceptions of one contact become his failure, see runner.py."""

    def heading(self) -> str:
        """What the card on the canvas says."""
        return self.name or str(self.label)

    def detail(self) -> str:
        """The second, quieter line of the card."""
        return ""

    def problems(self) -> list[Problem]:
        """What must be put right before publishing; paths are the step's own field names. Unfilled fields are found without it."""
        return []


Path.model_rebuild()


def steps() -> dict[str, type[Step]]:
    """All steps by key."""
    return registry.discover("baton.automation.steps", Step)
