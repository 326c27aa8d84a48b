"""What people do with lists: make, change, archive; add and remove members of fixed ones. Checked, and with an actor."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.events import keys
from baton.events.vocabulary import Kind
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.query.depends import Depends
from baton.segments import catalog, circles, definitions, jobs, refresh
from baton.segments.models import Segment

KINDS = ("active", "fixed")
Filter = dict[str, Any]

ADD = """
INSERT INTO membership (contact_id, segment_id, joined_at, reason)
SELECT c.id, %s, %s, %s FROM contact c WHERE c.id = ANY(%s) AND c.archived_at IS NULL
ON CONFLICT (contact_id, segment_id) DO NOTHING
RETURNING contact_id
"""
REMOVE = "DELETE FROM membership WHERE segment_id = %s AND contact_id = ANY(%s) RETURNING contact_id"


def create_segment(name: str, filter: Filter, kind: str, actor: Actor) -> Segment:
    """A new list; its members are found in the background. A fixed list takes those who fit now (nobody, without a filter) and keeps them.

    Raises Invalid (`name`, `kind`, or a path inside the filter).
    """
    name = _name(name)
    if kind not in KINDS:
        raise Invalid.one("kind", "INVALID_OPTION", _("A list is active or fixed."))
    with transaction.atomic():
        segment = Segment.objects.create(name=name, kind=kind, filter=filter, depends=_depends(0, filter, kind).to_json())
        keys.resolve({(word, str(segment.pk)): name for word in (Kind.SEGMENT_JOINED, Kind.SEGMENT_LEFT)})
        history.record(actor, "created", "segment", segment.pk, name=name, kind=kind, filter=filter)
        _evaluate(segment)
    return segment


def update_segment(segment: Segment, *, name: str | None = None, filter: Filter | None = None, actor: Actor) -> Segment:
    """Rename a list or give an active one another filter; its members follow in the background. Raises Invalid, Conflict."""
    detail: dict[str, Any] = {}
    with transaction.atomic():
        segment = _find(segment.pk)
        if name is not None and (name := _name(name)) != segment.name:
            detail["name"] = [segment.name, name]
            segment.name = name
            keys.resolve({(word, str(segment.pk)): name for word in (Kind.SEGMENT_JOINED, Kind.SEGMENT_LEFT)})
        if filter is not None and filter != segment.filter:
            if segment.kind != "active":
                raise Conflict(_("A fixed list keeps the members it has; make another list for another filter."))
            detail["filter"] = [segment.filter, filter]
            segment.filter, segment.depends = filter, _depends(segment.pk, filter, segment.kind).to_json()
        if not detail:
            return segment
        segment.save()
        history.record(actor, "updated", "segment", segment.pk, **detail)
        if "filter" in detail:
            _evaluate(segment)
    return segment


def archive_segment(segment: Segment, *, actor: Actor) -> None:
    """Put a list aside: it keeps its members as they are. Raises Conflict that names what uses it: a list, a score rule, a workflow."""
    with transaction.atomic():
        segment = _find(segment.pk)
        if users := circles.users_of(segment.pk):
            raise Conflict(_("This list is used by: {users}").format(users=", ".join(users)))
        segment.archived_at = clock.now()
        segment.save(update_fields=["archived_at", "updated_at"])
        history.record(actor, "archived", "segment", segment.pk)


def add(segment_id: int, contact_ids: Sequence[int], actor: Actor) -> int:
    """Put contacts in a fixed list; returns how many were not in it. Raises NotFound, Conflict (an active list follows its filter)."""
    return len(change_members(segment_id, add=contact_ids, actor=actor).joined)


def remove(segment_id: int, contact_ids: Sequence[int], actor: Actor) -> int:
    """Take contacts out of a fixed list; returns how many were in it. Raises NotFound, Conflict (an active list follows its filter)."""
    return len(change_members(segment_id, remove=contact_ids, actor=actor).left)


def change_members(segment_id: int, *, add: Sequence[int] = (), remove: Sequence[int] = (), actor: Actor) -> refresh.Moved:
    """Put contacts in a fixed list and take others out; says who moved. Raises NotFound, Conflict (an active list follows its filter)."""
    with transaction.atomic():
        segment, at = _fixed(segment_id), clock.now()
        joined = [id for (id,) in sql.rows(ADD, [segment.pk, at, str(actor), list(add)])] if add else []
        left = [id for (id,) in sql.rows(REMOVE, [segment.pk, list(remove)])] if remove else []
        moved = refresh.Moved(segment.pk, joined, left)
        refresh.tell([moved], {segment.pk: segment.name}, at)
    return moved


def restore_segment(segment_id: int, *, actor: Actor) -> Segment:
    """Take a list back that was put aside; an active one is found anew in the background. Raises NotFound, Invalid (its filter no longer fits)."""
    with transaction.atomic():
        segment = Segment.objects.select_for_update().filter(pk=segment_id).exclude(archived_at=None).first()
        if segment is None:
            raise NotFound(_("There is no list {id}.").format(id=segment_id))
        segment.archived_at = None
        segment.depends = _depends(segment.pk, segment.filter, segment.kind).to_json()
        segment.save()
        history.record(actor, "restored", "segment", segment.pk)
        if segment.kind == "active":
            _evaluate(segment)
    return segment


def _find(segment_id: int) -> Segment:
    """The list, held until the transaction ends."""
    segment = Segment.objects.select_for_update().filter(pk=segment_id, archived_at=None).first()
    if segment is None:
        raise NotFound(_("There is no list {id}.").format(id=segment_id))
    return segment


def _fixed(segment_id: int) -> Segment:
    segment = Segment.objects.filter(pk=segment_id, archived_at=None).first()
    if segment is None:
        raise NotFound(_("There is no list {id}.").format(id=segment_id))
    if segment.kind != "fixed":
        raise Conflict(_("This list follows its filter; contacts cannot be added or removed by hand."))
    return segment


def _name(name: str) -> str:
    if not name.strip():
        raise Invalid.one("name", "REQUIRED", _("Give the list a name."))
    return name.strip()


def _depends(id: int, filter: Filter, kind: str) -> Depends:
    if kind == "fixed" and not filter:
        return Depends()
    found = definitions.parse("segment", id, filter, catalog.current()).depends
    circles.forbid(("segment", id), found)
    return found if kind == "active" else Depends()  # a fixed list looks once


def _evaluate(segment: Segment) -> None:
    if segment.filter:
        jobs.evaluate_list.defer(lock=f"segment:{segment.pk}", segment_id=segment.pk, asked=segment.updated_at.isoformat())
