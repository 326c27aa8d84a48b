"""`baton serve` as an operator meets it: real processes, a real port, a database folder of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

pytestmark = pytest.mark.xdist_group("processes")

BATON = [sys.executable, "-m", "baton.cli.main"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Deployment:
    """One data folder, and the commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("BATON_", "DJANGO_"))}
        self.environment = {**kept, "BATON_DATA_DIR": str(folder), "BATON_BIND": f"127.0.0.1:{self.port}", "PYTHONUNBUFFERED": "1"}

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*BATON, *words], env={**self.environment, **environment}, capture_output=True, text=True, timeout=120)

    def serve(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen([*BATON, "serve"], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        until = time.monotonic() + 90
        while time.monotonic() < until and process.poll() is None:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/login/", timeout=5).status_code == 200:
                    return process
            except httpx.TransportError:
                time.sleep(0.1)  # polling a process that starts, not waiting for luck
        process.kill()
        raise AssertionError(process.communicate()[0])

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
        if "baton.cli.main" in " ".join(process.cmdline()):
            process.kill()


def test_ctrl_c_stops_everything(deployment: Deployment) -> None:
    server = deployment.serve()
    os.killpg(server.pid, signal.SIGINT)
    output, _ = server.communicate(timeout=40)
    assert server.returncode == 0, output
    assert "Traceback" not in output
    _gone, alive = psutil.wait_procs(deployment.processes(), timeout=10)
    assert alive == []


def test_after_a_kill_of_the_whole_group_the_next_start_recovers(deployment: Deployment) -> None:
    server = deployment.serve()
    os.killpg(server.pid, signal.SIGKILL)
    server.wait(timeout=10)
    again = deployment.serve()  # the same port, the same folder
    os.killpg(again.pid, signal.SIGTERM)
    again.communicate(timeout=40)
    _gone, alive = psutil.wait_procs(deployment.processes(), timeout=10)
    assert alive == []


def test_a_part_that_dies_is_started_again(deployment: Deployment) -> None:
    server = deployment.serve()
    [worker] = [p for p in psutil.Process(server.pid).children() if p.cmdline()[-1] == "worker"]
    worker.kill()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        again = [p for p in psutil.Process(server.pid).children() if p.cmdline()[-1:] == ["worker"] and p.pid != worker.pid]
        if again:
            break
        time.sleep(0.1)
    assert again
    os.killpg(server.pid, signal.SIGTERM)
    server.communicate(timeout=40)


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
    assert httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code == 200
    assert httpx.get(url, timeout=10).status_code == 401
    os.killpg(server.pid, signal.SIGTERM)
    server.communicate(timeout=40)


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
