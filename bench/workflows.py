"""The engine of workflows: enrolling many, moving them by steps, two workers beside one, how soon a trigger's first step runs, and workers that are killed.

A scratch database of the same server, dropped at the end. BENCH_PEOPLE and BENCH_KILLS make it smaller. The limit beside a number is the bare SQL
of the same rows, in the same run.
"""

import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from django.db import connection

from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from bench import decide, engine

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000000"))
KILLS = int(os.environ.get("BENCH_KILLS", "100"))
JOURNEY = int(os.environ.get("BENCH_JOURNEY", "10000"))  # people of the journey whose workers are killed
STEPPED = min(100_000, PEOPLE)
Row = dict[str, Any]

CONTACTS = """
INSERT INTO contact (id, properties, email, created_at, created_by, source, updated_at)
SELECT i, jsonb_build_object('email', 'w' || i || '@c' || i %% 900 || '.example', 'firstname', 'W' || i, 'city', 'City ' || i %% 60,
        'lead_source', (ARRAY['search','webinar','direct','referral'])[1 + i %% 4]),
    'w' || i || '@c' || i %% 900 || '.example', %(at)s, 'system', '', %(at)s
FROM generate_series(%(first)s, %(last)s) AS i
"""
BARE_ENROLL = """
INSERT INTO bare_run SELECT c.id, nextval('enrollment_id_seq'), 1, 1, 'bare', 'active', 's1', %(now)s, %(now)s FROM contact c WHERE c.id <= %(many)s
"""
BARE_STEP = """
WITH due AS (SELECT contact_id, id FROM bare_run WHERE step = 's1' AND contact_id > %(after)s ORDER BY contact_id LIMIT 4000 FOR UPDATE SKIP LOCKED),
logged AS (INSERT INTO bare_step SELECT contact_id, id, 's1', 1, 'done', '{}', now() FROM due),
moved AS (UPDATE bare_run r SET step = 's2', entered_at = now() FROM due d WHERE r.contact_id = d.contact_id AND r.id = d.id)
SELECT count(*), max(contact_id) FROM due
"""
# Every step asks or waits: nothing is written but where people stand. Of each ten people one goes the way of its own.
JOURNEY_STEPS: list[Row] = [
    {"id": "s1", "type": "branch", "filter": {"condition": "property", "property": "lead_source", "operator": "is", "value": "search"},
     "paths": [{"label": "yes", "steps": [{"id": "s2", "type": "wait", "days": 1}]}, {"label": "no", "steps": [{"id": "s3", "type": "wait", "days": 2}]}]},
    {"id": "s4", "type": "branch", "filter": {"condition": "property", "property": "city", "operator": "is", "value": "City 7"},
     "paths": [{"label": "yes", "steps": []}, {"label": "no", "steps": [{"id": "s5", "type": "wait", "days": 1}]}]},
    {"id": "s6", "type": "wait", "days": 3},
    {"id": "s7", "type": "branch", "filter": {"condition": "property", "property": "city", "operator": "known"},
     "paths": [{"label": "yes", "steps": []}, {"label": "no", "steps": []}]},
]  # fmt: skip


@cache
def _people() -> int:
    """A scratch database with people; returns the id of the last one."""
    engine.CONTACTS, engine.EVENTS = 1000, 10_000  # its world has what the packages need; the people here are our own
    engine._world()
    sql.run("SET synchronous_commit = on")
    sql.run("TRUNCATE contact")
    sql.run(CONTACTS, {"at": clock.now(), "first": 1, "last": PEOPLE})
    sql.run("SELECT setval('record_id_seq', %s)", [PEOPLE + 1])
    sql.run("ALTER TABLE contact SET LOGGED")
    sql.run("VACUUM (ANALYZE) contact")
    sql.run("CHECKPOINT")
    return PEOPLE


def _workflow(name: str, steps: list[Row], trigger: Row | None = None, **settings: Any) -> Any:
    from baton.automation import verbs

    workflow = verbs.create(name, SYSTEM, {"triggers": [trigger or {"id": "t", "type": "manual"}], "settings": settings, "steps": steps})
    verbs.publish(workflow, SYSTEM)
    return workflow


def _clean() -> None:
    sql.run("TRUNCATE enrollment, step_run, timer, workflow_tally, change")


def enrolling() -> list[Row]:
    """The backlog of a list becomes runs, with timers, events and counts. Limit: the runs alone, in a table with the same indexes."""
    _people()
    from baton.automation import enroll
    from baton.automation.trigger import triggers
    from baton.query.statement import Sql

    rows = []
    manual = triggers()["manual"]
    for many, goal in ((min(100_000, PEOPLE), 2.0), (PEOPLE, 30.0)):
        _clean()
        workflow = _workflow("bench", JOURNEY_STEPS)
        manual.backlog = lambda self, of, many=many: Sql("SELECT id, 'bench:' || id FROM contact WHERE id <= %(many)s", {"many": many})  # type: ignore
        began = time.perf_counter()
        entered = enroll.backlog(workflow, SYSTEM)
        took = time.perf_counter() - began
        assert entered == many
        sql.run("DROP TABLE IF EXISTS bare_run")
        sql.run("CREATE TABLE bare_run AS SELECT contact_id, id, workflow_id, version_id, cause, state, step, entered_at, enrolled_at FROM enrollment LIMIT 0")
        sql.run("CREATE UNIQUE INDEX ON bare_run (contact_id, id); CREATE INDEX ON bare_run (contact_id, workflow_id, cause)")
        began = time.perf_counter()
        sql.run(BARE_ENROLL, {"now": clock.now(), "many": many})
        bare = time.perf_counter() - began
        scaled = goal if many in (100_000, 1_000_000) else None
        rows.append(_seconds(f"enroll {many:,} contacts", took, bare, scaled))
        if many == PEOPLE:
            break
    return rows


def stepping() -> list[Row]:
    """Branches and waits of a journey whose clock is moved on; limit: claiming, logging and moving one step by bare SQL."""
    _people()
    one = _stepped(1)
    two = _stepped(2)
    sql.run("DROP TABLE IF EXISTS bare_run, bare_step")
    sql.run("CREATE TABLE bare_run AS SELECT id AS contact_id, id, 's1'::text AS step, now() AS entered_at FROM contact WHERE id <= %s", [STEPPED])
    sql.run("CREATE UNIQUE INDEX ON bare_run (contact_id, id)")
    sql.run("CREATE TABLE bare_step (contact_id bigint, enrollment_id bigint, step text, workflow_id bigint, outcome text, detail jsonb, at timestamptz)")
    sql.run("CREATE UNIQUE INDEX ON bare_step (contact_id, enrollment_id, step); CREATE INDEX ON bare_step (workflow_id, at DESC)")
    began, after, moved = time.perf_counter(), 0, 0
    while (found := sql.rows(BARE_STEP, {"after": after})[0])[0]:
        moved, after = moved + found[0], found[1]
    bare = moved / (time.perf_counter() - began)
    print(f"  one worker {one:,.0f}/s, two {two:,.0f}/s, bare SQL {bare:,.0f}/s", flush=True)
    return [
        {
            "name": "step executions of one worker", "value": round(one), "unit": "/s", "limit": round(bare), "ratio": round(one / bare, 2),
            "goal": 25000, "ok": one >= 25_000,
        },
        {"name": "two workers beside one", "value": round(two / one, 2), "unit": "x", "limit": None, "ratio": None, "goal": 1.6, "ok": two / one >= 1.6},
    ]  # fmt: skip


def _stepped(workers: int) -> float:
    """Step results a second of STEPPED people on their whole way."""
    from baton.automation import enroll
    from baton.automation.trigger import triggers
    from baton.query.statement import Sql

    _clean()
    workflow = _workflow("bench", JOURNEY_STEPS)
    triggers()["manual"].backlog = lambda self, of: Sql("SELECT id, 'bench:' || id FROM contact WHERE id <= %(many)s", {"many": STEPPED})  # type: ignore
    enroll.backlog(workflow, SYSTEM)
    sql.run("VACUUM (ANALYZE) enrollment, timer, step_run")
    took = 0.0
    with _workers(workers) as order:
        for day in (0, 1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.7):
            took += order(day)
    ((executions, waits, open_runs),) = sql.rows(
        "SELECT count(*), count(*) FILTER (WHERE done_at IS NOT NULL), (SELECT count(*) FROM enrollment WHERE state = 'active') FROM step_run"
    )
    assert not open_runs, open_runs
    return float(executions + waits) / took  # a wait is run when one comes and when its time is over


CHILD = """
import sys, time
from datetime import timedelta
import django
django.setup()
from baton.automation import jobs, runner
from baton.cli.worker import load_jobs
from baton.platform import clock
from django.db import connection
load_jobs()
jobs.timers()
print("ready", flush=True)
for line in sys.stdin:
    day, at = line.split()
    clock.shift(timedelta(days=float(day)))
    while time.time() < float(at):
        pass
    began = time.perf_counter()
    idle = 0
    while idle < 3:
        idle = 0 if runner.run_due() else idle + 1
    print(time.perf_counter() - began, flush=True)
"""


class _workers:
    """Worker processes that run what is due at a moment; gives the seconds until the last one found nothing more."""

    def __init__(self, number: int) -> None:
        environment = _environment()
        self.children = [
            subprocess.Popen([sys.executable, "-W", "ignore", "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
            for _ in range(number)
        ]

    def __enter__(self) -> Callable[[float], float]:
        for child in self.children:
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
        return self.order

    def order(self, day: float) -> float:
        at = time.time() + 0.05
        for child in self.children:
            assert child.stdin
            child.stdin.write(f"{day} {at}\n")
            child.stdin.flush()
        return max(float(child.stdout.readline()) for child in self.children if child.stdout)

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            child.communicate(timeout=30)


def killing() -> list[Row]:
    """Workers are killed at random moments: every path equals that of the journey nobody disturbed, and nothing goes out twice or not at all."""
    _people()
    first, _kills = _journey(0)
    second, kills = _journey(KILLS)
    differ = sum(first[id] != second.get(id) for id in first)
    for id in [id for id in first if first[id] != second.get(id)][:3]:
        print(f"  {id}: {first[id]}, killed: {second.get(id)}", flush=True)
    print(f"  {kills} workers killed, {len(first):,} people, {differ} differ", flush=True)
    name = f"paths that differ after {kills} kills of workers of {len(first):,} people"
    return [{"name": name, "value": differ, "unit": "", "limit": None, "ratio": None, "goal": 0, "ok": differ == 0 and kills >= KILLS}]


ARRIVED = "SELECT 1 FROM step_run WHERE contact_id = %s AND workflow_id = %s"


def triggering() -> list[Row]:
    """From a page view at the collector to the first step of the workflow that it starts, with other traffic, all parts running as processes."""
    _people()
    _clean()
    mark = f"/bench/{random.getrandbits(40):x}"
    filter = {"condition": "page_viewed", "address": mark, "match": "contains"}
    step = {"id": "s1", "type": "change_number", "property": "numberofemployees", "how": "increase", "by": 1, "unset": "zero"}
    workflow = _workflow("trigger", [step], {"id": "t", "type": "event_happened", "filter": filter})
    people = decide._cookies()
    times: list[float] = []
    with decide._running() as port, decide._traffic(port) as sent:
        decide._until(lambda: sent[0] > decide.BACKGROUND, 60)
        before, started = sent[0], time.monotonic()
        for cookie, contact in people:
            link = HTTPConnection("127.0.0.1", port, timeout=30)
            began = time.perf_counter()
            link.request("POST", "/t/e", decide._hits(cookie, [mark]), decide._HEAD)
            link.getresponse().read()
            decide._until(lambda contact=contact: sql.rows(ARRIVED, [contact, workflow.pk]), 30)  # type: ignore[misc]
            times.append((time.perf_counter() - began) * 1000)
        rate = (sent[0] - before) / (time.monotonic() - started)
    times.sort()
    p99 = times[math.ceil(len(times) * 0.99) - 1]
    name = f"trigger to first step, {rate:,.0f} events/s beside it, p99 (p50 {times[len(times) // 2]:,.0f} ms)"
    return [{"name": name, "value": round(p99), "unit": "ms", "limit": None, "ratio": None, "goal": 1000, "ok": p99 <= 1000}]


KILLED_STEPS: list[Row] = [
    {"id": "s1", "type": "send_email"},
    {"id": "s2", "type": "wait", "days": 1},
    {"id": "s6", "type": "change_number", "property": "numberofemployees", "how": "increase", "by": 1, "unset": "zero"},
    {"id": "s7", "type": "wait", "days": 1},
    {"id": "s8", "type": "send_email"},
    {"id": "s3", "type": "branch", "filter": {"condition": "property", "property": "lead_source", "operator": "is", "value": "search"},
     "paths": [{"label": "yes", "steps": [{"id": "s4", "type": "create_task", "title": "전화", "whose": "none"}]},
               {"label": "no", "steps": [{"id": "s5", "type": "webhook", "url": "https://hook.example/", "key_to_sign": "one-secret-of-a-bench"}]}]},
]  # fmt: skip
PATHS = """
SELECT e.contact_id, e.state,
    (SELECT string_agg(s.step || ':' || s.turn || ':' || s.outcome, ' ' ORDER BY s.step) FROM step_run s WHERE s.contact_id = e.contact_id),
    (SELECT string_agg(split_part(m.cause, ':', 3), ' ' ORDER BY m.cause) FROM message m WHERE m.contact_id = e.contact_id),
    (SELECT count(*) FROM workflow_call k WHERE k.contact_id = e.contact_id),
    (SELECT count(*) FROM association a JOIN record r ON r.id = a.to_id AND r.object_type = 'task' WHERE a.from_id = e.contact_id),
    (SELECT properties ->> 'numberofemployees' FROM contact c WHERE c.id = e.contact_id),
    (SELECT count(*) FROM event v WHERE v.contact_id = e.contact_id AND v.kind IN (30, 31))
FROM enrollment e
"""


def _journey(kills: int) -> tuple[dict[int, tuple[Any, ...]], int]:
    """What became of everybody, {contact: (state, steps, messages, calls, tasks ...)}, and how many workers were killed on the way."""
    from baton.automation import enroll
    from baton.messaging.models import Email

    _clean()
    sql.run("TRUNCATE message, outbox, workflow_call")
    sql.run("DELETE FROM event WHERE kind IN (30, 31)")
    sql.run("DELETE FROM association WHERE to_type = 'task' OR from_type = 'task'")
    sql.run("DELETE FROM record WHERE object_type = 'task'")
    sql.run("UPDATE contact SET properties = properties - 'numberofemployees' WHERE properties ? 'numberofemployees'")
    email, _ = Email.objects.get_or_create(name="bench", defaults={"subject": "x", "body": "<p>x</p>"})
    steps = json.loads(json.dumps(KILLED_STEPS).replace('"send_email"', f'"send_email", "email": {email.pk}'))
    workflow = _workflow("killed", steps)
    enroll.enroll(workflow, range(1, JOURNEY + 1), "bench", SYSTEM)
    killed = 0
    mother = subprocess.Popen([sys.executable, "-W", "ignore", "-c", MOTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment())
    assert mother.stdin
    assert mother.stdout
    days = (0.0, 1.1, 2.2)
    for number, day in enumerate(days):
        while True:
            patience = random.uniform(0.02, 0.6) if killed < kills * (number + 1) / len(days) else 0
            mother.stdin.write(f"{day} {patience}\n")
            mother.stdin.flush()
            if int(mother.stdout.readline()):
                killed += 1
            elif not patience or not sql.rows("SELECT 1 FROM timer WHERE due_at <= %s LIMIT 1", [clock.now() + timedelta(days=day)]):
                break
    mother.communicate(timeout=30)
    return {row[0]: row[1:] for row in sql.rows(PATHS)}, killed


# Forks workers from a warm process; one that has not finished after so many seconds (0: however long it takes) is killed.
MOTHER = """
import os, signal, sys, time, traceback
from datetime import timedelta
import django
django.setup()
from baton.automation import runner
from baton.automation.step import steps
from baton.automation.trigger import triggers
from baton.cli.worker import load_jobs
from baton.platform import clock
load_jobs(), steps(), triggers()
runner.BATCH = 300
for line in sys.stdin:
    day, patience = map(float, line.split())
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        try:
            clock.shift(timedelta(days=day))
            idle = 0
            while idle < 2:
                idle = 0 if runner.run_due() else idle + 1
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    until = time.monotonic() + patience
    while patience and time.monotonic() < until and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.002)
    if patience and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        os.kill(child, signal.SIGKILL)
    print(int(os.WIFSIGNALED(os.waitpid(child, 0)[1])), flush=True)
"""


def _environment() -> dict[str, str]:
    """As this process, in the scratch database."""
    head, _, query = os.environ["BATON_DATABASE_URL"].partition("?")
    url = f"{head.rpartition('/')[0]}/{connection.settings_dict['NAME']}" + (f"?{query}" if query else "")
    return {**os.environ, "BATON_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "baton.settings", "PYTHONPATH": str(Path.cwd())}


def _seconds(name: str, value: float, limit: float, goal: float | None) -> Row:
    print(f"  {name}: {value:,.2f} s, bare {limit:,.2f} s", flush=True)
    return {
        "name": name, "value": round(value, 2), "unit": "s", "limit": round(limit, 2), "ratio": round(value / limit, 2),
        "goal": goal, "ok": goal is None or value <= goal,
    }  # fmt: skip


BENCHES = {"workflow_enroll": enrolling, "workflow_steps": stepping, "workflow_trigger": triggering, "workflow_killed": killing}
