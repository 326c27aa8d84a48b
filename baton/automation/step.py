"""The contract of a step: its fields draw the side panel, its run() does the work for everybody who stands there.

Implementations are in steps/, one file each. run() is called inside the transaction that also moves the contacts on:
what it writes to the database happens once or not at all. It must not talk to the outside; that is what the outbox is for
(mails) and the calls (calls.py). Whom a step keeps waiting comes back to resume() when his time is over or he was woken.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils.functional import Promise
from pydantic import BaseModel, ConfigDict, PrivateAttr, SerializeAsAny

from baton.automation.field import Fields
from baton.automation.settings import Settings
from baton.platform import registry
from baton.platform.actor import Actor
from baton.platform.errors import Problem

Stored = dict[str, Any]
DONE, WAITING, SKIPPED, FAILED = "done", "waiting", "skipped", "failed"


@dataclass(frozen=True, slots=True)
class Standing:
    """A contact, or another record, at a step."""

    contact_id: int
    enrollment_id: int
    entered_at: datetime | None = None  # when it came here; None: now
    turn: int = 0  # how often the walk went back to an earlier step
    woken: bool = False  # in resume(): something that watches() looks at changed; else its time is over
    frozen: timedelta = timedelta()  # how much of its wait here a pause of the workflow took


@dataclass(slots=True)
class Effect:
    """What the step did for one contact; `path` is the label of the way a branch takes."""

    outcome: str = DONE
    detail: dict[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    path: str = ""
    kept: dict[str, Any] = field(default_factory=dict)  # for later steps: enrollment.data[<step id>]
    ends: str = ""  # the run ends here, in this state; detail["reason"] says why


@dataclass(slots=True)
class Batch:
    """Everybody who stands at a step now. Who is not mentioned by the step is done."""

    workflow_id: int
    step: str
    now: datetime
    standing: Sequence[Standing]
    effects: dict[int, Effect] = field(default_factory=dict)  # by enrollment
    object_type: str = "contact"
    settings: Settings = field(default_factory=Settings)
    rehearsal: bool = False  # nothing outside this database may hear of it; nobody answers

    @property
    def contact_ids(self) -> list[int]:
        return [s.contact_id for s in self.standing]

    @property
    def actor(self) -> Actor:
        return Actor("workflow", self.workflow_id)

    def cause(self, standing: Standing) -> str:
        """Names this step of this walk: what it sends or says carries it, and goes out once."""
        return f"step:{standing.enrollment_id}:{self.step}" + (f":{standing.turn}" if standing.turn else "")

    def wait(self, standing: Standing, until: datetime, **detail: Any) -> None:
        """Stay until then. A time that is over already lets the walk go on at once."""
        self.effects[standing.enrollment_id] = Effect(WAITING, {"until": until.isoformat(), **detail}, until)

    def skip(self, standing: Standing, reason: str) -> None:
        """Go on without having done anything."""
        self.effects[standing.enrollment_id] = Effect(SKIPPED, {"reason": reason})

    def fail(self, standing: Standing, reason: str) -> None:
        """The contact stops here; the others go on."""
        self.effects[standing.enrollment_id] = Effect(FAILED, {"reason": reason})

    def end(self, standing: Standing, reason: str, state: str = "removed") -> None:
        """The run ends here, before its time and without having done anything at this step."""
        self.effects[standing.enrollment_id] = Effect(SKIPPED, {"reason": reason}, ends=state)

    def note(self, standing: Standing, **detail: Any) -> None:
        """Keep something about what was done, for the log."""
        self.effects[standing.enrollment_id] = Effect(DONE, detail)

    def keep(self, standing: Standing, values: Mapping[str, Any]) -> None:
        """Leave values for later steps: merge fields `{{ steps.<step id>.<name> }}` and conditions read them. After note, take or wait."""
        self.effects.setdefault(standing.enrollment_id, Effect()).kept.update(values)

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
    group: ClassVar[str] = "other"  # where the list of new steps shows it: message, time, path, record, outside
    objects: ClassVar[tuple[str, ...]] = ()  # object types that it can lead; (): all
    labels: ClassVar[tuple[tuple[str, str | Promise], ...]] = ()  # of a branch with fixed ways: by label, in order, with their names
    ends: ClassVar[str] = ""  # the state of a run that ends here: finished, goal
    freezes: ClassVar[bool] = False  # keeps people for a length of time, which stands still while the workflow is paused
    marketing: ClassVar[bool] = False  # reaches people outside with what may be advertising

    id: str
    name: str = ""  # given by people; empty: the step's own title
    paths: tuple[Path, ...] = ()

    _leads: str = PrivateAttr(default="contact")  # set by graph.parse

    @property
    def object_type(self) -> str:
        """Whom its workflow leads: what filters and properties of this step are about."""
        return self._leads

    @abstractmethod
    def run(self, batch: Batch) -> None:
        """Do the step for the whole batch, in sets. Exceptions of one contact become his failure, see runner.py."""

    def resume(self, batch: Batch) -> None:
        """Those whom run() made wait, and whose time is over or who were woken. Who is not mentioned is done."""

    def watches(self) -> Stored | None:
        """The filter that wakes those who wait here, as soon as it holds for them; None: only time does."""
        return None

    def lasts(self) -> bool:
        """Whether nobody passes without time going by: a way back that meets no such step would never end."""
        return False

    def ways(self) -> tuple[tuple[str, str | Promise], ...]:
        """The ways out, by label, in order, with their names; a branch with ways of its own making says so here."""
        return self.labels

    def target(self) -> str:
        """The step where the walk goes on instead of the next one; "" for the next one."""
        return ""

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
