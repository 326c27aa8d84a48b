"""What people did with the mails of a campaign: counted for a whole campaign in one statement while it is young, and kept in rows that reports read.

A count looks at the messages of the campaign and at the events of its mails since it began, never at all events. How often it is made follows
the age of the campaign and how long the last count took, so a campaign of a million is not counted every minute.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from baton.accounts import users
from baton.events.vocabulary import Kind
from baton.messaging.campaigns import goals
from baton.messaging.models import Campaign, CampaignCount, Variant
from baton.platform import clock, live, sql
from baton.segments import outcomes, patience

WITHIN = (7, 30, 90)  # days after a click in which a form, a meeting or a deal counts for the campaign
YOUNG = timedelta(days=120)  # after the last mail; then nothing counts any more
EVERY = ((timedelta(days=2), timedelta(minutes=1)), (timedelta(days=14), timedelta(minutes=15)), (YOUNG, timedelta(hours=6)))  # age -> how often
FRESH = timedelta(seconds=5)
SLOW = 20  # a count may take one part in so many of the time
HOURS = 72  # after the beginning, by the hour; then by the day
GROUPS_SHOWN, GROUP_LEAST = 12, 20  # domains told apart: so many, each with so many receivers
COUNTED = "counted"  # the row that says when it was counted, and in how many milliseconds

# Mail providers whose addresses have several domains; every other domain is a group of its own.
GROUPS = {
    "gmail.com": "gmail", "googlemail.com": "gmail", "naver.com": "naver", "daum.net": "daum", "hanmail.net": "daum", "kakao.com": "daum", "nate.com": "nate",
    "outlook.com": "outlook", "hotmail.com": "outlook", "live.com": "outlook", "msn.com": "outlook", "outlook.kr": "outlook", "hotmail.co.kr": "outlook",
    "yahoo.com": "yahoo", "yahoo.co.jp": "yahoo", "ymail.com": "yahoo", "icloud.com": "icloud", "me.com": "icloud", "mac.com": "icloud",
}  # fmt: skip
KINDS = (Kind.EMAIL_OPEN, Kind.EMAIL_CLICK, Kind.EMAIL_UNSUBSCRIBE, Kind.EMAIL_COMPLAINT, Kind.EMAIL_REPLY, Kind.EMAIL_AUTO_REPLY)

# Events of the campaign's messages. An unsubscription without a message's number is that of the mail got before it.
HITS = """
SELECT m.variant, m.contact_id, m.id, m.email_id, lower(split_part(m.address, '@', 2)) AS domain, e.kind, e.ts, e.payload ? 'machine' AS machine,
       e.payload ->> 'url' AS url
FROM event e JOIN message m ON m.contact_id = e.contact_id AND m.campaign_id = %(campaign)s
    AND CASE WHEN jsonb_typeof(e.payload -> 'message') = 'number' THEN m.id = (e.payload ->> 'message')::bigint ELSE e.kind = %(out)s AND e.ts >= m.sent_at END
WHERE e.kind = ANY(%(kinds)s::smallint[]) AND e.key = ANY(%(keys)s::bigint[]) AND e.ts >= %(since)s
"""
# Who clicks has opened it, also where pictures are not shown.
PEOPLE = f"""
SELECT variant, contact_id, domain, min(ts) FILTER (WHERE kind IN (%(open)s, %(click)s) AND NOT machine) AS opened,
       min(ts) FILTER (WHERE kind = %(click)s AND NOT machine) AS clicked,
       bool_or(kind = %(open)s AND machine) AS fetched, bool_or(kind = %(click)s AND machine) AS followed,
       bool_or(kind = %(out)s) AS gone, bool_or(kind = %(complaint)s) AS complained, bool_or(kind = %(reply)s) AS replied, bool_or(kind = %(auto)s) AS auto
FROM ({HITS}) h GROUP BY variant, contact_id, domain
"""
COUNT = f"""
WITH hit AS MATERIALIZED ({HITS}),
person AS MATERIALIZED ({PEOPLE.replace(f"({HITS})", "hit")}),
place AS MATERIALIZED (
    SELECT m.variant, coalesce(g.name, m.domain) AS name, m.state, sum(m.n) AS n
    FROM (SELECT variant, state, lower(split_part(address, '@', 2)) AS domain, count(*) AS n FROM message WHERE campaign_id = %(campaign)s
          AND state IN ('sent', 'delivered', 'bounced', 'failed', 'unknown') GROUP BY 1, 2, 3) m
    LEFT JOIN unnest(%(domains)s::text[], %(groups)s::text[]) AS g(domain, name) ON g.domain = m.domain
    GROUP BY 1, 2, 3
),
shown AS (SELECT name FROM place WHERE name <> '' GROUP BY name HAVING sum(n) >= %(least)s ORDER BY sum(n) DESC, name LIMIT %(most)s),
won AS MATERIALIZED (
    SELECT d.id, min(d.created_at - p.clicked) AS after, bool_or(s.won) AS won,
        max(CASE WHEN coalesce(d.properties ->> 'currency', %(currency)s) IN ('', %(currency)s) AND d.properties ->> 'amount' ~ '^-?[0-9.]+$'
            THEN (d.properties ->> 'amount')::numeric END) AS amount
    FROM person p JOIN association a ON a.from_id = p.contact_id AND a.from_type = 'contact' AND a.to_type = 'deal' AND a.label = ''
    JOIN record d ON d.id = a.to_id AND d.object_type = 'deal' AND d.archived_at IS NULL AND d.created_at >= p.clicked
        AND d.created_at < p.clicked + %(longest)s
    LEFT JOIN unnest(%(pipelines)s::text[], %(stages)s::text[], %(wins)s::boolean[]) AS s(pipeline, stage, won)
        ON s.pipeline = d.properties ->> 'pipeline' AND s.stage = d.properties ->> 'dealstage' AND s.won
    GROUP BY d.id
),
did AS MATERIALIZED (
    SELECT p.variant, p.contact_id, p.clicked,
        min(e.ts) FILTER (WHERE e.kind = %(form)s) AS form, min(e.ts) FILTER (WHERE e.kind = %(meeting)s) AS met
    FROM person p LEFT JOIN event e ON e.contact_id = p.contact_id AND e.ts >= p.clicked AND e.ts < p.clicked + %(longest)s
        AND e.kind IN (%(form)s, %(meeting)s)
    WHERE p.clicked IS NOT NULL GROUP BY 1, 2, 3
),
found AS (
    SELECT p.variant, n.name, n.n FROM (
        SELECT variant, count(opened) AS opened, count(clicked) AS clicked, count(*) FILTER (WHERE fetched AND opened IS NULL) AS fetched,
            count(*) FILTER (WHERE followed AND clicked IS NULL) AS followed, count(*) FILTER (WHERE gone) AS gone,
            count(*) FILTER (WHERE complained) AS complained, count(*) FILTER (WHERE replied) AS replied, count(*) FILTER (WHERE auto) AS auto
        FROM person GROUP BY variant
    ) p, LATERAL (VALUES ('opened', p.opened), ('clicked', p.clicked), ('machine_opened', p.fetched), ('machine_clicked', p.followed),
        ('unsubscribed', p.gone), ('complained', p.complained), ('replied', p.replied), ('auto_replied', p.auto)) AS n(name, n)
    UNION ALL
    SELECT h.variant, n.name || ':' || h.link, n.n FROM (
        SELECT h.variant, l.id AS link, count(DISTINCT h.contact_id) FILTER (WHERE NOT h.machine) AS people,
            count(DISTINCT h.contact_id) FILTER (WHERE h.machine) AS programs
        FROM hit h JOIN email_link l ON l.email_id = h.email_id AND l.url = h.url WHERE h.kind = %(click)s GROUP BY h.variant, l.id
    ) h, LATERAL (VALUES ('link', h.people), ('link_machine', h.programs)) AS n(name, n)
    UNION ALL
    SELECT p.variant, t.what || CASE WHEN t.ts < %(since)s + %(hours)s THEN '_hour:' || floor(extract(epoch FROM t.ts - %(since)s) / 3600)
        ELSE '_day:' || floor(extract(epoch FROM t.ts - %(since)s) / 86400) END, count(*)
    FROM person p, LATERAL (VALUES ('opened', p.opened), ('clicked', p.clicked)) AS t(what, ts) WHERE t.ts IS NOT NULL GROUP BY 1, 2
    UNION ALL
    SELECT p.variant, 'group:' || coalesce(s.name, '') || ':' || CASE p.state WHEN 'delivered' THEN 'sent' WHEN 'failed' THEN 'bounced' ELSE p.state END,
        sum(p.n)
    FROM place p LEFT JOIN shown s ON s.name = p.name GROUP BY 1, 2
    UNION ALL
    SELECT p.variant, 'group:' || coalesce(s.name, '') || ':' || n.name, sum(n.n)
    FROM person p LEFT JOIN unnest(%(domains)s::text[], %(groups)s::text[]) AS g(domain, name) ON g.domain = p.domain
    LEFT JOIN shown s ON s.name = coalesce(g.name, p.domain),
    LATERAL (VALUES ('opened', (p.opened IS NOT NULL)::int), ('clicked', (p.clicked IS NOT NULL)::int), ('complained', p.complained::int)) AS n(name, n)
    GROUP BY 1, 2
    UNION ALL
    SELECT d.variant, n.name || ':' || w.days, count(*)
    FROM did d, unnest(%(within)s::int[]) AS w(days), LATERAL (VALUES ('forms', d.form), ('meetings', d.met)) AS n(name, ts)
    WHERE n.ts < d.clicked + w.days * interval '1 day' GROUP BY 1, 2
    UNION ALL
    SELECT c.variant, 'converted', count(*) FROM campaign_conversion c WHERE c.campaign_id = %(campaign)s GROUP BY c.variant
    UNION ALL
    SELECT '', n.name || ':' || w.days, sum(n.n)
    FROM won d, unnest(%(within)s::int[]) AS w(days),
    LATERAL (VALUES ('deals', 1::numeric), ('won', (d.won IS TRUE)::int), ('revenue', CASE WHEN d.won THEN round(coalesce(d.amount, 0)) ELSE 0 END),
        ('foreign', (d.won IS TRUE AND d.amount IS NULL)::int)) AS n(name, n)
    WHERE d.after < w.days * interval '1 day' GROUP BY 2
)
INSERT INTO campaign_count (campaign_id, variant, name, n, counted_at)
SELECT %(campaign)s, f.variant, f.name, f.n, %(now)s FROM found f WHERE f.n <> 0
ON CONFLICT (campaign_id, variant, name) DO UPDATE SET n = excluded.n, counted_at = excluded.counted_at
RETURNING name, n
"""
KEYS = "SELECT id FROM event_key WHERE kind = ANY(%s::smallint[]) AND value = ANY(%s)"
# A campaign is counted by one worker at a time.
CLAIM = "SELECT pg_try_advisory_xact_lock(hashtext('campaign_count'), %s)"


def params(campaign: Campaign) -> dict[str, Any]:
    """What the statements of this module, and those of who is behind a number, ask with."""
    emails = {*Variant.objects.filter(campaign=campaign).values_list("email_id", flat=True)} | ({campaign.email_id} if campaign.email_id else set())
    return {
        "campaign": campaign.pk,
        "kinds": [int(kind) for kind in KINDS],
        "keys": [row[0] for row in sql.rows(KEYS, [[int(kind) for kind in KINDS], [str(id) for id in emails]])],
        "since": campaign.started_at or campaign.created_at,
        "open": int(Kind.EMAIL_OPEN),
        "click": int(Kind.EMAIL_CLICK),
        "out": int(Kind.EMAIL_UNSUBSCRIBE),
        "complaint": int(Kind.EMAIL_COMPLAINT),
        "reply": int(Kind.EMAIL_REPLY),
        "auto": int(Kind.EMAIL_AUTO_REPLY),
        "form": int(Kind.FORM_SUBMISSION),
        "meeting": int(Kind.MEETING),
        "domains": list(GROUPS),
        "groups": list(GROUPS.values()),
    }


def count(campaign: Campaign, *, milliseconds: int = 0) -> bool:
    """Count a campaign anew. With `milliseconds` only if that is done in time; returns whether it was (not when another worker is at it)."""
    began, now = time.monotonic(), clock.now()
    if campaign.goal and (not milliseconds or campaign.people <= goals.STEP):
        goals.note(campaign)
    given = params(campaign) | {
        "most": GROUPS_SHOWN, "least": GROUP_LEAST, "hours": timedelta(hours=HOURS), "longest": timedelta(days=max(WITHIN)), "within": list(WITHIN), "now": now,
        "currency": users.currency(), **{name: value for name, value in outcomes.stages().items() if name != "zone"},
    }  # fmt: skip
    with transaction.atomic():
        if (
            not sql.rows(CLAIM, [campaign.pk])[0][0]
            or (patience.rows(COUNT, given, milliseconds=milliseconds) if milliseconds else sql.rows(COUNT, given)) is None
        ):
            return False
        CampaignCount.objects.filter(campaign=campaign, counted_at__lt=now).delete()
        took = round((time.monotonic() - began) * 1000)
        CampaignCount.objects.update_or_create(campaign=campaign, variant="", name=COUNTED, defaults={"n": took, "counted_at": now})
        live.publish(f"campaign:{campaign.pk}")
    return True


def count_if_stale(campaign: Campaign, milliseconds: int) -> bool:
    """Count a young campaign anew when the last count is older than a few seconds and it can be done in that time: what a page shows is then as it is now."""
    now = clock.now()
    last = CampaignCount.objects.filter(campaign=campaign, name=COUNTED).first()
    if now - (campaign.ended_at or now) > YOUNG or (last is not None and (now - last.counted_at < FRESH or last.n > milliseconds)):
        return False
    return count(campaign, milliseconds=milliseconds)


def due(campaigns: Iterable[Campaign], counted: dict[int, tuple[datetime, int]]) -> list[Campaign]:
    """Those that are to be counted now. `counted`: when each was last, and the milliseconds it took."""
    now, found = clock.now(), []
    for campaign in campaigns:
        age = now - (campaign.ended_at or now)
        often = next((often for limit, often in EVERY if age < limit), None)
        if often is None:
            continue
        last, took = counted.get(campaign.pk, (None, 0))
        if last is None or now - last >= max(often, timedelta(milliseconds=took * SLOW)):
            found.append(campaign)
    return found


def count_due() -> int:
    """Count the campaigns that are due, those never counted first; returns how many."""
    started = Campaign.objects.filter(started_at__isnull=False, archived_at=None).exclude(ended_at__lt=clock.now() - YOUNG)
    counted = {pk: (at, n) for pk, at, n in CampaignCount.objects.filter(name=COUNTED, campaign__in=started).values_list("campaign_id", "counted_at", "n")}
    waiting = due(started.order_by("pk"), counted)
    waiting.sort(key=lambda campaign: (campaign.pk in counted, counted.get(campaign.pk, (clock.now(), 0))[0]))
    return sum(count(campaign) for campaign in waiting)
