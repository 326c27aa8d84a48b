"""Mails outside campaigns, counted: those of workflows, and those sent one by one (letters, programs, confirmations).

Read from the messages of some days by their own index, which holds none of a campaign's: the cost follows what was sent in these days, never all time.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from baton.events.vocabulary import Kind
from baton.messaging.campaigns.report_counts import GROUPS
from baton.platform import sql

WORKFLOW, SINGLE = "workflow", "single"

SENT = """
SELECT CASE WHEN m.cause LIKE 'step:%%' THEN 'workflow' ELSE 'single' END AS kind, m.email_id, lower(split_part(m.address, '@', 2)) AS domain,
    CASE WHEN m.state = 'bounced' THEN 'bounced' ELSE 'sent' END AS what, CASE WHEN m.state = 'bounced' THEN m.reason ELSE '' END AS reason, count(*) AS n
FROM message m WHERE m.campaign_id IS NULL AND m.created_at >= %(since)s AND m.channel = 'email' AND m.state IN ('sent', 'delivered', 'unknown', 'bounced')
GROUP BY 1, 2, 3, 4, 5
"""
# Who complained about one of them; counted once for a message.
COMPLAINED = """
SELECT CASE WHEN m.cause LIKE 'step:%%' THEN 'workflow' ELSE 'single' END AS kind, m.email_id, lower(split_part(m.address, '@', 2)) AS domain,
    'complained' AS what, '' AS reason, count(DISTINCT m.id) AS n
FROM event_key k JOIN event e ON e.kind = k.kind AND e.key = k.id
JOIN message m ON m.contact_id = e.contact_id AND m.id = CASE WHEN jsonb_typeof(e.payload -> 'message') = 'number' THEN (e.payload ->> 'message')::bigint END
WHERE k.kind = %(complaint)s AND e.ts >= %(since)s AND m.campaign_id IS NULL AND m.created_at >= %(since)s AND m.channel = 'email'
GROUP BY 1, 2, 3
"""
# Receivers of whom too few mails went are the others, before anything leaves the database: there may be as many domains as people.
BY_PLACE = f"""
WITH sent AS MATERIALIZED ({SENT}),
placed AS (
    SELECT a.kind, a.email_id, coalesce(g.name, a.domain) AS place, a.what, a.n FROM (SELECT * FROM sent UNION ALL {COMPLAINED}) a
    LEFT JOIN unnest(%(domains)s::text[], %(groups)s::text[]) AS g(domain, name) ON g.domain = a.domain
),
shown AS (SELECT place FROM placed GROUP BY place HAVING sum(n) >= %(least)s)
SELECT lower(split_part(coalesce(e.from_address, ''), '@', 2)), p.kind, coalesce(s.place, ''), p.what, sum(p.n)::bigint
FROM placed p LEFT JOIN shown s ON s.place = p.place LEFT JOIN email e ON e.id = p.email_id GROUP BY 1, 2, 3, 4
"""
BY_MAIL = f"""
SELECT a.kind, a.email_id, e.name, a.what, a.reason, sum(a.n)::bigint FROM ({SENT} UNION ALL {COMPLAINED}) a JOIN email e ON e.id = a.email_id
GROUP BY 1, 2, 3, 4, 5
"""


class Placed(NamedTuple):
    """`n` mails from a sending domain ("": the usual one) to a group of receivers ("": the others); `what` is sent (and not sent back), bounced, complained."""

    domain: str
    kind: str
    place: str
    what: str
    n: int


class OfMail(NamedTuple):
    """`n` of an e-mail's messages; `reason` is why they bounced."""

    kind: str
    email_id: int
    name: str
    what: str
    reason: str
    n: int


def by_place(since: datetime, least: int) -> Iterator[Placed]:
    """Since then, by sending domain, kind and receivers; those of whom fewer than `least` mails tell are the others. One statement."""
    given = _given(since) | {"domains": list(GROUPS), "groups": list(GROUPS.values()), "least": least}
    return (Placed(*row) for row in sql.rows(BY_PLACE, given))


def by_mail(since: datetime) -> Iterator[OfMail]:
    """Since then, by the e-mail that was sent. One statement."""
    return (OfMail(*row) for row in sql.rows(BY_MAIL, _given(since)))


def _given(since: datetime) -> dict[str, Any]:
    return {"since": since, "complaint": int(Kind.EMAIL_COMPLAINT)}
