"""Create, change, archive and restore records of every object type. Contacts are records too.

Each write is one transaction, repeated when it lost a deadlock: the row, its history with actor and source, and what the tick must know. A change of a
contact's property is the change `property:<name>`; a change of a company, deal or ticket reaches the contacts linked to
it as `property:<object type>.<name>`; a new, archived or restored contact is `identity`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import identity, pipelines
from baton.crm.models import Contact, Record
from baton.crm.properties import clean
from baton.crm.values import Value
from baton.platform import changes, clock, live, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.platform.transaction import retrying

Values = Mapping[str, Any]


def get(object_type: str, id: int, *, archived: bool | None = False) -> Contact | Record:
    """One record, also by the id of a contact that was merged into it. `archived=None` finds both kinds. Raises NotFound."""
    row = _by_id(object_type, id) or (_by_id(object_type, identity.resolve(id)) if object_type == "contact" else None)
    if row is None or (archived is not None and (row.archived_at is not None) != archived):
        raise _missing()
    return row


def many(object_type: str, ids: Iterable[int]) -> dict[int, Contact | Record]:
    """The live records among `ids`, by id."""
    rows: Iterable[Contact | Record]
    if object_type == "contact":
        rows = Contact.objects.filter(id__in=list(ids), archived_at=None)
    else:
        rows = Record.objects.filter(id__in=list(ids), object_type=object_type, archived_at=None)
    return {row.id: row for row in rows}


def page(object_type: str, *, after: int, limit: int, archived: bool = False) -> Sequence[Contact | Record]:
    """Up to `limit` records with ids above `after`, ascending: walking meets every record once although others are written meanwhile."""
    found = {"id__gt": after, "archived_at__isnull": not archived}
    if object_type == "contact":
        return list(Contact.objects.filter(**found).order_by("id")[:limit])
    return list(Record.objects.filter(object_type=object_type, **found).order_by("id")[:limit])


@retrying
def create(
    object_type: str, properties: Values, *, actor: Actor, source: str, owner_id: int | None = None, record_id: int | None = None, at: datetime | None = None
) -> int:
    """A new record; returns its id. `record_id` is given when the person was seen before as a visitor.

    Raises Invalid, and Conflict(existing_id) when another live contact has the e-mail address.
    """
    given = dict(properties) if owner_id is None else {**properties, "owner_id": owner_id}
    values = {name: value for name, value in clean(object_type, given, partial=False).items() if value is not None}
    pipelines.place(object_type, values, was={})
    now = at or clock.now()
    with transaction.atomic():
        id = record_id or sql.next_ids("record_id_seq", 1)[0]
        row: dict[str, Any] = {"id": id, "properties": values, "owner_id": values.get("owner_id"), "created_at": now, "updated_at": now}
        if object_type == "contact":
            if record_id and Contact.objects.filter(id=record_id).exists():
                raise Conflict(_("Contact already exists."), existing_id=record_id)
            _claim_email(values.get("email"), id)
            Contact.objects.create(**row, email=str(values.get("email", "")))
        else:
            Record.objects.create(**row, object_type=object_type)
        write_history(object_type, [(id, name, None, value) for name, value in values.items()], actor, source, now)
        if object_type == "contact":
            changes.append([Change(id, "identity"), *(Change(id, "property", name) for name in values)])
    return id


@retrying
def update(object_type: str, id: int, properties: Values, *, actor: Actor, source: str) -> None:
    """Change some values; null and "" clear. Values that stay the same leave no trace.

    Raises Invalid, NotFound (archived records too), Conflict(existing_id) when another live contact has the e-mail address.
    """
    values = clean(object_type, properties)
    now = clock.now()
    with transaction.atomic():
        row = _lock(object_type, id)
        pipelines.place(object_type, values, was=row.properties)
        changed = {name: value for name, value in values.items() if row.properties.get(name) != value}
        if not changed:
            return
        old = {name: row.properties.get(name) for name in changed}
        if object_type == "contact" and "email" in changed:
            _claim_email(changed["email"], row.id)
            if old["email"]:
                identity.release("email", old["email"], row.id)
        row.properties = {name: value for name, value in {**row.properties, **changed}.items() if value is not None}
        row.owner_id = row.properties.get("owner_id")
        row.updated_at = now
        if isinstance(row, Contact):
            row.email = row.properties.get("email", "")
        row.save(force_update=True)
        write_history(object_type, [(row.id, name, old[name], value) for name, value in changed.items()], actor, source, now)
        _tell(object_type, row.id, changed)


@retrying
def set_many(contact_ids: Sequence[int], properties: Values, *, actor: Actor, source: str) -> int:
    """Give many contacts the same values in one set of statements; returns how many contacts changed.

    Not for e-mail addresses, which belong to one contact each. Raises Invalid.
    """
    values = clean("contact", properties)
    if "email" in values:
        raise Invalid.one("properties.email", "READ_ONLY", _("An e-mail address belongs to one contact."))
    if not contact_ids or not values:
        return 0
    now = clock.now()
    names = list(values)
    differs = " OR ".join("c.properties -> %s IS DISTINCT FROM %s::jsonb" for _name in names)
    kept = {name: value for name, value in values.items() if value is not None}
    with transaction.atomic():
        rows = sql.rows(
            "UPDATE contact AS c SET properties = (c.properties || %s::jsonb) - %s::text[], updated_at = %s"
            + (", owner_id = %s" if "owner_id" in values else "")
            + " FROM (SELECT id, properties FROM contact WHERE id = ANY(%s)) AS o"
            + f" WHERE c.id = o.id AND c.archived_at IS NULL AND ({differs}) RETURNING c.id, "
            + ", ".join("o.properties -> %s" for _name in names),
            [
                json.dumps(kept),
                [name for name in names if name not in kept],
                now,
                *([values["owner_id"]] if "owner_id" in values else []),
                list(contact_ids),
                *(part for name in names for part in (name, _json(values[name]))),
                *names,
            ],
        )
        trail = [
            (id, name, was, values[name])
            for id, *olds in rows
            for name, old in zip(names, olds, strict=True)
            if (was := None if old is None else json.loads(old)) != values[name]
        ]
        write_history("contact", trail, actor, source, now)
        changes.append(Change(id, "property", name) for id, name, _old, _new in trail)
        _publish([row[0] for row in rows])
    return len(rows)


def archive(object_type: str, id: int, *, actor: Actor) -> None:
    """Put a record aside; its e-mail address is free again. Nothing happens to one that is archived. Raises NotFound."""
    _set_archived(object_type, id, True, actor)


def restore(object_type: str, id: int, *, actor: Actor) -> None:
    """Take a record back. Raises NotFound, and Conflict(existing_id) when somebody else has its e-mail address by now."""
    _set_archived(object_type, id, False, actor)


@retrying
def _set_archived(object_type: str, id: int, archived: bool, actor: Actor) -> None:
    now = clock.now()
    with transaction.atomic():
        row = _lock(object_type, id, live_only=False)
        if (row.archived_at is not None) == archived:
            return
        row.archived_at = now if archived else None
        row.updated_at = now
        if isinstance(row, Contact) and row.email:
            if archived:
                identity.release("email", row.email, row.id)
            else:
                _claim_email(row.email, row.id)
        row.save(force_update=True, update_fields=["archived_at", "updated_at"])
        write_history(object_type, [(row.id, "archived", not archived, archived)], actor, "", now)
        _tell(object_type, row.id, ["archived"])
        if object_type == "contact":
            changes.append([Change(row.id, "identity")])


def _by_id(object_type: str, id: int) -> Contact | Record | None:
    if object_type == "contact":
        return Contact.objects.filter(id=id).first()
    return Record.objects.filter(id=id, object_type=object_type).first()


def _lock(object_type: str, id: int, *, live_only: bool = True) -> Contact | Record:
    """The row, held until the transaction ends, so that two changes of one record follow each other."""
    row: Contact | Record | None
    if object_type == "contact":
        query = "SELECT * FROM contact WHERE id = %s FOR UPDATE"
        row = next(iter(Contact.objects.raw(query, [id])), None) or next(iter(Contact.objects.raw(query, [identity.resolve(id)])), None)
    else:
        row = next(iter(Record.objects.raw("SELECT * FROM record WHERE id = %s AND object_type = %s FOR UPDATE", [id, object_type])), None)
    if row is None or (live_only and row.archived_at):
        raise _missing()
    return row


def _missing() -> NotFound:
    return NotFound(_("There is no such record."))


def _claim_email(email: Any, contact_id: int) -> None:
    if email and (owner := identity.claim("email", email, contact_id)) != contact_id:
        raise Conflict(_("Another contact has the e-mail address {email}.").format(email=email), existing_id=owner)


def _json(value: Value | None) -> str | None:
    return None if value is None else json.dumps(value)


def write_history(object_type: str, trail: Sequence[tuple[int, str, Any, Any]], actor: Actor, source: str, at: datetime) -> None:
    """One row for each (record, property name, old value, new value)."""
    if not trail:
        return
    sql.run(
        "INSERT INTO property_history (record_id, id, object_type, name, old, new, actor, source, at)"
        " SELECT r.record_id, r.id, %s, r.name, r.old, r.new, %s, %s, %s"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::jsonb[], %s::jsonb[]) AS r(record_id, id, name, old, new)",
        [
            object_type,
            str(actor),
            source,
            at,
            [row[0] for row in trail],
            sql.next_ids("property_history_id_seq", len(trail)),
            [row[1] for row in trail],
            [_json(row[2]) for row in trail],
            [_json(row[3]) for row in trail],
        ],
    )


def _tell(object_type: str, id: int, names: Iterable[str]) -> None:
    """Tell the tick and open pages what changed of one record."""
    if object_type == "contact":
        changes.append(Change(id, "property", name) for name in names)
        _publish([id])
    else:
        linked = sql.rows("SELECT DISTINCT to_id FROM association WHERE from_id = %s AND to_type = 'contact'", [id])
        changes.append(Change(contact_id, "property", f"{object_type}.{name}") for (contact_id,) in linked for name in names)


def _publish(contact_ids: Sequence[int]) -> None:
    sql.run(
        "SELECT pg_notify(%s, json_build_object('topic', 'contact:' || id, 'what', 'changed')::text) FROM unnest(%s::bigint[]) AS id",
        [live.CHANNEL, list(contact_ids)],
    )
