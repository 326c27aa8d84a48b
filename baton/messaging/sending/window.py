"""A window: up to WINDOW messages that are committed as `handing` together, handed over together, and settled together:
as many as what carries them answers in a moment (pace.py).

Whoever dies with a window on the wire leaves its messages `handing`: they may have arrived, so the next who finds them calls them `unknown`,
and nobody sends them again by himself.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from baton.messaging.channel import WINDOW, Addressee, Mailing, Parcel, Receipt, Result, channel
from baton.messaging.models import Variant
from baton.platform import clock, logs, sql
from baton.platform.errors import Invalid
from baton.platform.models import BUCKETS

LEASE = timedelta(minutes=10)  # how long a sender may take from one sign of life to the next; a window takes less

_log = logs.log(__name__)


@dataclass(slots=True)
class Item:
    """A message that a sender works on."""

    contact_id: int
    id: int
    channel: str
    email_id: int
    address: str
    attempts: int = 0  # before this one
    sender: str = ""
    version: int = 0
    campaign_id: int | None = None
    variant: str = ""
    queued: bool = True  # it came from the outbox; else from a chunk
    name: str | None = None  # of the mail; None: nobody looked
    way: tuple[int | None, str] | None = None  # the transport and the domain it comes from; None: nobody looked
    leased_until: datetime | None = None  # the claim, of one from the outbox: whoever wrote it last works on the message

    @property
    def bucket(self) -> int:
        return self.contact_id % BUCKETS


def built(items: Sequence[Item], mailing: Mailing | None = None) -> list[tuple[Item, Parcel]]:
    """What goes to each, mail by mail; nothing is written. A mail that cannot be made at all is the problem of each of its messages.

    `mailing`: what all of them are, if the caller knows.
    """
    found: list[tuple[Item, Parcel]] = []
    for one, some in [(mailing, items)] if mailing and items else by_mailing(items):
        try:
            parcels = channel(some[0].channel).build(one, [Addressee(i.contact_id, i.id, i.address, i.sender) for i in some])
        except ObjectDoesNotExist:
            parcels = [_faulty(item, "no_email") for item in some]
        except KeyError:
            parcels = [_faulty(item, f"there is no channel {item.channel}") for item in some]
        except Invalid as error:
            parcels = [_faulty(item, str(error)) for item in some]
        found += zip(some, parcels, strict=True)
    return found


HANDING = """
WITH r AS (SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(bucket smallint, contact_id bigint, id bigint, subject text)),
held AS (
    UPDATE outbox o SET leased_until = %(until)s FROM r
    WHERE o.bucket = r.bucket AND o.message_id = r.id AND o.leased_until = %(claim)s RETURNING o.message_id
)
UPDATE message m SET state = 'handing', attempts = m.attempts + 1, subject = r.subject, reason = ''
FROM r JOIN held h ON h.message_id = r.id
WHERE m.contact_id = r.contact_id AND m.id = r.id AND m.state = 'claimed'
RETURNING m.id
"""


def handing(ready: Sequence[tuple[Item, Parcel]]) -> list[tuple[Item, Parcel]]:
    """Write down that these messages of the outbox are about to be handed over; gives back those that nobody took over meanwhile."""
    until = clock.now() + LEASE
    with transaction.atomic():
        mine: set[int] = set()
        for claim in {item.leased_until for item, _parcel in ready}:
            rows = [
                {"bucket": item.bucket, "contact_id": item.contact_id, "id": item.id, "subject": parcel.subject}
                for item, parcel in ready
                if item.leased_until == claim
            ]
            mine |= {row[0] for row in sql.rows(HANDING, {"rows": json.dumps(rows), "until": until, "claim": claim})}
    for item, _parcel in ready:
        item.leased_until = until
    return [(item, parcel) for item, parcel in ready if item.id in mine]


def sent(handed: Sequence[tuple[Item, Parcel]]) -> list[Receipt]:
    """Put them on the wire and wait for the answers, in order."""
    receipts: dict[int, Receipt] = {}
    for key in {item.channel for item, _parcel in handed}:
        some = [(item, parcel) for item, parcel in handed if item.channel == key]
        try:
            answers = channel(key).send([parcel for _item, parcel in some])
        except Exception as error:  # a channel that raises broke its contract; what it did before that nobody knows
            _log.exception("a channel failed", channel=key)
            answers = [Receipt(Result.UNKNOWN, f"{type(error).__name__}: {error}")] * len(some)
        receipts |= {item.id: answer for (item, _parcel), answer in zip(some, answers, strict=True)}
    return [receipts[item.id] for item, _parcel in handed]


def by_mailing(items: Iterable[Item]) -> list[tuple[Mailing, list[Item]]]:
    """Items of one mail together. The sender's words of a variant are looked up for all of them at once."""
    groups: dict[tuple[Any, ...], list[Item]] = {}
    for item in items:
        groups.setdefault((item.channel, item.email_id, item.version, item.campaign_id, item.variant), []).append(item)
    campaigns = {item.campaign_id for some in groups.values() for item in some[:1] if item.campaign_id is not None}
    words = {
        (campaign, key): (subject, name)
        for campaign, key, subject, name in (
            Variant.objects.filter(campaign__in=campaigns).values_list("campaign_id", "key", "subject", "from_name") if campaigns else ()
        )
    }
    return [
        (Mailing(email_id, version, campaign, variant, *words.get((campaign, variant), ("", "")), some[0].way), some)
        for (_channel, email_id, version, campaign, variant), some in groups.items()
    ]


def size(items: Sequence[Item]) -> int:
    """How many of these, from the first on, are handed over together: what the slowest that carries one of them takes at once."""
    found = WINDOW
    for key, transport_id in {(item.channel, item.way[0] if item.way else None) for item in items}:
        with suppress(KeyError):  # there is no such channel: `built` says so
            found = min(found, channel(key).at_once(transport_id))
    return found


def _faulty(item: Item, problem: str) -> Parcel:
    return Parcel(item.contact_id, item.id, item.address, problem=problem)
