"""Makes a process ready: a database to talk to, logging, Django. Called first by every command."""

import os
from pathlib import Path

from baton.platform.config import config


def database() -> str:
    """The address of the database; starts or joins the embedded one when BATON_DATABASE_URL is empty.

    Children inherit the address through the environment, so that only the first process starts the server.
    """
    if not os.environ.get("BATON_DATABASE_URL"):
        from baton.platform import postgres

        folder = Path(os.environ.get("BATON_DATA_DIR") or config().data_dir)
        os.environ["BATON_DATABASE_URL"] = postgres.start(folder)
        config.cache_clear()
    return os.environ["BATON_DATABASE_URL"]


def django(process: str) -> None:
    """Database, logs and Django, in this order."""
    database()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "baton.settings")
    from baton.platform import logs

    logs.setup(process)
    import django as framework

    framework.setup()
