"""A person as another mail tool knows him; what every service is read into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from baton.crm.imports import parse
from baton.crm.values import Fault
from baton.platform.config import config

Status = Literal["subscribed", "unsubscribed", "cleaned", "pending", "refused", "unknown"]
# refused: gets mails, but not advertising; pending: never confirmed; cleaned: taken off because mails did not arrive.


@dataclass(frozen=True, slots=True)
class Subscriber:
    email: str
    status: Status
    agreed_at: datetime | None = None  # None: not known, so it proves nothing
    left_at: datetime | None = None
    reason: str = ""  # for leaving, or for being cleaned
    groups: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)  # our property -> text
    proof: Mapping[str, Any] = field(default_factory=dict)
    list_name: str = ""


class Patience(Exception):
    """The service asks to wait, or cannot be reached: go on later."""

    def __init__(self, why: str, seconds: float = 60.0) -> None:
        super().__init__(why)
        self.seconds = seconds


class Source(Protocol):
    """The API of a service, opened with its key."""

    def lists(self) -> list[tuple[str, str]]:
        """(id, name) of its lists. Raises Patience, Invalid (`key`)."""

    def page(self, cursor: Mapping[str, Any], lists: list[str]) -> tuple[list[Subscriber], dict[str, Any] | None]:
        """People from a cursor on ({}: the first), and where it goes on; None: that was all. Raises Patience, Invalid."""


def moment(text: str | None, *, utc: bool = False) -> datetime | None:
    """A time as the services write it, or None for what is none. Without a zone it is UTC, or the account's."""
    if not text or not str(text).strip():
        return None
    try:
        found = parse.moment(str(text).strip())
    except (Fault, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC if utc else config().zone)
