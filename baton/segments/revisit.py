"""A company whose deal was lost comes back to the website: its people, known contacts and new ones of its e-mail domain, make visits again.

A visit is a row of page views of one person with less than half an hour between two. Companies with an open deal, or one won since, are no news.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from baton.crm import mail_domains, pipelines
from baton.events.vocabulary import Kind
from baton.platform import clock, sql

BREAK = timedelta(minutes=30)  # without a page view: then another visit begins

# The companies of some contacts, by link or by the domain of the address.
FIRMS = """
SELECT a.to_id FROM association a WHERE a.from_id = ANY(%(ids)s) AND a.to_type = 'company'
UNION
SELECT r.id FROM record r WHERE r.archived_at IS NULL AND r.object_type = 'company' AND lower(r.properties->>'domain') = ANY (ARRAY(
    SELECT DISTINCT split_part(lower(c.email), '@', 2) FROM contact c
    WHERE c.id = ANY(%(ids)s) AND c.email LIKE '%%@%%' AND split_part(lower(c.email), '@', 2) <> ALL (%(free)s)))
"""
# Those of them whose last word is a lost deal: company, deal, its owner, when. The companies are named, so that the planner knows how few they are.
LOST = """
WITH deal AS (
    SELECT a.from_id AS company, d.id, d.owner_id, coalesce(d.properties->>'pipeline', '') || ':' || coalesce(d.properties->>'dealstage', '') AS stage,
           coalesce((d.properties->>'stage_since')::timestamptz, d.updated_at) AS since, d.properties->>'closed_lost_reason' AS reason
    FROM association a JOIN record d ON d.id = a.to_id AND d.archived_at IS NULL
    WHERE a.from_id = ANY(%(firms)s) AND a.to_type = 'deal'
)
SELECT DISTINCT ON (l.company) l.company, l.id, l.owner_id, l.since, coalesce(l.reason, ''),
       lower(coalesce(r.properties->>'domain', '')), coalesce(r.properties->>'name', '')
FROM deal l JOIN record r ON r.id = l.company AND r.archived_at IS NULL
WHERE l.stage = ANY(%(lost)s)
  AND NOT EXISTS (SELECT 1 FROM deal o WHERE o.company = l.company AND o.stage <> ALL (%(lost)s) AND (o.stage <> ALL (%(won)s) OR o.since > l.since))
ORDER BY l.company, l.since DESC, l.id DESC
"""

# Visits since a moment of everybody who belongs to a company; `oldest` bounds them all, so that old months are not opened. `words` are the domains as quick
# search keeps them, so that its index finds new people.
VISITS = """
WITH lost AS (
    SELECT * FROM unnest(%(companies)s::bigint[], %(since)s::timestamptz[], %(domains)s::text[], %(words)s::text[]) AS l(company, since, domain, word)
), people AS (
    SELECT l.company, l.since, a.to_id AS contact_id FROM lost l JOIN association a ON a.from_id = l.company AND a.to_type = 'contact'
    UNION
    SELECT l.company, l.since, c.id FROM lost l JOIN contact c ON c.search @@ l.word::tsquery AND split_part(lower(c.email), '@', 2) = l.domain
    WHERE l.domain <> '' AND l.domain <> ALL (%(free)s) AND c.archived_at IS NULL
), views AS (
    SELECT p.company, p.contact_id, e.ts, lag(e.ts) OVER (PARTITION BY p.company, p.contact_id ORDER BY e.ts, e.id) AS before
    FROM people p JOIN event e ON e.contact_id = p.contact_id AND e.ts > p.since AND e.ts > %(oldest)s AND e.ts <= %(now)s
        AND e.kind = %(view)s
)
SELECT company, count(*) FILTER (WHERE before IS NULL OR ts - before > %(break)s), count(DISTINCT contact_id), min(ts), max(ts),
       (array_agg(contact_id ORDER BY ts DESC))[1]
FROM views GROUP BY company
"""


@dataclass(frozen=True, slots=True)
class Revisit:
    """A company that is back, with the deal it left behind."""

    company_id: int
    company: str
    deal_id: int
    owner_id: int | None  # of the deal
    lost_at: datetime
    lost_because: str
    visits: int
    people: int
    last_contact_id: int


def found(contact_ids: Iterable[int], *, visits: int, days: int) -> list[Revisit]:
    """The lost companies of these contacts whose people made at least so many visits in so many days since the loss. Three statements at most."""
    lost = _lost(sorted({*contact_ids}))
    if not lost:
        return []
    now = clock.now()
    start = now - timedelta(days=days)
    params: dict[str, Any] = {
        "companies": [row[0] for row in lost], "since": [max(row[3], start) for row in lost], "oldest": start, "domains": [row[5] for row in lost],
        "words": [_word(row[5]) for row in lost], "free": sorted(mail_domains.free()), "now": now, "view": int(Kind.PAGE_VIEW), "break": BREAK,
    }  # fmt: skip
    by_company = {row[0]: row for row in lost}
    made = []
    for company, times, people, _first, _last, contact in sql.rows(VISITS, params):
        if times >= visits:
            _company, deal, owner, since, because, _domain, name = by_company[company]
            made.append(Revisit(company, name, deal, owner, since, because, times, people, contact))
    return made


def _lost(contact_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    if not contact_ids:
        return []
    lost: list[str] = []
    won: list[str] = []
    for way, stages in pipelines.stages("deal").items():
        for stage in stages:
            if stage.closed:
                (won if stage.probability else lost).append(f"{way}:{stage.key}")
    firms = [row[0] for row in sql.rows(FIRMS, {"ids": list(contact_ids), "free": sorted(mail_domains.free())})] if lost else []
    return sql.rows(LOST, {"firms": firms, "lost": lost, "won": won}) if firms else []


def _word(domain: str) -> str:
    """A domain as one word of a tsquery."""
    quoted = (domain or "-").replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}'"
