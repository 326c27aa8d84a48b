"""Who is who: values that point to one contact. The only place where such values are claimed, moved and given up."""

from collections.abc import Iterable

from baton.platform import clock, sql


def normal_email(text: str) -> str:
    """The form in which addresses are compared: trimmed, lower case."""
    return text.strip().lower()


def find(kind: str, value: str) -> int | None:
    """The contact a value points to."""
    return find_many(kind, [value]).get(value)


def find_many(kind: str, values: Iterable[str]) -> dict[str, int]:
    """The contacts that values point to, by value."""
    return dict(sql.rows("SELECT value, contact_id FROM identity WHERE value = ANY(%s) AND kind = %s", [list(values), kind]))


def claim(kind: str, value: str, contact_id: int) -> int:
    """Make `value` point to the contact unless it points to one already; returns the owner, whoever it is.

    Two transactions that claim the same value at once: the second waits for the first and gets its contact.
    """
    return claim_many(kind, {value: contact_id})[value][0]


def claim_many(kind: str, wanted: dict[str, int]) -> dict[str, tuple[int, bool]]:
    """Claim many values, each for one contact; returns value -> (owner, whether several contacts may have it).

    Values are taken in their order, so that two transactions with the same values wait for each other and never lock each other out.
    """
    found: dict[str, tuple[int, bool]] = {}
    left = dict(sorted(wanted.items()))
    while left:
        mine = sql.rows(
            "INSERT INTO identity (value, kind, contact_id, shared, created_at) SELECT r.value, %s, r.contact_id, false, %s"
            " FROM unnest(%s::text[], %s::bigint[]) AS r(value, contact_id) ORDER BY r.value ON CONFLICT DO NOTHING RETURNING value",
            [kind, clock.now(), list(left), list(left.values())],
        )
        found |= {value: (left.pop(value), False) for (value,) in mine}
        if left:
            rows = sql.rows("SELECT value, contact_id, shared FROM identity WHERE value = ANY(%s) AND kind = %s", [list(left), kind])
            for value, owner, shared in rows:  # one that is missing here: its owner gave it up a moment ago, so it is tried again
                found[value] = (owner, shared)
                left.pop(value)
    return found


def release(kind: str, value: str, contact_id: int) -> None:
    """Give a value up, if it is this contact's."""
    release_many(kind, [(value, contact_id)])


def release_many(kind: str, pairs: Iterable[tuple[str, int]]) -> None:
    """Give up (value, contact id) pairs, where the value is that contact's."""
    rows = list(pairs)
    if rows:
        sql.run(
            "DELETE FROM identity AS i USING unnest(%s::text[], %s::bigint[]) AS r(value, contact_id)"
            " WHERE i.value = r.value AND i.kind = %s AND i.contact_id = r.contact_id",
            [[value for value, _id in rows], [id for _value, id in rows], kind],
        )


def redirect(old_id: int, new_id: int) -> None:
    """Let everything that points to `old_id`, the id itself included, point to `new_id` for ever."""
    sql.run("UPDATE identity SET contact_id = %s WHERE contact_id = %s", [new_id, old_id])
    claim("merged", str(old_id), new_id)


def resolve(contact_id: int) -> int:
    """The id a contact has now: another one when it was merged or joined."""
    return find("merged", str(contact_id)) or contact_id
