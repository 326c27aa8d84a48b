"""Who is who: values that point to one contact. The only place where such values are claimed, moved and given up."""

from collections.abc import Iterable, Sequence

from baton.crm import mailboxes
from baton.platform import clock, signing, sql


def normal_email(text: str) -> str:
    """The form in which addresses are compared: trimmed, lower case."""
    return text.strip().lower()


def find(kind: str, value: str) -> int | None:
    """The contact a value points to. An address that several people read points to nobody."""
    return find_many(kind, [value]).get(value)


def find_many(kind: str, values: Iterable[str]) -> dict[str, int]:
    """The contacts that values point to, by value. Addresses that several people read are not among them."""
    return dict(sql.rows("SELECT value, contact_id FROM identity WHERE value = ANY(%s) AND kind = %s AND NOT shared", [list(values), kind]))


def of(contact_id: int, kind: str) -> list[tuple[str, bool]]:
    """The values of a kind that point to a contact, oldest first, each with whether several people use it."""
    return [
        (row[0], row[1])
        for row in sql.rows("SELECT value, shared FROM identity WHERE contact_id = %s AND kind = %s ORDER BY created_at, value", [contact_id, kind])
    ]


def shared_among(addresses: Iterable[str]) -> set[str]:
    """Those of the addresses that several people read."""
    return {row[0] for row in sql.rows("SELECT value FROM identity WHERE value = ANY(%s) AND kind = 'email' AND shared", [list(addresses)])}


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
        shared = [kind == "email" and mailboxes.is_shared(value) for value in left]
        mine = sql.rows(
            "INSERT INTO identity (value, kind, contact_id, shared, created_at) SELECT r.value, %s, r.contact_id, r.shared, %s"
            " FROM unnest(%s::text[], %s::bigint[], %s::boolean[]) AS r(value, contact_id, shared) ORDER BY r.value"
            " ON CONFLICT DO NOTHING RETURNING value, shared",
            [kind, clock.now(), list(left), list(left.values()), shared],
        )
        found |= {value: (left.pop(value), several) for value, several in mine}
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
        gone = sql.rows(
            "DELETE FROM identity AS i USING unnest(%s::text[], %s::bigint[]) AS r(value, contact_id)"
            " WHERE i.value = r.value AND i.kind = %s AND i.contact_id = r.contact_id RETURNING i.value, i.shared, i.contact_id",
            [[value for value, _id in rows], [id for _value, id in rows], kind],
        )
        _pass_on([(value, id) for value, shared, id in gone if shared])


def release_all(contact_ids: Sequence[int]) -> None:
    """Give up every address of these contacts."""
    gone = sql.rows("DELETE FROM identity WHERE contact_id = ANY(%s) AND kind = 'email' RETURNING value, shared, contact_id", [list(contact_ids)])
    _pass_on([(value, id) for value, shared, id in gone if shared])


def _pass_on(addresses: Sequence[tuple[str, int]]) -> None:
    """A shared address that one of its people gives up stays a shared one while another still has it."""
    if addresses:
        sql.run(
            "INSERT INTO identity (value, kind, contact_id, shared, created_at) SELECT r.value, 'email', min(c.id), true, %s"
            " FROM unnest(%s::text[], %s::bigint[]) AS r(value, id) JOIN contact c ON c.email = r.value AND c.id <> r.id AND c.archived_at IS NULL"
            " GROUP BY r.value ON CONFLICT DO NOTHING",
            [clock.now(), [value for value, _id in addresses], [id for _value, id in addresses]],
        )


def blocked(emails: Iterable[str]) -> set[str]:
    """Those of the addresses whose owner asked to be forgotten: only keyed hashes of them are kept, see erase.py."""
    digests = {blocked_digest(email): email for email in emails}
    found = sql.rows("SELECT digest FROM blocked WHERE digest = ANY(%s)", [list(digests)]) if digests else []
    return {digests[digest] for (digest,) in found}


def blocked_digest(email: str) -> str:
    return signing.digest("blocked", normal_email(email))


def redirect(old_id: int, new_id: int) -> None:
    """Let everything that points to `old_id`, the id itself included, point to `new_id` for ever."""
    sql.run("UPDATE identity SET contact_id = %s WHERE contact_id = %s", [new_id, old_id])
    claim("merged", str(old_id), new_id)


def resolve(contact_id: int) -> int:
    """The id a contact has now: another one when it was merged or joined."""
    return find("merged", str(contact_id)) or contact_id
