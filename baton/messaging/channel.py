"""The contract of a channel: how one prepared message is handed to whoever carries it. Implementations are in channels/."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import ClassVar

from django.utils.functional import Promise

from baton.messaging.render import Rendered
from baton.platform import registry


class Result(StrEnum):
    """What became of one message."""

    SENT = "sent"  # the carrier took it
    DEFERRED = "deferred"  # not now: try again later
    REFUSED = "refused"  # never: a bounce
    UNKNOWN = "unknown"  # the line broke while the carrier was taking it: it may have arrived
    LOST = "lost"  # somebody else works on this message; leave it alone


@dataclass(frozen=True, slots=True)
class Receipt:
    result: Result
    reason: str = ""  # the carrier's words, for people
    address_dead: bool = False  # the address does not exist: never write to it again


class Down(Exception):
    """The carrier cannot be reached or turned us away; nothing was handed over, all messages wait."""


class Line(ABC):
    """An open connection to a carrier."""

    @abstractmethod
    def hand(self, address: str, message: Rendered, about_to_hand: Callable[[], bool]) -> Receipt:
        """Hand over one message.

        Call `about_to_hand` once, at the last moment before the carrier might take the message; when it answers False,
        return LOST. Raise Down only before that moment, for faults of the carrier and not of this message.
        """


class Channel(ABC):
    key: ClassVar[str]  # stored in message.channel, suppression.channel and consent.channel
    label: ClassVar[str | Promise]

    @abstractmethod
    def connect(self) -> AbstractContextManager[Line]:
        """Open a line for a batch of messages; raises Down."""


@cache
def channel(key: str) -> Channel:
    """The channel of this key. Raises KeyError when there is none."""
    found: type[Channel] = registry.discover("baton.messaging.channels", Channel)[key]
    return found()
