"""Who is who: a visitor is known by the cookie, and becomes a contact, or a part of one.

A visitor's events already carry the contact id he will have, so becoming a contact rewrites nothing. Only when the
cookie turns out to belong to somebody known are its few rows moved, and the old id points to the new one for ever.

Not every sign is a proof. Who sends a form with an address, or is named by the site itself, has proved who he is. Who came by a link of
a mail is only guessed: mails are forwarded. A guess is believed until somebody else proves who he is at that browser; then what came by
it goes to him (`proved`). Two people who both proved themselves stay two, and the browser gets a new cookie (`fresh`).
"""

import json
import secrets
from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from baton.crm import contacts
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.platform import changes, clock, live, sql
from baton.platform.changes import Change
from baton.platform.errors import Conflict

ROWS = "SELECT ts, id, kind, key FROM event WHERE contact_id = %s"
COPY = """
INSERT INTO event (contact_id, ts, id, kind, key, value, payload)
SELECT %s, e.ts, e.id, e.kind, e.key, e.value, e.payload || %s::jsonb
FROM event e JOIN unnest(%s::timestamptz[], %s::bigint[]) AS r(ts, id) ON r.ts = e.ts AND r.id = e.id
WHERE e.contact_id = %s
ON CONFLICT (contact_id, ts, id) DO UPDATE SET value = excluded.value WHERE excluded.value > event.value
"""
DROP = "DELETE FROM event e USING unnest(%s::timestamptz[], %s::bigint[]) AS r(ts, id) WHERE e.contact_id = %s AND e.ts = r.ts AND e.id = r.id"
VISITOR = """
INSERT INTO visitor (contact_id, first_seen_at, last_seen_at, first_page, first_referrer, user_agent)
SELECT %(new)s, v.first_seen_at, v.last_seen_at, v.first_page, v.first_referrer, v.user_agent FROM visitor v WHERE v.contact_id = %(old)s
ON CONFLICT (contact_id) DO UPDATE SET
    first_page = CASE WHEN excluded.first_seen_at < visitor.first_seen_at THEN excluded.first_page ELSE visitor.first_page END,
    first_referrer = CASE WHEN excluded.first_seen_at < visitor.first_seen_at THEN excluded.first_referrer ELSE visitor.first_referrer END,
    first_seen_at = least(visitor.first_seen_at, excluded.first_seen_at),
    last_seen_at = greatest(visitor.last_seen_at, excluded.last_seen_at)
"""


GUESS = "guess"  # an identity's kind: visitor id -> the contact he is believed to be
BELONGED = "SELECT ts, id, kind, key FROM event WHERE contact_id = %s AND payload ->> 'via' = %s AND kind <> %s"
GIVE = """
INSERT INTO event (contact_id, ts, id, kind, key, value, payload)
SELECT %s, e.ts, e.id, e.kind, e.key, e.value, e.payload - 'via'
FROM event e JOIN unnest(%s::timestamptz[], %s::bigint[]) AS r(ts, id) ON r.ts = e.ts AND r.id = e.id
WHERE e.contact_id = %s
ON CONFLICT (contact_id, ts, id) DO NOTHING
"""
FIRST_PAGE = "SELECT ts, payload ->> 'url', payload ->> 'referrer' FROM event WHERE contact_id = %s AND kind = %s ORDER BY ts, id LIMIT 1"


def visitor(cookie: str) -> int | None:
    """The contact id behind a cookie (a visitor's or a contact's), following merged ids; None for an unknown cookie."""
    found = sql.rows("SELECT contact_id FROM identity WHERE kind = 'cookie' AND value = %s", [cookie])
    return current(found[0][0]) if found else None


def hold(cookie: str) -> int | None:
    """As `visitor`, and nobody else makes a contact of him, or joins him to one, until the transaction ends."""
    while (found := visitor(cookie)) is not None:
        sql.rows("SELECT 1 FROM visitor WHERE contact_id = %s FOR UPDATE", [found])
        if current(found) == found:
            break  # else he was joined to somebody while we waited
    return found


def current(contact_id: int) -> int:
    """The id that a contact or visitor has now: the id itself, or the one it was merged into."""
    return contacts.resolve(contact_id)


def merged(contact_ids: Collection[int]) -> dict[int, int]:
    """For those of the ids that were merged away: where they went."""
    found = sql.rows("SELECT value, contact_id FROM identity WHERE kind = 'merged' AND value = ANY(%s)", [[str(i) for i in contact_ids]])
    return {int(value): new for value, new in found}


def is_known(contact_id: int) -> bool:
    """Whether the id is a contact's, not only a visitor's."""
    return bool(sql.rows("SELECT 1 FROM contact WHERE id = %s", [contact_id]))


def first_seen(contact_id: int, at: datetime, *, page: str = "", referrer: str = "", user_agent: str = "") -> None:
    """Make the visitor's row where it is missing."""
    sql.run(
        "INSERT INTO visitor (contact_id, first_seen_at, last_seen_at, first_page, first_referrer, user_agent) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (contact_id) DO NOTHING",
        [contact_id, at, at, page, referrer, user_agent],
    )


def became_known(contact_id: int, *, by: str) -> None:
    """Note that a visitor was identified (`by`: form, email_click, api), with how many page views came with him."""
    views = sql.rows("SELECT count(*) FROM event WHERE contact_id = %s AND kind = %s", [contact_id, int(Kind.PAGE_VIEW)])[0][0]
    _note(contact_id, by, views)


def join(visitor_id: int, contact_id: int, *, by: str, sure: bool = True) -> bool:
    """Make an anonymous visitor and a known contact one: his events, cookies and profile become the contact's.

    One transaction; False when they are one already. Raises Conflict when `visitor_id` is a contact of his own:
    two known people stay two until somebody merges them. `sure` False: it is a guess, and `proved` may take it back.
    """
    with transaction.atomic():
        sql.rows("SELECT 1 FROM visitor WHERE contact_id = %s FOR UPDATE", [visitor_id])  # two joins of one visitor: one after the other
        contact_id = current(contact_id)
        if current(visitor_id) != visitor_id or visitor_id == contact_id:
            return False
        if is_known(visitor_id):
            raise Conflict(f"{visitor_id} is a contact already", existing_id=visitor_id)
        moved = move_events(visitor_id, contact_id, via=not sure)
        sql.run(VISITOR, {"old": visitor_id, "new": contact_id})
        sql.run("DELETE FROM visitor WHERE contact_id = %s", [visitor_id])
        if sure:
            contacts.redirect(visitor_id, contact_id)
        else:  # the cookie goes on pointing to the visitor's id: what comes by it says so, and can be given back
            contacts.claim("merged", str(visitor_id), contact_id)
            contacts.claim(GUESS, str(visitor_id), contact_id)
        changes.append([Change(contact_id, "identity"), *(Change(contact_id, "event", f"{kind}:{key}") for kind, key in sorted(set(moved)))])
        _note(contact_id, by, sum(1 for kind, _ in moved if kind == Kind.PAGE_VIEW), {} if sure else {"visitor": visitor_id})
        sql.run("NOTIFY baton_identity")  # collectors forget which cookie was whose
        live.publish(f"contact:{contact_id}", what="changed")
        return True


def proved(cookie: str, contact_id: int | None) -> int | None:
    """Somebody proved who he is at this browser: a contact, or somebody new (None). Returns whose the browser is now, as `visitor` does.

    Was the browser believed to be another's by a mail link, that is taken back: what came by it is an anonymous visitor's again.
    """
    found = sql.rows("SELECT contact_id FROM identity WHERE kind = 'cookie' AND value = %s", [cookie])
    if not found:
        return None
    return settle(found[0][0], contact_id)


def settle(visitor_id: int, contact_id: int | None) -> int:
    """As `proved`, for the id a browser had first; the id it has now."""
    with transaction.atomic():
        guessed = sql.rows("DELETE FROM identity WHERE kind = %s AND value = %s RETURNING contact_id", [GUESS, str(visitor_id)])  # of two at once one takes it
        now = current(visitor_id)
        if not guessed:
            return now
        if now == contact_id:
            contacts.redirect(visitor_id, now)
            sql.run("NOTIFY baton_identity")
            return now
        _part(visitor_id, now)
        return visitor_id


def _part(visitor_id: int, contact_id: int) -> None:
    """Give a visitor back what came by his browser while he was taken for somebody. What that person sent by it stays his."""
    sql.run("DELETE FROM identity WHERE kind = 'merged' AND value = %s", [str(visitor_id)])
    sql.run("DELETE FROM event WHERE contact_id = %s AND kind = %s AND payload ->> 'visitor' = %s", [contact_id, int(Kind.IDENTIFIED), str(visitor_id)])
    rows = sql.rows(BELONGED, [contact_id, str(visitor_id), int(Kind.FORM_SUBMISSION)])
    if rows:
        times, ids = [r[0] for r in rows], [r[1] for r in rows]
        sql.run(GIVE, [visitor_id, times, ids, contact_id])
        sql.run(DROP, [times, ids, contact_id])
        changes.append([Change(contact_id, "identity"), *(Change(contact_id, "event", f"{kind}:{key}") for kind, key in sorted({(r[2], r[3]) for r in rows}))])
    first = sql.rows(FIRST_PAGE, [visitor_id, int(Kind.PAGE_VIEW)])
    at, page, referrer = first[0] if first else (clock.now(), "", "")
    first_seen(visitor_id, at, page=page or "", referrer=referrer or "")
    last = max((r[0] for r in rows), default=at)
    sql.run("UPDATE visitor SET last_seen_at = %s WHERE contact_id = %s AND last_seen_at < %s", [last, visitor_id, last])
    sql.run("NOTIFY baton_identity")
    changes.append([Change(visitor_id, "identity")])  # his visits and where he came from are his own again
    live.publish(f"contact:{contact_id}", what="changed")


def browsers(contact_id: int) -> int:
    """In how many browsers a person is known. What he does in another is an unknown visitor's, until he says there who he is."""
    ids = "SELECT %(id)s UNION ALL SELECT m.value::bigint FROM identity m WHERE m.kind = 'merged' AND m.contact_id = %(id)s"
    return int(sql.rows(f"SELECT count(*) FROM identity i WHERE i.kind = 'cookie' AND i.contact_id IN ({ids})", {"id": contact_id})[0][0])


def fresh(contact_id: int) -> str:
    """A new cookie that is the contact's: for a browser at which somebody else had proved himself before."""
    cookie = secrets.token_hex(16)
    contacts.claim("cookie", cookie, contact_id)
    return cookie


def origin(cookie: str) -> int | None:
    """The id a cookie belonged to before that one was merged into another contact; None when it was not.

    What comes by such a cookie says so in its payload (`via`), so that a merge undone later gives it back.
    """
    found = sql.rows("SELECT contact_id FROM identity WHERE kind = 'cookie' AND value = %s", [cookie])
    return found[0][0] if found and current(found[0][0]) != found[0][0] else None


def move_events(old: int, new: int, *, via: bool = False) -> list[tuple[int, int]]:
    """Move all events of one id to another; returns (kind, key) of each. Rows that arrive meanwhile stay for the next call.

    With `via` they remember whose they were.
    """
    rows = sql.rows(ROWS, [old])
    if rows:
        times, ids = [r[0] for r in rows], [r[1] for r in rows]
        mark = json.dumps({"via": old} if via else {})
        sql.run(COPY, [new, mark, times, ids, old])  # a row's contact_id is never updated: it says on which machine the row lives
        sql.run(DROP, [times, ids, old])
        sql.run("DELETE FROM session WHERE contact_id = %s", [old])  # the new id's are worked out from its events
    return [(r[2], r[3]) for r in rows]


def _note(contact_id: int, by: str, views: int, more: dict[str, int] | None = None) -> None:
    record.add([NewEvent(contact_id, Kind.IDENTIFIED, clock.now(), value=float(views), payload={"by": by, "views": views, **(more or {})})])
