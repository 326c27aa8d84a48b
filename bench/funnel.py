"""The Model over a million contacts and three million bookings: the board, ages, trend, cohorts and sources, beside the bare aggregate over the ledger.

BENCH_CONTACTS makes it smaller. The rows are made in a database of its own, which is dropped at the end.
"""

import atexit
import os
import time
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.db import connection

from baton.platform import sql

CONTACTS = int(os.environ.get("BENCH_CONTACTS", "1000000"))
RUNS = int(os.environ.get("BENCH_RUNS", "7"))
NAME = "baton_bench_funnel"
BOARD = 500  # milliseconds of the server for the page of the board
Row = dict[str, Any]

FILL = """
CREATE TEMP TABLE ways (way int, step int, o text, t text, p text);
INSERT INTO ways SELECT w, s - 1, CASE WHEN s = 1 THEN '' ELSE a[s - 1] END, a[s],
       CASE WHEN s = 1 THEN 'entry' WHEN a[s] LIKE 'recycle%%' THEN 'recycle' WHEN a[s] = 'deadend' THEN 'dead_end'
            WHEN a[s - 1] LIKE 'recycle%%' THEN 'return' WHEN w = 6 AND s = 2 THEN 'fast_pass' ELSE 'forward' END
FROM (VALUES (0, 'lead'), (1, 'lead nurturing'), (2, 'lead deadend'), (3, 'lead nurturing mql sql'), (4, 'lead nurturing mql sql recycle_a nurturing'),
             (5, 'lead nurturing mql sql opportunity customer'), (6, 'lead sql opportunity recycle_b'), (7, 'lead nurturing mql')) AS v(w, path),
     LATERAL string_to_array(path, ' ') AS a, LATERAL generate_series(1, array_length(a, 1)) AS s;
INSERT INTO contact (id, email, properties, owner_id, created_at, created_by, source, updated_at)
SELECT i, '', jsonb_build_object('lead_source', (ARRAY['search', 'webinar', 'ad_naver', 'referral', 'exhibition', 'direct'])[1 + i %% 6]),
       CASE WHEN i %% 3 = 0 THEN 1 + i %% 9 END, now(), 'system', 'bench', now() FROM generate_series(1, %(contacts)s) AS i;
INSERT INTO booking (contact_id, id, at, out_of, "into", path, actor, source, reason)
SELECT i, nextval('record_id_seq'), at, o, t, p, 'system', 'bench', '' FROM (
    SELECT i, t0 + (now() - t0) * step / 7.0 AS at, o, t, p
    FROM (SELECT i, now() - interval '730 days' * random() AS t0, floor(random() * 8)::int AS chosen FROM generate_series(1, %(contacts)s) AS i) q
    JOIN ways ON way = chosen ORDER BY 2
) r;
"""
BARE = """SELECT out_of, "into", path, count(*) FILTER (WHERE at >= now() - interval '30 days'), count(*) FROM booking GROUP BY 1, 2, 3"""


def funnel() -> list[Row]:
    """The pages of The Model; the board must answer in half a second."""
    _world()
    from django.test import Client

    from baton.accounts import users
    from baton.analytics import ageing, breakdown, cohorts, counting, flows, periods
    from baton.analytics import funnel as model
    from baton.platform.actor import SYSTEM

    rows: list[Row] = []
    bare = _best(lambda: sql.rows(BARE))

    def add(name: str, run: Callable[[], object], goal: float | None = None) -> None:
        value = _best(run)
        rows.append(_row(name, value, bare, goal))

    now = periods.of()
    counted = sql.rows("SELECT count(*) FROM booking")[0][0]
    add(f"board of {counted:,} bookings, nothing counted yet", lambda: model.board(now))
    start = time.perf_counter()
    counting.forward()
    counting.forward()
    rows.append(_row("counting all of it", (time.perf_counter() - start) * 1000, bare, None))
    add("board, counted", lambda: model.board(now), BOARD)
    user = users.create("bench@people.example", "Bench", "a-long-enough-one", "admin", actor=SYSTEM)
    web = Client(headers={"host": "localhost"})
    web.force_login(user)
    add("the board's page", lambda: web.get("/model/"), BOARD)
    add("ages", lambda: ageing.read(now.until), BOARD)
    add("trend of twelve months", lambda: web.get("/model/trend/"), BOARD)
    only = flows.Only(source="webinar")
    add("board of one source", lambda: model.board(now, only=only), BOARD)
    add("board of a team", lambda: model.board(now, only=flows.Only(owners=(1, 4, 7))), BOARD)
    add("ages of one source", lambda: ageing.read(now.until, only=only))
    add("every source in every stage", lambda: breakdown.boards("source", now), BOARD)
    add("every owner in every stage", lambda: breakdown.boards("owner", now), BOARD)
    add("cohorts of twelve months", lambda: cohorts.read(periods.trend(now)), BOARD)
    add("cohorts of a source", lambda: cohorts.read(periods.trend(now), only=only), BOARD)
    asked = f"from={now.first}&to={now.until}"
    add("the people who came in", lambda: web.get(f"/model/people/?stage=nurturing&what=in&{asked}"))
    add("the people who are there", lambda: web.get(f"/model/people/?stage=nurturing&what=closing&{asked}"))
    return rows


def _row(name: str, value: float, bare: float, goal: float | None) -> Row:
    """A line of the report; `goal` is in milliseconds."""
    ok = goal is None or value <= goal
    return {"name": name, "value": round(value, 1), "unit": "ms", "limit": round(bare, 1), "ratio": round(value / bare, 2), "goal": goal, "ok": ok}


def _best(run: Callable[[], object]) -> float:
    """Milliseconds of the fastest run."""
    found = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        found.append((time.perf_counter() - start) * 1000)
    return min(found)


def _world() -> None:
    import django

    django.setup()
    home = dict(connection.settings_dict)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {NAME} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'")
    connection.close()
    connection.settings_dict["NAME"] = NAME

    def drop() -> None:
        connection.close()
        connection.settings_dict["NAME"] = home["NAME"]
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.close()

    atexit.register(drop)
    call_command("migrate", verbosity=0)
    from baton.accounts.models import Account
    from baton.crm import builtin

    builtin.ensure()
    Account.objects.create(name="Bench")
    sql.run("SET synchronous_commit = off")
    sql.run(FILL, {"contacts": CONTACTS})
    sql.run("VACUUM (ANALYZE) booking, contact")


BENCHES = {"funnel": funnel}
