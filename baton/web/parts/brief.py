"""Before you call: what a colleague should know of a person, from what is recorded and nothing else."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts.rights import Rights
from baton.crm import activities
from baton.events.vocabulary import HUMAN, Kind
from baton.platform import clock, sql
from baton.segments import catalog

from .activity_words import LABELS

DAYS = 180
MOST = 3
TOUCHES = ("call", "meeting", "email", "communication")

INTERESTS = """
(SELECT 'page', k.value, k.label, count(*) FILTER (WHERE e.kind = %(view)s), sum(e.value) FILTER (WHERE e.kind = %(dwell)s), max(e.ts)
 FROM event e JOIN event_key k ON k.id = e.key
 WHERE e.contact_id = %(contact)s AND e.kind IN (%(view)s, %(dwell)s) AND e.ts > %(since)s
 GROUP BY k.id ORDER BY 4 DESC, 6 DESC LIMIT %(most)s)
UNION ALL
(SELECT 'file', k.value, k.label, count(*), NULL, max(e.ts)
 FROM event e JOIN event_key k ON k.id = e.key
 WHERE e.contact_id = %(contact)s AND e.kind = %(download)s AND e.ts > %(since)s
 GROUP BY k.id ORDER BY 6 DESC LIMIT %(most)s)
"""
LAST_ACT = """
SELECT e.kind, e.ts, coalesce(nullif(k.label, ''), k.value, '') FROM event e LEFT JOIN event_key k ON k.id = e.key
WHERE e.contact_id = %s AND e.kind = ANY(%s) AND NOT e.payload ? 'machine' AND NOT e.payload ? 'record' ORDER BY e.ts DESC LIMIT 1
"""
LAST_TOUCH = """
SELECT r.object_type, coalesce((r.properties->>'at')::timestamptz, r.created_at), r.owner_id
FROM association a JOIN record r ON r.id = a.to_id
WHERE a.from_id = %(contact)s AND a.to_type = ANY(%(types)s) AND r.archived_at IS NULL AND {seen}
    AND coalesce((r.properties->>'at')::timestamptz, r.created_at) <= %(now)s
ORDER BY 2 DESC LIMIT 1
"""


@dataclass(frozen=True)
class Interest:
    """A page or file: how often, and for how long it was read."""

    name: str
    times: int
    seconds: int
    last: datetime


@dataclass(frozen=True)
class Touch:
    """The last thing the person did, or the last time a colleague was in touch."""

    what: str
    at: datetime
    by: str = ""


@dataclass(frozen=True)
class Brief:
    """The card. `missing` says in words what is not known, so that an empty card is no riddle."""

    pages: list[Interest]
    files: list[Interest]
    reasons: list[dict[str, Any]]
    act: Touch | None
    touch: Touch | None
    missing: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.pages or self.files or self.reasons or self.act or self.touch)


def of(contact_id: int, score: dict[str, Any] | None, users: dict[int, str], rights: Rights) -> Brief:
    """Three queries, whatever the person did. `score` is the scorecard."""
    now = clock.now()
    params = {
        "contact": contact_id, "since": now - timedelta(days=DAYS), "most": MOST,
        "view": int(Kind.PAGE_VIEW), "dwell": int(Kind.PAGE_DWELL), "download": int(Kind.DOWNLOAD),
    }  # fmt: skip
    pages, files = [], []
    for what, value, label, times, seconds, last in sql.rows(INTERESTS, params):
        if what == "page" and times:
            pages.append(Interest(label or value, times, round(seconds or 0), last))
        elif what == "file":
            files.append(Interest((label or value).rpartition("/")[2] or value, times, 0, last))
    reasons = [r for r in (score or {}).get("reasons", []) if r["points"] > 0][:MOST]
    acts = sql.rows(LAST_ACT, [contact_id, [int(k) for k in HUMAN - {Kind.PAGE_DWELL}]])
    act = (
        Touch(f"{catalog.current().kind_label(acts[0][0])}{f' · {acts[0][2]}' if acts[0][2] and not acts[0][2].isdigit() else ''}", acts[0][1])
        if acts
        else None
    )
    seen, allowed = activities.seen(rights, TOUCHES)
    touches = sql.rows(LAST_TOUCH.format(seen=seen), {"contact": contact_id, "types": list(TOUCHES), "now": now, **allowed})
    touch = None
    if touches:
        type, at, owner = touches[0]
        touch = Touch(str(LABELS.get(type, type)), at, users.get(owner or 0, ""))
    missing = []
    if not pages:
        missing.append(_("no page views"))
    if not files:
        missing.append(_("nothing downloaded"))
    if not reasons:
        missing.append(_("no points yet"))
    if not touch:
        missing.append(_("nobody has been in touch"))
    return Brief(pages, files, reasons, act, touch, missing)
