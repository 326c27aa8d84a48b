"""What became of mails in a span of time, by mail and by day, and the single facts behind it. Opens and clicks are people's; a program's are apart."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from baton.events.vocabulary import Kind
from baton.platform import sql

KINDS = (
    Kind.EMAIL_SENT, Kind.EMAIL_OPEN, Kind.EMAIL_CLICK, Kind.EMAIL_BOUNCE, Kind.EMAIL_UNSUBSCRIBE, Kind.EMAIL_COMPLAINT, Kind.EMAIL_REPLY,
)  # fmt: skip
Unit = Literal["hour", "day", "week", "month", "quarter", "year"]
EARLIEST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
LATEST = datetime.fromisoformat("9000-01-01T00:00:00+00:00")

# Who clicked has opened it, also where his program shows no pictures; a mail refused at once was handed over, though no sending was noted.
COUNTED = """
SELECT k.value::bigint, {begins}, CASE WHEN w.name <> '' THEN w.name WHEN e.payload ? 'machine' THEN k.kind || ':machine' ELSE k.kind::text END,
    count(DISTINCT e.contact_id)
FROM event_key k JOIN event e ON e.kind = k.kind AND e.key = k.id
CROSS JOIN LATERAL (
    SELECT '' AS name
    UNION ALL SELECT 'opened' WHERE k.kind IN (11, 12) AND NOT e.payload ? 'machine'
    UNION ALL SELECT 'handed' WHERE k.kind IN (10, 13)
    UNION ALL SELECT e.payload ->> 'class' WHERE k.kind = 13 AND e.payload ->> 'class' IN ('hard', 'soft')
) w
WHERE k.kind = ANY (%(kinds)s::smallint[]) AND (%(all)s OR k.value = ANY (%(emails)s)) AND k.value ~ '^[0-9]{1,18}$' AND e.ts >= %(since)s AND e.ts < %(until)s
GROUP BY 1, 2, 3
"""
UNSENT = """
SELECT c.email_id, t.state, sum(t.n)::bigint FROM campaign c JOIN campaign_tally t ON t.campaign_id = c.id
WHERE c.email_id = ANY (%s) AND t.state IN ('skipped', 'failed', 'cancelled', 'queued') GROUP BY 1, 2 HAVING sum(t.n) <> 0
"""
FACTS = """
SELECT e.kind, e.key, e.ts, e.contact_id, e.id, k.value::bigint, e.payload,
    coalesce(m.address, c.email, ''), coalesce(m.subject, ''), m.id, m.sent_at, coalesce(m.campaign_id, 0)
FROM event e JOIN event_key k ON k.id = e.key AND k.kind = e.kind
LEFT JOIN message m ON m.contact_id = e.contact_id AND m.id = CASE WHEN e.payload ->> 'message' ~ '^[0-9]{1,18}$' THEN (e.payload ->> 'message')::bigint END
LEFT JOIN contact c ON c.id = e.contact_id
WHERE e.kind = ANY (%(kinds)s::smallint[]) AND (e.kind, e.key, e.ts) >= (%(kind)s::smallint, %(key)s::bigint, %(ts)s::timestamptz)
    AND (e.kind, e.key, e.ts, e.contact_id, e.id) > (%(kind)s::smallint, %(key)s::bigint, %(ts)s::timestamptz, %(contact)s::bigint, %(id)s::bigint)
    AND e.ts >= %(since)s AND e.ts < %(until)s AND k.value ~ '^[0-9]{1,18}$'
    AND (%(email)s::text IS NULL OR k.value = %(email)s) AND (%(recipient)s::bigint[] IS NULL OR e.contact_id = ANY (%(recipient)s::bigint[]))
ORDER BY e.kind, e.key, e.ts, e.contact_id, e.id LIMIT %(limit)s
"""
NAMES = {
    "10": "sent", "11": "open", "12": "click", "13": "bounce", "14": "unsubscribed", "50": "spamreport", "51": "reply", "hard": "hardbounced",
    "soft": "softbounced", "11:machine": "machine_opened", "12:machine": "machine_clicked",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened with a mail."""

    kind: int
    key: int
    ts: datetime
    contact_id: int
    id: int
    email_id: int
    payload: dict[str, Any]
    address: str
    subject: str
    message_id: int | None
    sent_at: datetime | None
    campaign_id: int


def counts(email_ids: Sequence[int] | None, since: datetime = EARLIEST, until: datetime = LATEST) -> dict[int, Counter[str]]:
    """People by what happened (NAMES) for each mail (None: for all that something happened to).

    `opened`: who opened or clicked, `handed`: to whom it was sent, or bounced.
    """
    found: dict[int, Counter[str]] = {}
    for email_id, _begins, name, n in _counted(email_ids, since, until, "NULL::timestamp", {}):
        found.setdefault(email_id, Counter())[NAMES.get(name, name)] += n
    for email_id, state, n in sql.rows(UNSENT, [list(found) if email_ids is None else list(email_ids)]):
        found.setdefault(email_id, Counter())[state] += n
    return found


def histogram(email_ids: Sequence[int] | None, unit: Unit, zone: str, since: datetime, until: datetime) -> list[tuple[datetime, Counter[str]]]:
    """The same for all of them together by hour, day ... of a zone, those in which something happened; the beginning is a local time."""
    found: dict[datetime, Counter[str]] = {}
    for _email_id, begins, name, n in _counted(email_ids, since, until, "date_trunc(%(unit)s, e.ts AT TIME ZONE %(zone)s)", {"unit": unit, "zone": zone}):
        found.setdefault(begins, Counter())[NAMES.get(name, name)] += n
    return sorted(found.items())


def _counted(email_ids: Sequence[int] | None, since: datetime, until: datetime, begins: str, more: dict[str, Any]) -> list[tuple[Any, ...]]:
    given = {"kinds": [int(k) for k in KINDS], "all": email_ids is None, "emails": [str(id) for id in email_ids or ()], "since": since, "until": until}
    return sql.rows(COUNTED.replace("{begins}", begins), {**given, **more})


def facts(
    since: datetime,
    until: datetime,
    *,
    kinds: Sequence[int],
    limit: int,
    after: tuple[int, int, datetime, int, int] | None = None,
    email_id: int | None = None,
    contacts: Sequence[int] | None = None,
) -> list[Fact]:
    """The single facts of a span, in the order (kind, key, ts, contact_id, id), from behind `after` on."""
    kind, key, ts, contact, id = after or (0, 0, EARLIEST, 0, 0)
    given = {
        "kinds": list(kinds), "kind": kind, "key": key, "ts": ts, "contact": contact, "id": id, "since": since, "until": until, "limit": limit,
        "email": None if email_id is None else str(email_id), "recipient": None if contacts is None else list(contacts),
    }  # fmt: skip
    return [
        Fact(kind, key, ts, contact, id, email, json.loads(payload), address, subject, message, sent_at, campaign)
        for kind, key, ts, contact, id, email, payload, address, subject, message, sent_at, campaign in sql.rows(FACTS, given)
    ]
