"""Time moves people too: "in the last 30 days" stops to hold without any event. Finds whom, and wakes the definitions.

Each definition remembers until when its windows were looked at (`evaluated_at`). Only what crossed an edge since then is
read, by an index range. An older cursor is harmless: it asks about some people again.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from baton.platform import changes, clock, sql
from baton.platform.changes import Change
from baton.platform.config import config
from baton.query import edges
from baton.query.catalog import Catalog
from baton.query.statement import Sql
from baton.segments import catalog, definitions, lifecycle, locks
from baton.segments.definitions import Definition
from baton.segments.models import ScoreModel, ScoreRule, Segment

PACE = timedelta(seconds=1)  # how often a definition is looked at
MODEL = "model:"  # key of an `edge` change for all rules of a score
SEGMENT = "segment:"
Cursor = tuple[Definition, datetime]

# Who did something of a kind, about a key (0: whatever it was about), between two moments. Planned once for any number of looks.
AGED = """
SELECT l.look, e.contact_id
FROM unnest(%(looks)s::int[], %(kinds)s::smallint[], %(keys)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[]) AS l(look, kind, key, since, until)
JOIN LATERAL (SELECT DISTINCT e.contact_id FROM event e WHERE e.kind = l.kind AND e.key = l.key AND e.ts BETWEEN l.since AND l.until) e ON true
WHERE l.key <> 0
UNION ALL
SELECT l.look, e.contact_id
FROM unnest(%(looks)s::int[], %(kinds)s::smallint[], %(keys)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[]) AS l(look, kind, key, since, until)
JOIN LATERAL (SELECT DISTINCT e.contact_id FROM event e WHERE e.kind = l.kind AND e.ts BETWEEN l.since AND l.until) e ON true
WHERE l.key = 0
"""
EXPIRED = """
SELECT DISTINCT s.contact_id, s.model_id FROM score_entry s JOIN score_model m ON m.id = s.model_id
WHERE s.expires_at BETWEEN %(since)s AND %(until)s AND s.expires_at >= m.evaluated_at AND m.id = ANY(%(models)s)
"""


def look() -> int:
    """Queue an `edge` change for every contact that crossed one; returns how many. One worker at a time, others do nothing."""
    with transaction.atomic():
        if not locks.first("edges"):
            return 0
        now = clock.now()
        due = {"archived_at": None, "evaluated_at__isnull": False, "evaluated_at__lte": now - PACE}  # never evaluated: a full evaluation is on its way
        lists = {s.pk: s for s in Segment.objects.filter(kind="active", **due)}
        models = {m.pk: m for m in ScoreModel.objects.filter(object_type="contact", **due)}
        rules = {r.pk: r for r in ScoreRule.objects.filter(active=True, model__in=models)}
        cursors: list[Cursor] = [
            *((d, _at(lists[id])) for id, d in definitions.ready("segment", {id: s.filter for id, s in lists.items()}).items() if d.windows),
            *((d, _at(models[rules[id].model_id])) for id, d in definitions.rules(rules.values()).items() if d.windows),
            *lifecycle.timed(now - PACE),
        ]
        found = [
            *_crossed(cursors, now, lambda d: f"{MODEL}{rules[d.id].model_id}" if d.what == "rule" else f"{d.what}:{d.id}"),
            *_expired(models.values(), now),
        ]
        changes.append(dict.fromkeys(found))
        looked = Segment.objects.filter(pk__in=[d.id for d, _ in cursors if d.what == "segment"])
        looked.exclude(evaluated_at=None).update(evaluated_at=now)  # one whose filter changed meanwhile is still being worked out
        ScoreModel.objects.filter(pk__in=models).update(evaluated_at=now)
        if timed := [d.id for d, _ in cursors if d.what == "stage"]:
            lifecycle.looked(timed, now)
        return len(found)


def _at(looked_at: Segment | ScoreModel) -> datetime:
    assert looked_at.evaluated_at is not None  # the query left out those
    return looked_at.evaluated_at


def _crossed(cursors: list[Cursor], now: datetime, key: Callable[[Definition], str]) -> list[Change]:
    """Who crossed an edge of which definition: in one statement the same look is taken once for all that need it. `key` is that of their change."""
    known = catalog.current()
    looks: dict[str, tuple[Sql, dict[str, None]]] = {}
    for definition, since in cursors:
        for statement in _statements(definition, known, since, now):
            looks.setdefault(repr((statement.text, statement.params)), (statement, {}))[1][key(definition)] = None
    parts: list[str] = []
    params: dict[str, Any] = {}
    for number, (statement, _waiting) in enumerate(looks.values()):
        parts.append(f"SELECT {number} AS look, q.contact_id FROM ({statement.text.replace('%(p', f'%(l{number}p')}) q")
        params.update({f"l{number}{name}": value for name, value in statement.params.items()})
    waiting_for = [list(waiting) for _statement, waiting in looks.values()]
    aged = _aged(cursors, now, key)
    if aged:
        first = len(waiting_for)
        waiting_for += [list(waiting) for waiting in aged.values()]
        parts.append(AGED)
        rows = [(first + number, *look) for number, look in enumerate(aged)]
        params |= {name: [row[place] for row in rows] for place, name in enumerate(("looks", "kinds", "keys", "since", "until"))}
    if not parts:
        return []
    people = sql.rows(
        f"SELECT f.look, f.contact_id FROM ({' UNION ALL '.join(parts)}) f"
        " WHERE EXISTS (SELECT 1 FROM contact c WHERE c.id = f.contact_id AND c.archived_at IS NULL)",
        params,
    )
    return [*dict.fromkeys(Change(contact_id, "edge", word) for number, contact_id in people for word in waiting_for[number])]


def _statements(definition: Definition, known: Catalog, since: datetime, now: datetime) -> list[Sql]:
    # Events that were recorded ahead of their time are not looked for: the collector and the importers record none, and what
    # just happened has a change of its own: asking again would double the work of every hit.
    return edges.crossed(definition.node, known, since=since, until=now, zone=config().zone, prefix="p", ahead=False)


def _aged(cursors: Iterable[Cursor], now: datetime, key: Callable[[Definition], str]) -> dict[tuple[int, int, datetime, datetime], dict[str, None]]:
    """The looks at events that reached an age at which they give fewer points: (kind, key, since, until) -> keys of changes."""
    found: dict[tuple[int, int, datetime, datetime], dict[str, None]] = {}
    for definition, since in cursors:
        for window in definition.aging:
            for kind in window.kinds:
                for about in (0,) if window.keys is None else window.keys:
                    found.setdefault((int(kind), about, since - window.length, now - window.length), {})[key(definition)] = None
    return found


def _expired(models: Iterable[ScoreModel], now: datetime) -> list[Change]:
    """Whose points given by hand have ended."""
    ids = {model.pk: _at(model) for model in models}
    if not ids:
        return []
    rows = sql.rows(EXPIRED, {"since": min(ids.values()), "until": now, "models": list(ids)})
    return [Change(contact_id, "edge", f"{MODEL}{model_id}") for contact_id, model_id in rows]
