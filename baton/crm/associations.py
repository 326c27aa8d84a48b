"""Links between records, written in both directions. The label "primary" marks a contact's main company."""

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import identity
from baton.crm.models import Contact, Record
from baton.platform import changes, clock, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.errors import NotFound

PRIMARY = "primary"


def link(from_type: str, from_id: int, to_type: str, to_id: int, *, label: str = "", actor: Actor) -> None:
    """Link two records; linking twice is no fault. A contact's first company becomes its primary one, a new primary one replaces the old.

    Raises NotFound when one of the two does not exist or is archived.
    """
    from_id, to_id = _existing(from_type, from_id), _existing(to_type, to_id)
    with transaction.atomic():
        labels = {"", label}
        if {from_type, to_type} == {"contact", "company"}:
            contact_id = from_id if from_type == "contact" else to_id
            main = sql.rows("SELECT to_id FROM association WHERE from_id = %s AND to_type = 'company' AND label = %s", [contact_id, PRIMARY])
            if not main:
                labels.add(PRIMARY)
            elif label == PRIMARY:
                _delete(contact_id, [row[0] for row in main], PRIMARY)
        now = clock.now()
        sql.run(
            "INSERT INTO association (from_id, from_type, to_id, to_type, label, created_at)"
            " SELECT r.from_id, r.from_type, r.to_id, r.to_type, r.label, %s"
            " FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[]) AS r(from_id, from_type, to_id, to_type, label)"
            " ON CONFLICT DO NOTHING",
            [
                now,
                [from_id, to_id] * len(labels),
                [from_type, to_type] * len(labels),
                [to_id, from_id] * len(labels),
                [to_type, from_type] * len(labels),
                [text for text in labels for _side in "ab"],
            ],
        )
        _tell(from_type, from_id, to_type, to_id)


def unlink(from_type: str, from_id: int, to_type: str, to_id: int, *, label: str | None = None, actor: Actor) -> None:
    """Remove the link in both directions; with `label` only that label. Nothing happens where there is none."""
    with transaction.atomic():
        _delete(from_id, [to_id], label)
        _tell(from_type, from_id, to_type, to_id)


def of(id: int, to_type: str) -> list[int]:
    """The records of a type linked to a record: the primary one first, then in the order they were linked."""
    return [
        row[0]
        for row in sql.rows(
            "SELECT to_id FROM association WHERE from_id = %s AND to_type = %s GROUP BY to_id ORDER BY bool_or(label = %s) DESC, min(created_at), to_id",
            [id, to_type, PRIMARY],
        )
    ]


def _delete(from_id: int, to_ids: list[int], label: str | None) -> None:
    test, params = ("", []) if label is None else (" AND label = %s", [label])
    sql.run(f"DELETE FROM association WHERE from_id = %s AND to_id = ANY(%s){test}", [from_id, to_ids, *params])
    sql.run(f"DELETE FROM association WHERE from_id = ANY(%s) AND to_id = %s{test}", [to_ids, from_id, *params])


def _existing(object_type: str, id: int) -> int:
    if object_type == "contact":
        id = identity.resolve(id)
        found = Contact.objects.filter(id=id, archived_at=None).exists()
    else:
        found = Record.objects.filter(id=id, object_type=object_type, archived_at=None).exists()
    if not found:
        raise NotFound(_("There is no such record."))
    return id


def _tell(from_type: str, from_id: int, to_type: str, to_id: int) -> None:
    """Whatever is asked of a contact's company may have another answer now."""
    sides = [(from_type, from_id, to_type), (to_type, to_id, from_type)]
    changes.append(Change(id, "property", f"{other}.*") for kind, id, other in sides if kind == "contact")
