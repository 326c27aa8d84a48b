"""Who is who: values that point to one contact. The only place where such values are claimed, moved and given up."""

from baton.platform import clock, sql


def normal_email(text: str) -> str:
    """The form in which addresses are compared: trimmed, lower case."""
    return text.strip().lower()


def find(kind: str, value: str) -> int | None:
    """The contact a value points to."""
    found = sql.rows("SELECT contact_id FROM identity WHERE value = %s AND kind = %s", [value, kind])
    return found[0][0] if found else None


def claim(kind: str, value: str, contact_id: int) -> int:
    """Make `value` point to the contact unless it points to one already; returns the owner, whoever it is.

    Two transactions that claim the same value at once: the second waits for the first and gets its contact.
    """
    while True:
        mine = sql.rows(
            "INSERT INTO identity (value, kind, contact_id, created_at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING contact_id",
            [value, kind, contact_id, clock.now()],
        )
        if mine:
            return contact_id
        owner = find(kind, value)
        if owner is not None:  # None: its owner gave it up a moment ago, so try again
            return owner


def release(kind: str, value: str, contact_id: int) -> None:
    """Give a value up, if it is this contact's."""
    sql.run("DELETE FROM identity WHERE value = %s AND kind = %s AND contact_id = %s", [value, kind, contact_id])


def redirect(old_id: int, new_id: int) -> None:
    """Let everything that points to `old_id`, the id itself included, point to `new_id` for ever."""
    sql.run("UPDATE identity SET contact_id = %s WHERE contact_id = %s", [new_id, old_id])
    claim("merged", str(old_id), new_id)


def resolve(contact_id: int) -> int:
    """The id a contact has now: another one when it was merged or joined."""
    return find("merged", str(contact_id)) or contact_id
