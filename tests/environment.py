"""The environment of the tests, set before Django reads it: a PostgreSQL of their own unless BATON_DATABASE_URL names one.

Loaded by `-p tests.environment`, because pytest-django reads the settings before any conftest.
"""

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "build" / "test-data"

os.environ.setdefault("BATON_DATA_DIR", str(FOLDER))
os.environ.setdefault("BATON_SECRET_KEY", "only-for-tests")
os.environ.setdefault("BATON_MAIL_FROM", "Baton <baton@sender.example>")
if "BATON_DATABASE_URL" not in os.environ:
    from baton.platform import postgres

    os.environ["BATON_DATABASE_URL"] = postgres.start(FOLDER)
