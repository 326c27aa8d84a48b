"""Tasks as a person works through them: what is late, for today, this week, later, without a day; and what was done lately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from baton.accounts.models import User
from baton.accounts.rights import Rights
from baton.crm import activities, associations, properties, records, types
from baton.crm.models import Record
from baton.crm.values import stamp
from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments import finder

from .address import record_url

MOST = 200  # open tasks on one page, the next due first
DONE_SHOWN = 30
WHOSE = ("mine", "team", "all")
ABOUT = ("contact", "deal", "company", "ticket")  # what a task is shown to be about, the first that is linked
GROUPS = {"late": _("Overdue"), "today": _("Today"), "week": _("Next 7 days"), "later": _("Later"), "none": _("Without a day")}

OPEN = """
SELECT c.id FROM record c WHERE {where} AND coalesce(c.properties ->> 'status', '') <> 'COMPLETED' AND {whose}
ORDER BY c.properties ->> 'at', c.id LIMIT %(limit)s
"""
CLOSED = """
SELECT c.id FROM record c WHERE {where} AND c.properties ->> 'status' = 'COMPLETED' AND {whose}
ORDER BY c.properties ->> 'completed_at' DESC NULLS LAST, c.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Task:
    """One task in a line."""

    id: int
    subject: str
    text: str
    at: datetime | None
    done: bool
    kind: str
    priority: str
    priority_label: str
    owner: User | None
    about: str
    about_url: str
    about_type: str
    editable: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks due at about the same time."""

    key: str
    label: str
    tasks: list[Task]


def groups(rights: Rights, me: User, whose: str, users: Sequence[User]) -> tuple[list[Group], bool]:
    """Open tasks by when they are due, empty groups left out; and whether there are more than are shown."""
    ids = _ids(OPEN, rights, me, whose, MOST + 1)
    rows = _tasks(ids[:MOST], rights, users)
    found: dict[str, list[Task]] = {key: [] for key in GROUPS}
    for task in rows:
        found[_when(task.at)].append(task)
    return [Group(key, str(label), found[key]) for key, label in GROUPS.items() if found[key]], len(ids) > MOST


def done(rights: Rights, me: User, whose: str, users: Sequence[User]) -> list[Task]:
    """What was done lately, the last first."""
    return _tasks(_ids(CLOSED, rights, me, whose, DONE_SHOWN), rights, users)


def waiting(me: User) -> int:
    """How many of my tasks are due by the end of today; up to 100."""
    tomorrow = _midnight() + timedelta(days=1)
    ((count,),) = sql.rows(
        "SELECT count(*) FROM (SELECT 1 FROM record c WHERE c.object_type = 'task' AND c.archived_at IS NULL AND c.owner_id = %s"
        " AND coalesce(c.properties ->> 'status', '') <> 'COMPLETED' AND c.properties ->> 'at' < %s LIMIT 100) few",
        [me.pk, stamp(tomorrow)],
    )
    return int(count)


def _ids(statement: str, rights: Rights, me: User, whose: str, limit: int) -> list[int]:
    where = finder.condition(finder.Find("task", rights=rights))
    if where is None:
        return []
    owners = {"mine": [me.pk], "team": rights.team}.get(whose)
    mine = "true" if owners is None else "c.owner_id = ANY(%(owners)s)"
    params = {**where.params, "limit": limit, **({} if owners is None else {"owners": owners})}
    return [row[0] for row in sql.rows(statement.format(where=where.text, whose=mine), params)]


def _tasks(ids: Sequence[int], rights: Rights, users: Sequence[User]) -> list[Task]:
    rows = records.many("task", ids, archived=None)
    linked = {kind: associations.linked(ids, kind) for kind in ABOUT} if ids else {}
    first = {id: (kind, linked[kind][id][0][0]) for kind in reversed(ABOUT) for id in linked.get(kind, {})}
    named = {kind: records.many(kind, {other for other_kind, other in first.values() if other_kind == kind}) for kind in {kind for kind, _id in first.values()}}
    owners = {user.pk: user for user in users}
    priorities = properties.definitions("task")["priority"]
    return [_task(rows[id], first.get(id), named, owners, priorities, rights) for id in ids if isinstance(rows.get(id), Record)]


def _task(row: Any, about: tuple[str, int] | None, named: Mapping[str, Mapping[int, Any]], owners: Mapping[int, User], priorities: Any, rights: Rights) -> Task:
    given = row.properties
    other = named.get(about[0], {}).get(about[1]) if about else None
    seen = other is not None and about is not None and rights.may(about[0], "view", [other.owner_id])
    return Task(
        row.id, types.title("task", given) or f"#{row.id}", activities.plain(str(given.get("body") or "")), _moment(given.get("at")),
        given.get("status") == activities.DONE, str(given.get("kind") or "TODO"), str(given.get("priority") or ""),
        properties.option_label(priorities, given["priority"]) if given.get("priority") else "", owners.get(row.owner_id or 0),
        (types.title(about[0], other.properties) or f"#{about[1]}") if seen and about and other else "", record_url(*about) if seen and about else "",
        about[0] if about else "", rights.may("task", "edit", [row.owner_id]),
    )  # fmt: skip


def _when(at: datetime | None) -> str:
    if at is None:
        return "none"
    today = _midnight()
    if at < clock.now() and at < today:
        return "late"
    if at < today + timedelta(days=1):
        return "today"
    return "week" if at < today + timedelta(days=8) else "later"


def _midnight() -> datetime:
    return clock.now().astimezone(config().zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
