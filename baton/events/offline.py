"""Whom colleagues met at a fair, a seminar or a webinar: lists of cards and attendees become `attended` events of the people on them."""

from collections.abc import Iterable
from typing import Any

from baton.crm.imports.options import Options
from baton.crm.models import Import
from baton.events import facts, keys, partitions, record
from baton.events.logged import PARTITIONS
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, sql
from baton.platform.changes import Change

DROP = "DELETE FROM event WHERE kind = %s AND key = %s AND ts >= %s AND ts < %s AND payload ->> 'import' = %s RETURNING contact_id"


def follow(unseen: Iterable[Change]) -> list[Change]:
    """Record who attended what, by `attended` changes `<import>:<minutes>`; returns what happened, as `event` changes."""
    told = [change for change in unseen if change.kind == "attended"]
    if not told:
        return []
    numbers = {int(change.key.partition(":")[0]) for change in told}
    found = {row.pk: Options.of(row.options) for row in Import.objects.filter(pk__in=numbers).only("options")}
    events = []
    for id, _kind, key, _fact in told:
        number, _colon, minutes = key.partition(":")
        options = found.get(int(number))
        if options is None or not options.occasion:
            continue
        if minutes == "undone":
            _drop(int(number), options)
        else:
            events.append(_event(id, int(number), options, float(minutes) if minutes else None))
    if not events:
        return []
    if (oldest := min(event.ts for event in events)) < clock.now() - PARTITIONS:
        partitions.ensure(oldest, clock.now())
    record.add(events, announce=False)
    known = keys.resolve({(Kind.ATTENDED, event.key_value): "" for event in events})
    return [
        Change(event.contact_id, "event", f"{int(Kind.ATTENDED)}:{known[Kind.ATTENDED, event.key_value]}", facts.place(event.ts, event.id or 0))
        for event in events
    ]


def _event(id: int, number: int, options: Options, minutes: float | None) -> NewEvent:
    payload: dict[str, Any] = {"import": number, "occasion": options.occasion}
    return NewEvent(id, Kind.ATTENDED, options.met_at, options.occasion_name.strip(), value=minutes, payload=payload, id=number)


def _drop(number: int, options: Options) -> None:
    """Nobody of that list attended after all: it was taken back."""
    name = options.occasion_name.strip()
    key = keys.ids(Kind.ATTENDED, [name])[name]
    rows = sql.rows(DROP, [int(Kind.ATTENDED), key, *options.met_on, str(number)])
    changes.append(Change(id, "event", f"{int(Kind.ATTENDED)}:{key}") for (id,) in rows)
