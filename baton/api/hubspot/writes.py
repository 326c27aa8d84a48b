"""What programs send about records: whom they mean, the values in Baton's words, and faults in theirs."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from baton.accounts.models import Account
from baton.api import errors, paging
from baton.api.errors import Failure
from baton.api.hubspot import alongside, computed, words
from baton.crm import contacts, identity, properties, values
from baton.crm.models import ObjectType
from baton.platform import clock, sql
from baton.platform.errors import Conflict, DomainError, Invalid, NotFound, Problem

PLAIN_ID = (None, "", "hs_object_id", "id")
Sent = Mapping[str, Any]


def one(kind: ObjectType, given: str, id_property: str | None = None, *, archived: bool = False) -> int:
    """The record a path names. Raises Failure 404, and 400 for a property that does not identify records."""
    if id_property in PLAIN_ID:
        if not re.fullmatch(r"[0-9]+", given):
            raise Failure(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.", context={"id": [given[:200]]})
        if int(given[:20]) > paging.LARGEST:
            raise NotFound(given)
        return int(given)
    assert id_property is not None
    found = many(kind, [given], id_property, archived=archived).get(given)
    if found is None:
        raise NotFound(given)
    return found


def many(kind: ObjectType, given: Iterable[str], id_property: str | None, *, archived: bool = False) -> dict[str, int]:
    """The records that values of a property name; those that name none are missing. At most two queries. Raises Failure 400 as `one` does."""
    asked = list(dict.fromkeys(given))
    if id_property in PLAIN_ID:
        return {text: int(text) for text in asked if re.fullmatch(r"[0-9]{1,19}", text) and int(text) <= paging.LARGEST}
    assert id_property is not None
    name = words.ours(kind.key, id_property)
    definition = properties.definitions(kind.key).get(name)
    if definition is None or not definition.unique_value:
        there = [words.theirs(kind.key, other.name) for other in properties.definitions(kind.key).values() if other.unique_value]
        text = f"Property {id_property} is not a unique identifier property of {kind.key.upper()}. Known: [{', '.join([*there, 'hs_object_id'])}]"
        raise Failure(400, "VALIDATION_ERROR", text)
    if kind.key == "contact" and name == "email":
        if archived:
            return {text: id for text in asked if (id := contacts.archived_by_email(text))}
        owners = identity.find_many("email", [identity.normal_email(text) for text in asked])
        if shared := {identity.normal_email(text) for text in asked} - owners.keys():  # read by several people: it names the one contact who has it
            rows = sql.rows(
                "SELECT email, min(id) FROM contact WHERE email = ANY(%s) AND archived_at IS NULL GROUP BY email HAVING count(*) = 1", [list(shared)]
            )
            owners |= dict(rows)
        return {text: owners[identity.normal_email(text)] for text in asked if identity.normal_email(text) in owners}
    forms = {text: _stored(definition, text) for text in asked}
    rows = sql.rows(
        "SELECT value, record_id FROM unique_value WHERE value = ANY(%s) AND name = %s AND object_type = %s", [list(forms.values()), name, kind.key]
    )
    owners = dict(rows)
    return {text: owners[form] for text, form in forms.items() if form in owners}


def _stored(definition: Any, text: str) -> str:
    """A value as it stands among the unique ones (crm/writing.py)."""
    try:
        value = values.convert(definition, text)
    except values.Fault:
        value = text
    return str(value if value is not None else "").replace("\0", "").strip().casefold()


def incoming(kind: ObjectType, sent: Sent, *, new: bool = False) -> dict[str, Any]:
    """What a program sent, in Baton's names and values, without what is written alongside. Raises Invalid for properties the system sets."""
    known = properties.definitions(kind.key)
    if kind.key == "contact":
        sent = {name: value for name, value in sent.items() if name not in alongside.NAMES}
    fixed = computed.find(kind.key, [name for name in sent if words.ours(kind.key, name) not in known])
    fixed |= {name: fixed.get(name) for name in sent if name in ("hs_object_id", "createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate")}  # type: ignore[misc]
    if fixed:
        text = '"{name}" is a read only property; its value cannot be set.'
        raise Invalid([Problem(f"properties.{name}", "READ_ONLY_VALUE", text.format(name=name)) for name in sorted(fixed)])
    named = {words.ours(kind.key, name): value for name, value in sent.items()}
    made = {name: words.value_in(kind.key, known[name], value) if name in known else value for name, value in named.items()}
    if new and kind.activity and made.get("at") in (None, ""):
        made["at"] = made.get("starts_at") or clock.now()
    return made


def shown(kind: ObjectType, sent: Iterable[str]) -> list[str]:
    """The properties of an answer to a write: those everybody gets, and all that were written."""
    return list(dict.fromkeys([*words.defaults(kind.key), *sent]))


def failure(kind: ObjectType, error: DomainError, sent: Sent, *, of: int | None = None) -> Failure:
    """A fault of a write in the words programs parse. `of`: the record that was to be changed."""
    match error:
        case Invalid():
            return _invalid(kind, error, sent)
        case Conflict(existing_id=int(owner)) if of is not None:
            return Failure(400, "VALIDATION_ERROR", _taken(kind, sent, of, owner))
        case Conflict(existing_id=int(owner)):
            return Failure(409, "CONFLICT", f"{kind.key.replace('_', ' ').capitalize()} already exists. Existing ID: {owner}")
    return errors.of(error)


def _invalid(kind: ObjectType, error: Invalid, sent: Sent) -> Failure:
    """The faults in HubSpot's names; the options of a choice in its words."""
    known = properties.definitions(kind.key)
    faults = []
    for problem in error.problems:
        mine = problem.path.removeprefix("properties.")
        name, text = words.theirs(kind.key, mine), problem.message
        if mine in sent and name not in sent:
            name = mine
        if problem.code == "PROPERTY_DOESNT_EXIST":
            text = f'Property "{name}" does not exist'
        elif problem.code == "INVALID_OPTION" and mine in known and known[mine].options:
            text = f"{sent.get(name)} was not one of the allowed options: [{', '.join(words.options(kind.key, known[mine]))}]"
        faults.append((name, problem.code, text))
    return errors.invalid_properties(faults)


def _taken(kind: ObjectType, sent: Sent, id: int, owner: int | None) -> str:
    unique = [name for name, d in properties.definitions(kind.key).items() if d.unique_value]
    name, value = next(((name, value) for name, value in sent.items() if words.ours(kind.key, name) in unique), ("", ""))
    return (
        f"Cannot set PropertyValueCoordinates{{portalId={portal()}, objectTypeId=ObjectTypeId{{legacyObjectType={kind.key.upper()}}}, propertyName={name},"
        f" value={value}}} on {id}. {owner} already has that value."
    )


def portal() -> int:
    """The number of this account."""
    return Account.objects.order_by("pk").values_list("pk", flat=True).first() or 0
