"""Changes of many records at once: an edit, a list, archiving; of named records, or of all that a filter finds. In sets, with progress, and undone by one call.

Each set is a transaction of its own that also notes which records it changed, so a worker that dies loses nothing and the next one goes on. An
undo reads the old values from the history of exactly these changes, and leaves alone what was changed again since.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.accounts import rights as access
from baton.accounts.models import User
from baton.accounts.rights import Action, Rights
from baton.crm import properties, records
from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from baton.query.errors import FilterError
from baton.query.nodes import Everyone
from baton.segments import catalog, filter, finder, verbs
from baton.segments.finder import Find
from baton.segments.models import BulkChange, BulkPart

ACTIONS: dict[str, Action] = {"set": "edit", "archive": "delete", "add_to_list": "view"}


@dataclass(frozen=True, slots=True)
class Doing:
    """An action that a package above adds: what it asks of the detail (raises Invalid), what it does to a set, how it is taken back."""

    right: Action  # that one needs on the records
    check: Callable[[str, Mapping[str, Any]], None]  # object type, detail
    act: Callable[[BulkChange, list[int], Actor], list[int]]  # returns those that it did something to
    back: Callable[[BulkChange, list[int], Actor], int]  # returns how many are as they were


_others: dict[str, Doing] = {}
HERE = 1000  # as many are changed within a request; more are a job
SET = 1000  # records of one transaction

OLD = """
SELECT DISTINCT ON (h.record_id, h.name) h.record_id, h.name, h.old, h.new FROM property_history h
WHERE h.record_id = ANY(%s) AND h.source = %s ORDER BY h.record_id, h.name, h.id
"""


def prepare(
    object_type: str, action: str, detail: Mapping[str, Any], *, user: User, ids: Sequence[int] = (), stored: Mapping[str, Any] | None = None, text: str = ""
) -> BulkChange:
    """Note what is to be changed: the records `ids`, or (with `stored`, a stored filter) all that it and the words find. `run` does it.

    Raises Invalid for a value the property cannot have, NotFound for a list there is not, Forbidden without the right.
    """
    held = access.of(user)
    held.require(object_type, _action(action))
    _check(object_type, action, detail)
    if stored is None and not ids:
        raise Invalid.one("id", "REQUIRED", _("Choose at least one record."))
    find = None if stored is None else {"filter": dict(stored), "text": text}
    total = len(set(ids)) if find is None else finder.count(_find(object_type, find, held), most=1_000_000).number
    with transaction.atomic():
        made = BulkChange.objects.create(
            object_type=object_type, action=action, detail=dict(detail), find=find, user_id=user.pk, total=total, created_at=clock.now()
        )
        named = sorted(set(ids)) if find is None else []
        BulkPart.objects.bulk_create(BulkPart(bulk=made, ids=named[at : at + SET]) for at in range(0, len(named), SET))
    return made


def also(action: str, doing: Doing) -> None:
    """Add an action."""
    ACTIONS[action] = doing.right
    _others[action] = doing


def run(id: int) -> BulkChange:
    """Do it, or go on with it, set by set. Called twice it finds nothing left."""
    bulk = get(id)
    if bulk.state not in ("waiting", "running"):
        return bulk
    user = User.objects.get(pk=bulk.user_id)
    held = access.of(user)
    BulkChange.objects.filter(pk=id).update(state="running")
    try:
        for ids, part in _sets(bulk, held):
            with transaction.atomic():
                _change(bulk, ids, part, user, held)
    except (DomainError, FilterError) as error:  # a filter may name a list or property that is gone by now
        fault = error.message.format(**error.params) if isinstance(error, FilterError) else _said(error)
        BulkChange.objects.filter(pk=id).update(state="failed", fault=fault, finished_at=clock.now())
    else:
        BulkChange.objects.filter(pk=id).update(state="done", finished_at=clock.now())
    return get(id)


def undo(id: int, *, user: User) -> int:
    """Take it back; returns how many records are as they were. Raises NotFound, Conflict when it is still at work or was undone, Forbidden."""
    bulk = get(id)
    if bulk.user_id != user.pk:
        raise Forbidden(access.refusal())
    if not BulkChange.objects.filter(pk=id, state__in=("done", "failed", "undoing")).update(state="undoing"):
        raise Conflict(_("This can no longer be undone."))
    actor, back = Actor("user", user.pk), 0
    for part in BulkPart.objects.filter(bulk=bulk, done=True).order_by("pk"):
        with transaction.atomic():
            back += _take_back(bulk, part.ids, actor)
            part.delete()
    BulkChange.objects.filter(pk=id).update(state="undone", finished_at=clock.now())
    return back


def get(id: int) -> BulkChange:
    """A bulk change. Raises NotFound."""
    found = BulkChange.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such change."))
    return found


def running(user: User, object_type: str) -> BulkChange | None:
    """What this person has at work on a type, the newest."""
    return BulkChange.objects.filter(user_id=user.pk, object_type=object_type, state__in=("waiting", "running")).order_by("-pk").first()


def _action(action: str) -> Action:
    if action not in ACTIONS:
        raise Invalid.one("action", "INVALID_OPTION", _("There is no such action."))
    return ACTIONS[action]


def _check(object_type: str, action: str, detail: Mapping[str, Any]) -> None:
    match action:
        case "set":
            given = detail.get("properties") or {}
            if not given:
                raise Invalid.one("properties", "REQUIRED", _("Choose a property."))
            properties.clean(object_type, given)
            for name in given:
                if properties.definitions(object_type)[name].unique_value and given[name] not in (None, ""):
                    raise Invalid.one(f"properties.{name}", "READ_ONLY", _("This value belongs to one record only."))
        case "add_to_list" if object_type != "contact":
            raise Invalid.one("action", "INVALID_OPTION", _("Only contacts can be in a list."))
        case "add_to_list":
            verbs.change_members(int(detail.get("segment") or 0), actor=Actor("system"))  # of nobody: raises what is wrong with the list
        case _ if action in _others:
            _others[action].check(object_type, detail)


def _find(object_type: str, find: Mapping[str, Any], held: Rights) -> Find:
    node = filter.parse(find["filter"], catalog.current(), object_type=object_type) if find["filter"] else Everyone()
    return Find(object_type, node, text=find["text"], rights=held)


def _sets(bulk: BulkChange, held: Rights) -> Iterator[tuple[list[int], BulkPart | None]]:
    """What is left: the named records that wait, or all that the filter still finds beyond the last one."""
    if bulk.find is None:
        for part in BulkPart.objects.filter(bulk=bulk, done=False).order_by("pk"):
            yield finder.matching(Find(bulk.object_type, rights=held), part.ids), part
        return
    find = replace(_find(bulk.object_type, bulk.find, held), sort="id", descending=False)
    after = bulk.reached
    while ids := finder.ids(find, limit=SET, after=after):
        yield ids, None
        after = ids[-1]


def _change(bulk: BulkChange, ids: list[int], part: BulkPart | None, user: User, held: Rights) -> None:
    """One set: change it, and note what was changed and how far it got."""
    looked = len(part.ids) if part else len(ids)
    allowed = _allowed(bulk, ids, held)
    changed, fault = _act(bulk, allowed, Actor("user", user.pk))
    if part:
        part.ids, part.done = changed, True
        part.save()
    else:
        BulkPart.objects.create(bulk=bulk, ids=changed, done=True)
    found = BulkChange.objects.select_for_update().get(pk=bulk.pk)
    found.done += looked
    found.reached = ids[-1] if ids and part is None else None
    found.changed += len(changed)
    found.refused += len(ids) - len(allowed) + fault[1]
    found.fault = found.fault or fault[0] or (_("Some records belong to colleagues.") if len(allowed) < len(ids) else "")
    found.save()


def _allowed(bulk: BulkChange, ids: list[int], held: Rights) -> list[int]:
    """Those of the records that the person may change."""
    text, params = held.where(bulk.object_type, ACTIONS[bulk.action], "c")
    if text == "true":
        return ids
    table = "contact" if bulk.object_type == "contact" else "record"
    return [id for (id,) in sql.rows(f"SELECT c.id FROM {table} c WHERE c.id = ANY(%s) AND {text} ORDER BY c.id", [ids, *params])]


def _act(bulk: BulkChange, ids: list[int], actor: Actor) -> tuple[list[int], tuple[str, int]]:
    """Change these; returns those that changed, and the first reason with the number of those that could not be."""
    match bulk.action:
        case "set":
            outcomes = records.update_many(bulk.object_type, dict.fromkeys(ids, bulk.detail["properties"]), actor=actor, source=_source(bulk))
            faults = [error for error in outcomes.values() if error is not None]
            touched = {id for (id,) in sql.rows("SELECT record_id FROM property_history WHERE record_id = ANY(%s) AND source = %s", [ids, _source(bulk)])}
            return [id for id in ids if id in touched], (_said(faults[0]) if faults else "", len(faults))
        case "archive":
            records.archive_many(bulk.object_type, ids, actor=actor)
            return ids, ("", 0)
        case _ if bulk.action in _others:
            return _others[bulk.action].act(bulk, ids, actor), ("", 0)
        case _:
            moved = verbs.change_members(int(bulk.detail["segment"]), add=ids, actor=actor)
            return sorted(moved.joined), ("", 0)


def _take_back(bulk: BulkChange, ids: list[int], actor: Actor) -> int:
    match bulk.action:
        case "set":
            return _give_back(bulk, ids, actor)
        case "archive":
            return records.restore_many(bulk.object_type, ids, actor=actor)
        case _ if bulk.action in _others:
            return _others[bulk.action].back(bulk, ids, actor)
        case _:
            return len(verbs.take_back(int(bulk.detail["segment"]), ids, actor=actor).left)


def _give_back(bulk: BulkChange, ids: list[int], actor: Actor) -> int:
    """The values these records had before, except where they were changed again since."""
    now = {id: record.properties for id, record in records.many(bulk.object_type, ids).items()}
    wanted: dict[int, dict[str, Any]] = {}
    asked = bulk.detail["properties"]
    for id, name, old, new in sql.rows(OLD, [ids, _source(bulk)]):
        if id in now and name in asked and now[id].get(name) == _decoded(new):
            wanted.setdefault(id, {})[name] = _decoded(old)
    outcomes = records.update_many(bulk.object_type, wanted, actor=actor, source="undo", freedom="any")
    return sum(1 for error in outcomes.values() if error is None)


def _decoded(value: Any) -> Any:
    """Django's connection hands out jsonb as text."""
    return json.loads(value) if isinstance(value, str) else value


def _source(bulk: BulkChange) -> str:
    return f"bulk:{bulk.pk}"


def _said(error: DomainError) -> str:
    return "; ".join(problem.message for problem in error.problems) if isinstance(error, Invalid) else str(error)
