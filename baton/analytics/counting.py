"""Counts the ledger of stages forward, so that no page reads all of it.

A booking is counted once: its number comes from a sequence before it is written, and numbers are counted only up to one below which every transaction
has ended. What comes later, even dated into the past, has a larger number and is read from the ledger until it is counted too.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction

from baton.analytics.models import Counted, FlowDay, StayMonth
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
            params = {"after": state.upto, "upto": state.next, "zone": state.zone}
            sql.run(ADD_FLOWS, params)
            sql.run(ADD_STAYS, params)
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
        FlowDay.objects.all().delete()
        StayMonth.objects.all().delete()
        sql.run(ADD_FLOWS, params)
        sql.run(ADD_STAYS, params)
        state.save()
    return state.upto


def _forget(state: Counted) -> None:
    """Begin anew: what was counted by other days, or nothing yet."""
    FlowDay.objects.all().delete()
    StayMonth.objects.all().delete()
    state.upto, state.zone = 0, config().time_zone
