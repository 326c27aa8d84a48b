"""Saved views of a table, as tabs: one's own, those shared with the team, and those for everybody; made, renamed, shared, ordered and removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.crm import types
from baton.crm.models import ObjectType, View
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Forbidden, Invalid, NotFound

from ..templatetags.fmt import within

SHARED = ("me", "team", "all")
LONGEST = 60  # letters of a name
MOST = 200  # views one person sees on a table


@dataclass(frozen=True)
class Tab:
    """One tab. `query` is what its address says; a saved one has its view."""

    name: str
    query: str
    view: View | None = None
    mine: bool = False


def usual(kind: ObjectType) -> list[Tab]:
    """The tabs that every table has."""
    everything = Tab(_("All {things}").format(things=within(types.label(kind, plural=True))), "")
    if kind.key == "contact":
        return [everything, Tab(_("MQLs and SQLs"), "stage:mql,sql"), Tab(_("Owned by me"), "owner:me"), Tab(_("No owner yet"), "stage:mql,sql;owner:-"),
                Tab(_("Recycled"), "stage:recycle_a,recycle_b")]  # fmt: skip
    return [everything, Tab(_("Owned by me"), "owner:me")]


def tabs(me: User, kind: ObjectType) -> list[Tab]:
    """The usual tabs and then the saved ones this person sees. One statement."""
    saved = list(_visible(me, kind.key)[:MOST])
    return [*usual(kind), *(Tab(view.name, "", view, may_change(me, view)) for view in saved)]


def of(me: User, object_type: str, text: str) -> View | None:
    """The view an address names, when this person sees it."""
    return _visible(me, object_type).filter(pk=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 10 else None


def _visible(me: User, object_type: str) -> QuerySet[View]:
    seen = Q(owner_id=me.pk) | Q(shared="all")
    if me.team_id is not None:
        seen |= Q(shared="team", owner_id__in=User.objects.filter(team_id=me.team_id).values("pk"))
    return View.objects.filter(seen, object_type=object_type).order_by("position", "pk")


def may_change(me: User, view: View) -> bool:
    """Its owner may; of a view for everybody also an administrator, because its owner may be gone."""
    return view.owner_id == me.pk or (view.shared == "all" and me.role == "admin")


def create(me: User, kind: ObjectType, name: str, shared: str, query: Mapping[str, Any]) -> View:
    """Keep what a table shows as a view at the end. Raises Invalid (`name`, `shared`)."""
    with transaction.atomic():
        last = View.objects.filter(object_type=kind.key).aggregate(last=Max("position"))["last"]
        made = View.objects.create(
            object_type=kind.key, name=_name(name), query=dict(query), owner_id=me.pk, shared=_shared(shared), position=0 if last is None else last + 1
        )
        history.record(Actor("user", me.pk), "created", "view", made.pk, name=made.name, shared=made.shared)
    return made


def change(me: User, view: View, *, name: str | None = None, shared: str | None = None, query: Mapping[str, Any] | None = None) -> None:
    """Rename, share, or keep another state. Raises Invalid, Forbidden."""
    _owned(me, view)
    given = {"name": None if name is None else _name(name), "shared": None if shared is None else _shared(shared), "query": query and dict(query)}
    changed = {field: value for field, value in given.items() if value is not None and value != getattr(view, field)}
    if not changed:
        return
    with transaction.atomic():
        View.objects.filter(pk=view.pk).update(**changed, updated_at=clock.now())
        history.record(Actor("user", me.pk), "changed", "view", view.pk, **changed)
    for field, value in changed.items():
        setattr(view, field, value)


def delete(me: User, view: View) -> None:
    """Remove a view for good; what it kept can be saved again. Raises Forbidden."""
    _owned(me, view)
    with transaction.atomic():
        history.record(Actor("user", me.pk), "deleted", "view", view.pk, name=view.name, shared=view.shared, query=view.query)
        view.delete()


def move(me: User, view: View, step: int) -> None:
    """Put a view one place to the left (-1) or right (1) among those this person sees. Raises Forbidden."""
    _owned(me, view)
    with transaction.atomic():
        rows = list(_visible(me, view.object_type).select_for_update(of=("self",)))
        at = next(i for i, row in enumerate(rows) if row.pk == view.pk)
        to = max(0, min(len(rows) - 1, at + step))
        rows.insert(to, rows.pop(at))
        _number(rows)


def _number(rows: Sequence[View]) -> None:
    places = sorted({row.position for row in rows} | set(range(len(rows))))[: len(rows)]
    for row, place in zip(rows, places, strict=True):
        row.position = place
    View.objects.bulk_update(rows, ["position"])


def _owned(me: User, view: View) -> None:
    if not may_change(me, view):
        raise Forbidden(_("This view belongs to somebody else. Save it as your own instead."))


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST or "\0" in name:
        raise Invalid.one("name", "REQUIRED", _("Give the view a name of at most {most} letters.").format(most=LONGEST))
    return name


def _shared(shared: str) -> str:
    if shared not in SHARED:
        raise Invalid.one("shared", "INVALID_OPTION", _("A view is for you, for your team or for everybody."))
    return shared


def get(me: User, object_type: str, id: int) -> View:
    """A view this person sees. Raises NotFound."""
    found = of(me, object_type, str(id))
    if found is None:
        raise NotFound(_("There is no such view."))
    return found
