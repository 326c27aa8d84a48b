"""The contract of a trigger: what enrolls contacts in a workflow. Implementations are in triggers/."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from baton.automation.field import Fields, Input
from baton.platform import registry
from baton.platform.changes import Change
from baton.platform.errors import Problem

Again = Annotated[
    Literal["never", "every_time"],
    Input("choice", _("Enroll again"), options=(("never", _("Never: each contact once")), ("every_time", _("Every time, unless the contact is still inside")))),
]


class Trigger(Fields, ABC):
    key: ClassVar[str]
    label: ClassVar[str | Promise]
    icon: ClassVar[str] = "zap"

    id: str = "t"
    again: Again = "every_time"

    @classmethod
    @abstractmethod
    def wakes(cls, change: Change) -> bool:
        """Whether a change of this kind could enroll anybody; decided without a query."""

    @abstractmethod
    def causes(self, changes: Sequence[Change]) -> dict[int, str]:
        """Who is to be enrolled by these changes (all of them wake this kind), and by what.

        The cause names the very fact (this submission, this joining), so that it never enrolls twice.
        """

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
