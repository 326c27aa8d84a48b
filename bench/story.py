"""How long the main journey takes, from the form to the salesperson: a demo of its own, real processes, a real browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PLAYS = 3  # the median counts
SMALL = 300  # contacts of the demo


@contextmanager
def running_demo(contacts: int = SMALL) -> Iterator[tuple[str, Path]]:
    """A demo with its own data folder and port; gives its address and folder, and stops it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="baton-bench-"))
    folder.chmod(0o755)  # the database's own user must pass
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATON_", "DJANGO_"))}
    environment = {**kept, "BATON_DATA_DIR": str(folder), "BATON_BIND": f"127.0.0.1:{port}"}
    log = (folder / "demo.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "baton.cli.main", "demo", "--contacts", str(contacts)],
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 240
        while not (folder / "demo.url").exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((folder / "demo.log").read_text())
            time.sleep(0.2)
        yield (folder / "demo.url").read_text().strip(), folder
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def story() -> list[dict[str, Any]]:
    """Median seconds from the sent form to each fact, over a few plays, against the promised limit."""
    seen: dict[str, list[float]] = {}
    limits: dict[str, float] = {}
    with running_demo() as (url, folder):
        os.environ["BATON_DATA_DIR"] = str(folder)
        from baton.demo import story as play

        for _ in range(PLAYS):
            steps = play.play(url, say=lambda _line: None)
            if missing := [s.name for s in steps if not s.ok]:
                raise RuntimeError(f"the story is not whole: {', '.join(missing)}")
            for step in steps:
                if step.seconds is not None and step.limit:
                    seen.setdefault(step.name, []).append(step.seconds)
                    limits[step.name] = step.limit
    rows = []
    for name, times in seen.items():
        value = sorted(times)[len(times) // 2]
        limit = limits[name]
        rows.append({"name": f"story: {name}", "value": value, "unit": "s", "limit": limit, "ratio": value / limit, "goal": "ratio <= 1", "ok": value <= limit})
    return rows


BENCHES = {"story": story}
