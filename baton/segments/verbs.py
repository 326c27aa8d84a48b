"""What people do with lists: make, change, convert, archive; put contacts in or take them out by hand. Checked, and with an actor.

In a fixed list a hand adds and removes. In an active one it pins: who was put in or kept out stays so, whatever the filter says, until that is
taken back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.events import keys
from baton.events.vocabulary import Kind
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.query.depends import Depends
from baton.segments import catalog, circles, definitions, jobs, locks, refresh
from baton.segments.models import Segment

KINDS = ("active", "fixed")
ROLES = ("", "exclusion", "persona")
Filter = dict[str, Any]

ADD = """
INSERT INTO membership (contact_id, segment_id, joined_at, reason)
SELECT c.id, %s, %s, %s FROM contact c WHERE c.id = ANY(%s) AND c.archived_at IS NULL
ON CONFLICT (contact_id, segment_id) DO NOTHING
RETURNING contact_id
"""
REMOVE = "DELETE FROM membership WHERE segment_id = %s AND contact_id = ANY(%s) RETURNING contact_id"
PIN = """
INSERT INTO membership_pin (contact_id, segment_id, side, actor, why, at)
SELECT c.id, %(segment)s, %(side)s, %(actor)s, %(why)s, %(at)s FROM contact c WHERE c.id = ANY(%(ids)s) AND c.archived_at IS NULL
ON CONFLICT (contact_id, segment_id) DO UPDATE SET side = EXCLUDED.side, actor = EXCLUDED.actor, why = EXCLUDED.why, at = EXCLUDED.at
RETURNING contact_id
"""
UNPIN = "DELETE FROM membership_pin WHERE segment_id = %s AND contact_id = ANY(%s) RETURNING contact_id"
BECAUSE = "UPDATE membership SET reason = %s WHERE segment_id = %s AND contact_id = ANY(%s) AND reason <> %s"
KEEP = """
INSERT INTO membership_pin (contact_id, segment_id, side, actor, why, at)
SELECT m.contact_id, m.segment_id, 'in', m.reason, '', m.joined_at FROM membership m
WHERE m.segment_id = %s AND NOT starts_with(m.reason, 'filter')
ON CONFLICT (contact_id, segment_id) DO NOTHING
"""
COPY = """
INSERT INTO membership_pin (contact_id, segment_id, side, actor, why, at)
SELECT p.contact_id, %s, p.side, p.actor, p.why, p.at FROM membership_pin p WHERE p.segment_id = %s
"""


def create_segment(name: str, filter: Filter, kind: str, actor: Actor, *, description: str = "", role: str = "", preset: str = "") -> Segment:
    """A new list; its members are found in the background. A fixed list takes those who fit now (nobody, without a filter) and keeps them.

    Raises Invalid (`name`, `kind`, `role`, or a path inside the filter).
    """
    name = _name(name)
    if kind not in KINDS:
        raise Invalid.one("kind", "INVALID_OPTION", _("A list is active or fixed."))
    with transaction.atomic():
        segment = Segment.objects.create(
            name=name,
            kind=kind,
            filter=filter,
            depends=_depends(0, filter, kind).to_json(),
            description=description.strip(),
            role=_role(role),
            preset=preset,
            created_by=str(actor),
        )
        keys.resolve({(word, str(segment.pk)): name for word in (Kind.SEGMENT_JOINED, Kind.SEGMENT_LEFT)})
        history.record(actor, "created", "segment", segment.pk, name=name, kind=kind, filter=filter)
        _evaluate(segment)
    return segment


def update_segment(
    segment: Segment, *, name: str | None = None, filter: Filter | None = None, description: str | None = None, role: str | None = None, actor: Actor
) -> Segment:
    """Change a list; a fixed one keeps its filter. Its members follow another filter in the background. Raises Invalid, Conflict."""
    detail: dict[str, Any] = {}
    with transaction.atomic():
        segment = _find(segment.pk)
        if name is not None and (name := _name(name)) != segment.name:
            detail["name"] = [segment.name, name]
            segment.name = name
            keys.resolve({(word, str(segment.pk)): name for word in (Kind.SEGMENT_JOINED, Kind.SEGMENT_LEFT)})
        if description is not None and (description := description.strip()) != segment.description:
            detail["description"] = [segment.description, description]
            segment.description = description
        if role is not None and _role(role) != segment.role:
            detail["role"] = [segment.role, role]
            segment.role = role
        if filter is not None and filter != segment.filter:
            if segment.kind != "active":
                raise Conflict(_("A fixed list keeps the members it has; make another list for another filter."))
            detail["filter"] = [segment.filter, filter]
            segment.filter, segment.depends = filter, _depends(segment.pk, filter, segment.kind).to_json()
            segment.evaluated_at = None  # being worked out
        if not detail:
            return segment
        segment.save()
        history.record(actor, "updated", "segment", segment.pk, **detail)
        if "filter" in detail:
            _evaluate(segment)
    return segment


def make_fixed(segment: Segment, *, actor: Actor) -> Segment:
    """Let an active list follow its filter no longer: it keeps the members it has, those by hand included. Raises Conflict while they are being found."""
    with transaction.atomic():
        locks.alone("segment", segment.pk)
        segment = _find(segment.pk)
        if segment.kind == "fixed":
            return segment
        if segment.filter and segment.evaluated_at is None:
            raise Conflict(_("The members of this list are still being found. Try again in a moment."))
        sql.run("DELETE FROM membership_pin WHERE segment_id = %s", [segment.pk])
        segment.kind, segment.depends = "fixed", Depends().to_json()
        segment.save()
        history.record(actor, "updated", "segment", segment.pk, kind=["active", "fixed"])
    return segment


def make_active(segment: Segment, *, actor: Actor) -> Segment:
    """Let a fixed list that has a filter follow it. Who was added by hand stays, pinned. Raises Invalid (`filter`)."""
    with transaction.atomic():
        locks.alone("segment", segment.pk)
        segment = _find(segment.pk)
        if segment.kind == "active":
            return segment
        if not segment.filter:
            raise Invalid.one("filter", "REQUIRED", _("A list without a filter has nothing to follow."))
        sql.run(KEEP, [segment.pk])
        segment.kind, segment.evaluated_at = "active", None
        segment.depends = _depends(segment.pk, segment.filter, "active").to_json()
        segment.save()
        history.record(actor, "updated", "segment", segment.pk, kind=["fixed", "active"])
        _evaluate(segment)
    return segment


def duplicate(segment: Segment, name: str, *, actor: Actor) -> Segment:
    """Another list with the same filter and the same people pinned; of a fixed list, with the members it has. Raises Invalid (`name`)."""
    with transaction.atomic():
        if segment.kind == "fixed":
            return create_segment(name, {"condition": "in_segment", "segment": segment.pk}, "fixed", actor, description=segment.description)
        made = create_segment(name, segment.filter, segment.kind, actor, description=segment.description, preset=segment.preset)
        sql.run(COPY, [made.pk, segment.pk])
    return made


def archive_segment(segment: Segment, *, actor: Actor) -> None:
    """Put a list aside: it keeps its members as they are. Raises Conflict that names what uses it: a list, a score rule, a workflow."""
    with transaction.atomic():
        segment = _find(segment.pk)
        if users := circles.users_of(segment.pk):
            raise Conflict(_("This list is used by: {users}").format(users=", ".join(users)))
        segment.archived_at = clock.now()
        segment.save(update_fields=["archived_at", "updated_at"])
        history.record(actor, "archived", "segment", segment.pk)


def add(segment_id: int, contact_ids: Sequence[int], actor: Actor, *, why: str = "") -> int:
    """Put contacts in a list; returns how many were not in it. Raises NotFound."""
    return len(change_members(segment_id, add=contact_ids, actor=actor, why=why).joined)


def remove(segment_id: int, contact_ids: Sequence[int], actor: Actor, *, why: str = "") -> int:
    """Take contacts out of a list; returns how many were in it. Raises NotFound."""
    return len(change_members(segment_id, remove=contact_ids, actor=actor, why=why).left)


def change_members(segment_id: int, *, add: Sequence[int] = (), remove: Sequence[int] = (), actor: Actor, why: str = "") -> refresh.Moved:
    """Put contacts in a list and take others out; says who moved. In an active list that pins them, with who and why. Raises NotFound."""
    with transaction.atomic():
        segment, at = _steady(segment_id), clock.now()
        if segment.kind == "active":
            return _pin(segment, add, remove, actor, why.strip(), at)
        joined = [id for (id,) in sql.rows(ADD, [segment.pk, at, str(actor), list(add)])] if add else []
        left = [id for (id,) in sql.rows(REMOVE, [segment.pk, list(remove)])] if remove else []
        moved = refresh.Moved(segment.pk, joined, left)
        refresh.tell([moved], {segment.pk: segment.name}, at)
    return moved


def take_back(segment_id: int, contact_ids: Sequence[int], *, actor: Actor) -> refresh.Moved:
    """Forget what a hand did with these contacts: the filter decides again; a fixed list loses them. Says who moved. Raises NotFound."""
    with transaction.atomic():
        segment = _steady(segment_id)
        if segment.kind == "fixed":
            return change_members(segment_id, remove=contact_ids, actor=actor)
        if freed := [id for (id,) in sql.rows(UNPIN, [segment.pk, list(contact_ids)])]:
            sql.run(BECAUSE, ["filter", segment.pk, freed, "filter"])
            history.record(actor, "unpinned", "segment", segment.pk, contacts=len(freed))
        return _look(segment.pk, freed)


def _pin(segment: Segment, add: Sequence[int], remove: Sequence[int], actor: Actor, why: str, at: datetime) -> refresh.Moved:
    pinned: dict[str, list[int]] = {}
    for side, ids in (("in", add), ("out", remove)):
        values = {"segment": segment.pk, "side": side, "actor": str(actor), "why": why, "at": at, "ids": list(ids)}
        pinned[side] = [id for (id,) in sql.rows(PIN, values)] if ids else []
        if pinned[side]:
            history.record(actor, f"pinned_{side}", "segment", segment.pk, contacts=len(pinned[side]), why=why)
    if pinned["in"]:
        sql.run(BECAUSE, [str(actor), segment.pk, pinned["in"], str(actor)])
    return _look(segment.pk, [*pinned["in"], *pinned["out"]])


def _look(segment_id: int, ids: Sequence[int]) -> refresh.Moved:
    found = refresh.each({segment_id: sorted(ids)}) if ids else []
    return found[0] if found else refresh.Moved(segment_id, [], [])


def restore_segment(segment_id: int, *, actor: Actor) -> Segment:
    """Take a list back that was put aside; an active one is found anew in the background. Raises NotFound, Invalid (its filter no longer fits)."""
    with transaction.atomic():
        segment = Segment.objects.select_for_update().filter(pk=segment_id).exclude(archived_at=None).first()
        if segment is None:
            raise NotFound(_("There is no list {id}.").format(id=segment_id))
        segment.archived_at = None
        segment.depends = _depends(segment.pk, segment.filter, segment.kind).to_json()
        if segment.kind == "active":
            segment.evaluated_at = None
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


def _open(segment_id: int) -> Segment:
    segment = Segment.objects.filter(pk=segment_id, archived_at=None).first()
    if segment is None:
        raise NotFound(_("There is no list {id}.").format(id=segment_id))
    return segment


def _steady(segment_id: int) -> Segment:
    """The list, which stays active or fixed until the transaction ends."""
    locks.share("segment", [_open(segment_id).pk])
    return _open(segment_id)


def _role(role: str) -> str:
    if role not in ROLES:
        raise Invalid.one("role", "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(ROLES[1:])))
    return role


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
