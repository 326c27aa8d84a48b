"""What receivers say about messages, in one vocabulary, however they said it: an SMTP answer, a bounce, a provider's call, a reply."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from baton.messaging import bounces

Kind = Literal["delivered", "deferred", "bounced", "complained", "opened", "clicked", "unsubscribed", "replied", "auto_replied"]
REASONS = bounces.REASONS
classify = bounces.classify


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that was said about one message."""

    kind: Kind
    contact_id: int
    message_id: int
    at: datetime
    hard: bool = False  # of a bounce: the address is dead
    reason: str = ""  # of a bounce: a word of bounces.REASONS; of a complaint: abuse, fraud ...
    code: str = ""  # as it was given: "550", "5.1.1"
    text: str = ""  # the receiver's words, of a reply what was written
    key: str = ""  # tells apart several of a kind about one message: a reply's Message-ID, the address clicked
    details: dict[str, str] = field(default_factory=dict)  # kept with the event: subject, remote_mta, user agent ...


def take(told: Sequence[Told]) -> list[Told]:
    """Write down what was said: messages, tallies of campaigns, suppressions, troubles, events; in one transaction.

    The same receipt twice counts once. Gives back those that came too early: their message is just being handed over, and
    its state is not settled yet; take them again later.
    """
    raise NotImplementedError


def follow(told: Sequence[Told]) -> None:
    """What follows from receipts whose messages and tallies the caller has changed itself, in his transaction: suppression, troubles, events."""
    raise NotImplementedError
