"""Who is behind a number of a campaign's report: exactly the people it counts, page by page, and as a list (fixed, or one that follows)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging.campaigns.report_counts import GROUPS, HITS, WITHIN, params
from baton.messaging.campaigns.reports import ARRIVED, BACK, SENT
from baton.messaging.models import Campaign, EmailLink, Variant
from baton.platform import sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid, NotFound
from baton.segments import outcomes, verbs
from baton.segments.models import Segment

AT_ONCE = 1000  # members that are put into a fixed list by one statement
STATES: dict[str, frozenset[str]] = {
    "all": frozenset({*SENT, "skipped", "cancelled", "handing", "queued", "claimed"}),
    "sent": SENT,
    "delivered": ARRIVED,
    "bounced": BACK,
    "unknown": frozenset({"unknown"}),
    "skipped": frozenset({"skipped"}),
    "cancelled": frozenset({"cancelled"}),
    "deferred": frozenset({"queued", "claimed", "handing"}),
}
DID = ("opened", "clicked", "machine_opened", "machine_clicked", "unsubscribed", "complained", "replied", "auto_replied")
AFTER = ("forms", "meetings", "deals", "won")
WHATS = (*STATES, "not_opened", *DID, *AFTER, "converted", "waiting")
BY_CONTACT = (*AFTER, "converted", "waiting")  # in the order of the contacts
FOLLOWED = ("opened", "clicked")  # of whom a list can be made that goes on following

# People by what became of their message.
BY_STATE = """
SELECT m.contact_id, m.id, m.variant, m.state, m.reason, coalesce(m.settled_at, m.sent_at, m.created_at) AS at, '' AS detail
FROM message m WHERE m.campaign_id = %(campaign)s AND m.state = ANY(%(states)s) AND (%(reason)s::text IS NULL OR m.reason = %(reason)s)
"""
NOT_OPENED = """
 AND NOT EXISTS (SELECT 1 FROM event e WHERE e.contact_id = m.contact_id AND e.ts >= %(since)s AND e.kind IN (%(open)s, %(click)s)
    AND NOT e.payload ? 'machine' AND e.payload -> 'message' = to_jsonb(m.id))
"""
# People by what they did, at the first time; `{only}` for what programs did: nobody of whom a person did it too.
BY_EVENT = """
SELECT m.contact_id, m.id, m.variant, m.state, m.reason, e.ts AS at, coalesce(e.payload ->> 'url', e.payload ->> 'subject', '') AS detail
FROM event e JOIN message m ON m.contact_id = e.contact_id AND m.campaign_id = %(campaign)s
    AND CASE WHEN jsonb_typeof(e.payload -> 'message') = 'number' THEN m.id = (e.payload ->> 'message')::bigint ELSE e.kind = %(out)s AND e.ts >= m.sent_at END
WHERE e.kind = ANY(%(did)s::smallint[]) AND e.key = ANY(%(keys)s::bigint[]) AND e.ts >= %(since)s AND {test}
    AND NOT EXISTS (SELECT 1 FROM event f WHERE f.contact_id = e.contact_id AND f.ts >= %(since)s AND f.kind = ANY(%(did)s::smallint[])
        AND f.key = ANY(%(keys)s::bigint[]) AND (f.payload -> 'message') IS NOT DISTINCT FROM (e.payload -> 'message')
        AND ({better} OR ((f.ts, f.id) < (e.ts, e.id) AND {earlier})))
"""
CLICKED = f"SELECT contact_id, id, variant, min(ts) AS at FROM ({HITS}) h WHERE kind = %(click)s AND NOT machine GROUP BY 1, 2, 3"
BY_ANSWER = f"""
SELECT p.contact_id, p.id, p.variant, '' AS state, '' AS reason, f.at, '' AS detail FROM ({CLICKED}) p, LATERAL (
    SELECT min(e.ts) AS at FROM event e WHERE e.contact_id = p.contact_id AND e.ts >= p.at AND e.ts < p.at + %(days)s * interval '1 day' AND e.kind = %(after)s
) f WHERE f.at IS NOT NULL
"""
BY_DEAL = f"""
SELECT p.contact_id, p.id, p.variant, '' AS state, '' AS reason, min(d.created_at) AS at,
    string_agg(coalesce(d.properties ->> 'dealname', '#' || d.id), ', ' ORDER BY d.created_at, d.id) AS detail
FROM ({CLICKED}) p JOIN association a ON a.from_id = p.contact_id AND a.from_type = 'contact' AND a.to_type = 'deal' AND a.label = ''
JOIN record d ON d.id = a.to_id AND d.object_type = 'deal' AND d.archived_at IS NULL AND d.created_at >= p.at
    AND d.created_at < p.at + %(days)s * interval '1 day'
LEFT JOIN unnest(%(pipelines)s::text[], %(stages)s::text[], %(wins)s::boolean[]) AS s(pipeline, stage, won)
    ON s.pipeline = d.properties ->> 'pipeline' AND s.stage = d.properties ->> 'dealstage' AND s.won
WHERE NOT %(won)s OR s.won GROUP BY 1, 2, 3
"""
WAITING = """
SELECT w.contact_id, 0::bigint AS id, c.variant, 'waiting' AS state, '' AS reason, c.due_at AS at, '' AS detail
FROM campaign_chunk c, unnest(c.contact_ids) AS w(contact_id)
WHERE c.campaign_id = %(campaign)s AND NOT EXISTS (SELECT 1 FROM message m WHERE m.contact_id = w.contact_id AND m.campaign_id = %(campaign)s)
"""
CONVERTED = """
SELECT c.contact_id, m.id, c.variant, '' AS state, '' AS reason, m.sent_at AS at, '' AS detail
FROM campaign_conversion c JOIN message m ON m.contact_id = c.contact_id AND m.campaign_id = c.campaign_id WHERE c.campaign_id = %(campaign)s
"""
PAGE = """
SELECT q.* FROM ({people}) q WHERE (%(variant)s::text IS NULL OR q.variant = %(variant)s) {place} {after} ORDER BY {order} LIMIT %(most)s
"""
PLACE = """
AND EXISTS (SELECT 1 FROM message r WHERE r.contact_id = q.contact_id AND r.id = q.id AND lower(split_part(r.address, '@', 2)) = ANY(%(within)s))
"""


@dataclass(frozen=True, slots=True)
class Who:
    """A number of a report. Raises NotFound where there is none such."""

    what: str
    reason: str | None = None  # of those left out, bounced or not known
    variant: str | None = None
    link: int = 0  # only who followed this one
    group: str = ""  # only receivers of this domain or provider
    days: int = 30  # of forms, meetings and deals

    def __post_init__(self) -> None:
        if self.what not in WHATS or self.days not in WITHIN:
            raise NotFound(_("There is no such number."))


@dataclass(frozen=True, slots=True)
class Person:
    """One of them. `state` and `reason` of his message where the number is about those; `detail`: a link, a subject, the name of a deal."""

    contact_id: int
    message_id: int
    variant: str
    state: str
    reason: str
    at: datetime
    detail: str


def page(campaign: Campaign, who: Who, *, after: str = "", limit: int = 50) -> tuple[list[Person], str]:
    """Some of them, and the cursor of the next page ("" on the last). What people did: the latest first; else in the order of the messages."""
    text, given = _people(campaign, who)
    timed = who.what in DID
    given |= {"variant": who.variant, "most": limit + 1}
    behind = ""
    if after:
        behind, more = _behind(after, timed)
        given |= more
    order = "q.at DESC, q.contact_id DESC" if timed else "q.contact_id" if who.what in BY_CONTACT else "q.id DESC"
    if not timed and after and who.what in BY_CONTACT:
        behind = "AND q.contact_id > %(last)s"
    statement = PAGE.format(people=text, place=_place(who, given), after=behind, order=order)
    found = [Person(*row) for row in sql.rows(statement, given)]
    shown = found[:limit]
    if len(found) <= limit:
        return shown, ""
    last = shown[-1]
    return shown, f"{last.at.isoformat()}_{last.contact_id}" if timed else str(last.contact_id if who.what in BY_CONTACT else last.message_id)


def ids(campaign: Campaign, who: Who) -> list[int]:
    """All of them, by contact."""
    text, given = _people(campaign, who)
    given |= {"variant": who.variant, "most": None}
    statement = PAGE.format(people=text, place=_place(who, given), after="", order="q.contact_id")
    return [row[0] for row in sql.rows(f"SELECT DISTINCT s.contact_id FROM ({statement}) s ORDER BY 1", given)]


def _place(who: Who, given: dict[str, Any]) -> str:
    if not who.group:
        return ""
    given["within"] = [domain for domain, group in GROUPS.items() if group == who.group] or [who.group]
    return PLACE


def _behind(after: str, timed: bool) -> tuple[str, dict[str, Any]]:
    """What follows a cursor. Raises NotFound for what is none."""
    try:
        if not timed:
            return "AND q.id < %(last)s", {"last": int(after)}
        at, _underscore, contact = after.rpartition("_")
        return "AND (q.at, q.contact_id) < (%(last_at)s, %(last)s)", {"last_at": datetime.fromisoformat(at), "last": int(contact)}
    except ValueError:
        raise NotFound(_("There is no such page.")) from None


def _people(campaign: Campaign, who: Who) -> tuple[str, dict[str, Any]]:
    """The people as a relation of (contact_id, id, variant, state, reason, at, detail)."""
    given = params(campaign)
    if who.what in STATES or who.what == "not_opened":
        states = ARRIVED if who.what == "not_opened" else STATES[who.what]
        return BY_STATE + (NOT_OPENED if who.what == "not_opened" else ""), given | {"states": sorted(states), "reason": who.reason}
    if who.what in ("forms", "meetings"):
        return BY_ANSWER, given | {"days": who.days, "after": given["form" if who.what == "forms" else "meeting"]}
    if who.what in ("deals", "won"):
        ends = {name: value for name, value in outcomes.stages().items() if name != "zone"}
        return BY_DEAL, given | ends | {"days": who.days, "won": who.what == "won"}
    if who.what in ("converted", "waiting"):
        return CONVERTED if who.what == "converted" else WAITING, given
    return _did(campaign, who, given)


def _did(campaign: Campaign, who: Who, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    kinds = {
        "opened": ("open", "click"), "clicked": ("click",), "machine_opened": ("open", "click"), "machine_clicked": ("click",),
        "unsubscribed": ("out",), "complained": ("complaint",), "replied": ("reply",), "auto_replied": ("auto",),
    }[who.what]  # fmt: skip
    given |= {"did": [given[kind] for kind in kinds]}
    test = earlier = "true"
    better = "false"
    if who.what in ("opened", "clicked"):
        test, earlier = "NOT e.payload ? 'machine'", "NOT f.payload ? 'machine'"
    elif who.what.startswith("machine"):
        test, earlier, better = "e.payload ? 'machine'", "f.payload ? 'machine'", "NOT f.payload ? 'machine'"
        if who.what == "machine_opened":
            test += " AND e.kind = %(open)s"
            earlier += " AND f.kind = %(open)s"
    if who.link:
        link = EmailLink.objects.filter(pk=who.link, email_id__in=_emails(campaign)).first()
        if link is None:
            raise NotFound(_("There is no such link."))
        given["url"] = link.url
        test, earlier = f"{test} AND e.payload ->> 'url' = %(url)s", f"{earlier} AND f.payload ->> 'url' = %(url)s"
    return BY_EVENT.format(test=test, earlier=earlier, better=better), given


def _emails(campaign: Campaign) -> set[int]:
    return {*Variant.objects.filter(campaign=campaign).values_list("email_id", flat=True)} | ({campaign.email_id} if campaign.email_id else set())


# Lists ------------------------------------------------------------------------------------


def make_list(campaign: Campaign, who: Who, name: str, *, kind: str, actor: Actor) -> Segment:
    """A list of these people: `fixed` as they are now, or `active`, which takes in who opens or clicks later. Raises Invalid."""
    if kind == "active":
        if who.what not in FOLLOWED or who.group or who.variant:
            raise Invalid.one("kind", "INVALID_OPTION", _("Only those who opened or clicked can be followed; make a fixed list of these."))
        return verbs.create_segment(name, following(campaign, who), "active", actor)
    if kind != "fixed":
        raise Invalid.one("kind", "INVALID_OPTION", _("A list is fixed or follows its filter."))
    with transaction.atomic():
        made = verbs.create_segment(name, {}, "fixed", actor)
        for part in _parts(ids(campaign, who)):
            verbs.add(made.pk, part, actor, why=campaign.name)
    return made


def following(campaign: Campaign, who: Who) -> dict[str, Any]:
    """The filter of those who opened it (a click is an open) or clicked in it; what programs did does not count."""
    tests: list[dict[str, Any]] = [{"property": "campaign", "operator": "is", "value": campaign.pk}]
    if who.link:
        link = EmailLink.objects.filter(pk=who.link, email_id__in=_emails(campaign)).first()
        tests += [{"property": "url", "operator": "is", "value": link.url}] if link else []
    events = ("email_open", "email_click") if who.what == "opened" else ("email_click",)
    asked = [{"condition": "event", "event": event, "about": str(email), "tests": tests} for email in sorted(_emails(campaign)) for event in events]
    return asked[0] if len(asked) == 1 else {"any": asked}


def _parts(found: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]
