"""The main journey, as `baton demo` and `baton demo story` show it: real processes, PostgreSQL, SMTP, a real browser."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

BATON = [sys.executable, "-m", "baton.cli.main"]
STEPS = [
    "Salesperson keeps a page open",
    "Anonymous views",
    "One page stays open over 60 s",
    "Brochure",
    "Demo request form",
    "What the tracker told",
    "Contact with his earlier views",
    "First source: a Naver search",
    "The film and how far he read",
    "Score with its reasons",
    "Stage MQL",
    "Stage SQL",
    "Joined the list of SQLs",
    "Workflow after a request started",
    "Workflow of the hand-over started",
    "Mail handed to SMTP",
    "Alert on the salesperson's page",
    "Alert of the hand-over",
    "A scanner fetches every link",
    "Mail opened",
    "Link in the mail clicked",
    "The points of the timeline add up",
    "Code of the booth scanned",
    "Late content: a stranger is asked",
    "Sales says: a true SQL",
    "The verdict is on the timeline",
    "On the board of The Model",
    "Deal moved on the board",
    "Two duplicates merged, and undone",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running demo with a small world, in a data folder of its own; gives the environment of its commands."""
    folder = tmp_path_factory.mktemp("demo")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATON_", "DJANGO_"))}
    environment = {**kept, "BATON_DATA_DIR": str(folder / "data"), "BATON_BIND": f"127.0.0.1:{port}", "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": ""}
    log = folder / "demo.log"
    with log.open("w") as file:
        process = subprocess.Popen([*BATON, "demo", "--contacts", "300"], env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        until = time.monotonic() + 180
        while "Ready in" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        yield environment
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def play(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*BATON, "demo", "story"], env=environment, capture_output=True, text=True, timeout=400)


def test_a_visitor_becomes_an_sql_gets_a_mail_and_sales_hears_of_it(demo: dict[str, str]) -> None:
    told = play(demo)
    print(told.stdout)
    assert told.returncode == 0, told.stdout + told.stderr
    for step in STEPS:
        assert f"ok       {step}" in told.stdout


def test_the_story_says_when_nothing_runs(tmp_path: Path) -> None:
    environment = {**os.environ, "BATON_DATA_DIR": str(tmp_path)}
    told = subprocess.run([*BATON, "demo", "story"], env=environment, capture_output=True, text=True, timeout=60)
    assert told.returncode == 2
    assert "No running demo" in told.stderr
