"""A filter asked about those who stand at a step: one statement for all of them, about contacts or about other records."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from baton.automation.field import join
from baton.automation.step import Batch, Stored
from baton.platform import sql
from baton.platform.config import config
from baton.platform.errors import Invalid, Problem
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


def holds(stored: Stored, batch: Batch, spans: Spans | None = None) -> set[int]:
    """Ids of those who stand here for whom the filter holds now, see `among`."""
    return among(stored, batch.contact_ids, batch.object_type, batch.now, spans)


def among(stored: Stored, ids: Sequence[int], object_type: str, now: datetime, spans: Spans | None = None) -> set[int]:
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


def sentence(stored: Stored, object_type: str) -> str:
    """The filter in words, or nothing when there is none that can be read."""
    try:
        return filter.sentence(stored, object_type) if stored else ""
    except Invalid:
        return ""


def problems(stored: Stored, object_type: str, at: str = "filter") -> list[Problem]:
    """What is wrong with a step's filter; paths begin with the field's name."""
    try:
        filter.parse(stored, catalog.current(), object_type=object_type)
    except Invalid as error:
        return [Problem(at if p.path in ("", "filter") else join(at, p.path), p.code, p.message) for p in error.problems]
    return []
