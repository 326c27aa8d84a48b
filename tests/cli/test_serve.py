"""`baton serve` as an operator meets it: real processes, a real port, a database folder of its own."""

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.running import PATIENCE

BATON = [sys.executable, "-m", "baton.cli.main"]
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing here is encrypted: without it each request reads the certificates of the whole machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(server: subprocess.Popen[bytes], how: signal.Signals) -> int:
    """Send the signal to the whole group, as a terminal does, and wait."""
    os.killpg(server.pid, how)
    return server.wait(timeout=2 * PATIENCE)


def workers(server: subprocess.Popen[bytes]) -> list[psutil.Process]:
    living = [p for p in psutil.Process(server.pid).children() if p.status() != psutil.STATUS_ZOMBIE]
    return [p for p in living if p.cmdline()[-1:] == ["worker"]]


class Deployment:
    """One data folder, and the commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATON_", "DJANGO_"))}
        self.environment = {**kept, "BATON_DATA_DIR": str(folder), "BATON_BIND": f"127.0.0.1:{self.port}", "PYTHONUNBUFFERED": "1"}

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*BATON, *words], env={**self.environment, **environment}, capture_output=True, text=True, timeout=120)

    @property
    def log(self) -> Path:
        return self.folder.parent / "serve.log"

    def serve(self) -> subprocess.Popen[bytes]:
        with self.log.open("w") as log:
            process = subprocess.Popen([*BATON, "serve"], env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        until = time.monotonic() + 2 * PATIENCE
        while time.monotonic() < until and process.poll() is None:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/login/", timeout=5, verify=PLAIN).status_code == 200:
                    return process
            except httpx.TransportError:
                time.sleep(0.1)  # polling a process that starts, not waiting for luck
        stop(process, signal.SIGKILL)
        raise AssertionError(self.log.read_text())

    def processes(self) -> list[psutil.Process]:
        """Everything that still runs for this folder, the database included."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("BATON_DATA_DIR") == str(self.folder) or str(self.folder) in " ".join(process.cmdline()):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    made = Deployment(tmp_path_factory.mktemp("baton"))
    yield made
    for process in made.processes():
        process.kill()


@pytest.fixture(autouse=True)
def _in_order(deployment: Deployment) -> Iterator[None]:
    """Each test finds nothing running and leaves nothing running."""
    yield
    for process in deployment.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "postgres" not in process.name():
                process.kill()


def test_ctrl_c_stops_everything(deployment: Deployment) -> None:
    assert stop(deployment.serve(), signal.SIGINT) == 0
    assert "Traceback" not in deployment.log.read_text()
    _gone, alive = psutil.wait_procs(deployment.processes(), timeout=PATIENCE)
    assert alive == []


def test_after_a_kill_of_the_whole_group_the_next_start_recovers(deployment: Deployment) -> None:
    stop(deployment.serve(), signal.SIGKILL)
    stop(deployment.serve(), signal.SIGTERM)  # the same port, the same folder
    _gone, alive = psutil.wait_procs(deployment.processes(), timeout=PATIENCE)
    assert alive == []


def test_a_part_that_dies_is_started_again(deployment: Deployment) -> None:
    server = deployment.serve()
    [worker] = workers(server)
    worker.kill()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        again = [p for p in workers(server) if p.pid != worker.pid]
        if again:
            break
        time.sleep(0.1)
    assert again
    stop(server, signal.SIGTERM)


def test_a_taken_port_is_said_in_a_sentence(deployment: Deployment) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", deployment.port))
        other.listen()
        answer = deployment.command("serve")
    assert answer.returncode == 2
    assert f"port {deployment.port}" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_wrong_setting_is_said_in_a_sentence(deployment: Deployment) -> None:
    answer = deployment.command("serve", BATON_TIME_ZONE="Seoul")
    assert answer.returncode == 2
    assert "BATON_TIME_ZONE" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_token_stands_alone_on_the_last_line_and_opens_the_api(deployment: Deployment) -> None:
    assert deployment.command("migrate").returncode == 0
    answer = deployment.command("token", "create", "--name", "check", "--all-scopes", "--no-rate-limit")
    assert answer.returncode == 0, answer.stderr
    token = answer.stdout.splitlines()[-1]
    assert re.fullmatch(r"bat_\w+", token)
    server = deployment.serve()
    url = f"http://127.0.0.1:{deployment.port}/crm/v3/objects/contacts"
    assert httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10, verify=PLAIN).status_code == 200
    assert httpx.get(url, timeout=10, verify=PLAIN).status_code == 401
    stop(server, signal.SIGTERM)


def test_a_token_needs_scopes_said_one_way(deployment: Deployment) -> None:
    assert "--scope" in deployment.command("token", "create", "--name", "check").stderr
    assert "--scope" in deployment.command("token", "create", "--name", "check", "--scope", "contacts.read", "--all-scopes").stderr


def test_the_doctor_finds_what_is_wrong(deployment: Deployment) -> None:
    deployment.command("migrate")
    answer = deployment.command("doctor", BATON_SMTP_URL=f"smtp://127.0.0.1:{free_port()}")
    assert answer.returncode == 1
    assert "ok   tables are up to date" in answer.stdout
    assert "BAD  mail relay" in answer.stdout
    assert "BATON_SMTP_URL" in answer.stdout
