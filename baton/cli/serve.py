"""`baton serve`: the database, the web server and a worker as one command, and their parts."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

import click

from baton.platform import process
from baton.platform.config import ConfigError, config

GRACE = 30  # seconds a part gets to finish what it holds
AGAIN = 1.0  # seconds before a part that died is started again; doubles up to a minute


def free_port(host: str, wanted: int, *, tries: int = 50) -> int:
    """`wanted`, or the next port that nobody listens on. Raises ConfigError when none of `tries` is free."""
    for port in range(wanted, wanted + tries):
        if taken(host, port):
            continue
        return port
    raise ConfigError(f"BATON_BIND: no free port from {wanted} to {wanted + tries - 1} on {host}")


def taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError:
            return True
    return False


class Supervisor:
    """Keeps the parts running: starts one that died again, and stops all of them on Ctrl-C or SIGTERM. Several of a kind are `sender:1`, `sender:2` ..."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._told = process.Told()
        self._parts = {part: self._start(part) for part in parts}
        self._pause = dict.fromkeys(parts, AGAIN)

    def run(self) -> None:
        while not self._told.within(0.5):
            for part, running in self._parts.items():
                if running.poll() is not None:
                    click.echo(f"{part} ended with code {running.returncode}; starting it again in {self._pause[part]:.0f} s", err=True)
                    if self._told.within(self._pause[part]):
                        break
                    self._pause[part] = min(self._pause[part] * 2, 60)
                    self._parts[part] = self._start(part)
        self._end()

    def _start(self, part: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "baton.cli.main", part.partition(":")[0]], env={**os.environ, process.SUPERVISED: "1"})

    def _end(self) -> None:
        until = time.monotonic() + GRACE
        for part in self._parts.values():
            if part.poll() is None:
                part.terminate()
        for part in self._parts.values():
            try:
                part.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                part.kill()


def wait_until_answering(host: str, port: int, seconds: float = 60) -> bool:
    """Whether the web server takes connections within `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def web(application: str = "baton.asgi:application") -> None:
    """Serve an ASGI application on BATON_BIND until stopped."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.log import LogLevels

    settings = config()
    if taken(settings.host, settings.port):
        raise ConfigError(f"BATON_BIND: port {settings.port} on {settings.host} is taken by another program")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "baton.settings")
    Granian(
        application,
        address=settings.host.strip("[]"),
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        workers=1,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
        websockets=False,
    ).serve()
