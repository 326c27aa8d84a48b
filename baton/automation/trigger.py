"""The contract of a trigger: what enrolls contacts in a workflow. Implementations are in triggers/."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from django.utils.functional import Promise
from pydantic import PrivateAttr

from baton.automation.field import Fields
from baton.platform import registry
from baton.platform.changes import Change
from baton.platform.errors import Problem
from baton.query.statement import Sql


class Trigger(Fields):
    key: ClassVar[str]
    label: ClassVar[str | Promise]
    icon: ClassVar[str] = "zap"
    group: ClassVar[str] = "other"  # where the list of triggers shows it: people, place, record, time, outside
    objects: ClassVar[tuple[str, ...]] = ("contact",)  # object types that it can enroll; (): all
    rejoins: ClassVar[bool] = False  # enters a state (a list, a band, a stage) that one can leave and enter anew; else a thing that happened

    id: str = "t"
    _leads: str = PrivateAttr(default="contact")  # set by graph.parse

    @property
    def object_type(self) -> str:
        """Whom its workflow leads."""
        return self._leads

    @classmethod
    def wakes(cls, change: Change) -> bool:
        """Whether a change of this kind could enroll anybody; decided without a query. None does where the clock or somebody's own act enrolls."""
        return False

    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        """Who is to be enrolled by these changes (all of them wake this kind), and by what.

        The cause names the very fact (this submission, this joining), so that it never enrolls twice.
        """
        return {}

    def due(self, since: datetime, until: datetime, object_type: str) -> dict[int, str]:
        """Of triggers that go by the clock: who is to be enrolled because a moment in (since, until] came, and by what."""
        return {}

    def backlog(self, object_type: str) -> Sql | None:
        """SELECT of (id, cause) of those who would be enrolled now if the workflow were switched on with them; None where that has no meaning."""
        return None

    def past(self, since: datetime, until: datetime, object_type: str) -> Sql | None:
        """SELECT of (id, at, cause) of those whom it would have enrolled in (since, until], with the causes that causes() and due() give; None: not known."""
        return None

    def heading(self) -> str:
        """What the card on the canvas says."""
        return str(self.label)

    def detail(self) -> str:
        """The second, quieter line of the card."""
        return ""

    def problems(self) -> list[Problem]:
        """What must be put right before publishing; paths are the trigger's own field names."""
        return []


def triggers() -> dict[str, type[Trigger]]:
    """All triggers by key."""
    return registry.discover("baton.automation.triggers", Trigger)
