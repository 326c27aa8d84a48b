"""Calls of providers: written down as they come, believed only when they are the provider's, and read by a job."""

import time
from collections.abc import Mapping
from typing import Literal

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging.incoming import inbound, sns
from baton.messaging.models import Inbound, Transport
from baton.messaging.sending import transport
from baton.platform import clock, http, logs, signing
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound

SOURCE = "transport:"
LARGEST = 5 * 1024 * 1024  # bytes of a call
FRESH = 3.0  # seconds
HIDDEN = frozenset({"cookie", "authorization", sns.PROVED})  # headers that are not kept
HEADERS, WIDE = 100, 4_000  # that are kept of a call; letters of one
FORGERIES, MINUTE = 60, 60.0  # calls that were not the provider's, of one transport in so many seconds: more are turned away unread

Answer = Literal["taken", "forged", "unreadable", "later", "too many"]
_log = logs.log(__name__)
_forged: dict[int, list[float]] = {}  # when there were some, by transport


def address(transport_id: int) -> str:
    """Where the provider of this transport is to call; nobody can guess it."""
    return f"{config().url}/hooks/{signing.make('hook', transport_id)}/"


def receive(key: str, body: bytes, headers: Mapping[str, str], content_type: str) -> Answer:
    """Write a call down and look whether it is the provider's. One that is not, or that nobody can read, stays, marked, and counts for nothing.

    `later`: whether it is the provider's cannot be told now. Raises NotFound for an address that is none of ours.
    """
    numbers = signing.read("hook", key)
    found = Transport.objects.filter(pk=numbers[0], archived_at=None).first() if numbers and len(numbers) == 1 else None
    if found is None:
        raise NotFound(_("This address is not one of ours."))
    now = time.monotonic()
    forged = _forged[found.pk] = [at for at in _forged.get(found.pk, ()) if at > now - MINUTE]
    if len(forged) >= FORGERIES:
        return "too many"
    kept = {name.lower(): value[:WIDE].replace("\0", "") for name, value in [*headers.items()][:HEADERS] if name.lower() not in HIDDEN}
    with transaction.atomic():  # nobody reads it before it is known whose it is
        row = inbound.store(f"{SOURCE}{found.pk}", body, headers=kept | {"content-type": content_type[:WIDE].replace("\0", "")})
        answer = "taken" if row is None else _believed(row, transport.carrier(found.pk))  # the same call again is known
    if answer in ("forged", "unreadable"):
        forged.append(now)
    return answer


def _believed(row: Inbound, carrier: transport.Carrier) -> Answer:
    try:
        with transaction.atomic():
            carrier.receipts(row)
    except http.Unreachable as error:
        return _passed_over(row, error, "later")
    except Invalid as error:
        return _passed_over(row, error, "unreadable" if error.problems[0].code == "UNREADABLE" else "forged")
    except Exception as error:  # whatever a stranger made of it
        _log.warning("a call of a provider cannot be read", inbound=row.pk, error=type(error).__name__)
        return _passed_over(row, error, "unreadable")
    return "taken"


def _passed_over(row: Inbound, error: Exception, why: Answer) -> Answer:
    """It stays and is not read; the same call is a new one when it comes again."""
    said = (str(error) or type(error).__name__)[:500].replace("\0", "")
    Inbound.objects.filter(pk=row.pk).update(read_at=clock.now(), problem=said, key=f"{why}:{row.pk}")
    return why


_known: dict[int, tuple[float, transport.Carrier]] = {}  # asked for each call of thousands


def _carrier(transport_id: int) -> transport.Carrier:
    """The transport at work, as it was seconds ago at the oldest."""
    at, found = _known.get(transport_id, (0.0, None))
    if found is None or time.monotonic() - at > FRESH:
        found = transport.carrier(transport_id)
        _known[transport_id] = (time.monotonic(), found)
    return found


def read(row: Inbound) -> inbound.Read:
    """What a call tells. Raises Invalid when it is not the provider's."""
    told = _carrier(int(row.source.removeprefix(SOURCE))).receipts(row)
    return inbound.Read("receipt" if told else "nothing", told)
