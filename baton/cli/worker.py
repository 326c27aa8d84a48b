"""The worker: steady drains, each in a thread of its own, woken by the database; and the job queue."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec

import psycopg
from django.apps import apps
from django.db import OperationalError, close_old_connections, connection

from baton.platform import changes, jobs, logs, process
from baton.platform.config import config

log = logs.log("worker")

IDLE = 1.0  # seconds between looks when nothing wakes a drain
CHANNELS = {"baton_change": "tick", "baton_timer": "timers", "baton_outbox": "outbox", "baton_call": "calls"}


class Worker:
    """Runs until the process is told to end. A killed worker loses nothing: every drain claims its rows in the transaction that moves them.

    `only`: these drains and no job queue; of several threads for one drain the names are `outbox 1`, `outbox 2` ...
    """

    def __init__(self, only: Mapping[str, jobs.Drain] | None = None) -> None:
        load_jobs()
        jobs.drain("tick")(changes.tick)
        self._drains = dict(only) if only is not None else jobs.drains()
        self._beside: dict[str, Callable[[], None]] = {"listen": self._listen} if only is not None else {"listen": self._listen, "jobs": self._queue}
        self._stopped = threading.Event()
        self._wake = {name: threading.Event() for name in self._drains}

    def run(self) -> None:
        told = process.Told()
        drains = [threading.Thread(target=self._steady, args=(name, take), name=name) for name, take in self._drains.items()]
        beside = [threading.Thread(target=work, name=name, daemon=True) for name, work in self._beside.items()]
        for thread in (*drains, *beside):
            thread.start()
        log.info("worker is running", drains=sorted(self._wake))
        told.within()
        self._stopped.set()
        for event in self._wake.values():
            event.set()
        for thread in drains:
            thread.join(timeout=25)

    def _steady(self, name: str, take: Callable[[], int]) -> None:
        """Call a drain while it finds work; sleep until woken, or for a moment. An error is logged and tried again."""
        pause = IDLE
        while not self._stopped.is_set():
            self._wake[name].clear()
            try:
                close_old_connections()
                if take():
                    continue
                pause = IDLE
            except OperationalError as error:  # the database is away
                log.warning("waiting for the database", drain=name, error=str(error).splitlines()[0])
                connection.close()
                pause = min(pause * 2, 10)
            except Exception:
                log.exception("a drain failed and will be tried again", drain=name)
                connection.close()
                pause = min(pause * 2, 30)
            self._wake[name].wait(pause)
        connection.close()

    def _listen(self) -> None:
        """Wake the drains when a transaction that fed them commits."""
        while not self._stopped.is_set():
            try:
                with psycopg.connect(config().database_url, autocommit=True) as listener:
                    for channel in CHANNELS:
                        listener.execute(f"LISTEN {channel}")
                    for notice in listener.notifies():
                        for name, event in self._wake.items():
                            if name.partition(" ")[0] == CHANNELS[notice.channel]:
                                event.set()
            except psycopg.OperationalError:
                self._stopped.wait(1)

    def _queue(self) -> None:
        """The job queue, in an event loop of its own."""
        while not self._stopped.is_set():
            try:
                asyncio.run(jobs.run())
            except Exception as error:
                log.warning("the job queue stopped and starts again", error=str(error).splitlines()[0] if str(error) else type(error).__name__)
                self._stopped.wait(3)


def load_jobs() -> None:
    """Import every package's `jobs` module, so that its stages and drains are known."""
    for app in apps.get_app_configs():
        if app.name.startswith("baton.") and find_spec(f"{app.name}.jobs"):
            import_module(f"{app.name}.jobs")


def main() -> None:
    Worker().run()
