"""The web site in numbers: visits and new contacts by source, and pages by who read them. What is read grows with the period, not with the years."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton.events import keys
from baton.events.vocabulary import Kind
from baton.platform import sql

MOST = 100  # rows of a table
REACHED = ("mql", "sql", "opportunity", "customer")

VISITS = """
SELECT {by}, count(*), count(DISTINCT s.contact_id), sum(s.views)::bigint FROM session s
WHERE s.started_at >= %(since)s AND s.started_at < %(until)s AND (%(source)s = '' OR s.source = %(source)s) GROUP BY 1
"""
# A contact reached a stage when it is in it or ever was: as the condition `stage` with `ever` asks, so that each number opens its people.
CONTACTS = """
WITH made AS (
    SELECT c.id, coalesce(c.properties ->> %(property)s, '') AS value, coalesce(c.properties ->> 'lifecyclestage', '') AS stage
    FROM contact c WHERE c.created_at >= %(since)s AND c.created_at < %(until)s AND c.archived_at IS NULL
      AND (%(source)s = '' OR c.properties ->> 'original_source' = %(source)s)
), reached AS (
    SELECT e.contact_id, k.stage FROM unnest(%(keys)s::bigint[], %(stages)s::text[]) AS k(key, stage)
    JOIN event e ON e.kind = %(changed)s AND e.key = k.key WHERE e.contact_id IN (SELECT id FROM made)
    UNION SELECT id, stage FROM made WHERE stage = ANY(%(stages)s)
), counted AS (
    SELECT m.value, r.stage, count(*) AS n FROM made m JOIN reached r ON r.contact_id = m.id GROUP BY 1, 2
)
SELECT value, '', count(*) FROM made GROUP BY 1 UNION ALL SELECT value, stage, n FROM counted
"""
PAGES = """
SELECT k.value, k.label, q.views, q.visitors, q.known FROM (
    SELECT e.key, count(*) AS views, count(DISTINCT e.contact_id) AS visitors, count(DISTINCT c.id) AS known
    FROM event e LEFT JOIN contact c ON c.id = e.contact_id AND c.archived_at IS NULL
    WHERE e.kind = %(view)s AND e.ts >= %(since)s AND e.ts < %(until)s GROUP BY e.key ORDER BY 2 DESC, 1 LIMIT %(limit)s
) q JOIN event_key k ON k.id = q.key {where} ORDER BY q.views DESC, k.value
"""


@dataclass(slots=True)
class Row:
    """What came by one source, or by one detail of it. `reached`: of the new contacts, how many ever were in a stage."""

    key: str
    visits: int = 0
    visitors: int = 0
    views: int = 0
    contacts: int = 0
    reached: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A page: how often it was seen, by how many people, and how many of those are contacts."""

    value: str
    title: str
    views: int
    visitors: int
    known: int


def by_source(since: datetime, until: datetime, source: str = "") -> list[Row]:
    """Visits and contacts made in the period by class, or by the first detail of one class; the most first. Two statements and one for the stages."""
    found: dict[str, Row] = {}
    params: dict[str, Any] = {"since": since, "until": until, "source": source}
    for key, visits, visitors, views in sql.rows(VISITS.format(by="s.detail_1" if source else "s.source"), params):
        found[key] = Row(key, visits, visitors, views)
    stages = keys.resolve({(Kind.STAGE_CHANGED, stage): "" for stage in REACHED})
    params |= {"property": "original_source_1" if source else "original_source", "changed": int(Kind.STAGE_CHANGED)}
    params |= {"keys": list(stages.values()), "stages": [stage for _kind, stage in stages]}
    for key, stage, n in sql.rows(CONTACTS, params):
        row = found.setdefault(key, Row(key))
        if stage:
            row.reached = {**(row.reached or {}), stage: n}
        else:
            row.contacts = n
    return sorted(found.values(), key=lambda row: (-row.visits, -row.contacts, row.key))


def pages(since: datetime, until: datetime, *, words: Sequence[str] = (), limit: int = MOST) -> list[Read]:
    """The pages that were read most in the period. With `words` those whose address or title has all of them. One statement."""
    tests = [f"strpos(lower(k.value || ' ' || k.label), lower(%(word{n})s)) > 0" for n in range(len(words))]
    params = {"view": int(Kind.PAGE_VIEW), "since": since, "until": until, "limit": 10_000 if words else limit, **{f"word{n}": w for n, w in enumerate(words)}}
    found = sql.rows(PAGES.format(where=f"WHERE {' AND '.join(tests)}" if tests else ""), params)
    return [Read(*row) for row in found[:limit]]
