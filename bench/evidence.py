"""A labelled trace of programs and people who open and click, played through collector, tick and scores: who keeps points, kind by kind.

The trace is tests/collector/trace.py, with a seed and a size of its own. In a scratch database.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

TIMES = 20  # of each kind of programs; of each kind of people three times as often
SEED = 20
DATABASE = "baton_bench_evidence"
ROOT = Path(__file__).parent.parent


def evidence() -> list[dict[str, Any]]:
    """The shares, and how many hits a second went through all of it."""
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "BATON_DATABASE_URL": _database(), "BATON_DATA_DIR": folder, "BATON_SECRET_KEY": "bench", "PYTHONPATH": str(ROOT)}
        environment |= {"DJANGO_SETTINGS_MODULE": "baton.settings"}
        done = subprocess.run([sys.executable, "-m", "bench.evidence"], env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    print(done.stdout.rpartition("\n{")[0])
    told = json.loads("{" + done.stdout.rpartition("\n{")[2])
    return [
        _row("evidence: programs' opens and clicks without points", 100 * (1 - told["scanned"] / told["programs"]), "%", 99.0),
        _row("evidence: people's opens and clicks that keep them", 100 * told["kept"] / told["people"], "%", 97.0),
        {**_row("evidence: hits played", told["programs"] + told["people"], f"in {told['seconds']:.0f} s", 0), "goal": ""},
    ]


def _database() -> str:
    """An empty database with Baton's tables; its address."""
    from baton.platform import postgres, setup

    parts = urlsplit(setup.database())
    admin = urlunsplit(parts._replace(path="/postgres"))
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    postgres.create_database(admin, DATABASE)
    url = urlunsplit(parts._replace(path=f"/{DATABASE}"))
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env={**os.environ, "BATON_DATABASE_URL": url}, check=True)
    return url


def _row(name: str, value: float, unit: str, goal: float) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "limit": None, "ratio": None, "goal": f">= {goal:g} %", "ok": value >= goal}


def play() -> None:
    """In a process of its own: plays the trace and prints what became of it, kind by kind and as one line of JSON."""
    import django

    django.setup()
    from baton.crm import builtin
    from baton.platform.actor import SYSTEM
    from baton.segments import cards, presets
    from tests.collector.replay import World, settle
    from tests.collector.running import Running
    from tests.collector.trace import trace

    builtin.ensure()
    rules = [
        {"key": kind, "group": "email", "filter": {"condition": kind, "days": 30}, "points": 1, "kind": "event"} for kind in ("email_opened", "email_clicked")
    ]
    cards.create(presets.blank("evidence") | {"rules": rules}, actor=SYSTEM)
    maker = trace(TIMES, SEED)
    with TemporaryDirectory() as folder:
        collector = Running(Path(folder))
        collector.app.judge.secure = True
        try:
            world = World(maker, collector)
            settle()
            began = time.perf_counter()
            for start in range(0, len(maker.hits), 600):
                world.play(maker.hits[start : start + 600])
                settle()
            seconds = time.perf_counter() - began
            result = world.result()
        finally:
            collector.close()
    (scanned, programs), (kept, people) = result.share(human=False), result.share(human=True)
    assert result.points == scanned + kept, "points and verdicts disagree"
    print(result)
    print(json.dumps({"scanned": scanned, "programs": programs, "kept": kept, "people": people, "seconds": seconds}))


BENCHES = {"evidence": evidence}

if __name__ == "__main__":
    play()
