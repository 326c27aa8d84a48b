"""The environment of the tests, set before Django reads it: a PostgreSQL of their own unless BATON_DATABASE_URL names one.

Loaded by `-p tests.environment`, because pytest-django reads the settings before any conftest.
"""

import os
from pathlib import Path

import psycopg

FOLDER = Path(__file__).resolve().parent.parent / "build" / "test-data"

os.environ.setdefault("BATON_DATA_DIR", str(FOLDER))
os.environ.setdefault("BATON_SECRET_KEY", "only-for-tests")
os.environ.setdefault("BATON_MAIL_FROM", "Baton <baton@sender.example>")
if "BATON_DATABASE_URL" not in os.environ:
    from baton.platform import postgres

    os.environ["BATON_DATABASE_URL"] = postgres.start(FOLDER)
    with psycopg.connect(os.environ["BATON_DATABASE_URL"], autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # what tests write need not outlive the machine
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
