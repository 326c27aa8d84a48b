"""Calls of providers: written down as they come, believed only when they are the provider's, and read by a job."""

import time
from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging.incoming import inbound
from baton.messaging.models import Inbound, Transport
from baton.messaging.sending import transport
from baton.platform import clock, signing
from baton.platform.config import config
from baton.platform.errors import Invalid, NotFound

SOURCE = "transport:"
LARGEST = 5 * 1024 * 1024  # bytes of a call
FRESH = 3.0  # seconds
HIDDEN = frozenset({"cookie"})  # headers that are not kept


def address(transport_id: int) -> str:
    """Where the provider of this transport is to call; nobody can guess it."""
    return f"{config().url}/hooks/{signing.make('hook', transport_id)}/"


def receive(key: str, body: bytes, headers: Mapping[str, str], content_type: str) -> bool:
    """Write a call down and look whether it is the provider's. False when it is not: it stays, marked, and counts for nothing.

    Raises NotFound for an address that is none of ours.
    """
    numbers = signing.read("hook", key)
    found = Transport.objects.filter(pk=numbers[0], archived_at=None).first() if numbers and len(numbers) == 1 else None
    if found is None:
        raise NotFound(_("This address is not one of ours."))
    kept = {name.lower(): value for name, value in headers.items() if name.lower() not in HIDDEN} | {"content-type": content_type}
    row = inbound.store(f"{SOURCE}{found.pk}", body, headers=kept)
    if row is None:  # the same call again
        return True
    try:
        transport.carrier(found.pk).receipts(row)
    except Invalid as error:
        with transaction.atomic():
            Inbound.objects.filter(pk=row.pk).update(read_at=clock.now(), problem=str(error)[:500], key=f"forged:{row.pk}")
        return False
    return True


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
