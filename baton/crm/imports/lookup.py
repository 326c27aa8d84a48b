"""Which records rows of a file are about: many at once, by the values that tell who is who."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from baton.crm import contacts, identity, types
from baton.crm.imports import names
from baton.crm.imports.targets import unique_names
from baton.platform import sql

Key = tuple[str, str]  # what kind of value, the value as it is compared
NEAR = 5000  # names that are looked through for one that was meant


def keys(object_type: str, values: Mapping[str, Any], *, emails: Sequence[str] = ()) -> list[Key]:
    """What tells a record of this type from others, the surest first."""
    found = [(name, str(values[name]).strip().casefold()) for name in unique_names(object_type) if values.get(name) not in (None, "")]
    if object_type == "contact":
        found += [("email", str(mail).lower()) for mail in (values.get("email"), *emails) if mail]
    if object_type == "company":
        if number := names.business_number(str(values.get("business_number") or "")):
            found.append(("business_number", number.replace("-", "")))
        if values.get("domain"):
            found.append(("domain", str(values["domain"]).lower()))
    if object_type in ("company", "product") and (plain := names.plain(str(values.get("name") or ""))):
        found.append(("name", plain))
    return found


def find(object_type: str, wanted: Iterable[Key]) -> dict[Key, list[int]]:
    """The live records with these values, at most a few of each, oldest first. One statement for each kind of value."""
    by: dict[str, set[str]] = {}
    for what, value in wanted:
        by.setdefault(what, set()).add(value)
    return {(what, value): ids for what, values in by.items() for value, ids in _find(object_type, what, sorted(values)).items()}


def _find(object_type: str, what: str, values: list[str]) -> dict[str, list[int]]:
    if what == "id":
        table, more = ("contact", "") if object_type == "contact" else ("record", " AND object_type = %s")
        good = [value for value in values if value.isascii() and value.isdigit() and len(value) < 19]
        rows = sql.rows(
            f"SELECT id::text, id FROM {table} WHERE id = ANY(%s::bigint[]) AND archived_at IS NULL{more}", [good, *([object_type] if more else [])]
        )
        return {value: [id] for value, id in rows}
    if object_type == "contact" and what == "email":
        return {value: [id] for value, id in identity.find_many("email", values).items()}
    if what in unique_names(object_type):
        rows = sql.rows("SELECT value, record_id FROM unique_value WHERE value = ANY(%s) AND name = %s AND object_type = %s", [values, what, object_type])
        return {value: [id] for value, id in rows}
    column = {"name": names.PLAIN, "domain": names.DOMAIN, "business_number": names.DIGITS}[what]
    expression = column.format(f"properties->>'{what if object_type in ('company', 'product') else types.get(object_type).primary_property}'")
    rows = sql.rows(
        f"SELECT {expression} AS value, array_agg(id ORDER BY id) FROM record"
        f" WHERE object_type = '{types.get(object_type).key}' AND archived_at IS NULL AND {expression} = ANY(%s) GROUP BY 1",
        [values],
    )
    return {value: list(ids)[:5] for value, ids in rows}


def match_contacts(rows: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """By the primary address; of a mailbox that several people read, the one with the same name."""
    return contacts.match_many(rows)


def link_key(object_type: str, by: str, text: str) -> Key | None:
    """What a cell that names a linked record is looked up by; None when it is nothing of that kind."""
    if by == "name":
        plain = names.plain(text)
        return ("name", plain) if plain else None
    if by == "domain":
        host = names.domain(text)
        return ("domain", host) if host else None
    if by == "business_number":
        number = names.business_number(text)
        return ("business_number", number.replace("-", "")) if number else None
    if by == "email":
        return ("email", identity.normal_email(text))
    return (by, text.strip().casefold())  # as records keeps unique values


def meant(object_type: str, text: str) -> str:
    """The name of a record that was probably meant; "" when none is near."""
    plain = names.plain(text)
    if len(plain) < 3:
        return ""
    primary = types.get(object_type).primary_property
    own = names.PLAIN.format(f"properties->>'{primary}'")
    rows = sql.rows(
        f"SELECT {own}, properties->>'{primary}' FROM record WHERE object_type = '{types.get(object_type).key}' AND archived_at IS NULL"
        f" AND {own} >= %s AND {own} < %s LIMIT {NEAR}",
        [plain[:1], plain[:1] + "\U0010ffff"],
    )
    known = {str(folded): str(name) for folded, name in rows if name}
    near = get_close_matches(plain, list(known), n=1, cutoff=0.8)
    return known[near[0]] if near else ""


def called(object_type: str, ids: Iterable[int]) -> dict[int, str]:
    """What records are called."""
    table = "contact" if object_type == "contact" else "record"
    rows = sql.rows(f"SELECT id, properties::text FROM {table} WHERE id = ANY(%s)", [list(ids)])
    import json

    return {id: types.title(object_type, json.loads(text)) for id, text in rows}
