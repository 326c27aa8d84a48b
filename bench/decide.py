"""Lists and scores over a million contacts and fifty million events, each beside the bare SQL of the same work, and how soon one event shows in both.

The database of bench/crm.py (`baton_million`, or BENCH_DATABASE), filled up to BENCH_EVENTS events of two years the first time. What is measured
is rolled back, but for the list and the score of the last measurement, which are put aside again.
"""

import json
import math
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any

from django.db import connection, transaction

from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM
from bench import crm

EVENTS = int(os.environ.get("BENCH_EVENTS", "50000000"))
BACKGROUND = 2_000  # events a second while one is waited for
BATCH = 20  # events of one background request
PROBES = 100
Row = dict[str, Any]
BARE_LIST = """
SELECT c.id FROM contact c
JOIN (SELECT contact_id FROM event WHERE kind = 1 AND key = ANY(%s) AND ts >= %s AND ts <= %s GROUP BY contact_id HAVING count(*) >= 2) v ON v.contact_id = c.id
WHERE EXISTS (SELECT 1 FROM event e WHERE e.contact_id = c.id AND e.kind = 11 AND e.ts >= %s AND e.ts <= %s)
"""


def behavioural() -> list[Row]:
    """A list of who saw the most seen page twice in 30 days and opened a mail in 14, with three properties: everybody evaluated and members stored."""
    _world()
    from baton.segments import refresh, verbs
    from baton.segments.catalog import current

    stored = {
        "all": [
            {"condition": "page_viewed", "address": "/site", "match": "is", "at_least": 2, "days": 30},
            {"condition": "email_opened", "at_least": 1, "days": 14},
            {"condition": "property", "property": "seniority", "operator": "any_of", "value": ["exec", "head", "manager"]},
            {"condition": "property", "property": "lead_source", "operator": "known"},
            {"condition": "property", "property": "city", "operator": "any_of", "value": ["서울", "성남", "부산", "인천"]},
        ]
    }
    pages, now = list(current().event_keys(Kind.PAGE_VIEW, "is", "/site")), clock.now()
    size = [0]

    def build() -> None:
        with transaction.atomic():
            segment = verbs.create_segment("bench", stored, "active", SYSTEM)
            size[0] = len(refresh.everyone(segment).joined)
            transaction.set_rollback(True)

    def bare() -> None:
        sql.rows(BARE_LIST, [pages, now - timedelta(days=30), now, now - timedelta(days=14), now])

    value, limit = _medians(build, bare)
    return [_row(f"new list, {size[0]:,} members stored, of {_events():,} events", value, limit, 2)]


def publish() -> list[Row]:
    """A changed score of 40 rules for everybody: evaluation and writing. Limit: one pass of the bare aggregates, and the same rows written."""
    _world()
    from baton.segments import cards, scoring

    now = clock.now()
    with transaction.atomic():
        model = cards.create(forty(), actor=SYSTEM)
        began = time.perf_counter()
        scoring.everyone(model)
        first = time.perf_counter() - began
        changed = forty()
        changed["rules"][0]["points"] += 1  # one rule of those many have
        cards.save(model, changed, actor=SYSTEM)
        cards.publish(model, actor=SYSTEM)
        began = time.perf_counter()
        moved = scoring.everyone(model)
        again = time.perf_counter() - began
        sql.run("SET LOCAL work_mem = '128MB'")  # as the evaluation has
        began = time.perf_counter()
        sql.rows(
            "SELECT count(*) FROM (SELECT contact_id, kind, key, count(*) FROM event WHERE kind = ANY(%s) AND ts >= %s AND ts <= %s"
            " GROUP BY contact_id, kind, key) n",
            [[1, 2, 3, 4, 5, 11, 12], now - timedelta(days=90), now],
        )
        aggregates = time.perf_counter() - began
        sql.run("CREATE TEMPORARY TABLE written (LIKE score INCLUDING ALL) ON COMMIT DROP")
        began = time.perf_counter()
        sql.run("INSERT INTO written SELECT * FROM score WHERE model_id = %s ORDER BY changed_at DESC, contact_id LIMIT %s", [model.pk, moved])
        sql.run(
            "INSERT INTO event (contact_id, ts, id, kind, key, payload) SELECT contact_id, %s, contact_id, 20, 0, '{}' FROM written",
            [now + timedelta(seconds=1)],
        )
        write = time.perf_counter() - began
        transaction.set_rollback(True)
    limit = (aggregates + write) * 1000
    print(f"  aggregates {aggregates:,.1f} s, writing {moved:,} rows {write:,.1f} s; the first time, with everybody to write: {first:,.1f} s", flush=True)
    return [_row(f"publish a changed 40-rule score, {moved:,} scores change", again * 1000, limit, 3)]


def forty() -> Row:
    """A score of 40 rules as marketers have them: who somebody is, and what he does within 90 days."""
    from baton.segments import presets

    def has(name: str, operator: str, value: Any = None) -> Row:
        return {"condition": "property", "property": name, "operator": operator} | ({} if value is None else {"value": value})

    rules: list[tuple[str, int, Row, Row]] = [
        *(("fit_person", points, has("seniority", "is", rank), {}) for rank, points in (("exec", 20), ("head", 15), ("manager", 10), ("staff", 5))),
        ("fit_person", 5, has("phone", "known"), {}),
        *(("fit_person", 3, has("lead_source", "is", name), {}) for name in ("search", "webinar", "referral", "direct")),
        *(("fit_company", 5, has("industry", "is", name), {}) for name in ("manufacturing", "logistics", "it", "finance")),
        *(("fit_company", 5, has("budget", "is", name), {}) for name in ("fit", "ample")),
        *(("web", 2, {"condition": "page_viewed", "address": f"/blog/{n}", "match": "contains", "days": 90}, {"times": 3}) for n in range(1, 9)),
        ("web", 5, {"condition": "page_viewed", "address": "/pricing", "match": "contains", "days": 90}, {"times": 3, "decay": {"kind": "half", "days": 30}}),
        ("web", 1, {"condition": "page_viewed", "days": 30}, {"times": 8}),
        ("web", 3, {"condition": "page_viewed", "at_least": 2, "at_most": 5, "days": 30}, {}),
        ("web", 6, {"condition": "page_viewed", "at_least": 6, "days": 30}, {}),
        ("web", 1, {"condition": "page_stayed", "seconds": 60, "days": 30}, {"times": 5}),
        *(("web", 3, {"condition": "cta_clicked", "name": f"cta_{n}", "days": 90}, {"times": 2}) for n in range(1, 4)),
        ("web", 10, {"condition": "downloaded", "days": 90}, {"times": 2}),
        ("form", 50, {"condition": "form_submitted", "form": 1, "days": 90}, {"times": 1}),
        ("form", 10, {"condition": "form_submitted", "days": 90}, {"times": 2}),
        ("email", 1, {"condition": "email_opened", "days": 30}, {"times": 5}),
        ("email", 3, {"condition": "email_clicked", "days": 30}, {"times": 4}),
        ("email", 5, {"condition": "email_clicked", "days": 7}, {}),
        ("minus", -10, {"condition": "no_activity", "days": 90}, {}),
        ("minus", -100, {"condition": "opted_out"}, {}),
        ("minus", -100, {"any": [has("competitor", "is", True), has("student", "is", True)]}, {}),
    ]
    made = [
        {"key": f"rule_{n}", "group": group, "points": points, "filter": filter, "kind": "event" if more else "state", **more}
        for n, (group, points, filter, more) in enumerate(rules)
    ]
    return presets.blank("Bench") | {"rules": made}


def shown() -> list[Row]:
    """From a page view at the collector to the contact's score and list, with other traffic, all parts running as processes."""
    _world()
    from baton.segments import cards, presets, verbs
    from baton.segments.models import ScoreModel

    mark = f"/bench/{random.getrandbits(40):x}"
    stored = {"condition": "page_viewed", "address": mark, "match": "contains"}
    model = cards.create(
        presets.blank("Bench") | {"rules": [{"key": "seen", "group": "web", "points": 5, "filter": stored, "kind": "event", "times": 3}]}, actor=SYSTEM
    )
    segment = verbs.create_segment("bench", stored, "active", SYSTEM)
    try:
        with _running() as port:
            _until(_settled, 3600)  # what was loaded is evaluated first: it is the steady state that is measured
            ready = "SELECT 1 FROM segment s, score_model m WHERE s.id = %s AND m.id = %s AND s.evaluated_at IS NOT NULL AND m.evaluated_at IS NOT NULL"
            _until(lambda: sql.rows(ready, [segment.pk, model.pk]), 600)
            _until(_settled, 600)
            people = sql.rows("SELECT i.value, i.contact_id FROM identity i JOIN contact c ON c.id = i.contact_id WHERE i.kind = 'cookie' LIMIT %s", [PROBES])
            people = people or _cookies()
            with _traffic(port) as sent:
                _until(lambda: sent[0] > BACKGROUND, 60)
                times, before, began = [], sent[0], time.monotonic()
                for cookie, contact in people:
                    times.append(_probe(port, cookie, contact, mark, model.pk, segment.pk))
                rate = (sent[0] - before) / (time.monotonic() - began)
    finally:
        verbs.archive_segment(segment, actor=SYSTEM)
        ScoreModel.objects.filter(pk=model.pk).update(archived_at=clock.now())
    times.sort()
    p50, p99 = times[len(times) // 2], times[math.ceil(len(times) * 0.99) - 1]
    name = f"one event to score and list, {rate:,.0f} events/s beside it"
    return [
        {"name": f"{name}, p50", "value": round(p50), "unit": "ms", "limit": None, "ratio": None, "goal": 150, "ok": p50 <= 150},
        {"name": f"{name}, p99", "value": round(p99), "unit": "ms", "limit": None, "ratio": None, "goal": 500, "ok": p99 <= 500},
    ]


def _settled() -> bool:
    """Whether no change waits and no evaluation runs."""
    busy = "SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name LIKE 'baton.segments.%%' LIMIT 1"
    return not sql.rows("SELECT 1 FROM change LIMIT 1") and not sql.rows(busy)


# What they need ---------------------------------------------------------------


def _world() -> None:
    crm._world()
    from baton.demo import load_events

    load_events.load(EVENTS, say=lambda text: print(f"  {text}", flush=True))


def _events() -> int:
    return int(sql.rows("SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class WHERE relname ~ '^event_[0-9]{6}$'")[0][0])


def _medians(*runs: Callable[[], object], times: int = 5) -> list[float]:
    """Milliseconds of each, taken in turn after one run to warm up."""
    found: list[list[float]] = [[] for _ in runs]
    for turn in range(times + 1):
        for number, run in enumerate(runs):
            began = time.perf_counter()
            run()
            if turn:
                found[number].append((time.perf_counter() - began) * 1000)
    return [sorted(each)[len(each) // 2] for each in found]


def _row(name: str, value: float, limit: float, goal: float) -> Row:
    print(f"  {name}: {value:,.0f} ms, bare {limit:,.0f} ms", flush=True)
    return {
        "name": name, "value": round(value, 1), "unit": "ms", "limit": round(limit, 1), "ratio": round(value / limit, 2), "goal": f"ratio <= {goal}",
        "ok": value <= goal * limit,
    }  # fmt: skip


@contextmanager
def _running() -> Iterator[int]:
    """`baton serve` over the database, in processes of its own; its port."""
    from baton.cli.serve import free_port, wait_until_answering

    port = free_port("127.0.0.1", 8190)
    settings = connection.settings_dict
    address = os.environ["BATON_DATABASE_URL"]
    head, _, query = address.partition("?")
    url = f"{head.rpartition('/')[0]}/{settings['NAME']}" + (f"?{query}" if query else "")
    environment = {**os.environ, "BATON_DATABASE_URL": url, "BATON_BIND": f"127.0.0.1:{port}", "BATON_BASE_URL": f"http://127.0.0.1:{port}"}
    process = subprocess.Popen([sys.executable, "-m", "baton.cli.main", "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not wait_until_answering("127.0.0.1", port):
            raise RuntimeError("baton serve does not answer")
        yield port
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def _traffic(port: int) -> Iterator[list[int]]:
    """Other people's page views, about BACKGROUND a second; counts those that were taken."""
    done, sent = threading.Event(), [0]

    def run() -> None:
        link = HTTPConnection("127.0.0.1", port, timeout=30)
        due = time.monotonic()
        while not done.is_set():
            due += BATCH / BACKGROUND
            link.request("POST", "/t/e", _hits(f"{random.randrange(20_000):032x}", [f"/page/{random.randrange(60)}" for _ in range(BATCH)]), _HEAD)
            link.getresponse().read()
            sent[0] += BATCH
            if (ahead := due - time.monotonic()) > 0:
                time.sleep(ahead)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield sent
    finally:
        done.set()
        thread.join(30)


_HEAD = {"Content-Type": "text/plain;charset=UTF-8", "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0.0.0 Safari/537.36"}


def _hits(cookie: str, paths: list[str]) -> bytes:
    now = time.time_ns() // 1_000_000
    hits = [{"k": "page_view", "id": random.getrandbits(52) * 2, "t": now, "u": f"https://www.nuriwork.example{path}", "title": "Page"} for path in paths]
    return json.dumps({"v": 1, "c": cookie, "s": now, "h": hits}).encode()


def _probe(port: int, cookie: str, contact: int, mark: str, model: int, segment: int) -> float:
    """Milliseconds from sending a hit of a known contact to both its results."""
    link = HTTPConnection("127.0.0.1", port, timeout=30)
    began = time.perf_counter()
    link.request("POST", "/t/e", _hits(cookie, [mark]), _HEAD)
    link.getresponse().read()
    asked = (
        "SELECT 1 FROM membership m JOIN score s ON s.contact_id = m.contact_id AND s.model_id = %s AND s.total = 5"
        " WHERE m.contact_id = %s AND m.segment_id = %s"
    )
    _until(lambda: sql.rows(asked, [model, contact, segment]), 30)
    return (time.perf_counter() - began) * 1000


def _cookies() -> list[tuple[str, int]]:
    """Browsers for some contacts who have none."""
    from baton.crm import contacts

    found = [
        (f"{random.getrandbits(128):032x}", id) for (id,) in sql.rows("SELECT id FROM contact WHERE archived_at IS NULL ORDER BY id DESC LIMIT %s", [PROBES])
    ]
    for cookie, id in found:
        contacts.claim("cookie", cookie, id)
    return found


def _until(found: Callable[[], object], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not found():
        if time.monotonic() > until:
            raise RuntimeError("it did not come")
        time.sleep(0.002)


BENCHES = {"decide_list": behavioural, "decide_publish": publish, "decide_shown": shown}
