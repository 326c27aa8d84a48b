"""Links of records as HubSpot's clients send and read them: numbered kinds in, named rows out, page by page for many records at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from ninja import Schema

from baton.api import paging
from baton.api.errors import Failure
from baton.api.hubspot import access, link_numbers
from baton.api.hubspot.link_numbers import Kind
from baton.crm import associations, types
from baton.platform import sql
from baton.platform.config import config

INLINE = 500  # links of one record to one object type that are shown with the record


class To(Schema):
    id: str | int


class Spec(Schema):
    """A kind of link, by number."""

    associationCategory: str = "HUBSPOT_DEFINED"
    associationTypeId: int


class Link(Schema):
    """One element of `associations` in the body of a create."""

    to: To
    types: list[Spec] = []


@dataclass(frozen=True, slots=True)
class Target:
    """A record to link to, and how."""

    to_type: str
    to_id: int
    name: str = ""


@dataclass(slots=True)
class Page:
    """The links of one record to one object type: (record, names of the links), and where the next page begins."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    after: int | None = None


def number(given: str | int) -> int:
    """The id of a record. Raises Failure 400."""
    text = str(given)
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > paging.LARGEST:
        raise Failure(400, "VALIDATION_ERROR", f"{text[:50]} is no id of a record")
    return int(text)


def kind(known: Mapping[int, Kind], spec: Spec, from_type: str, to_type: str | None = None) -> Kind:
    """What a number means between these types. Raises Failure 400."""
    found = known.get(spec.associationTypeId)
    if found is None or found.from_type != from_type or (to_type is not None and found.to_type != to_type) or spec.associationCategory != found.category:
        where = f"{from_type} to {to_type}" if to_type else from_type
        raise Failure(400, "VALIDATION_ERROR", f"There is no association type {spec.associationCategory} {spec.associationTypeId} of {where}")
    return found


def check(request: HttpRequest, from_type: str, inputs: Sequence[Sequence[Link]]) -> list[list[Target] | Failure]:
    """What new records are to be linked with, for each the targets or what is wrong: a number Baton does not have (400), a record there is not (404).

    Raises Failure 403 when the token may not see records of a type that is linked to.
    """
    known = link_numbers.numbered({spec.associationTypeId for links in inputs for link in links for spec in link.types})
    made: list[list[Target] | Failure] = []
    for links in inputs:
        try:
            made.append([_target(known, spec, from_type, link) for link in links for spec in link.types])
        except Failure as fault:
            made.append(fault)
    access.readable(request, {target.to_type for targets in made if isinstance(targets, list) for target in targets})
    there = associations.existing({(target.to_type, target.to_id) for targets in made if isinstance(targets, list) for target in targets})
    return [targets if isinstance(targets, Failure) else _found(targets, there) for targets in made]


def _target(known: Mapping[int, Kind], spec: Spec, from_type: str, link: Link) -> Target:
    found = kind(known, spec, from_type)
    return Target(found.to_type, number(link.to.id), found.name)


def _found(targets: list[Target], there: Mapping[tuple[str, int], int]) -> list[Target] | Failure:
    for target in targets:
        if (target.to_type, target.to_id) not in there:
            return Failure(404, "OBJECT_NOT_FOUND", "resource not found", context={"id": [str(target.to_id)]})
    return [Target(target.to_type, there[target.to_type, target.to_id], target.name) for target in targets]


def pages(from_type: str, afters: Mapping[int, int], to_types: Sequence[str], size: int) -> dict[tuple[int, str], Page]:
    """(record, object type) -> its links from `afters[record]` on, at most `size`, in the order of the ids. One query. Archived records are left out."""
    found: dict[tuple[int, str], Page] = {}
    rows = sql.rows(
        "SELECT a.from_id, a.to_type, a.to_id, a.place, array_agg(a.label ORDER BY a.label DESC),"
        " EXISTS (SELECT 1 FROM contact c WHERE a.to_type = 'contact' AND c.id = a.to_id AND c.archived_at IS NOT NULL)"
        " OR EXISTS (SELECT 1 FROM record r WHERE a.to_type <> 'contact' AND r.id = a.to_id AND r.archived_at IS NOT NULL)"
        " FROM (SELECT b.from_id, b.to_type, b.to_id, b.label, dense_rank() OVER (PARTITION BY b.from_id, b.to_type ORDER BY b.to_id) AS place"
        " FROM unnest(%s::bigint[], %s::bigint[]) AS w(id, after) JOIN association b ON b.from_id = w.id AND b.to_id > w.after"
        " WHERE b.from_type = %s AND b.to_type = ANY(%s)) a WHERE a.place <= %s"
        " GROUP BY a.from_id, a.to_type, a.to_id, a.place ORDER BY a.from_id, a.to_type, a.to_id",
        [list(afters), list(afters.values()), from_type, list(to_types), size + 1],
    )
    last: dict[tuple[int, str], int] = {}
    for from_id, to_type, to_id, place, names, gone in rows:
        page = found.setdefault((from_id, to_type), Page())
        if place > size:
            page.after = last[from_id, to_type]
        elif not gone:
            page.rows.append((to_id, names))
        last[from_id, to_type] = to_id
    return found


def kinds_of(from_type: str, to_types: Sequence[str], found: Mapping[tuple[int, str], Page]) -> dict[tuple[str, str, str], Kind]:
    """The kinds of links on these pages by (from, to, name). One query, none when all links are plain."""
    pairs = {(to_type, name) for (_id, to_type), page in found.items() for _to, names in page.rows for name in names}
    known = {(from_type, to_type, ""): Kind(link_numbers.plain(from_type, to_type), from_type, to_type) for to_type in to_types}
    if any(name for _to_type, name in pairs):
        known |= link_numbers.between({from_type}, set(to_types))
    return known


def read(object_type: str, ids: Sequence[int], asked: Sequence[str]) -> dict[int, dict[str, Any]]:
    """The links of some records by record and plural name, one row a kind; types without links are left out, unknown ones ignored."""
    kinds = {found.key: found.plural for found in map(types.resolve, asked) if found is not None}
    found = pages(object_type, dict.fromkeys(ids, 0), list(kinds), INLINE)
    known = kinds_of(object_type, list(kinds), found)
    shown: dict[int, dict[str, Any]] = {}
    for (id, to_type), page in found.items():
        if page.rows:
            link = f"{config().url}/crm/v3/objects/{types.get(object_type).plural}/{id}/associations/{kinds[to_type]}"
            shown.setdefault(id, {})[kinds[to_type]] = listed(page, known, object_type, to_type, link)
    return shown


def listed(page: Page, known: Mapping[tuple[str, str, str], Kind], from_type: str, to_type: str, link: str) -> dict[str, Any]:
    """A page as version 3 shows it: one row a record and kind."""
    rows = [
        {"id": str(to_id), "type": link_numbers.word(known[from_type, to_type, name])}
        for to_id, names in page.rows
        for name in names
        if (from_type, to_type, name) in known
    ]
    return {"results": rows, **onward(page.after, link)}


def onward(after: int | None, link: str) -> dict[str, Any]:
    """`paging` when there is more."""
    return {} if after is None else {"paging": {"next": {"after": str(after), "link": f"{link}?after={after}"}}}
