"""Counts the ledger of stages forward, so that no page reads all of it.

A booking is counted once: its number comes from a sequence before it is written, and numbers are counted only up to one below which every transaction
has ended. What comes later, even dated into the past, has a larger number and is read from the ledger until it is counted too.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction

from baton.analytics.models import CohortMonth, Counted, FlowDay, StayMonth, WayMonth
from baton.crm.models import BookedFor
from baton.platform import clock, sql
from baton.platform.config import config

STAYS = date(9999, 12, 1)  # the month in which somebody leaves who is still there

# What the bookings above a number add to the stays: who comes stays; who leaves no longer stays, but left in that month.
CHANGES = """
SELECT b."into" AS stage, (b.at AT TIME ZONE %(zone)s)::date AS since, '9999-12-01'::date AS "left", 1 AS n
FROM booking b WHERE b.id > %(after)s {upto} AND b."into" <> ''
UNION ALL
SELECT b.out_of, (p.at AT TIME ZONE %(zone)s)::date, m.left, m.n
FROM booking b
CROSS JOIN LATERAL (SELECT e.at FROM booking e WHERE e.contact_id = b.contact_id AND e.id < b.id ORDER BY e.id DESC LIMIT 1) p
CROSS JOIN LATERAL (VALUES ('9999-12-01'::date, -1), (date_trunc('month', b.at AT TIME ZONE %(zone)s)::date, 1)) AS m("left", n)
WHERE b.id > %(after)s {upto} AND b.out_of <> ''
"""
OF_JOB = CHANGES.format(upto="AND b.id <= %(upto)s")
NOT_COUNTED = CHANGES.format(upto="")
ADD_FLOWS = """
INSERT INTO flow_day (day, out_of, "into", path, n)
SELECT (at AT TIME ZONE %(zone)s)::date, out_of, "into", path, count(*) FROM booking WHERE id > %(after)s AND id <= %(upto)s GROUP BY 1, 2, 3, 4
ON CONFLICT (day, out_of, "into", path) DO UPDATE SET n = flow_day.n + excluded.n
"""
ADD_STAYS = f"""
INSERT INTO stay_month (stage, since, "left", n)
SELECT q.stage, q.since, q."left", sum(q.n) FROM ({OF_JOB}) q GROUP BY 1, 2, 3 HAVING sum(q.n) <> 0
ON CONFLICT (stage, since, "left") DO UPDATE SET n = stay_month.n + excluded.n
"""
# The same by source and owner: those of `booked_for`, under which all bookings of a contact are counted.
HOLD = "LOCK TABLE booked_for IN SHARE ROW EXCLUSIVE MODE"  # nobody is erased meanwhile: his bookings would be counted under another number than his row
ADD_WHOSE = """
INSERT INTO booked_for (contact_id, source, owner_id)
SELECT q.contact_id, coalesce(c.properties ->> 'lead_source', ''), coalesce(c.owner_id, 0)
FROM (SELECT DISTINCT contact_id FROM booking WHERE id > %(after)s AND id <= %(upto)s) q LEFT JOIN contact c ON c.id = q.contact_id
ON CONFLICT (contact_id) DO NOTHING
"""
INTO_WAYS = """
INSERT INTO way_month (month, source, owner_id, out_of, "into", path, n, days) {rows}
ON CONFLICT (month, source, owner_id, out_of, "into", path) DO UPDATE SET n = way_month.n + excluded.n, days = way_month.days + excluded.days
"""
ADD_WAYS = INTO_WAYS.format(
    rows="""
SELECT date_trunc('month', q.day)::date, f.source, f.owner_id, q.out_of, q."into", q.path, count(*), sum(q.day - '2000-01-01'::date)
FROM (SELECT contact_id, (at AT TIME ZONE %(zone)s)::date AS day, out_of, "into", path FROM booking WHERE id > %(after)s AND id <= %(upto)s) q
JOIN booked_for f ON f.contact_id = q.contact_id GROUP BY 1, 2, 3, 4, 5, 6
"""
)
TAKE_WAYS = INTO_WAYS.format(
    rows="""
SELECT date_trunc('month', q.day)::date, q.source, q.owner_id, q.out_of, q."into", q.path, sum(q.n), sum(q.n * (q.day - '2000-01-01'::date))
FROM (SELECT (b.at AT TIME ZONE %(zone)s)::date AS day, b.out_of, b."into", b.path, v.source, v.owner_id, v.n
      FROM unnest(%(ids)s::bigint[], %(sources)s::text[], %(owners)s::bigint[], %(new_sources)s::text[], %(new_owners)s::bigint[]) AS r(id, s, o, ns, no)
      JOIN booking b ON b.contact_id = r.id AND b.id <= %(upto)s
      CROSS JOIN LATERAL (VALUES (r.s, r.o, -1), (r.ns, r.no, 1)) AS v(source, owner_id, n)) q
GROUP BY 1, 2, 3, 4, 5, 6
"""
)
# A contact's place among the cohorts up to a number: when he came first, and every stage he has been in.
PLACE = """min(b.at) {when} AS {name}_came, coalesce(string_agg(DISTINCT b."into", chr(31) ORDER BY b."into") {when}, '') AS {name}_reached"""
PLACES = f"""
SELECT b.contact_id, {PLACE.format(name="was", when="FILTER (WHERE b.id <= %(after)s)")}, {PLACE.format(name="now", when="")}
FROM (SELECT DISTINCT contact_id FROM booking WHERE id > %(after)s {{upto}}) q JOIN booking b ON b.contact_id = q.contact_id {{upto_b}} GROUP BY 1
"""
IN_COHORTS = """
SELECT date_trunc('month', v.came AT TIME ZONE %(zone)s)::date AS came, v.reached, w.source, w.owner_id, v.n
FROM ({places}) b {whose} CROSS JOIN LATERAL (VALUES (b.was_came, b.was_reached, -1), (b.now_came, b.now_reached, 1)) AS v(came, reached, n)
WHERE v.came IS NOT NULL
"""
INTO_COHORTS = """
INSERT INTO cohort_month (came, reached, source, owner_id, n) SELECT q.came, q.reached, q.source, q.owner_id, sum(q.n) FROM ({rows}) q
GROUP BY 1, 2, 3, 4 HAVING sum(q.n) <> 0
ON CONFLICT (came, reached, source, owner_id) DO UPDATE SET n = cohort_month.n + excluded.n
"""
ADD_COHORTS = INTO_COHORTS.format(
    rows=IN_COHORTS.format(
        places=PLACES.format(upto="AND id <= %(upto)s", upto_b="AND b.id <= %(upto)s"), whose="JOIN booked_for w ON w.contact_id = b.contact_id"
    )
)
TAKE_COHORTS = INTO_COHORTS.format(
    rows="""
SELECT date_trunc('month', b.came AT TIME ZONE %(zone)s)::date AS came, b.reached, v.source, v.owner_id, v.n
FROM (SELECT b.contact_id, min(b.at) AS came, coalesce(string_agg(DISTINCT b."into", chr(31) ORDER BY b."into"), '') AS reached
      FROM booking b WHERE b.contact_id = ANY(%(ids)s) AND b.id <= %(upto)s GROUP BY 1) b
JOIN unnest(%(ids)s::bigint[], %(sources)s::text[], %(owners)s::bigint[], %(new_sources)s::text[], %(new_owners)s::bigint[]) AS r(id, s, o, ns, no)
  ON r.id = b.contact_id
CROSS JOIN LATERAL (VALUES (r.s, r.o, -1), (r.ns, r.no, 1)) AS v(source, owner_id, n)
"""
)
TAKE_WHOSE = """
UPDATE booked_for f SET source = r.ns, owner_id = r.no FROM unnest(%(ids)s::bigint[], %(new_sources)s::text[], %(new_owners)s::bigint[]) AS r(id, ns, no)
WHERE f.contact_id = r.id
"""
OLDEST = "SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
NEWEST = "SELECT coalesce(max(id), 0), clock_timestamp() FROM booking"


def read(statement: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of a statement over the counted tables and the ledger `WHERE id > %(after)s`, which belong together."""
    while True:
        after = _upto()
        rows = sql.rows(statement, {**params, "after": after, "zone": config().time_zone})
        if _upto() == after:  # else more was counted meanwhile: the same booking would be in the sum twice
            return rows


def _upto() -> int:
    """Up to which number the ledger is counted in the days of the account's time zone."""
    return Counted.objects.filter(zone=config().time_zone).values_list("upto", flat=True).first() or 0


def forward() -> int:
    """Count what can be counted; returns the number up to which the ledger is counted now."""
    with transaction.atomic():
        Counted.objects.bulk_create([Counted(zone=config().time_zone)], ignore_conflicts=True)
        state = Counted.objects.select_for_update().get()
        if state.zone != config().time_zone or not state.upto:
            _forget(state)
        ((oldest,),) = sql.rows(OLDEST)
        if state.looked_at is not None and state.next > state.upto and (oldest is None or oldest > state.looked_at):
            _add({"after": state.upto, "upto": state.next, "zone": state.zone})
            state.upto = state.next
        ((state.next, state.looked_at),) = sql.rows(NEWEST)
        state.save()
    return state.upto


def again() -> int:
    """Count all of it again from nothing, up to where it was counted; returns up to where that is."""
    with transaction.atomic():
        state = Counted.objects.select_for_update().first()
        if state is None:
            return 0
        state.next, state.looked_at = state.upto, clock.now()
        params = {"after": 0, "upto": state.upto, "zone": state.zone}
        _empty()
        _add(params)
        state.save()
    return state.upto


def take_over(rows: Sequence[tuple[int, str, int, str, int]], state: Counted) -> None:
    """Count contacts (id, source, owner, new source, new owner) under their new source and owner, in a transaction that has HOLD."""
    names = ("ids", "sources", "owners", "new_sources", "new_owners")
    params: dict[str, Any] = {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    params |= {"upto": state.upto, "zone": state.zone}
    for statement in (TAKE_WAYS, TAKE_COHORTS, TAKE_WHOSE):
        sql.run(statement, params)


def _add(params: dict[str, Any]) -> None:
    """Add the bookings after a number, up to another, to all sums."""
    sql.run(HOLD)
    for statement in (ADD_FLOWS, ADD_STAYS, ADD_WHOSE, ADD_WAYS, ADD_COHORTS):
        sql.run(statement, params)


def _empty() -> None:
    for sums in (FlowDay, StayMonth, WayMonth, CohortMonth):
        sums.objects.all().delete()


def _forget(state: Counted) -> None:
    """Begin anew: what was counted by other days, or nothing yet."""
    sql.run(HOLD)
    _empty()
    BookedFor.objects.all().delete()
    state.upto, state.zone = 0, config().time_zone
