"""Time moves people too: "in the last 30 days" stops to hold without any event. Finds whom, and wakes the definitions.

Each definition remembers until when its windows were looked at (`evaluated_at`). Only what crossed an edge since then is
read, by an index range. An older cursor is harmless: it asks about some people again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from baton.platform import changes, clock, sql
from baton.platform.changes import Change
from baton.platform.config import config
from baton.query import edges
from baton.query.catalog import Catalog
from baton.query.statement import Sql
from baton.segments import catalog, definitions, locks
from baton.segments.definitions import Definition
from baton.segments.models import ScoreModel, ScoreRule, Segment

PACE = timedelta(seconds=1)  # how often a definition is looked at
Cursor = tuple[Definition, datetime]


def look() -> int:
    """Queue an `edge` change for every contact that crossed one; returns how many. One worker at a time, others do nothing."""
    with transaction.atomic():
        if not locks.first("edges"):
            return 0
        now = clock.now()
        due = {"evaluated_at__isnull": False, "evaluated_at__lte": now - PACE}  # never evaluated: a full evaluation is on its way
        lists = {s.pk: s for s in Segment.objects.filter(kind="active", archived_at=None, **due)}
        rules = {r.pk: r for r in ScoreRule.objects.filter(active=True, **{f"model__{name}": value for name, value in due.items()}).select_related("model")}
        cursors = [
            *((d, lists[id].evaluated_at) for id, d in definitions.ready("segment", {id: s.filter for id, s in lists.items()}).items() if d.windows),
            *((d, rules[id].model.evaluated_at) for id, d in definitions.ready("rule", {id: r.filter for id, r in rules.items()}).items() if d.windows),
        ]
        if not cursors:
            return 0
        found = _crossed(cursors, now, lambda d: ("model", rules[d.id].model_id) if d.what == "rule" else ("segment", d.id))  # type: ignore[arg-type]  # the query left out those without a moment
        changes.append(found)
        Segment.objects.filter(pk__in=[d.id for d, _ in cursors if d.what == "segment"]).update(evaluated_at=now)
        ScoreModel.objects.filter(pk__in={rules[d.id].model_id for d, _ in cursors if d.what == "rule"}).update(evaluated_at=now)
        return len(found)


def _crossed(cursors: list[Cursor], now: datetime, group: Callable[[Definition], object]) -> list[Change]:
    """Who crossed an edge of which definition: one statement, in which the same look is taken once for all that need it."""
    known = catalog.current()
    looks: dict[str, tuple[Sql, dict[object, str]]] = {}
    for definition, since in cursors:
        for statement in _statements(definition, known, since, now):
            waiting = looks.setdefault(repr((statement.text, statement.params)), (statement, {}))[1]
            waiting.setdefault(group(definition), f"{definition.what}:{definition.id}")  # one rule wakes all rules of its model
    parts: list[str] = []
    params: dict[str, Any] = {}
    for number, (statement, _waiting) in enumerate(looks.values()):
        parts.append(f"SELECT {number} AS look, q.contact_id FROM ({statement.text.replace('%(p', f'%(l{number}p')}) q")
        params.update({f"l{number}{name}": value for name, value in statement.params.items()})
    if not parts:
        return []
    people = sql.rows(
        f"SELECT f.look, f.contact_id FROM ({' UNION ALL '.join(parts)}) f"
        " WHERE EXISTS (SELECT 1 FROM contact c WHERE c.id = f.contact_id AND c.archived_at IS NULL)",
        params,
    )
    waiting_for = [list(waiting.values()) for _statement, waiting in looks.values()]
    return [*dict.fromkeys(Change(contact_id, "edge", key) for number, contact_id in people for key in waiting_for[number])]


def _statements(definition: Definition, known: Catalog, since: datetime, now: datetime) -> list[Sql]:
    found = edges.crossed(definition.node, known, since=since, until=now, zone=config().zone, prefix="p")
    # A look from `since` itself is for events that were recorded ahead of their time. The collector and the importers record
    # none, and what just happened has a change of its own: asking again would double the work of every hit.
    return [s for s in found if since not in s.params.values()]
