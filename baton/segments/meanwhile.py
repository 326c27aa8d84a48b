"""A filter asked about some people, where of what happened only that counts which each did in his own time: after he was written to, since he was enrolled."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from baton.platform import sql
from baton.platform.config import config
from baton.query import compile
from baton.query.nodes import Node, Performed, walk
from baton.segments import catalog, filter

Spans = Mapping[int, tuple[datetime, datetime]]

# What happened is what happened to each in his own time: the name hides the table.
MEANWHILE = """
WITH event AS MATERIALIZED (
    SELECT e.* FROM event e
    JOIN unnest(%(ids)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[]) AS w(id, since, until) ON w.id = e.contact_id
    WHERE e.contact_id = ANY(%(ids)s::bigint[]) AND e.ts > %(oldest)s AND e.ts > w.since AND e.ts <= w.until AND e.kind = ANY(%(kinds)s::smallint[])
)
"""


def among(stored: dict[str, Any], ids: Sequence[int], object_type: str, now: datetime, spans: Spans | None = None) -> set[int]:
    """Those for whom the filter holds. With `spans` (from, after it; up to, with it) by id only what a contact did in his span counts.

    Raises Invalid when the filter mentions what is gone.
    """
    if not ids:
        return set()
    known = catalog.current()
    node = filter.parse(stored, known, object_type=object_type)
    asked = compile.condition(node, known, now=now, zone=config().zone, whom=object_type == "contact")
    params = {**asked.params, "ids": list(ids)}
    before = ""
    if spans is not None and object_type == "contact" and (kinds := happenings(node)):
        before, since = MEANWHILE, [spans[id][0] for id in ids]
        params |= {"since": since, "until": [spans[id][1] for id in ids], "oldest": min(since), "kinds": kinds}
    table = "contact" if object_type == "contact" else "record"
    return {id for (id,) in sql.rows(f"{before}SELECT c.id FROM {table} c WHERE c.id = ANY(%(ids)s::bigint[]) AND ({asked.text})", params)}


def happenings(node: Node) -> list[int]:
    """The kinds of events a filter looks at."""
    return sorted({int(kind) for n in walk(node) if isinstance(n, Performed) for kind in n.kinds})
