"""Sending when things die: kill -9 of a sender, the worker, the database and the mail server at random moments of a campaign.

Afterwards everybody has one message; nobody got the mail twice; whoever's message is `sent` got it; and whoever did not get it has a message that says
`unknown`. BENCH_PEOPLE: recipients (20,000); BENCH_KILLS: moments (50); BENCH_SEED;
BENCH_LOOK: seconds that the mail server takes for a mail (0.004).
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from bench.collector import ROOT, free_port, migrate, wait_until_open
from bench.collector_faults import Database

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "20000"))
KILLS = int(os.environ.get("BENCH_KILLS", "50"))
SEED = int(os.environ.get("BENCH_SEED", str(time.time_ns() % 1_000_000)))
LEASE = 8.0  # seconds after which what a dead sender held is free
STUCK = 30.0  # seconds after which the next is killed though nothing arrives
PATIENCE = 600.0  # seconds until all must be through
LOST = 2 * 256  # messages that one killed sender had on the wire at most: two threads with a window each
LINES = 8 * 3  # lines to the mail server, of all processes, with one letter each wholly on the wire


class Part:
    """A process that is started again whenever it was killed."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path, port: int = 0) -> None:
        self._command, self._environment, self._log, self._port = command, environment, log, port
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)
        if self._port:
            wait_until_open(self._port)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.start()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def kill_database(database: Database) -> None:
    """Of the server itself; its children notice and go."""
    process = database._process
    children = process.children()
    process.send_signal(signal.SIGKILL)
    for child in children:
        child.send_signal(signal.SIGKILL)
    for one in (process, *children):
        one.wait(30)
    database.start()


def sending_faults() -> list[dict[str, Any]]:
    """One row: who got the mail, beside who was to get it."""
    chance = random.Random(SEED)
    print(f"  BENCH_SEED={SEED}", flush=True)
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        database = Database(Path(folder) / "database")
        migrate(database.url)
        port, taken = free_port(), Path(folder) / "taken"
        environment = {
            **os.environ, "BATON_DATABASE_URL": database.url, "BATON_DATA_DIR": folder, "BATON_SECRET_KEY": "bench", "PYTHONPATH": str(ROOT),
            "BATON_SMTP_URL": f"smtp://127.0.0.1:{port}", "BATON_MAIL_FROM": "누리워크 <news@nuriwork.example>", "DJANGO_SETTINGS_MODULE": "baton.settings",
        }  # fmt: skip
        subprocess.run([sys.executable, "-W", "ignore", "-m", "bench.sending_faults", "fill", str(PEOPLE)], env=environment, cwd=ROOT, check=True)
        logs = Path(os.environ.get("BENCH_LOGS", folder))
        python = [sys.executable, "-W", "ignore"]
        parts = {
            "sink": Part([*python, str(ROOT / "bench/mailing_sink.py"), str(port), str(taken)], environment, logs / "sink.log", port),
            "sender": Part([*python, str(ROOT / "bench/mailing_part.py"), "sender", str(LEASE)], environment, logs / "sender.log"),
            "worker": Part([*python, str(ROOT / "bench/mailing_part.py"), "worker", str(LEASE)], environment, logs / "worker.log"),
        }
        try:
            killed = _kill(chance, parts, database, taken)
            began = time.monotonic()
            _wait(database.url)
            print(f"  through {time.monotonic() - began:.0f} s after the last", flush=True)
        finally:
            for part in parts.values():
                part.stop()
        return [_row(database.url, taken, killed)]


def _kill(chance: random.Random, parts: dict[str, Part], database: Database, taken: Path) -> Counter[str]:
    """At random moments: each time after so many more mails have arrived, few enough that some are left for the last."""
    killed: Counter[str] = Counter()
    for _ in range(KILLS):
        wanted, until = _arrived(taken) + chance.randint(1, max(2, int(PEOPLE * 0.7 / KILLS))), time.monotonic() + STUCK
        hurry = time.monotonic() + 2
        while _arrived(taken) < wanted and time.monotonic() < until:
            time.sleep(0.005)
            if time.monotonic() > hurry:  # what was put off waits: not for its time
                if not _waiting(database.url):
                    print(f"  killed {dict(killed)}; everybody has a message, so further kills would hit nothing", flush=True)
                    return killed
                _hurry(database.url)
                hurry = time.monotonic() + 3
        time.sleep(chance.uniform(0, 0.1))
        name = chance.choice(["sender", "worker", "database", "sink"])
        killed[name] += 1
        kill_database(database) if name == "database" else parts[name].kill()
    print(f"  killed {dict(killed)}; {_arrived(taken):,} mails had arrived by then", flush=True)
    return killed


def _arrived(taken: Path) -> int:
    return taken.read_bytes().count(b"\n") if taken.exists() else 0


def _wait(url: str) -> None:
    """Until nothing waits. Messages that were put off do not wait for their time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not _waiting(url):
            return
        _hurry(url)
        time.sleep(4)
    print("  something still waits", flush=True)


def _waiting(url: str) -> int:
    """Chunks and messages of the outbox that are not through; 1 while the database does not say."""
    with contextlib.suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as connection:
        [(waiting,)] = connection.execute("SELECT (SELECT count(*) FROM campaign_chunk) + (SELECT count(*) FROM outbox)").fetchall()
        return int(waiting)
    return 1


def _hurry(url: str) -> None:
    """Messages that were put off go now; not so often that their tries run out."""
    with contextlib.suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE outbox SET due_at = now() WHERE leased_until IS NULL")


def _row(url: str, taken: Path, killed: Counter[str]) -> dict[str, Any]:
    arrived = Counter(taken.read_text().split())
    with psycopg.connect(url) as connection:
        messages = connection.execute("SELECT address, state, reason FROM message").fetchall()
        tallies: dict[str, int] = dict(connection.execute("SELECT state, sum(n)::int FROM campaign_tally GROUP BY state HAVING sum(n) <> 0").fetchall())
        events = connection.execute("SELECT count(*), count(DISTINCT contact_id) FROM event WHERE kind = 10").fetchone()
    states = Counter(state for _address, state, _reason in messages)
    twice = [address for address, n in arrived.items() if n > 1]
    lost = PEOPLE - len({address for address, _state, _reason in messages})
    untrue = [address for address, state, _reason in messages if (state == "sent" and address not in arrived) or state not in ("sent", "unknown")]
    unknown = states["unknown"]
    most = (killed["sender"] + killed["worker"]) * LOST + killed["sink"] * LINES
    print(
        f"  states {dict(states)}, tallies {tallies}, events {events}, reasons {Counter(r for _a, s, r in messages if s == 'unknown').most_common(4)}",
        flush=True,
    )
    print(f"  arrived {len(arrived):,}; twice {len(twice)}, lost {lost}, untrue {len(untrue)}", flush=True)
    return {
        "name": f"campaign of {PEOPLE:,}, killed {sum(killed.values())} times", "value": float(unknown), "unit": "unknown", "limit": float(most),
        "ratio": unknown / most if most else None, "goal": "none twice, none lost, unknown only what was on the wire",
        "ok": not twice and not lost and not untrue and unknown <= most and tallies == dict(states),
    }  # fmt: skip


def fill(people: int) -> None:
    """In a process of its own, which may use Django."""
    import django

    django.setup()
    from baton.cli.migrate import migrate as ensure
    from baton.messaging.campaigns import freeze
    from bench import mailing

    ensure(quiet=True)
    mailing.fill(people)
    freeze.freeze(mailing.campaign())


BENCHES = {"sending_faults": sending_faults}

if __name__ == "__main__":
    fill(int(sys.argv[2]))
