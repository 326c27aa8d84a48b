"""Later verdicts on opens and clicks: what else happened around them tells who made them. (The first verdict, by the request: evidence.py.)

    around(ids)     before anybody counts: the trap, many links or many colleagues at one instant
    landed(ids)     what was done on the page that a click led to
    revise(found)   add reasons, weigh anew, and tell the tick whose points, lists and stages must follow
    overrule(...)   a colleague's word, which holds against all of these

Every verdict is worked out from what is stored, so hits may arrive in any order, and looking twice changes nothing.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from psycopg.types.json import Jsonb

from baton.crm import mail_domains
from baton.events import evidence, facts, identity
from baton.events.vocabulary import HUMAN, Kind
from baton.platform import changes, clock, history, live, sql
from baton.platform.actor import Actor
from baton.platform.changes import Batch, Change
from baton.platform.errors import Conflict, NotFound

INSTANT = timedelta(seconds=5)  # in which no person follows most links of a mail
NEAR = timedelta(seconds=10)  # around a scanner's hit, what comes from the same place is the scanner's too
ALIKE, MANY = 3, 5  # colleagues at one instant from one network: by the same program, by any
BACK = timedelta(days=7)  # hits older than this are settled
DWELL, GLANCE, DEPTH = 30, 10, 50  # seconds visible, longer than sandboxes wait; or seconds and percent scrolled
STAY = timedelta(minutes=30)  # after the landing in which what is done still tells of the click
READ_BEFORE = timedelta(days=1)  # how long before a click the mail was opened for it, at most
DONE = (Kind.CTA_CLICK, Kind.DOWNLOAD, Kind.FORM_START, Kind.FORM_SUBMISSION, Kind.OUTBOUND_CLICK, Kind.VIDEO_WATCHED)
ON_PAGES = (Kind.PAGE_VIEW, Kind.PAGE_DWELL, Kind.PAGE_SCROLL, *DONE)
MAIL = (Kind.EMAIL_OPEN, Kind.EMAIL_CLICK)
FIRM = frozenset({"head", "scanner", "preview", "shortener", "script", "crawler", "scanner_network", "prefetch", "privacy", "relay", "trap"})
PASSING = frozenset({"image_proxy", "privacy", "relay"})  # came through a house that fetches for many companies: no crowd

# One message's hits around each other. A seed is what no person does; what is near it from the same place is the same visitor.
AROUND = """
WITH hit AS MATERIALIZED (
    SELECT e.contact_id, e.ts, e.id, e.kind, e.key, e.payload ->> 'message' AS message, e.payload ->> 'url' AS url,
           coalesce(e.payload ->> 'net', '') AS net, coalesce(e.payload ->> 'ua', '') AS ua, coalesce(e.payload -> 'why', '[]') AS why
    FROM event e
    WHERE e.contact_id = ANY(%(ids)s) AND e.kind IN (11, 12) AND e.ts >= %(since)s AND e.payload ? 'human'
),
burst AS (
    SELECT s.contact_id, s.message, s.ts
    FROM hit s JOIN hit c ON c.contact_id = s.contact_id AND c.message = s.message AND c.kind = 12 AND c.url IS NOT NULL
        AND c.ts BETWEEN s.ts AND s.ts + %(instant)s
    WHERE s.kind = 12 AND s.url IS NOT NULL
    GROUP BY s.contact_id, s.message, s.ts, s.id, s.key
    HAVING count(DISTINCT c.url) >= 2 AND count(DISTINCT c.url) > (
        SELECT count(*) / 2 FROM event_key k JOIN email_link l ON l.email_id = k.value::bigint WHERE k.id = s.key)
),
seed AS (
    SELECT contact_id, message, ts, net, ua, 'trap' AS reason FROM hit WHERE why ? 'trap'
    UNION ALL
    SELECT contact_id, message, ts, net, ua, 'companion' FROM hit WHERE why ? 'head'
    UNION ALL
    SELECT DISTINCT h.contact_id, h.message, h.ts, h.net, h.ua, 'fan_out'
    FROM burst b JOIN hit h ON h.contact_id = b.contact_id AND h.message = b.message AND h.kind = 12 AND h.url IS NOT NULL
        AND h.ts BETWEEN b.ts AND b.ts + %(instant)s
)
SELECT DISTINCT h.contact_id, h.ts, h.id, s.reason
FROM seed s JOIN hit h ON h.contact_id = s.contact_id AND h.message = s.message AND h.ts BETWEEN s.ts - %(near)s AND s.ts + %(near)s
WHERE NOT h.why ? s.reason AND NOT (s.reason = 'companion' AND h.why ? 'head')
  AND CASE WHEN s.reason = 'companion' THEN h.net = s.net AND h.ua = s.ua AND h.net <> ''
           ELSE (h.net = s.net AND h.net <> '') OR (h.ua = s.ua AND h.ua <> '') OR (h.ts = s.ts AND s.reason = 'fan_out') END
"""
# Where each of these people's hits came from, and who else asked for the same mail from there at the same instant.
FROM_WHERE = """
SELECT DISTINCT e.kind, e.key, e.payload ->> 'net', date_bin('10 seconds', e.ts, 'epoch')
FROM event e
WHERE e.contact_id = ANY(%(ids)s) AND e.kind IN (11, 12) AND e.ts >= %(since)s AND e.payload ? 'human' AND e.payload ? 'net'
  AND NOT coalesce(e.payload -> 'why', '[]') ?| %(passing)s
"""
CROWD = """
SELECT DISTINCT o.kind, o.key, o.payload ->> 'net', o.contact_id, o.ts, o.id, coalesce(o.payload ->> 'ua', ''), coalesce(o.payload -> 'why', '[]'), c.email
FROM unnest(%(kinds)s::smallint[], %(keys)s::bigint[], %(nets)s::text[], %(times)s::timestamptz[]) AS r(kind, key, net, ts)
JOIN event o ON o.kind IN (11, 12) AND o.payload ? 'net' AND o.kind = r.kind AND o.key = r.key AND o.payload ->> 'net' = r.net
    AND o.ts BETWEEN r.ts - %(near)s AND r.ts + 2 * %(near)s
JOIN contact c ON c.id = o.contact_id
WHERE o.payload ? 'human' AND NOT coalesce(o.payload -> 'why', '[]') ?| %(passing)s
"""
# Clicks whose page somebody really looked at, and the last open before each.
LANDED = """
SELECT DISTINCT c.contact_id, c.ts, c.id, c.payload ->> 'message', v.contact_id
FROM event v
JOIN event c ON c.contact_id IN (v.contact_id, (v.payload ->> 'whom')::bigint) AND c.id = (v.payload ->> 'click')::bigint AND c.kind IN (12, 19)
    AND c.ts BETWEEN v.ts - interval '1 hour' AND v.ts + interval '5 minutes'
LEFT JOIN event dwell ON dwell.contact_id = v.contact_id AND dwell.ts = v.ts AND dwell.id = v.id + 1 AND dwell.kind = 2
LEFT JOIN event depth ON depth.contact_id = v.contact_id AND depth.ts = v.ts AND depth.id = v.id + 2 AND depth.kind = 15
WHERE v.contact_id = ANY(%(ids)s) AND v.kind = 1 AND v.ts >= %(since)s AND v.payload ? 'click' AND c.payload ? 'human'
  AND NOT coalesce(c.payload -> 'why', '[]') ? 'landed'
  AND (dwell.value >= %(dwell)s OR (dwell.value >= %(glance)s AND depth.value >= %(depth)s) OR EXISTS (
      SELECT 1 FROM event d WHERE d.contact_id = v.contact_id AND d.ts >= v.ts AND d.ts <= v.ts + %(stay)s AND d.kind = ANY(%(done)s::smallint[])))
"""
# Whether the newest click that led a visitor here was a program's.
LED_BY = """
SELECT c.payload ? 'machine'
FROM event v JOIN event c ON c.contact_id = %s AND c.id = (v.payload ->> 'click')::bigint AND c.kind = 12
    AND c.ts BETWEEN v.ts - interval '1 hour' AND v.ts + interval '5 minutes'
WHERE v.contact_id = %s AND v.kind = 1 AND v.payload ? 'click' ORDER BY v.ts DESC, v.id LIMIT 1
"""
# The visitors who were taken for somebody only because of these clicks.
BELIEVED = """
SELECT DISTINCT (v.payload ->> 'via')::bigint
FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[]) AS r(contact_id, ts, id)
JOIN event v ON v.contact_id = r.contact_id AND v.kind = 1 AND v.ts BETWEEN r.ts - interval '5 minutes' AND r.ts + interval '1 hour'
    AND v.payload ->> 'click' = r.id::text AND v.payload ? 'via'
WHERE NOT EXISTS (
    SELECT 1 FROM event o JOIN event c ON c.contact_id = o.contact_id AND c.id = (o.payload ->> 'click')::bigint AND c.kind = 12 AND NOT c.payload ? 'machine'
    WHERE o.contact_id = r.contact_id AND o.kind = 1 AND o.payload ? 'click' AND o.payload ->> 'via' = v.payload ->> 'via')
"""
OPENS = """
SELECT DISTINCT ON (r.contact_id, r.ts, r.id) e.contact_id, e.ts, e.id, e.payload
FROM unnest(%(contacts)s::bigint[], %(times)s::timestamptz[], %(clicks)s::bigint[], %(messages)s::text[]) AS r(contact_id, ts, id, message)
JOIN event e ON e.contact_id = r.contact_id AND e.kind = 11 AND e.ts <= r.ts AND e.ts >= r.ts - %(before)s AND e.payload ->> 'message' = r.message
WHERE e.payload ? 'human' AND NOT coalesce(e.payload -> 'why', '[]') ?| %(firm)s
ORDER BY r.contact_id, r.ts, r.id, e.ts DESC, e.id
"""
KEPT = """
SELECT e.contact_id, e.ts, e.id, e.kind, e.key, e.payload::text
FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[]) AS r(contact_id, ts, id)
JOIN event e ON e.contact_id = r.contact_id AND e.ts = r.ts AND e.id = r.id
ORDER BY e.contact_id, e.ts, e.id
"""
# What somebody else has rewritten meanwhile is read again, instead of locks on many people's rows.
REWRITE = """
UPDATE event e SET payload = r.payload
FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[], %s::text[], %s::jsonb[]) AS r(contact_id, ts, id, known, payload)
WHERE e.contact_id = r.contact_id AND e.ts = r.ts AND e.id = r.id AND e.payload = r.known::jsonb
RETURNING e.contact_id, e.ts, e.id
"""
# When somebody was last active, if that was one of these hits.
LAST_SEEN = """
UPDATE visitor v SET last_seen_at = coalesce((
    SELECT max(e.ts) FROM event e WHERE e.contact_id = v.contact_id AND e.kind = ANY(%(kinds)s::smallint[]) AND NOT e.payload ? 'machine'), v.first_seen_at)
FROM unnest(%(ids)s::bigint[], %(times)s::timestamptz[]) AS r(contact_id, ts)
WHERE v.contact_id = r.contact_id AND v.last_seen_at = r.ts
"""

Place = tuple[int, datetime, int]  # contact, time, id of an event
Payload = dict[str, Any]
DEMOTED = "demoted"  # kind of a change: points that a contact had may have been a program's
COUNTED = "counted_until"  # in the payload of a hit that was believed at first


@changes.on_change(order=9)
def programs(batch: Batch, unseen: list[Change]) -> None:
    """Tell programs from people among those who opened and clicked, before anybody counts it."""
    if ids := _those(unseen, MAIL):
        _tell(batch, around(ids))


@changes.on_change(order=11)
def landings(batch: Batch, unseen: list[Change]) -> None:
    """Who did something on the page that a click led to has clicked himself."""
    if ids := _those(unseen, ON_PAGES):
        _tell(batch, landed(ids))


def _those(unseen: Iterable[Change], kinds: Collection[Kind]) -> set[int]:
    """To whom something of these kinds happened."""
    return {c.contact_id for c in unseen if c.kind == "event" and int(c.key.partition(":")[0]) in kinds}


def _tell(batch: Batch, told: list[Change]) -> None:
    """What is told of these contacts goes on in this tick; of others, in theirs."""
    ours = {c.contact_id for c in batch.changes}
    batch.add([c for c in told if c.contact_id in ours])
    changes.append(c for c in told if c.contact_id not in ours)


def around(ids: Collection[int]) -> list[Change]:
    """Look at what happened around the newest opens and clicks of these contacts, and of their colleagues. Returns what the tick must know."""
    params = {"ids": sorted(ids), "since": clock.now() - BACK, "instant": INSTANT, "near": NEAR, "passing": sorted(PASSING)}
    found: dict[Place, set[str]] = {}
    for contact, ts, id, reason in sql.rows(AROUND, params):
        found.setdefault((contact, ts, id), set()).add(reason)
    if here := sql.rows(FROM_WHERE, params):
        columns = dict(zip(("kinds", "keys", "nets", "times"), map(list, zip(*here, strict=True)), strict=True))
        for place in _crowded(sql.rows(CROWD, {**params, **columns})):
            found.setdefault(place, set()).add("crowd")
    return revise(found)


def _crowded(rows: Iterable[tuple[Any, ...]]) -> set[Place]:
    """Those of the hits that came with so many colleagues' at one instant that no people made them."""
    together: dict[tuple[Any, ...], list[tuple[Place, str]]] = {}  # what was asked for, from where, by whose employees -> places with the program
    known: set[Place] = set()
    for kind, key, net, contact, ts, id, agent, why, email in rows:
        domain = mail_domains.normal(email or "")
        if mail_domains.kind(domain) != "business":
            continue
        together.setdefault((kind, key, net, domain), []).append(((contact, ts, id), agent))
        if "crowd" in (json.loads(why) if isinstance(why, str) else why):
            known.add((contact, ts, id))
    marked: set[Place] = set()
    for everybody in together.values():
        marked |= _dense([place for place, _agent in everybody], MANY)
        for agent in {agent for _place, agent in everybody}:
            marked |= _dense([place for place, by in everybody if by == agent], ALIKE)
    return marked - known


def _dense(places: list[Place], least: int) -> set[Place]:
    """The hits within ten seconds of which so many different people were asked."""
    ordered = sorted(places, key=lambda place: place[1])
    found: set[Place] = set()
    end = 0
    for start, (_contact, ts, _id) in enumerate(ordered):
        end = max(end, start)
        while end < len(ordered) and ordered[end][1] <= ts + NEAR:
            end += 1
        if end - start >= least and len({place[0] for place in ordered[start:end]}) >= least:
            found.update(ordered[start:end])
    return found


def landed(ids: Collection[int]) -> list[Change]:
    """Promote the clicks of these contacts whose page was looked at, and the opens before them. Returns what the tick must know."""
    numbers = {"dwell": DWELL, "glance": GLANCE, "depth": DEPTH, "stay": STAY, "done": [int(kind) for kind in DONE]}
    clicks = sql.rows(LANDED, {**numbers, "ids": sorted(ids), "since": clock.now() - BACK})
    if not clicks:
        return []
    found: dict[Place, set[str]] = {(contact, ts, id): {"landed"} for contact, ts, id, *_ in clicks}
    columns = dict(zip(("contacts", "times", "clicks", "messages", "_"), map(list, zip(*clicks, strict=True)), strict=True))
    del columns["_"]
    for contact, ts, id, _payload in sql.rows(OPENS, {**columns, "before": READ_BEFORE, "firm": sorted(FIRM)}):
        found.setdefault((contact, ts, id), set()).add("read")
    told = revise(found)
    for contact, _ts, _id, _message, visitor in clicks:  # one who was taken for a program had not been believed to be the contact
        if visitor != contact and not led_by_program(visitor, contact):
            with suppress(Conflict):
                identity.join(visitor, contact, by="email_click", sure=False)
    return told


def led_by_program(visitor: int, contact: int) -> bool:
    """Whether a visitor came by a click of a mail to the contact that was probably no person's. Such a one is nobody."""
    found = sql.rows(LED_BY, [contact, visitor])
    return bool(found and found[0][0])


def _disbelieve(lost: Collection[Place]) -> None:
    """Visitors who came by clicks of programs are not the contacts: what they did on the site is an anonymous visitor's again."""
    for (visitor,) in sql.rows(BELIEVED, [list(column) for column in zip(*lost, strict=True)]):
        identity.settle(visitor, None)


def revise(found: Mapping[Place, Collection[str]]) -> list[Change]:
    """Add reasons to hits, in the caller's transaction. Returns the changes of those who count now and did not, or no longer do."""

    def added(place: Place, kind: int, known: Payload) -> Payload:
        return evidence.again(kind, known, *found[place])

    return _rewrite(found, added)


def _rewrite(places: Collection[Place], anew: Callable[[Place, int, Payload], Payload]) -> list[Change]:
    """Give hits another payload; those that somebody else rewrites at the same time are read and given it again."""
    left, told, lost = sorted(places), dict[Change, None](), list[Place]()
    while left:
        wanted: dict[Place, tuple[int, int, str, Payload, Payload]] = {}
        for contact, ts, id, kind, key, stored in sql.rows(KEPT, _columns(left)):
            known: Payload = json.loads(stored)
            after = anew((contact, ts, id), kind, known)
            if "machine" in after and "machine" not in known:
                after[COUNTED] = clock.now().isoformat()
            if after != known:
                wanted[contact, ts, id] = (kind, key, stored, known, after)
        if not wanted:
            break
        payloads = [[one[2] for one in wanted.values()], [Jsonb(one[4]) for one in wanted.values()]]
        done = {(contact, ts, id) for contact, ts, id in sql.rows(REWRITE, [*_columns(list(wanted)), *payloads])}
        for place in done:
            kind, key, _stored, known, after = wanted[place]
            if ("machine" in after) != ("machine" in known):
                told[Change(place[0], "event", f"{kind}:{key}", facts.place(place[1], place[2]))] = None
                if "machine" in after:
                    told[Change(place[0], DEMOTED, "")] = None
                    lost.append(place)
        left = sorted(wanted.keys() - done)
    if lost:
        _disbelieve(lost)
        sql.run(LAST_SEEN, {"ids": [p[0] for p in lost], "times": [p[1] for p in lost], "kinds": [int(kind) for kind in HUMAN]})
    return list(told)


def _columns(places: Sequence[Place]) -> list[list[Any]]:
    return [[place[0] for place in places], [place[1] for place in places], [place[2] for place in places]]


def overrule(contact_id: int, ts: datetime, id: int, person: bool | None, *, actor: Actor) -> None:
    """A colleague says whether an open or a click was a person's; None: Baton is to judge again. Raises NotFound, Conflict (it is judged by nobody)."""
    words = () if person is None else ("person",) if person else ("program",)
    was: dict[Place, list[str]] = {}

    def said(place: Place, kind: int, known: Payload) -> Payload:
        was[place] = evidence.words(known)
        bare = {name: value for name, value in known.items() if name != "by"}
        after = evidence.again(kind, {**bare, "why": [word for word in was[place] if word not in evidence.HAND]}, *words)
        return after if person is None else after | {"by": str(actor)}

    with transaction.atomic():
        found = sql.rows(KEPT, _columns([(contact_id, ts, id)]))
        if not found:
            raise NotFound
        if found[0][3] not in (*MAIL, Kind.LINK_CLICK) or "human" not in json.loads(found[0][5]):
            raise Conflict("not an open or a click that is judged")
        told = _rewrite([(contact_id, ts, id)], said)
        why = evidence.words(json.loads(sql.rows(KEPT, _columns([(contact_id, ts, id)]))[0][5]))
        if why != was[contact_id, ts, id]:
            history.record(actor, "changed", "hit", f"{contact_id}:{id}", at=ts.isoformat(), was=was[contact_id, ts, id], why=why)
        changes.append(told)
        live.publish(f"contact:{contact_id}", what="changed")
