"""Visits: the page views of one person, cut where he was away for half an hour, where a day of the account begins, and where he came anew from elsewhere.

They are worked out from the events, so the order in which those arrive does not matter. A visit never reaches over midnight: what is new on a day changes
that day's visits only, and only the days are read anew whose views are not those that the visits were worked out from.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from baton.events import sites, sources
from baton.events.sources import Source
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.config import config

BREAK = timedelta(minutes=30)
LANDING = timedelta(minutes=5)  # from a click in a mail or on a short link to the page it led to
LATE = timedelta(days=63)  # no hit arrives later (wire.MAX_AGE); what is older is worked out when ids change, and by `rebuild`
MARKS = 1_000_003
CLICKS = (Kind.EMAIL_CLICK, Kind.LINK_CLICK)
BEGIN, END = datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

STALE = """
WITH seen AS (
    SELECT e.contact_id, (e.ts AT TIME ZONE %(zone)s)::date AS day, count(*) AS views, sum(e.id %% %(marks)s)::bigint AS marks
    FROM event e WHERE e.contact_id = ANY(%(ids)s) AND e.ts >= %(since)s AND e.kind = %(view)s AND NOT e.payload ? 'machine' GROUP BY 1, 2
), known AS (
    SELECT s.contact_id, (s.started_at AT TIME ZONE %(zone)s)::date AS day, sum(s.views) AS views, sum(s.marks)::bigint AS marks
    FROM session s WHERE s.contact_id = ANY(%(ids)s) AND s.started_at >= %(since)s GROUP BY 1, 2
)
SELECT contact_id, day FROM seen FULL JOIN known USING (contact_id, day)
WHERE (seen.views, seen.marks) IS DISTINCT FROM (known.views::bigint, known.marks)
"""
CLICKED = "SELECT DISTINCT contact_id, (ts AT TIME ZONE %s)::date FROM event WHERE contact_id = ANY(%s) AND ts >= %s AND kind = ANY(%s::smallint[])"
SEEN = "SELECT contact_id FROM visitor WHERE contact_id = ANY(%s) UNION SELECT contact_id FROM session WHERE contact_id = ANY(%s)"
WITHIN = "unnest(%(ids)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[]) AS w(contact_id, since, until)"
FACT = """e.contact_id, e.ts, e.id, e.kind, coalesce(k.label, ''), coalesce(e.payload ->> 'url', k.value), e.payload ->> 'referrer', e.payload ->> 'click',
       e.payload ->> 'medium', e.payload ? 'machine'"""
EVENTS = f"""
SELECT {FACT} FROM {WITHIN} JOIN event e ON e.contact_id = w.contact_id AND e.ts >= w.since AND e.ts < w.until
LEFT JOIN event_key k ON k.id = e.key AND (e.kind <> %(view)s OR NOT e.payload ? 'url')
WHERE e.kind = ANY(%(kinds)s::smallint[]) AND e.ts >= %(from)s AND e.ts < %(to)s
"""
CLICKS_BY_ID = f"""
SELECT {FACT} FROM unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, id) JOIN event e ON e.contact_id = r.contact_id AND e.id = r.id
LEFT JOIN event_key k ON k.id = e.key WHERE e.kind = ANY(%s::smallint[])
"""
KNOWN = f"""
SELECT s.contact_id, s.id, s.started_at, s.ended_at, s.views, s.source, s.detail_1, s.detail_2, s.campaign::text, s.landing, s.referrer, s.leaving, s.marks
FROM {WITHIN} JOIN session s ON s.contact_id = w.contact_id AND s.started_at >= w.since AND s.started_at < w.until
"""
DROP = "DELETE FROM session s USING unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, id) WHERE s.contact_id = r.contact_id AND s.id = r.id"
# As one JSON text: arrays of texts cost more to quote than the rest of the work.
PUT = """
INSERT INTO session (contact_id, id, started_at, ended_at, views, source, detail_1, detail_2, campaign, landing, referrer, leaving, marks)
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r(contact_id bigint, id bigint, started_at timestamptz, ended_at timestamptz, views integer, source text,
    detail_1 text, detail_2 text, campaign jsonb, landing text, referrer text, leaving text, marks bigint)
ON CONFLICT (contact_id, id) DO UPDATE SET
    started_at = excluded.started_at, ended_at = excluded.ended_at, views = excluded.views, source = excluded.source, detail_1 = excluded.detail_1,
    detail_2 = excluded.detail_2, campaign = excluded.campaign, landing = excluded.landing, referrer = excluded.referrer, leaving = excluded.leaving,
    marks = excluded.marks
"""
GROW = """
UPDATE session s SET ended_at = r.ended_at, views = r.views, leaving = r.leaving, marks = r.marks
FROM jsonb_to_recordset(%s::jsonb) AS r(contact_id bigint, id bigint, ended_at timestamptz, views integer, leaving text, marks bigint)
WHERE s.contact_id = r.contact_id AND s.id = r.id
"""
GROWING = ("ended_at", "views", "leaving", "marks")


class Fact(NamedTuple):
    """An event that visits are made of: a page view, or a click in a mail or on a short link that leads to one."""

    ts: datetime
    id: int
    kind: int
    label: str  # name of the mail or the link
    url: str
    referrer: str = ""
    click: str = ""  # of a view: the event of the click that led there, as far as it is told
    medium: str = ""  # of a short link: link, qr
    machine: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """One row of `session` but for whose it is."""

    id: int
    started_at: datetime
    ended_at: datetime
    views: int
    source: Source
    landing: str
    referrer: str
    leaving: str
    marks: int

    def with_view(self, fact: Fact) -> "Visit":
        marks = self.marks + fact.id % MARKS
        return Visit(self.id, self.started_at, fact.ts, self.views + 1, self.source, self.landing, self.referrer, fact.url, marks)


def visits(facts: Iterable[Fact], own: Collection[str], zone: ZoneInfo, clicks: Mapping[str, Fact] = MappingProxyType({})) -> list[Visit]:
    """The visits that these facts of one person make, in order. Pure; the facts may come in any order.

    `clicks` are those of other days that views name, by id.
    """
    found: list[Visit] = []
    clicks = dict(clicks)
    led: Fact | None = None  # the click whose page has not been seen yet
    for fact in sorted(facts):
        if fact.kind != Kind.PAGE_VIEW:
            clicks[str(fact.id)] = fact
            led = led if fact.machine else fact
            continue
        if fact.machine:
            continue
        if led and _day(led.ts, zone) != _day(fact.ts, zone):
            led = None  # so that a day is worked out by itself
        arrived, led = _arrival(fact, clicks, led, own)
        last = found[-1] if found else None
        goes_on = (
            last and fact.ts - last.ended_at <= BREAK and _day(fact.ts, zone) == _day(last.started_at, zone) and (not arrived or _same(arrived, last.source))
        )
        if last and goes_on:
            found[-1] = last.with_view(fact)
        else:
            source = arrived or sources.classify(fact.url, "")
            referrer = "" if _own(fact.referrer, fact.url, own) else fact.referrer
            found.append(Visit(fact.id, fact.ts, fact.ts, 1, source, fact.url, referrer, fact.url, fact.id % MARKS))
    return found


def _arrival(fact: Fact, clicks: Mapping[str, Fact], led: Fact | None, own: Collection[str]) -> tuple[Source | None, Fact | None]:
    """Where a view says that its reader came from just now, and the click that still waits for its page."""
    arrived = sources.arrival(fact.url, fact.referrer, own)
    if fact.click:
        click = clicks.get(fact.click)
        return (_of_click(fact, click, arrived) if click or not arrived else arrived), (None if click is led else led)
    if led is None:
        return arrived, None
    if fact.ts - led.ts > LANDING:
        return arrived, None
    if arrived is None or sources.page(fact.url) == sources.page(led.url):
        return _of_click(fact, led, arrived), None
    return arrived, led


def _of_click(fact: Fact, click: Fact | None, arrived: Source | None) -> Source:
    """The source of a view that a click led to. A mail is a mail whatever its links say; a short link is what its campaign says."""
    tags = sources.campaign(fact.url)
    if click is None or click.kind == Kind.EMAIL_CLICK:
        label = click.label if click else ""
        return Source("email", tags.get("utm_campaign", "") or label, label, tags)
    return arrived or sources.arrival(click.url, "") or Source("other_campaign", click.label, click.medium, tags)


def _same(one: Source, other: Source) -> bool:
    """Whether somebody who comes from `one` goes on with a visit that came from `other`."""
    if one.campaign or other.campaign:
        return one.source == other.source and dict(one.campaign) == dict(other.campaign)
    return (one.source, one.detail_1) == (other.source, other.detail_1)


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _own(referrer: str, url: str, own: Collection[str]) -> bool:
    try:
        before, here = urlsplit(referrer).hostname or "", urlsplit(url).hostname or ""
    except ValueError:
        return True
    return not before or before == here or sources.is_own(before, own)


FIELDS = ("started_at", "ended_at", "views", "source", "landing", "referrer", "leaving", "marks")

# In the database ------------------------------------------------------------


def follow(seen: Collection[int], clicked: Collection[int], anew: Collection[int]) -> set[int]:
    """Bring the visits of these contacts and visitors in line with their events; returns those whose visits are others now.

    `seen` may have new views, `clicked` new clicks; of `anew` everything is worked out again: their events came from somebody else, or went to him.
    """
    zone = config().zone
    since = _begin(_day(clock.now() - LATE, zone), zone)
    whole = {row[0] for row in sql.rows(SEEN, [list(anew), list(anew)])} if anew else set[int]()
    ids = sorted({*seen, *clicked} - whole)
    days: set[tuple[int, date]] = set()
    if ids:
        days = set(sql.rows(STALE, {"ids": ids, "since": since, "zone": zone.key, "marks": MARKS, "view": int(Kind.PAGE_VIEW)}))
    if clicked:
        days |= set(sql.rows(CLICKED, [zone.key, sorted(set(clicked) - whole), since, [int(kind) for kind in CLICKS]]))
    windows = [(id, BEGIN, END) for id in sorted(whole)]
    windows += [(id, _begin(day, zone), _begin(day + timedelta(days=1), zone)) for id, day in sorted(days)]
    return _work_out(windows, zone)


def rebuild(contact_ids: Sequence[int]) -> set[int]:
    """Work out all visits of these anew, whatever is there; returns those whose visits are others now."""
    return _work_out([(id, BEGIN, END) for id in contact_ids], config().zone)


def own_domains() -> tuple[str, ...]:
    """The domains that are no referrers: the registered sites, and Baton's own."""
    return (*(site.domain for site in sites.known()), urlsplit(config().url).hostname or "localhost")


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _work_out(windows: Sequence[tuple[int, datetime, datetime]], zone: ZoneInfo) -> set[int]:
    """The visits within (id, since, until), which begin and end with days; returns the ids for which they are others now, not only longer."""
    if not windows:
        return set()
    params = {
        "ids": [w[0] for w in windows], "since": [w[1] for w in windows], "until": [w[2] for w in windows], "from": min(w[1] for w in windows),
        "to": max(w[2] for w in windows), "view": int(Kind.PAGE_VIEW), "kinds": [int(Kind.PAGE_VIEW), *map(int, CLICKS)],
    }  # fmt: skip
    facts: dict[int, list[Fact]] = defaultdict(list)
    for id, *row in sql.rows(EVENTS, params):
        facts[id].append(_fact(row))
    own, named = own_domains(), _named(facts)
    wanted = {(id, visit.id): visit for id, found in facts.items() for visit in visits(found, own, zone, named.get(id, {}))}
    there = {(row[0], row[1]): _visit(row[1:]) for row in sql.rows(KNOWN, params)}
    gone = sorted(there.keys() - wanted.keys())
    changed = sorted(key for key, visit in wanted.items() if there.get(key) != visit)
    if gone:
        sql.run(DROP, [[key[0] for key in gone], [key[1] for key in gone]])
    grown = {key for key in changed if key in there and _settled(there[key]) == _settled(wanted[key])}
    for statement, names, keys in ((GROW, GROWING, [key for key in changed if key in grown]), (PUT, FIELDS, [key for key in changed if key not in grown])):
        if keys:
            sql.run(statement, [json.dumps([_row(key[0], wanted[key], names) for key in keys], default=str, ensure_ascii=False)])
    return {id for id, _ in gone} | {key[0] for key in changed if key not in there or there[key].source != wanted[key].source}


def _named(facts: Mapping[int, list[Fact]]) -> dict[int, dict[str, Fact]]:
    """The clicks that views name and that are not among the facts, for they happened on another day. One statement, if there are any."""
    wanted: set[tuple[int, int]] = set()
    for id, found in facts.items():
        if named := {fact.click for fact in found if fact.click}:
            wanted |= {(id, int(click)) for click in named - {str(fact.id) for fact in found} if click.isdigit()}
    clicks: dict[int, dict[str, Fact]] = defaultdict(dict)
    if wanted:
        ordered = sorted(wanted)
        for id, *row in sql.rows(CLICKS_BY_ID, [[one[0] for one in ordered], [one[1] for one in ordered], [int(kind) for kind in CLICKS]]):
            clicks[id][str(row[1])] = _fact(row)
    return clicks


def _fact(row: Sequence[Any]) -> Fact:
    ts, number, kind, label, url, referrer, click, medium, machine = row
    return Fact(ts, number, kind, label, url or "", referrer or "", click or "", medium or "", machine)


def _settled(visit: Visit) -> tuple[Any, ...]:
    """What does not change while a visit goes on."""
    return visit.started_at, visit.source, visit.landing, visit.referrer


def _row(contact_id: int, visit: Visit, names: Sequence[str]) -> dict[str, Any]:
    found = {"contact_id": contact_id, "id": visit.id, **{name: getattr(visit, name) for name in names if name != "source"}}
    return found | (sources.as_columns(visit.source) if "source" in names else {})


def _visit(row: Sequence[Any]) -> Visit:
    id, started_at, ended_at, views, source, one, two, campaign, landing, referrer, leaving, marks = row
    return Visit(id, started_at, ended_at, views, Source(source, one, two, json.loads(campaign)), landing, referrer, leaving, marks)
