"""Create, change, archive and restore records of every object type. Contacts are records too.

Each write is one transaction, repeated when it lost a deadlock: the rows, their history with actor and source, and what the tick must know. A change of
a contact's property is the change `property:<name>`; a change of any other record reaches the contacts linked to it as
`property:<object type>.<name>`; a new, archived or restored contact is `identity`, which wakes everything about him.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import identity, writing
from baton.crm.life import Freedom
from baton.crm.models import Contact, Record
from baton.crm.writing import Plan, Reckon
from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, DomainError, Invalid, NotFound
from baton.platform.transaction import retrying

Values = Mapping[str, Any]
SET = 1000  # records of one statement


def get(object_type: str, id: int, *, archived: bool | None = False) -> Contact | Record:
    """One record, also by the id of one that was merged into it. `archived=None` finds both kinds. Raises NotFound."""
    found = many(object_type, [id], archived=archived)
    if not found and (now := identity.resolve(id)) != id:
        found = many(object_type, [now], archived=archived)
    for row in found.values():
        return row
    raise _missing()


def many(object_type: str, ids: Iterable[int], *, archived: bool | None = False) -> dict[int, Contact | Record]:
    """The records among `ids`, by id: the live ones, the archived ones, or (None) both."""
    rows = _rows(object_type, archived).filter(id__in=list(ids))
    return {row.id: row for row in rows}


def page(object_type: str, *, after: int, limit: int, archived: bool = False) -> Sequence[Contact | Record]:
    """Up to `limit` records with ids above `after`, ascending: walking meets every record once although others are written meanwhile."""
    return list(_rows(object_type, archived).filter(id__gt=after).order_by("id")[:limit])


def _rows(object_type: str, archived: bool | None) -> Any:
    rows = Contact.objects.all() if object_type == "contact" else Record.objects.filter(object_type=object_type)
    return rows if archived is None else rows.filter(archived_at__isnull=not archived)


def create(
    object_type: str, properties: Values, *, actor: Actor, source: str, owner_id: int | None = None, record_id: int | None = None, at: datetime | None = None
) -> int:
    """A new record; returns its id. `record_id` is given when the person was seen before as a visitor.

    Raises Invalid, and Conflict(existing_id) when another live record has a value that only one may have.
    """
    given = dict(properties) if owner_id is None else {**properties, "owner_id": owner_id}
    outcome = create_many(object_type, [given], actor=actor, source=source, at=at, record_ids=None if record_id is None else [record_id])[0]
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


@retrying
def create_many(
    object_type: str,
    rows: Sequence[Values],
    *,
    actor: Actor,
    source: str,
    at: datetime | None = None,
    record_ids: Sequence[int] | None = None,
) -> list[int | DomainError]:
    """New records, in sets: for each row its id, or the fault for which it was not written (Invalid, Conflict). The good ones are written.

    All in one transaction, or in the caller's, so that a caller who wants all or nothing rolls back. Raises NotFound for an unknown object type.
    """
    outcomes: list[int | DomainError] = []
    plan = Plan(object_type, actor, source, at or clock.now())
    with transaction.atomic():
        for start in range(0, len(rows), SET):
            part = rows[start : start + SET]
            ids = list(record_ids[start : start + SET]) if record_ids else sql.next_ids("record_id_seq", len(part))
            taken = set(many(object_type, ids, archived=None)) if record_ids else set()
            free = [place for place, id in enumerate(ids) if id not in taken]
            made = iter(writing.create(plan, [part[place] for place in free], [ids[place] for place in free]))
            outcomes += [Conflict(_("Contact already exists."), existing_id=id) if id in taken else next(made) for id in ids]
    return outcomes


def update(object_type: str, id: int, properties: Values, *, actor: Actor, source: str, freedom: Freedom = "") -> None:
    """Change some values; null and "" clear. Values that stay the same leave no trace.

    `freedom` is what a contact's stage may do beside going on: what takes a mistake back may do anything.

    Raises Invalid, NotFound (archived records too), Conflict(existing_id) when another live record has a value that only one may have.
    """
    outcome = update_many(object_type, {id: properties}, actor=actor, source=source, freedom=freedom)[id]
    if outcome is not None:
        raise outcome


@retrying
def update_many(object_type: str, wanted: Mapping[int, Values | Reckon], *, actor: Actor, source: str, freedom: Freedom = "") -> dict[int, DomainError | None]:
    """Change values of many records, in sets: for each id None, or the fault for which it was left as it was. The good ones are written.

    A function instead of values gets those the record has at the moment it is written, again if others write meanwhile, and gives what is to change.
    All in one transaction, or in the caller's. The id of a merged record means the one it was merged into.
    """
    outcomes = _update(wanted, Plan(object_type, actor, source, clock.now(), freedom))
    return {id: outcome if isinstance(outcome, DomainError) else None for id, outcome in outcomes.items()}


@retrying
def set_many(object_type: str, ids: Sequence[int], properties: Values, *, actor: Actor, source: str) -> int:
    """Give many records the same values; returns how many changed. Records that are gone are passed over.

    Not for values that one record may have only. Raises Invalid; then nothing is written.
    """
    plan = Plan(object_type, actor, source, clock.now())
    for name in plan.known:
        if name in properties and plan.known[name].unique_value and properties[name] not in (None, ""):
            raise Invalid.one(f"properties.{name}", "READ_ONLY", _("This value belongs to one record only."))
    with transaction.atomic():
        outcomes = _update(dict.fromkeys(ids, properties), plan)
        for outcome in outcomes.values():
            if isinstance(outcome, Invalid):
                raise outcome
    return sum(1 for outcome in outcomes.values() if isinstance(outcome, dict) and outcome)


@retrying
def move_many(wanted: Mapping[int, Values], *, actor: Actor, source: str, freedom: Freedom, reason: str) -> dict[int, DomainError | bool]:
    """`update_many` of contacts for stages.py, which says how freely a stage may be left: the fault, or whether anything changed."""
    outcomes = _update(wanted, Plan("contact", actor, source, clock.now(), freedom, reason))
    return {id: outcome if isinstance(outcome, DomainError) else bool(outcome) for id, outcome in outcomes.items()}


def _update(wanted: Mapping[int, Values | Reckon], plan: Plan) -> dict[int, DomainError | dict[str, Any]]:
    outcomes: dict[int, DomainError | dict[str, Any]] = {}
    items = list(wanted.items())
    with transaction.atomic():
        for start in range(0, len(items), SET):
            outcomes |= writing.update(plan, dict(items[start : start + SET]))
        gone = {id: str(id) for id, outcome in outcomes.items() if isinstance(outcome, NotFound)}
        moved = identity.find_many("merged", gone.values()) if gone else {}
        for id, text in gone.items():
            if text in moved:
                outcomes[id] = writing.update(plan, {moved[text]: wanted[id]})[moved[text]]
    return outcomes


def derive(object_type: str, ids: Sequence[int], values: Values, *, actor: Actor) -> None:
    """Write read-only values that Baton itself works out, and what is calculated from them."""
    derive_each(object_type, dict.fromkeys(ids, values), actor=actor)


@retrying
def derive_each(object_type: str, wanted: Mapping[int, Values], *, actor: Actor, quiet: bool = False) -> None:
    """The same with values for each record. `quiet` leaves no history: the values are worked out again and again."""
    plan = Plan(object_type, actor, "", clock.now(), quiet=quiet)
    items = list(wanted.items())
    with transaction.atomic():
        for start in range(0, len(items), SET):
            writing.change(plan, {id: dict(values) for id, values in items[start : start + SET]}, system=True)


def archive(object_type: str, id: int, *, actor: Actor) -> None:
    """Put a record aside; what only one may have is free again. Nothing happens to one that is archived. Raises NotFound."""
    _one(object_type, id, True, actor)


def restore(object_type: str, id: int, *, actor: Actor) -> None:
    """Take a record back. Raises NotFound, and Conflict(existing_id) when another one has its e-mail address or unique value by now."""
    _one(object_type, id, False, actor)


def archive_many(object_type: str, ids: Sequence[int], *, actor: Actor) -> int:
    """Put many records aside; returns how many were not yet. Ids there are not are passed over."""
    return sum(outcome is True for outcome in _turn(object_type, ids, True, actor).values())


def restore_many(object_type: str, ids: Sequence[int], *, actor: Actor) -> int:
    """Take many records back; returns how many came back. Those whose e-mail address another one has by now stay aside."""
    return sum(outcome is True for outcome in _turn(object_type, ids, False, actor).values())


def _one(object_type: str, id: int, archived: bool, actor: Actor) -> None:
    outcome = _turn(object_type, [id], archived, actor)[id]
    if isinstance(outcome, NotFound) and (now := identity.resolve(id)) != id:
        outcome = _turn(object_type, [now], archived, actor)[now]
    if isinstance(outcome, DomainError):
        raise outcome


@retrying
def _turn(object_type: str, ids: Sequence[int], archived: bool, actor: Actor) -> dict[int, DomainError | bool]:
    outcomes: dict[int, DomainError | bool] = {}
    with transaction.atomic():
        for start in range(0, len(ids), SET):
            outcomes |= writing.set_archived(object_type, ids[start : start + SET], archived, actor=actor)
    return outcomes


def _missing() -> NotFound:
    return NotFound(_("There is no such record."))
