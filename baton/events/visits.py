"""Visits as pages show them: one person's, newest first, with their pages; and how many before the first form and since the last webinar."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from baton.events.vocabulary import Kind
from baton.platform import sql

WEBINAR = "webinar_attended"  # the custom event of programs that tell who attended

VISITS = """
SELECT s.id, s.started_at, s.ended_at, s.views, s.source, s.detail_1, s.detail_2, s.landing, s.referrer FROM session s
WHERE s.contact_id = %(id)s AND (%(before)s::timestamptz IS NULL OR (s.started_at, s.id) < (%(before)s::timestamptz, %(last)s::bigint))
ORDER BY s.started_at DESC, s.id DESC LIMIT %(limit)s
"""
PAGES = """
SELECT e.ts, coalesce(nullif(k.label, ''), k.value, ''), e.payload ->> 'url', d.value FROM event e
LEFT JOIN event_key k ON k.id = e.key
LEFT JOIN event d ON d.contact_id = e.contact_id AND d.ts = e.ts AND d.id = e.id + 1 AND d.kind = %(dwell)s
WHERE e.contact_id = %(id)s AND e.kind = %(view)s AND e.ts >= %(since)s AND e.ts <= %(until)s AND NOT e.payload ? 'machine' ORDER BY e.ts DESC, e.id DESC
"""
COUNTS = """
WITH form AS (
    SELECT min(ts) AS at FROM event WHERE contact_id = %(id)s AND kind = %(form)s
), webinar AS (
    SELECT max(e.ts) AS at FROM event e LEFT JOIN event_key k ON k.id = e.key
    WHERE e.contact_id = %(id)s AND (e.kind = %(attended)s OR (e.kind = %(custom)s AND k.value = %(webinar)s))
)
SELECT count(*), coalesce(sum(s.views), 0)::bigint, max(s.started_at), (SELECT at FROM form), (SELECT at FROM webinar),
       count(*) FILTER (WHERE s.started_at > (SELECT at FROM webinar)),
       (SELECT count(*) FROM event e, form f WHERE e.contact_id = %(id)s AND e.kind = %(view)s AND e.ts < f.at AND NOT e.payload ? 'machine')
FROM session s WHERE s.contact_id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a visit. `seconds` it was in sight, as far as it is known."""

    at: datetime
    title: str
    url: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit; `pages` newest first."""

    id: int
    started_at: datetime
    ended_at: datetime
    views: int
    source: str
    detail_1: str
    detail_2: str
    landing: str
    referrer: str
    pages: list[Page] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a person's visits come to."""

    visits: int
    views: int
    last: datetime | None
    form: datetime | None  # the first one sent
    webinar: datetime | None  # the last one attended
    since_webinar: int  # visits
    before_form: int  # pages


def counts(contact_id: int) -> Counts:
    """One statement."""
    kinds = {"form": Kind.FORM_SUBMISSION, "attended": Kind.ATTENDED, "custom": Kind.CUSTOM_EVENT, "view": Kind.PAGE_VIEW}
    return Counts(*sql.rows(COUNTS, {"id": contact_id, "webinar": WEBINAR, **{name: int(kind) for name, kind in kinds.items()}})[0])


def page(contact_id: int, *, before: tuple[datetime, int] | None = None, limit: int = 20) -> list[Visit]:
    """Visits with their pages, newest first, strictly before the last one seen. Two statements."""
    at, last = before or (None, 0)
    found = [Visit(*row) for row in sql.rows(VISITS, {"id": contact_id, "before": at, "last": last, "limit": limit})]
    if not found:
        return []
    span = {"since": min(v.started_at for v in found), "until": max(v.ended_at for v in found)}
    seen = sql.rows(PAGES, {"id": contact_id, "view": int(Kind.PAGE_VIEW), "dwell": int(Kind.PAGE_DWELL), **span})
    return _with_pages(found, [Page(at, title, url or "", seconds) for at, title, url, seconds in seen])


def _with_pages(visits: Sequence[Visit], pages: Sequence[Page]) -> list[Visit]:
    by_visit: dict[int, list[Page]] = defaultdict(list)
    rest = iter(visits)
    visit = next(rest, None)
    for one in pages:  # both newest first; visits do not overlap
        while visit is not None and one.at < visit.started_at:
            visit = next(rest, None)
        if visit is not None and one.at <= visit.ended_at:
            by_visit[visit.id].append(one)
    for one_visit in visits:
        one_visit.pages.extend(by_visit[one_visit.id])
    return list(visits)
