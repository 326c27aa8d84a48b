"""Wake-up conditions of pauses: stored filters that are asked of paused contacts only, and of what happened since the pause began.

Many pauses share a condition: each is asked once, about all whom it may wake.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from baton.platform import clock, sql
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem
from baton.query import compile, edges
from baton.query.nodes import Node, Performed, walk
from baton.segments import catalog, filter

Stored = dict[str, Any]
PACE = 5.0  # seconds between two looks at windows

HOLDS = """
WITH event AS MATERIALIZED (
    SELECT e.* FROM event e JOIN pause p ON p.contact_id = e.contact_id
    WHERE e.contact_id = ANY(%(ids)s) AND e.ts > p.at AND e.kind = ANY(%(kinds)s::smallint[])
)
SELECT c.id FROM contact c WHERE c.id = ANY(%(ids)s) AND c.archived_at IS NULL AND {condition} ORDER BY c.id
"""
WAITING = "SELECT contact_id, wake::text FROM pause WHERE contact_id = ANY(%s) AND ended_at IS NULL AND wake <> '{}'"
CONDITIONS = "SELECT DISTINCT wake::text FROM pause WHERE ended_at IS NULL AND wake <> '{}'"
ASLEEP = "SELECT p.contact_id FROM pause p WHERE p.ended_at IS NULL AND p.wake = %(wake)s::jsonb"

_looked: dict[str, datetime] = {}  # condition -> until when this process looked at its windows


def checked(wake: Stored | None) -> str:
    """The condition as text, "{}" for none. Raises Invalid with paths that begin with `wake`."""
    if not wake:
        return "{}"
    try:
        filter.parse(wake, catalog.current())
    except Invalid as error:
        raise Invalid([Problem(f"wake.{p.path}" if p.path else "wake", p.code, p.message) for p in error.problems]) from error
    return json.dumps(wake, ensure_ascii=False)


def read(stored: str) -> Stored:
    """A condition as the database gives it."""
    found: Stored = json.loads(stored)
    return found


def holds(wake: Stored, ids: Sequence[int]) -> list[int]:
    """Those of the paused contacts for whom the condition holds by what happened since their pause began."""
    known = catalog.current()
    node = filter.parse(wake, known)
    asked = compile.condition(node, known, now=clock.now(), zone=config().zone)
    params = {**asked.params, "ids": list(ids), "kinds": _kinds(node)}
    return [row[0] for row in sql.rows(HOLDS.replace("{condition}", asked.text), params)]


def among(ids: Sequence[int]) -> list[int]:
    """Those of the contacts who are paused and whom their condition wakes now."""
    waiting: dict[str, list[int]] = {}
    for contact_id, stored in sql.rows(WAITING, [list(ids)]):
        waiting.setdefault(stored, []).append(contact_id)
    return [id for stored, some in waiting.items() for id in _holds(stored, some)]


def crossed() -> list[int]:
    """Whom time alone wakes: those who crossed an edge of their condition since this process looked last. The first look asks everybody."""
    now = clock.now()
    woken: list[int] = []
    stored_ones = [row[0] for row in sql.rows(CONDITIONS)]
    for stored in stored_ones:
        since = _looked.get(stored)
        if since is not None and 0 <= (now - since).total_seconds() < PACE:
            continue
        _looked[stored] = now
        if _windows(stored) and (ids := _crossers(stored, since if since and since <= now else None, now)):
            woken += _holds(stored, ids)
    for gone in _looked.keys() - stored_ones:
        del _looked[gone]
    return woken


def forget() -> None:
    """Ask everybody the next time, as a process does that has just begun."""
    _looked.clear()


def _crossers(stored: str, since: datetime | None, now: datetime) -> list[int]:
    """Paused contacts of this condition; with `since` those of them only whose events or dates passed an edge after it."""
    params: dict[str, Any] = {"wake": stored}
    if since is None:
        return [row[0] for row in sql.rows(ASLEEP, params)]
    known = catalog.current()
    parts = edges.crossed(filter.parse(read(stored), known), known, since=since, until=now, zone=config().zone, prefix="p")
    if not parts:
        return []
    for number, part in enumerate(parts):
        params |= {f"l{number}{name}": value for name, value in part.params.items()}
    passed = " UNION ".join(part.text.replace("%(p", f"%(l{number}p") for number, part in enumerate(parts))
    return [row[0] for row in sql.rows(f"{ASLEEP} AND p.contact_id IN ({passed})", params)]


def _holds(stored: str, ids: Sequence[int]) -> list[int]:
    try:
        return holds(read(stored), ids)
    except Invalid:  # what it asks about was deleted: the day still ends the pause
        return []


@lru_cache(maxsize=1000)
def _windows(stored: str) -> bool:
    try:
        return bool(edges.windows(filter.parse(read(stored), catalog.current())))
    except Invalid:
        return False


def _kinds(node: Node) -> list[int]:
    return sorted({int(kind) for n in walk(node) if isinstance(n, Performed) for kind in n.kinds})
