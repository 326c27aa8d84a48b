"""The contract of a channel: how messages reach people by one way. Implementations are in channels/, one file each; docs/how-to/add-a-channel.md tells how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.utils.functional import Promise

from baton.platform import registry

if TYPE_CHECKING:
    from baton.messaging.incoming.receipts import Told
    from baton.messaging.models import Inbound


WINDOW = 256  # messages that are handed over together, at most: with half as many, the statements of each cost twice


class Result(StrEnum):
    """What became of one message."""

    SENT = "sent"  # the carrier took it
    DEFERRED = "deferred"  # the carrier said: not now
    REFUSED = "refused"  # the carrier said: never. A bounce
    UNKNOWN = "unknown"  # the line broke after the carrier had all of it and before it answered: it may have arrived
    NOT_HANDED = "not_handed"  # the carrier cannot have it (away, full, turned us away): it waits, and nobody is to blame


@dataclass(frozen=True, slots=True)
class Receipt:
    """The carrier's answer about one message."""

    result: Result
    reason: str = ""  # in the carrier's own words
    code: int = 0  # of SMTP, or what a provider's status corresponds to
    key: str = ""  # the carrier's own name for the message


@dataclass(frozen=True, slots=True)
class Mailing:
    """What is sent: a mail in one of its versions, as a campaign's variant says it or as a workflow asks for it."""

    email_id: int
    version: int = 0  # EmailVersion.number; 0: the newest
    campaign_id: int | None = None
    variant: str = ""
    subject: str = ""  # instead of the mail's own
    from_name: str = ""  # instead of the mail's own
    way: tuple[int | None, str] | None = None  # what way() said just now; None: nobody asked
    kept: dict[str, Any] = field(default_factory=dict, compare=False)  # what the channel remembers from one window of it to the next


class Addressee(NamedTuple):
    """Whom a message goes to."""

    contact_id: int
    message_id: int
    address: str
    sender: str = ""  # "owner": in the name of the contact's owner


class Parcel(NamedTuple):
    """A message that is ready to go."""

    contact_id: int
    message_id: int
    address: str
    subject: str = ""  # what people see of it in lists
    content: Any = None  # whatever the channel's own send() needs
    problem: str = ""  # why it could not be made for this person; the rest is empty then
    transport_id: int | None = None  # what carries it, where a channel has several ways


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing an administrator fills in, for a channel or a transport."""

    key: str
    label: str | Promise
    kind: str = "text"  # text, number, secret, switch, choice
    usual: Any = ""
    required: bool = False
    help: str | Promise = ""
    options: tuple[tuple[str, str | Promise], ...] = ()  # of a choice: (value, label)


class Channel(ABC):
    """One way to reach people. Made once for a process; its methods are called from several threads."""

    key: ClassVar[str]  # stored in message.channel, suppression.channel and consent.channel
    label: ClassVar[str | Promise]
    settings: ClassVar[tuple[Setting, ...]] = ()
    address: ClassVar[str]  # SQL for a person's address in a query over `contact c`, '' when there is none

    @abstractmethod
    def build(self, mailing: Mailing, people: Sequence[Addressee]) -> Sequence[Parcel]:
        """The messages, in the order of `people`. One person's failure is in his `problem`; raises Invalid when nobody's can be made."""

    @abstractmethod
    def send(self, batch: Sequence[Parcel]) -> Sequence[Receipt]:
        """Hand them over and wait for the answers, in the order of `batch`.

        It is written down that all of them are being handed over. May take some minutes at most; raises nothing: what went wrong is in the receipts.
        """

    def way(self, mailing: Mailing) -> tuple[int | None, str]:
        """The transport that carries this mailing and the domain it comes from, for what limits them."""
        return None, ""

    def pause(self, transport_id: int | None) -> float:
        """For how many seconds it is better not to hand anything to this carrier, because it was away just now; 0: it may have some."""
        return 0.0

    def at_once(self, transport_id: int | None) -> int:
        """How many messages this carrier is best given together, WINDOW at most: a sender that dies with them on the wire leaves so many open."""
        return WINDOW

    def receipts(self, inbound: Inbound) -> list[Told]:
        """What a provider's call tells of messages sent before; raises Invalid when it is not the provider's."""
        return []


@cache
def channel(key: str) -> Channel:
    """The channel of this key. Raises KeyError when there is none."""
    found: type[Channel] = registry.discover("baton.messaging.channels", Channel)[key]
    return found()


def channels() -> dict[str, Channel]:
    """All channels by key."""
    return {key: channel(key) for key in registry.discover("baton.messaging.channels", Channel)}
