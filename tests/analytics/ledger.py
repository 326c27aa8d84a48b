"""Histories written straight into the ledger of stages, as the life cycle would have booked them."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from baton.crm import life
from baton.crm.models import Booking
from baton.platform import sql
from baton.platform.config import config

Step = tuple[datetime, str]  # when, into which stage; "" is outside


def at(day: str | date, hour: int = 12) -> datetime:
    """An hour of a day of the account."""
    return datetime.combine(date.fromisoformat(day) if isinstance(day, str) else day, time(hour), config().zone)


def book(histories: Iterable[tuple[int, Iterable[Step]]]) -> int:
    """Write down the ways of contacts (id, steps in order); returns how many bookings that made."""
    rows, ids = [], []
    for contact, steps in histories:
        here = ""
        for when, into in steps:
            if into != here:
                rows.append((contact, when, here, into))
            here = into
    ids = sql.next_ids("record_id_seq", len(rows))
    Booking.objects.bulk_create(
        Booking(contact_id=contact, id=id, at=when, out_of=out_of, into=into, path=life.path(out_of, into), actor="system", source="test")
        for id, (contact, when, out_of, into) in zip(ids, rows, strict=True)
    )
    return len(rows)


def many(count: int, steps: Iterable[Step], first: int) -> list[tuple[int, list[Step]]]:
    """The same way for `count` contacts, numbered from `first`, a second apart."""
    return [(first + n, [(when + timedelta(seconds=n % 60), into) for when, into in steps]) for n in range(count)]
