"""How versions 1 and 2 showed a record: numbers for ids and times, and for each property its value with the story behind it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from ninja import Schema

from baton.api import auth, paging
from baton.api.errors import Failure
from baton.api.hubspot import alongside, shape, words, writes
from baton.crm import associations, properties, records, trail
from baton.crm.associations import Link
from baton.crm.models import Contact, ObjectType, PropertyType, Record
from baton.platform.errors import DomainError

Row = Contact | Record
Shape = dict[str, Any]


class Value(Schema):
    """One property of a write; contacts call the name `property`."""

    name: str | None = None
    property: str | None = None
    value: Any = None


def maps(kind: ObjectType, rows: Sequence[Row], names: Iterable[str] = (), *, every: bool = False, versions: bool = True) -> dict[int, Shape]:
    """Record -> property -> {value, timestamp, source, sourceId, versions}; properties without value are left out. A set costs as much as one."""
    known = properties.definitions(kind.key)
    asked = list(names)
    if every:
        asked = [words.theirs(kind.key, name) for name in known]
    mine = {name: words.ours(kind.key, name) for name in asked if words.ours(kind.key, name) in known}
    told = trail.of(rows, set(mine.values()))
    found: dict[int, Shape] = {}
    for row, body in zip(rows, shape.bodies(kind, rows, asked), strict=True):
        made: Shape = {}
        for name, value in body["properties"].items():
            if value is None:
                continue
            entries = told[row.id].get(mine.get(name, ""), [])
            at = entries[0].at if entries else row.created_at if name in ("createdate", "hs_createdate") else row.updated_at
            source = words.SOURCES.get(entries[0].source, "INTERNAL_PROCESSING") if entries else "CALCULATED"
            made[name] = _entry(_old(known, mine.get(name, ""), name, value), at, source, entries[0].actor if entries else None)
            if versions:
                made[name]["versions"] = [{"name": name, **made[name]}]
        found[row.id] = made
    return found


def _entry(value: str, at: datetime, source: str, by: str | None) -> Shape:
    return {"value": value, "timestamp": ms(at), "source": source, "sourceId": by}


def _old(known: Mapping[str, Any], mine: str, name: str, value: str) -> str:
    """Moments were numbers."""
    moment = name in ("createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate") or name.startswith("hs_v2_date_")
    if moment or (mine in known and known[mine].type in (PropertyType.DATE, PropertyType.DATETIME)):
        try:
            return str(ms(datetime.fromisoformat(value if len(value) > 10 else f"{value}T00:00:00+00:00")))
        except ValueError:
            return value
    return value


def ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return int(at.timestamp() * 1000)


def number(text: str | None, name: str, default: int = 0) -> int:
    """A whole number of the query. Raises Failure 400."""
    if text in (None, "", "null", "None"):
        return default
    assert text is not None
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > paging.LARGEST:
        raise Failure(400, "VALIDATION_ERROR", f"{name}: expected a number, got {text[:50]!r}")
    return int(text)


def sent(values: Iterable[Value]) -> dict[str, Any]:
    """The properties of a write by name."""
    return {value.name or value.property or "": value.value for value in values}


def create(request: HttpRequest, kind: ObjectType, values: Mapping[str, Any], links: Sequence[tuple[str, int]] = ()) -> int:
    """A new record, linked with (object type, id). Raises Failure in HubSpot's words."""
    actor = auth.actor(request)
    try:
        alongside.raise_fault(kind, None, values)
        with transaction.atomic():
            id = records.create(kind.key, writes.incoming(kind, values, new=True), actor=actor, source="api")
            alongside.write(kind, {id: values}, actor)
            for fault in associations.link_many([Link(kind.key, id, to_type, to_id) for to_type, to_id in links], actor=actor):
                if fault is not None:
                    raise fault
    except DomainError as error:
        raise writes.failure(kind, error, values) from None
    return id


def update(request: HttpRequest, kind: ObjectType, id: int, values: Mapping[str, Any]) -> None:
    """Change a record. Raises Failure in HubSpot's words."""
    if not values:
        return
    actor = auth.actor(request)
    try:
        alongside.raise_fault(kind, id, values)
        with transaction.atomic():
            records.update(kind.key, id, writes.incoming(kind, values), actor=actor, source="api")
            alongside.write(kind, {id: values}, actor)
    except DomainError as error:
        raise writes.failure(kind, error, values, of=id) from None
