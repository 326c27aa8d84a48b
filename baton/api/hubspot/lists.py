"""`/crm/v3/lists`: lists of contacts, their filters and their members."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from django.db.models import Count, Max, Min
from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router, Schema

from baton.api import auth, paging
from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import branches, branches_out, kinds
from baton.crm import records
from baton.crm.values import stamp
from baton.platform.errors import Conflict
from baton.platform.models import History
from baton.segments import verbs
from baton.segments.models import Membership, Segment

router = Router(tags=["lists"])
PATH = "/crm/v3/lists"
ONE = f"{PATH}/{{list_id}}"
READ, WRITE = Needs("segments.read"), Needs("segments.write")
MOST, MOST_MEMBERS, MOST_MOVED = 500, 250, 100_000
CONTACT = "0-1"
Text = Annotated[str | None, Query(None)]
Flag = Annotated[bool, Query(False)]
Ids = Annotated[list[str], Query(default_factory=list)]
Shape = dict[str, Any]


class Create(Schema):
    """A new list."""

    name: str
    objectTypeId: str
    processingType: str
    filterBranch: dict[str, Any] | None = None


class Filters(Schema):
    filterBranch: dict[str, Any]


class Search(Schema):
    """Which lists."""

    query: str | None = None
    processingTypes: list[str] | None = None
    listIds: list[str] | None = None
    offset: int | None = None
    count: int | None = None
    sort: str | None = None
    additionalProperties: list[str] | None = None


class Moves(Schema):
    recordIdsToAdd: list[str | int] = []
    recordIdsToRemove: list[str | int] = []


@router.post(PATH, auth=WRITE, response=Shape, summary="Create a list")
def create(request: HttpRequest, body: Create) -> Shape:
    """A list that follows its filter (DYNAMIC), takes who fits now (SNAPSHOT), or is filled by hand (MANUAL)."""
    _of_contacts(body.objectTypeId)
    kind = {"MANUAL": "fixed", "SNAPSHOT": "fixed", "DYNAMIC": "active"}.get(body.processingType.upper())
    if kind is None:
        raise Failure(400, "VALIDATION_ERROR", f"processingType is MANUAL, SNAPSHOT or DYNAMIC, not {body.processingType[:50]}")
    if kind == "active" and body.filterBranch is None:
        raise Failure(400, "VALIDATION_ERROR", "A DYNAMIC list needs a filterBranch.")
    if Segment.objects.filter(name=body.name.strip(), archived_at=None).exists():
        raise Failure(400, "VALIDATION_ERROR", f"A list named '{body.name.strip()[:200]}' already exists.", subCategory="ILS.DUPLICATE_LIST_NAMES")
    filter = branches.read(body.filterBranch) if body.filterBranch is not None and body.processingType.upper() != "MANUAL" else {}
    return {"list": _shown([verbs.create_segment(body.name, filter, kind, auth.actor(request))], filters=True)[0]}


@router.get(PATH, auth=READ, response=Shape, summary="Read many lists")
def several(request: HttpRequest, listIds: Ids, includeFilters: Flag = False) -> Shape:
    """The lists with these ids; those that do not exist are left out."""
    wanted = [_number(text) for text in listIds[:MOST]]
    rows = {row.pk: row for row in Segment.objects.filter(pk__in=wanted, archived_at=None)}
    return {"lists": _shown([rows[id] for id in dict.fromkeys(wanted) if id in rows], filters=includeFilters)}


@router.post(f"{PATH}/search", auth=READ, response=Shape, summary="Search lists")
def search(request: HttpRequest, body: Search) -> Shape:
    """Lists by a part of their name and by kind."""
    rows = Segment.objects.filter(archived_at=None)
    if body.query:
        rows = rows.filter(name__icontains=body.query)
    if body.listIds:
        rows = rows.filter(pk__in=[_number(text) for text in body.listIds])
    if body.processingTypes:
        wanted = {text.upper() for text in body.processingTypes}
        found = rows.none()
        for word, part in (("DYNAMIC", rows.filter(kind="active")), ("MANUAL", rows.filter(kind="fixed", filter={}))):
            found |= part if word in wanted else rows.none()
        rows = found | rows.filter(kind="fixed").exclude(filter={}) if "SNAPSHOT" in wanted else found
    sort = (body.sort or "HS_LIST_ID").upper()
    field = {"HS_UPDATED_AT": "updated_at", "HS_CREATED_AT": "created_at", "HS_NAME": "name", "HS_LIST_NAME": "name"}.get(sort.lstrip("-"), "pk")
    total = rows.count()
    offset, count = max(0, body.offset or 0), min(max(1, body.count or 20), MOST)
    if offset > 10_000:
        raise Failure(400, "VALIDATION_ERROR", "offset goes up to 10000.")
    ordered = rows.order_by(f"{'-' if sort.startswith('-') else ''}{field}", "pk")[offset : offset + count]
    shown = _shown(list(ordered), additional=True)
    return {"lists": shown, "total": total, "offset": offset + len(shown), "hasMore": offset + len(shown) < total}


@router.get(f"{PATH}/idmapping", auth=READ, response=Shape, summary="Id of an old list")
def id_mapping(request: HttpRequest, legacyListId: str) -> Shape:
    """Lists have one id here, whatever the version that asks."""
    return {"listId": str(_one(legacyListId).pk), "legacyListId": legacyListId}


@router.post(f"{PATH}/idmapping", auth=READ, response=Shape, summary="Ids of old lists")
def id_mappings(request: HttpRequest, body: Annotated[list[str | int], Body(...)]) -> Shape:
    """The same for many."""
    there = {str(pk) for pk in Segment.objects.filter(pk__in=[_number(str(id)) for id in body[:MOST]]).values_list("pk", flat=True)}
    asked = [str(id) for id in body[:MOST]]
    return {
        "legacyListIdsToIdsMapping": [{"listId": id, "legacyListId": id} for id in asked if id in there],
        "missingLegacyListIds": [id for id in asked if id not in there],
    }


@router.get(f"{PATH}/folders", auth=READ, response=Shape, summary="Folders of lists")
def folders(request: HttpRequest, folderId: Text = None) -> Shape:
    """All lists are in the one folder there is."""
    ids = list(Segment.objects.filter(archived_at=None).order_by("pk").values_list("pk", flat=True)[:MOST])
    return {"folder": {"id": 0, "parentFolderId": 0, "name": "/", "childNodes": [], "childLists": ids}}


@router.get(f"{PATH}/object-type-id/{{object_type}}/name/{{name}}", auth=READ, response=Shape, summary="Find a list by name")
def by_name(request: HttpRequest, object_type: str, name: str, includeFilters: Flag = False) -> Shape:
    """The list with exactly this name."""
    _of_contacts(object_type)
    found = Segment.objects.filter(name=name, archived_at=None).order_by("pk").first()
    if found is None:
        raise Failure(404, "OBJECT_NOT_FOUND", f"List does not exist with name {name[:200]} and object type ID {CONTACT}.")
    return {"list": _shown([found], filters=includeFilters)[0]}


@router.get(f"{PATH}/records/{{object_type}}/{{record_id}}/memberships", auth=READ, response=Shape, summary="Lists of a record")
def lists_of(request: HttpRequest, object_type: str, record_id: str) -> Shape:
    """The lists a contact is in."""
    if kinds.of(object_type).key != "contact":
        return {"results": [], "total": 0}
    id = records.get("contact", _number(record_id)).id
    joined = dict(Membership.objects.filter(contact_id=id).values_list("segment_id", "joined_at"))
    versions = _versions(joined)
    live = Segment.objects.filter(pk__in=joined, archived_at=None).order_by("pk").values_list("pk", flat=True)
    rows = [
        {"listId": str(pk), "listVersion": versions.get(pk, 1), "firstAddedTimestamp": stamp(joined[pk]), "lastAddedTimestamp": stamp(joined[pk])}
        for pk in live
    ]
    return {"results": rows, "total": len(rows)}


@router.get(ONE, auth=READ, response=Shape, summary="Read a list")
def read(request: HttpRequest, list_id: str, includeFilters: Flag = False) -> Shape:
    """One list."""
    return {"list": _shown([_one(list_id)], filters=includeFilters)[0]}


@router.delete(ONE, auth=WRITE, response={204: None}, summary="Archive a list")
def archive(request: HttpRequest, list_id: str) -> HttpResponse:
    """Put a list aside; 400 while something uses it."""
    try:
        verbs.archive_segment(_one(list_id), actor=auth.actor(request))
    except Conflict as error:
        raise Failure(400, "VALIDATION_ERROR", str(error)) from None
    return HttpResponse(status=204)


@router.put(f"{ONE}/restore", auth=WRITE, response={204: None}, summary="Restore a list")
def restore(request: HttpRequest, list_id: str) -> HttpResponse:
    """Take a list back."""
    id = _number(list_id)
    if not Segment.objects.filter(pk=id, archived_at=None).exists():
        verbs.restore_segment(id, actor=auth.actor(request))
    return HttpResponse(status=204)


@router.put(f"{ONE}/update-list-name", auth=WRITE, response=Shape, summary="Rename a list")
def rename(request: HttpRequest, list_id: str, listName: str, includeFilters: Flag = False) -> Shape:
    """Another name."""
    row = verbs.update_segment(_one(list_id), name=listName, actor=auth.actor(request))
    return {"updatedList": _shown([row], filters=includeFilters)[0]}


@router.put(f"{ONE}/update-list-filters", auth=WRITE, response=Shape, summary="Change the filter of a list")
def refilter(request: HttpRequest, list_id: str, body: Filters) -> Shape:
    """Another filter for a list that follows one."""
    try:
        row = verbs.update_segment(_one(list_id), filter=branches.read(body.filterBranch), actor=auth.actor(request))
    except Conflict as error:
        raise Failure(400, "VALIDATION_ERROR", str(error)) from None
    return {"updatedList": _shown([row], filters=True)[0]}


@router.get(f"{ONE}/memberships", auth=READ, response=Shape, summary="Members of a list")
def members(request: HttpRequest, list_id: str, limit: Text = None, after: Text = None) -> Shape:
    """The contacts of a list in the order of their ids."""
    size = paging.limit(limit, most=MOST_MEMBERS, default=100)
    rows = Membership.objects.filter(segment_id=_one(list_id).pk, contact_id__gt=paging.after(after)).order_by("contact_id")
    found = list(rows.values_list("contact_id", "joined_at")[: size + 1])
    return paging.page(request, _members(found[:size]), found[size - 1][0] if len(found) > size else None)


@router.get(f"{ONE}/memberships/join-order", auth=READ, response=Shape, summary="Members of a list by time")
def members_by_time(request: HttpRequest, list_id: str, limit: Text = None, after: Text = None) -> Shape:
    """The contacts of a list in the order they joined it."""
    size = paging.limit(limit, most=MOST_MEMBERS, default=100)
    rows = Membership.objects.filter(segment_id=_one(list_id).pk).order_by("joined_at", "contact_id")
    if after:
        at, id = _moment(after)
        rows = rows.filter(joined_at__gte=at).exclude(joined_at=at, contact_id__lte=id)
    found = list(rows.values_list("contact_id", "joined_at")[: size + 1])
    body = paging.page(request, _members(found[:size]), None)
    if len(found) > size:
        id, at = found[size - 1]
        body |= paging.page(request, body["results"], int(f"{(at - EPOCH) // timedelta(microseconds=1)}{id:019d}"))
    return body


@router.delete(f"{ONE}/memberships", auth=WRITE, response={204: None}, summary="Empty a list")
def empty(request: HttpRequest, list_id: str) -> HttpResponse:
    """Take everybody out of a list that is filled by hand."""
    row = _one(list_id)
    _move(request, row.pk, remove=list(Membership.objects.filter(segment_id=row.pk).values_list("contact_id", flat=True)))
    return HttpResponse(status=204)


@router.put(f"{ONE}/memberships/add", auth=WRITE, response=Shape, summary="Add members")
def add(request: HttpRequest, list_id: str, body: Annotated[list[str | int], Body(...)]) -> Shape:
    """Put contacts in a list."""
    return _moved(request, list_id, body, ())


@router.put(f"{ONE}/memberships/remove", auth=WRITE, response=Shape, summary="Remove members")
def remove(request: HttpRequest, list_id: str, body: Annotated[list[str | int], Body(...)]) -> Shape:
    """Take contacts out of a list."""
    return _moved(request, list_id, (), body)


@router.put(f"{ONE}/memberships/add-and-remove", auth=WRITE, response=Shape, summary="Add and remove members")
def add_and_remove(request: HttpRequest, list_id: str, body: Moves) -> Shape:
    """Both at once."""
    return _moved(request, list_id, body.recordIdsToAdd, body.recordIdsToRemove)


@router.put(f"{ONE}/memberships/add-from/{{source_id}}", auth=WRITE, response={204: None}, summary="Add the members of another list")
def add_from(request: HttpRequest, list_id: str, source_id: str) -> HttpResponse:
    """Put everybody of one list in another."""
    source = _one(source_id)
    _move(request, _one(list_id).pk, add=list(Membership.objects.filter(segment_id=source.pk).values_list("contact_id", flat=True)))
    return HttpResponse(status=204)


def _moved(request: HttpRequest, list_id: str, add: Sequence[str | int], remove: Sequence[str | int]) -> Shape:
    row = _one(list_id)
    if len(add) + len(remove) > MOST_MOVED:
        raise Failure(400, "VALIDATION_ERROR", f"At most {MOST_MOVED} records at once.")
    coming = [int(str(id)) for id in add if _is_id(str(id))]
    going = [int(str(id)) for id in remove if _is_id(str(id))]
    joined, left = _move(request, row.pk, add=coming, remove=going)
    there = set(records.many("contact", [*coming, *going]))
    missing = [str(id) for id in (*add, *remove) if not _is_id(str(id)) or int(str(id)) not in there]
    added = [str(id) for id in joined]
    return {"recordsIdsAdded": added, "recordIdsAdded": added, "recordIdsRemoved": [str(id) for id in left], "recordIdsMissing": missing}


def _move(request: HttpRequest, segment_id: int, *, add: Sequence[int] = (), remove: Sequence[int] = ()) -> tuple[list[int], list[int]]:
    if _one(str(segment_id)).kind == "active":  # as HubSpot has it; on Baton's pages a hand may put somebody in or keep him out
        raise Failure(400, "VALIDATION_ERROR", "The members of a DYNAMIC list follow its filters.")
    try:
        moved = verbs.change_members(segment_id, add=add, remove=remove, actor=auth.actor(request))
    except Conflict as error:
        raise Failure(400, "VALIDATION_ERROR", str(error)) from None
    return moved.joined, moved.left


def _shown(rows: Sequence[Segment], *, filters: bool = False, additional: bool = False) -> list[Shape]:
    """Lists as HubSpot shows them; a set costs as many statements as one."""
    ids = [row.pk for row in rows]
    counted = (
        Membership.objects.filter(segment_id__in=ids).values("segment_id").annotate(size=Count("contact_id"), last=Max("joined_at"), first=Min("joined_at"))
    )
    sizes = {found["segment_id"]: found for found in counted}
    versions, authors = _versions(ids), _authors(ids)
    shown = []
    for row in rows:
        found = sizes.get(row.pk)
        body: Shape = {
            "listId": str(row.pk),
            "name": row.name,
            "objectTypeId": CONTACT,
            "processingType": "DYNAMIC" if row.kind == "active" else "SNAPSHOT" if row.filter else "MANUAL",
            "processingStatus": "COMPLETE" if row.evaluated_at is not None or not row.filter else "PROCESSING",
            "listVersion": versions.get(row.pk, 1),
            "createdAt": stamp(row.created_at),
            "updatedAt": stamp(row.updated_at),
            "filtersUpdatedAt": stamp(row.updated_at),
        }
        if row.pk in authors:
            body["createdById"] = authors[row.pk]
        if row.archived_at is not None:
            body["deletedAt"] = stamp(row.archived_at)
        size = found["size"] if found else 0
        if additional:
            added = str(int(found["last"].timestamp() * 1000)) if found else ""
            body["additionalProperties"] = {
                "hs_list_size": str(size),
                "hs_last_record_added_at": added,
                "hs_last_record_removed_at": "",
                "hs_folder_name": "",
                "hs_list_reference_count": "0",
            }
        else:
            body["size"] = size
        if filters and row.filter:
            body["filterBranch"] = branches_out.write(row.filter)
        shown.append(body)
    return shown


def _versions(ids: Iterable[int]) -> dict[int, int]:
    """How often each list's filter was made or changed."""
    rows = History.objects.filter(subject_type="segment", subject_id__in=[str(id) for id in ids], verb="updated", detail__has_key="filter")
    return {int(row["subject_id"]): row["changes"] + 1 for row in rows.values("subject_id").annotate(changes=Count("id"))}


def _authors(ids: Iterable[int]) -> dict[int, str]:
    rows = History.objects.filter(subject_type="segment", subject_id__in=[str(id) for id in ids], verb="created", actor__startswith="user:")
    return {int(subject): actor.partition(":")[2] for subject, actor in rows.values_list("subject_id", "actor")}


def _members(rows: Iterable[tuple[int, datetime]]) -> list[Shape]:
    return [{"recordId": str(id), "membershipTimestamp": stamp(at)} for id, at in rows]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(after: str) -> tuple[datetime, int]:
    """The time and the contact that a page ended with. Raises Failure 400."""
    if not (after.isascii() and after.isdigit()) or not 20 <= len(after) <= 36:
        raise Failure(400, "VALIDATION_ERROR", "after: expected the value of paging.next.after")
    return EPOCH + timedelta(microseconds=int(after[:-19])), int(after[-19:])


def _one(list_id: str) -> Segment:
    """Raises Failure 404."""
    found = Segment.objects.filter(pk=_number(list_id), archived_at=None).first() if _is_id(list_id) else None
    if found is None:
        raise _missing(list_id)
    return found


def _missing(list_id: str) -> Failure:
    return Failure(404, "OBJECT_NOT_FOUND", f"List does not exist with ID {list_id[:50]}.", context={"listId": [list_id[:50]]})


def _number(text: str) -> int:
    """Raises Failure 404 for what is no id."""
    if not _is_id(text):
        raise _missing(text)
    return int(text)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= paging.LARGEST


def _of_contacts(object_type: str) -> None:
    if kinds.of(object_type).key != "contact":
        raise Failure(400, "VALIDATION_ERROR", "Lists hold contacts.", errors=[{"message": "objectTypeId: expected 0-1", "in": "body"}])
