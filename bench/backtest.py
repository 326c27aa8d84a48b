"""A score tried on the past: 40 rules asked about 5,000 people, each just before his deal, among 200,000 contacts with 5 million events."""

import random
import time
from datetime import datetime, timedelta
from typing import Any

from baton.platform import sql
from baton.platform.actor import SYSTEM
from bench.decide import forty
from bench.engine import CONTACTS, DAYS, _world

Row = dict[str, Any]
DEALS = 5_000

ENDED = """
INSERT INTO record (id, object_type, properties, created_at, created_by, source, updated_at)
SELECT r.id, 'deal', jsonb_build_object('pipeline', 'default', 'dealstage', CASE WHEN r.won THEN 'closedwon' ELSE 'closedlost' END,
       'stage_since', to_char((r.at + interval '20 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       'closedate', to_char(r.at + interval '20 days', 'YYYY-MM-DD')), r.at, 'system', '', r.at
FROM unnest(%s::bigint[], %s::boolean[], %s::timestamptz[]) AS r(id, won, at)
"""
LINKED = """
INSERT INTO association (from_id, from_type, to_id, to_type, label, created_at)
SELECT r.deal, 'deal', r.contact, 'contact', '', r.at FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS r(deal, contact, at)
"""
READ = """
SELECT count(*), count(e.value) FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(contact, at) JOIN event e ON e.contact_id = r.contact AND e.ts <= r.at
"""


def _deals(end: datetime) -> tuple[list[int], list[datetime]]:
    """Closed deals of half a year with one person each; returns the people and the moments."""
    luck = random.Random(5)
    people = luck.sample(range(1, CONTACTS), DEALS)
    moments = [end - timedelta(days=luck.uniform(25, DAYS / 2)) for _ in people]
    deals = list(range(10_000_000, 10_000_000 + DEALS))
    sql.run("DELETE FROM association")
    sql.run("DELETE FROM record")
    sql.run(ENDED, [deals, [luck.random() < 0.4 for _ in deals], moments])
    sql.run(LINKED, [deals, people, moments])
    return people, moments


def backtest() -> list[Row]:
    """The whole back-test; limit: reading the events of the same people until the same moments from the index."""
    end = _world()
    from baton.segments import backtest as tried
    from baton.segments import cards, outcomes

    people, moments = _deals(end)
    card = cards.current(cards.create(forty(), key="bench_past", actor=SYSTEM))
    start = time.perf_counter()
    result = tried.measure(card, outcomes.Settings(ends="deals", days=None))
    value = (time.perf_counter() - start) * 1000
    assert result is not None
    start = time.perf_counter()
    events = sql.rows(READ, [people, moments])[0][0]
    limit = (time.perf_counter() - start) * 1000
    name = f"back-test of {len(card.rules)} rules, {sum(result['counts'].values()):,} ends, {events:,} events before them"
    return [{"name": name, "value": round(value, 1), "unit": "ms", "limit": round(limit, 1), "ratio": round(value / limit, 2), "goal": None, "ok": True}]


BENCHES = {"backtest": backtest}
