"""When a message that was put off is tried again, and when it is given up.

The pauses grow (RFC 5321, 4.5.4.1, asks for half an hour between tries once the first few failed), each a fifth shorter or longer by chance, so that what was
put off together does not come back together. A single mail is tried for three days; one of a campaign for one, because news that come later are none. A
transport may say otherwise (its setting `keep_trying`, in hours).
"""

import random
import time
from datetime import timedelta

from baton.messaging.channel import Receipt, Result
from baton.messaging.incoming import bounces
from baton.messaging.models import Transport

SOON = (15, 60, 300, 900, 1800, 3600, 7200, 14400)  # seconds; then every EVERY
GREYLISTED = (330, 600, 1200, 1800, 3600, 7200, 14400)  # who wants a second try takes it after five minutes, as a rule; sooner it counts against us
EVERY = 8 * 3600
CAMPAIGN, SINGLE = timedelta(hours=24), timedelta(hours=72)
LEAST, MOST = 1, 120  # hours of keep_trying: RFC 5321 speaks of four to five days at most
JITTER = 0.2
FRESH = 60.0  # seconds a transport's setting is remembered
PLAIN = frozenset({"temporary", "undefined", "greylisted", "protocol"})  # say nothing of why it could not be delivered in all that time

_said: dict[int, tuple[float, timedelta | None]] = {}


def pause(attempts: int, answer: Receipt, *, campaign: bool, transport_id: int | None = None) -> timedelta | None:
    """How long to wait after this answer to try number `attempts` + 1; None: it is given up.

    A carrier that is away is nobody's fault: then also campaigns have the longer time.
    """
    greylisted = answer.result == Result.DEFERRED and bounces.classify(answer.code, answer.reason).reason == "greylisted"
    first = GREYLISTED if greylisted else SOON
    seconds = [*first[: attempts + 1], *[EVERY] * (attempts + 1 - len(first))]
    patience = SINGLE if answer.result == Result.NOT_HANDED else _chosen(transport_id) or (CAMPAIGN if campaign else SINGLE)
    if sum(seconds) > patience.total_seconds():
        return None
    return timedelta(seconds=seconds[attempts] * random.uniform(1 - JITTER, 1 + JITTER))


def given_up(answer: Receipt) -> str:
    """The reason of a message that nobody took in all that time: what the last answer says, else that it could not be delivered in time."""
    reason = bounces.classify(answer.code, answer.reason).reason
    return "expired" if reason in PLAIN else reason


def _chosen(transport_id: int | None) -> timedelta | None:
    """What the transport says."""
    if transport_id is None:
        return None
    now = time.monotonic()
    until, found = _said.get(transport_id, (0.0, None))
    if now > until:
        hours = Transport.objects.filter(pk=transport_id).values_list("settings__keep_trying", flat=True).first()
        found = timedelta(hours=min(max(hours, LEAST), MOST)) if isinstance(hours, int) and hours > 0 else None
        _said[transport_id] = (now + FRESH, found)
    return found
