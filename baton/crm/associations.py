"""Links between records, written in both directions. The label "primary" marks the main company of a contact, deal or ticket."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.crm import identity, types
from baton.crm.models import Contact, Record
from baton.platform import changes, clock, live, sql
from baton.platform.actor import Actor
from baton.platform.changes import Change
from baton.platform.errors import DomainError, NotFound
from baton.platform.transaction import retrying

PRIMARY = "primary"
WATCHED = 200  # records of one write whose open pages are told of it
WITH_PRIMARY = ("contact", "deal", "ticket")  # whose main company is marked
SET = 5000  # links of one statement


@dataclass(frozen=True, slots=True)
class Link:
    """A link as somebody asks for it. A label is the name of an AssociationLabel; every labelled link is a plain one too."""

    from_type: str
    from_id: int
    to_type: str
    to_id: int
    label: str = ""

    @property
    def turned(self) -> "Link":
        return Link(self.to_type, self.to_id, self.from_type, self.from_id, turned(self.label))


def turned(label: str) -> str:
    """The label of a link as the other side has it: the same, but `parent>` and `parent<` of two records of one type, which say who is whose."""
    return f"{label[:-1]}{'<' if label.endswith('>') else '>'}" if label.endswith((">", "<")) else label


def link(from_type: str, from_id: int, to_type: str, to_id: int, *, label: str = "", actor: Actor) -> None:
    """Link two records; linking twice is no fault. A record's first company becomes its primary one, a new primary one replaces the old.

    Raises NotFound when one of the two does not exist or is archived.
    """
    for fault in link_many([Link(from_type, from_id, to_type, to_id, label)], actor=actor):
        if fault is not None:
            raise fault


@retrying
def link_many(rows: Sequence[Link], *, actor: Actor) -> list[DomainError | None]:
    """Link many pairs, in sets; for each None, or NotFound when one of the two does not exist or is archived. The good ones are written."""
    outcomes: list[DomainError | None] = []
    with transaction.atomic():
        for start in range(0, len(rows), SET):
            outcomes += _link(rows[start : start + SET])
    return outcomes


def _link(rows: Sequence[Link]) -> list[DomainError | None]:
    now_at = existing({(row.from_type, row.from_id) for row in rows} | {(row.to_type, row.to_id) for row in rows})
    outcomes: list[DomainError | None] = []
    wanted: list[Link] = []
    for row in rows:
        one, other = now_at.get((row.from_type, row.from_id)), now_at.get((row.to_type, row.to_id))
        if one is None or other is None:
            outcomes.append(NotFound(_("There is no such record.")))
        else:
            outcomes.append(None)
            wanted.append(Link(row.from_type, one, row.to_type, other, row.label))
    plain = {Link(row.from_type, row.from_id, row.to_type, row.to_id): None for row in wanted}
    labelled = {row: None for row in wanted if row.label}
    first = _first_companies([*plain], {row for row in labelled if row.label == PRIMARY})
    _insert([*plain, *labelled, *first])
    _tell(plain)
    return outcomes


def _first_companies(plain: Sequence[Link], chosen: Collection[Link]) -> list[Link]:
    """The primary links that follow: for records whose first company this is. Old primary links that a chosen one replaces are removed."""
    sides = [side for row in plain for side in (row, row.turned) if side.from_type in WITH_PRIMARY and side.to_type == "company"]
    if not sides:
        return []
    main = {side.from_id: side.to_id for row in chosen for side in (row, row.turned) if side.to_type == "company"}
    old: dict[int, list[int]] = defaultdict(list)
    for from_id, to_id in sql.rows(
        "SELECT from_id, to_id FROM association WHERE from_id = ANY(%s) AND to_type = 'company' AND label = %s", [[s.from_id for s in sides], PRIMARY]
    ):
        old[from_id].append(to_id)
    _delete([(id, company, PRIMARY) for id, companies in old.items() if id in main for company in companies if company != main[id]])
    found: dict[int, Link] = {}
    for side in sides:
        if side.from_id not in main and side.from_id not in old:
            found.setdefault(side.from_id, Link(side.from_type, side.from_id, side.to_type, side.to_id, PRIMARY))
    return list(found.values())


def _insert(rows: Sequence[Link]) -> None:
    both = sorted({side for row in rows for side in (row, row.turned)}, key=lambda row: (row.from_id, row.to_id, row.label))
    if both:
        sql.run(
            "INSERT INTO association (from_id, from_type, to_id, to_type, label, created_at)"
            " SELECT r.from_id, r.from_type, r.to_id, r.to_type, r.label, %s"
            " FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[]) AS r(from_id, from_type, to_id, to_type, label)"
            " ON CONFLICT DO NOTHING",
            [
                clock.now(),
                [row.from_id for row in both],
                [row.from_type for row in both],
                [row.to_id for row in both],
                [row.to_type for row in both],
                [row.label for row in both],
            ],
        )


def unlink(from_type: str, from_id: int, to_type: str, to_id: int, *, label: str | None = None, actor: Actor) -> None:
    """Remove the link in both directions; with `label` only that label. Nothing happens where there is none."""
    unlink_many([Link(from_type, from_id, to_type, to_id)], labels=None if label is None else [label], actor=actor)


@retrying
def unlink_many(rows: Sequence[Link], *, labels: Sequence[str] | None = None, actor: Actor) -> None:
    """Remove links in both directions, in sets; with `labels` only these. Nothing happens where there is none."""
    with transaction.atomic():
        for start in range(0, len(rows), SET):
            part = rows[start : start + SET]
            _delete([(row.from_id, row.to_id, label) for row in part for label in (labels if labels is not None else [None])])
            _tell({row: None for row in part}, linked=False)


def of(id: int, to_type: str) -> list[int]:
    """The records of a type linked to a record: the primary one first, then in the order they were linked."""
    return [to_id for to_id, _labels in linked([id], to_type).get(id, [])]


def linked(ids: Collection[int], to_type: str) -> dict[int, list[tuple[int, list[str]]]]:
    """Record id -> [(linked record, its labels without "")]: the primary one first, then in the order they were linked. One statement."""
    found: dict[int, list[tuple[int, list[str]]]] = {}
    for from_id, to_id, labels in sql.rows(
        "SELECT from_id, to_id, array_agg(label ORDER BY label) FROM association WHERE from_id = ANY(%s) AND to_type = %s"
        " GROUP BY from_id, to_id ORDER BY from_id, bool_or(label = %s) DESC, min(created_at), to_id",
        [list(ids), to_type, PRIMARY],
    ):
        found.setdefault(from_id, []).append((to_id, [label for label in labels if label]))
    return found


def counts(ids: Collection[int], to_type: str) -> dict[int, int]:
    """How many records of a type each of these is linked to; a record without any is missing. One statement."""
    return dict(
        sql.rows("SELECT from_id, count(DISTINCT to_id) FROM association WHERE from_id = ANY(%s) AND to_type = %s GROUP BY from_id", [list(ids), to_type])
    )


def _delete(rows: Sequence[tuple[int, int, str | None]]) -> None:
    """Delete (one, other, label or None for all labels) in both directions."""
    if rows:
        both = [*rows, *((other, one, None if label is None else turned(label)) for one, other, label in rows)]
        sql.run(
            "DELETE FROM association AS a USING unnest(%s::bigint[], %s::bigint[], %s::text[]) AS r(from_id, to_id, label)"
            " WHERE a.from_id = r.from_id AND a.to_id = r.to_id AND (r.label IS NULL OR a.label = r.label)",
            [[row[0] for row in both], [row[1] for row in both], [row[2] for row in both]],
        )


def existing(wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """(type, id) -> the id it has now, of the live records among these. Three statements at most."""
    people = {id for kind, id in wanted if kind == "contact"}
    found: dict[tuple[str, int], int] = {}
    if people:
        live = set(Contact.objects.filter(id__in=people, archived_at=None).values_list("id", flat=True))
        found |= {("contact", id): id for id in live}
        if gone := people - live:
            moved = identity.find_many("merged", [str(id) for id in gone])
            still = set(Contact.objects.filter(id__in=moved.values(), archived_at=None).values_list("id", flat=True)) if moved else set[int]()
            found |= {("contact", int(old)): new for old, new in moved.items() if new in still}
    if others := {id for kind, id in wanted if kind != "contact"}:
        rows = Record.objects.filter(id__in=others, archived_at=None).values_list("object_type", "id")
        found |= {(kind, id): id for kind, id in rows}
    return found


def _tell(rows: dict[Link, Any], *, linked: bool = True) -> None:
    """Whatever is asked of what a contact is linked to may have another answer now; an activity that is linked to him becomes an event of his."""
    activities = {kind.key for kind in types.all(activities=True)}
    told: dict[Change, None] = {}
    for row in rows:
        for side in (row, row.turned):
            if side.from_type == "contact":
                told[Change(side.from_id, "property", f"{side.to_type}.*", str(side.to_id) if linked else "")] = None
                if linked and side.to_type in activities:
                    told[Change(side.from_id, "linked", f"{side.to_type}:{side.to_id}")] = None
            elif side.from_type == "company" and side.to_type == "contact":
                told[Change(side.from_id, "company", "contact.*")] = None
    changes.append(told)
    about = {(side.from_type, side.from_id) for row in rows for side in (row, row.turned) if side.to_type in activities and side.from_type not in activities}
    if 0 < len(about) <= WATCHED:
        for topic, people in (("contact", True), ("record", False)):
            if ids := sorted(id for kind, id in about if (kind == "contact") == people):
                live.changed(topic, ids)
