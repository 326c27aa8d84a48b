"""A real Baton with a database of its own, for the tests that speak to it as browsers and programs do."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import psycopg

from baton.platform.postgres import create_database

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60  # seconds until what does not come counts as missing: the machine may be busy with other things


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextmanager
def environment(kind: str, folder: Path, cast: str) -> Iterator[tuple[dict[str, str], str]]:
    """The variables of the processes under test, over a fresh database that the module `cast` filled; and what `cast` printed."""
    url = os.environ["BATON_DATABASE_URL"]
    name = f"test_{kind}_{urlsplit(url).path.lstrip('/')}_{os.getpid()}"
    create_database(with_database(url, "postgres"), name)
    variables = {
        **os.environ,
        "BATON_DATABASE_URL": with_database(url, name),
        "BATON_DATA_DIR": str(folder),
        "BATON_LANGUAGE": "ko",
        "DJANGO_SETTINGS_MODULE": "baton.settings",
        "PYTHONPATH": str(ROOT),
    }
    try:
        filled = subprocess.run([sys.executable, "-m", cast], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300)
        assert filled.returncode == 0, filled.stderr
        yield variables, filled.stdout
    finally:
        with psycopg.connect(with_database(url, "postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def web(variables: dict[str, str]) -> Iterator[str]:
    """The address of a running `baton web`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    variables = {**variables, "BATON_BIND": f"127.0.0.1:{port}", "BATON_BASE_URL": url}
    with subprocess.Popen([sys.executable, "-m", "baton.cli.main", "web"], cwd=ROOT, env=variables) as process:
        try:
            _wait(f"{url}/login/", process)
            yield url
        finally:
            process.terminate()


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        try:
            urlopen(url, timeout=5).close()
            return
        except HTTPError as error:
            raise AssertionError(f"{url} answers {error.code}") from None
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url} within {PATIENCE} s")
