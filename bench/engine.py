"""The engine against the bare machine: one behavioural list over everybody, and 500 changed contacts against 40 rules and 200 lists.

200,000 contacts and 5 million events of a year, made in a scratch database of the same server and dropped at the end.
"""

import atexit
import json
import math
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.core.management import call_command
from django.db import connection, transaction

from baton.events import months, partitions
from baton.events.vocabulary import Kind, key_kind
from baton.platform import clock, postgres, sql
from baton.platform.actor import SYSTEM
from baton.platform.config import config
from baton.query import compile

if TYPE_CHECKING:
    from baton.segments.models import ScoreModel, Segment

# Packages with models are imported inside the functions: `bench` looks at every module before any server is started.

CONTACTS, EVENTS, DAYS = 200_000, 5_000_000, 360
RUNS = 9
Row = dict[str, Any]

# Who is active follows a power law, and so does which page is seen. Ids of events are their numbers.
CONTACT_ROWS = """
INSERT INTO contact (id, properties, email, created_at, created_by, source, updated_at)
SELECT i, jsonb_build_object(
        'email', 'p' || i || '@c' || i % 9000 || '.example', 'firstname', 'First' || i % 997, 'lastname', 'Last' || i % 499,
        'company', 'Company ' || i % 9000, 'jobtitle', 'Title ' || i % 40, 'country', 'KR', 'city', 'City ' || i % 60,
        'industry', (ARRAY['manufacturing','logistics','retail','it','finance','education','medical','etc'])[1 + i % 8],
        'seniority', (ARRAY['exec','head','manager','staff'])[1 + (i / 8) %% 4],
        'numberofemployees', 5 + (i * 7919::bigint) %% 3000,
        'lead_source', (ARRAY['search','webinar','ad_linkedin','referral'])[1 + (i / 32) %% 4],
        'lifecyclestage', (ARRAY['lead','lead','lead','mql','sql','customer'])[1 + (i / 3) %% 6]),
    'p' || i || '@c' || i %% 9000 || '.example', %(at)s, 'system', '', %(at)s
FROM generate_series(1, %(contacts)s) AS i
""".replace(" % ", " %% ")
EVENT_ROWS = """
INSERT INTO {partition} (contact_id, ts, id, kind, key, value, payload)
SELECT r.contact_id, %(since)s + r.i * %(step)s, r.i, r.kind,
       CASE WHEN r.kind IN (1, 2) THEN %(pages)s + floor(500 * power(r.b, 3))::int WHEN r.kind IN (10, 11, 12) THEN %(emails)s + floor(60 * r.b)::int
            ELSE %(forms)s + floor(8 * r.b)::int END,
       CASE WHEN r.kind = 2 THEN floor(240 * r.b) END, '{{}}'
FROM (SELECT i, 1 + floor({contacts} * power(random(), 2))::int AS contact_id, random() AS b,
             (ARRAY[1,1,1,1,1,1,1,1,1,1,1,2,2,2,10,10,11,11,12,5])[1 + i %% 20] AS kind
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS i) r
"""
BARE = """
SELECT (SELECT count(contact_id) FROM event WHERE kind = 1 AND key = %s AND ts >= %s) + (SELECT count(contact_id) FROM event WHERE kind = 11 AND ts >= %s)
"""
WIDE_BARE = "SELECT (SELECT count(contact_id) FROM event WHERE kind = 1 AND ts >= %s) + (SELECT count(contact_id) FROM event WHERE kind = 11 AND ts >= %s)"
LIST = {
    "all": [
        {"condition": "page_viewed", "address": "shop.example/page/1", "match": "is", "at_least": 2, "days": 30},
        {"condition": "email_opened", "at_least": 1, "days": 14},
        {"condition": "property", "property": "industry", "operator": "any_of", "value": ["manufacturing", "logistics", "retail"]},
        {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["exec", "head", "manager"]},
        {"condition": "property", "property": "numberofemployees", "operator": "at_least", "value": 50},
    ]
}
WIDE: Row = {  # regular readers: most of what happened in half a year has to be looked at
    "all": [
        {"condition": "page_viewed", "address": "", "match": "contains", "at_least": 5, "days": 90},
        {"condition": "email_opened", "at_least": 1, "days": 180},
        {"condition": "property", "property": "numberofemployees", "operator": "at_least", "value": 50},
    ]
}
LISTS = 200


@cache
def _world() -> datetime:
    """Make the scratch database once and point Django at it; returns the moment at which its year ends."""
    if "BATON_DATABASE_URL" not in os.environ:
        os.environ["BATON_DATABASE_URL"] = postgres.start(Path("build/bench-data"))
    os.environ.setdefault("BATON_DATA_DIR", "build/bench-data")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "baton.settings")
    django.setup()
    name = "baton_bench_engine"
    home = dict(connection.settings_dict)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'")
    connection.close()
    connection.settings_dict["NAME"] = name

    def drop() -> None:
        connection.close()
        connection.settings_dict["NAME"] = home["NAME"]
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.close()

    atexit.register(drop)
    call_command("migrate", verbosity=0)
    from baton.crm import builtin

    builtin.ensure()
    return _fill(clock.now())


def _fill(end: datetime) -> datetime:
    since = end - timedelta(days=DAYS)
    sql.run("SELECT setseed(0.4)")
    sql.run("SET synchronous_commit = off")
    sql.run("SET maintenance_work_mem = '512MB'")
    sql.run("ALTER TABLE contact SET UNLOGGED")
    first_key = _keys()
    sql.run(CONTACT_ROWS, {"at": since, "contacts": CONTACTS})
    step = timedelta(days=DAYS) / EVENTS
    at = since
    while at < end:
        month = months.month(at)
        until = min(months.month(at, 1), end)
        name = f"event_{month:%Y%m}"
        sql.run(f"CREATE UNLOGGED TABLE {name} (LIKE event INCLUDING DEFAULTS)")  # filled first, indexed when attached: half the time
        numbers = {"first": -(-(at - since) // step), "last": (until - since) // step - 1}
        sql.run(EVENT_ROWS.format(partition=name, contacts=CONTACTS), {"since": since, "step": step, **first_key, **numbers})
        sql.run(f"ALTER TABLE event ATTACH PARTITION {name} FOR VALUES FROM ('{month:%Y-%m-%d}Z') TO ('{months.month(at, 1):%Y-%m-%d}Z')")
        at = until
    partitions.ensure(end, end)
    sql.run("VACUUM (ANALYZE, INDEX_CLEANUP OFF) contact, event, event_key")
    return end


def _keys() -> dict[str, int]:
    """What the events are about: pages, e-mails and forms, each with consecutive ids; returns the first id of each."""
    first: dict[str, int] = {}
    for what, kind, count, value in (
        ("pages", Kind.PAGE_VIEW, 500, "shop.example/page/"),
        ("emails", Kind.EMAIL_SENT, 60, ""),
        ("forms", Kind.FORM_SUBMISSION, 8, ""),
    ):
        first[what] = sql.rows("SELECT coalesce(max(id), 0) + 1 FROM event_key")[0][0]
        sql.run(
            "INSERT INTO event_key (kind, value, label) SELECT %s, %s || i, '' FROM generate_series(1, %s) AS i ORDER BY i", [int(key_kind(kind)), value, count]
        )
    return first


def _best(*runs: Callable[[], object], times: int = RUNS) -> list[float]:
    """Milliseconds of the fastest of several runs of each, taken in turn: what else the machine does meets all alike."""
    for run in runs:
        run()
    found = [math.inf] * len(runs)
    for _ in range(times):
        for number, run in enumerate(runs):
            start = time.perf_counter()
            run()
            found[number] = min(found[number], (time.perf_counter() - start) * 1000)
    return found


def _row(name: str, value: float, limit: float, goal: float | None) -> Row:
    ratio = round(value / limit, 2)
    ok = goal is None or ratio <= goal
    return {"name": name, "value": round(value, 1), "unit": "ms", "limit": round(limit, 1), "ratio": ratio, "goal": goal, "ok": ok}


def behavioural_list() -> list[Row]:
    """Compile and evaluate a narrow and a wide list over everybody; limit: the bare index-only scan of the event rows each has to look at."""
    end = _world()
    from baton.segments import catalog, definitions

    def days(number: int) -> datetime:
        return end - timedelta(days=number)

    def row(number: int, stored: Row, bare: str, params: list[Any], goal: float | None) -> Row:
        def evaluate() -> int:
            node = definitions.ready("segment", {number: stored})[number].node
            members = compile.members(node, catalog.current(), now=end, zone=config().zone)
            return int(sql.rows(f"SELECT count(*) FROM ({members.text}) q", members.params)[0][0])

        def scan() -> int:
            return int(sql.rows(bare, params)[0][0])

        value, limit = _best(evaluate, scan)
        return _row(f"list of {evaluate():,} contacts from {scan():,} of {EVENTS // 10**6} M events", value, limit, goal)

    page = sql.rows("SELECT id FROM event_key WHERE value = 'shop.example/page/1'")[0][0]
    narrow = row(0, LIST, BARE, [page, days(30), days(14)], 3)
    sql.run("SET max_parallel_workers_per_gather = 0")  # members are written by INSERT .. SELECT, which PostgreSQL runs in one process
    wide = row(1, WIDE, WIDE_BARE, [days(90), days(180)], None)
    sql.run("RESET max_parallel_workers_per_gather")
    return [narrow, wide]


def reevaluate_500() -> list[Row]:
    """Score 500 changed contacts by 40 rules and ask them about 200 lists; limit: reading the events of these contacts of 90 days from the index."""
    end = _world()
    from baton.segments import refresh, scoring

    clock.shift(end - datetime.now(UTC))
    lists, model = _definitions()
    seen = sql.rows("SELECT contact_id FROM event WHERE ts >= %s GROUP BY contact_id ORDER BY hashint8(contact_id) LIMIT 500", [end - timedelta(days=1)])
    ids = [id for (id,) in seen]

    def undone(run: Callable[[], object]) -> Callable[[], object]:
        def once() -> None:
            with transaction.atomic():
                run()
                transaction.set_rollback(True)

        return once

    def bare() -> object:
        return sql.rows("SELECT count(*) FROM event WHERE contact_id = ANY(%s) AND ts >= %s", [ids, end - timedelta(days=90)])

    def rules() -> object:
        return scoring.some(ids, models=[model.pk])

    def asked() -> object:
        return refresh.each({segment.pk: ids for segment in lists})

    def everything() -> None:
        rules()
        asked()

    who, count = f"{len(ids)} changed contacts", model.rules.count()
    limit, one_list, all_new = _best(bare, undone(lambda: refresh.some(lists[:1], ids)), undone(rules))
    everything()
    limit_again, unchanged, both = _best(bare, rules, everything)
    clock.shift(timedelta())
    name = f"{who}, {count} score rules and {len(lists)} lists"
    return [
        _row(f"{who}, one list", one_list, limit, None),
        _row(f"{who}, {count} score rules, nothing to write", unchanged, limit_again, None),
        _row(f"{who}, {count} score rules, every score written", all_new, limit, None),
        {"name": name, "value": round(both, 1), "unit": "ms", "limit": None, "ratio": None, "goal": 100, "ok": both < 100},
    ]


@cache
def _definitions() -> "tuple[list[Segment], ScoreModel]":
    from baton.segments import cards, verbs
    from bench.decide import forty

    model = cards.create(json.loads(json.dumps(forty()).replace("/blog/", "/page/").replace("/pricing", "/page/9")), key="bench", actor=SYSTEM)
    lists = [verbs.create_segment(f"bench {n}", stored, "active", SYSTEM) for n, stored in enumerate([LIST, *_varied(LISTS - 1)])]
    return lists, model


def _varied(number: int) -> list[Row]:
    """Lists as marketers have many of them: who somebody is, what he did lately, his points, and not those who want no mail."""
    found = []
    for n in range(number):
        days = (7, 14, 30, 60, 90)[n % 5]
        parts: list[Row] = [
            {"condition": "page_viewed", "address": f"/page/{1 + n % 8}", "match": "starts", "at_least": 1 + n % 3, "days": days},
            {"condition": "email_opened", "days": days},
            {"condition": "page_viewed", "address": "/page/9", "days": days},
            {"condition": "form_submitted", "days": 90},
            {"condition": "score", "at_least": 20 + n % 40},
            {"condition": "no_activity", "days": days},
            {"condition": "email_clicked", "days": days},
        ]
        who = {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["exec", "head", "manager"][: 1 + n % 3]}
        kind = {"condition": "property", "property": "industry", "operator": "is", "value": ("manufacturing", "it", "finance", "logistics")[n % 4]}
        found.append({"all": [who, parts[n % 7], {"any": [parts[(n + 2) % 7], kind]}, {"not": {"condition": "opted_out"}}]})
    return found


BENCHES = {"behavioural_list": behavioural_list, "reevaluate_500": reevaluate_500}
