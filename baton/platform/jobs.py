"""Work outside the request. The only module that knows the queue library.

Three kinds, all found in each package's `jobs.py`:
- `@job`: a coarse task put in the queue by `name.defer(...)` (imports, full re-evaluation, mails of the system);
- `@every(cron)`: the same, by the clock;
- `@drain(name)`: a function that takes a set of waiting rows and returns how many it took; the worker calls it again
  at once while it finds any, else on the next change or after a moment.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from procrastinate import App, RetryStrategy
from procrastinate.contrib.django import app as queue

from baton.platform import logs

SILENT = 30.0  # seconds without a sign of life after which a worker counts as dead; it gives one every 10
RECONNECT = 1.0  # seconds

_log = logs.log(__name__)

Drain = Callable[[], int]
_drains: dict[str, Drain] = {}


@dataclass(frozen=True, slots=True)
class Job:
    """A task of the queue; call it to run it here and now, `defer` it to run it in a worker."""

    task: Any

    def __call__(self, **arguments: Any) -> Any:
        return self.task(**arguments)

    def defer(self, *, lock: str | None = None, **arguments: Any) -> None:
        """Queue it in the caller's transaction. Two jobs with the same `lock` never run at once."""
        self.task.configure(lock=lock).defer(**arguments)


def job(function: Callable[..., Any]) -> Job:
    return Job(queue.task(name=f"{function.__module__}.{function.__name__}", retry=RetryStrategy(max_attempts=5, exponential_wait=4))(function))


def every(cron: str) -> Callable[[Callable[[], Any]], Job]:
    """Run a function by the clock, for example every("*/5 * * * *")."""

    def register(function: Callable[[], Any]) -> Job:
        def run(timestamp: int) -> Any:
            return function()

        task = queue.task(name=f"{function.__module__}.{function.__name__}", pass_context=False)(run)
        return Job(queue.periodic(cron=cron)(task))

    return register


def drain(name: str) -> Callable[[Drain], Drain]:
    """Make a function one of the worker's steady tasks."""

    def register(function: Drain) -> Drain:
        _drains[name] = function
        return function

    return register


def drains() -> dict[str, Drain]:
    return dict(_drains)


async def run(*, wait: bool = True) -> None:
    """Work off the queue, for ever or (`wait=False`) until nothing can be taken. Jobs of workers that died are done again."""
    app = queue.with_connector(queue.connector.get_worker_connector())  # type: ignore[attr-defined]  # Django's connector has it
    async with app.open_async():
        await _take_over(app)
        watching = asyncio.gather(_watch(app), _reconnect())
        try:
            await app.run_worker_async(concurrency=2, install_signal_handlers=False, fetch_job_polling_interval=2, delete_jobs="successful", wait=wait)
        finally:
            watching.cancel()


async def _watch(app: App) -> None:
    """Look for dead workers again and again."""
    while True:
        await asyncio.sleep(SILENT)
        try:
            await _take_over(app)
        except Exception as error:  # the database is away: it will be back
            _log.warning("dead workers could not be looked for", error=str(error))


async def _reconnect() -> None:
    """Give up a connection that broke. What puts tasks of the clock into the queue keeps its own for ever, and tries it again and again without a pause."""
    while True:
        await asyncio.sleep(RECONNECT)
        await sync_to_async(close_old_connections)()


async def _take_over(app: App) -> None:
    """Put back the jobs of dead workers. The queue does not by itself: such a job would stay, and its lock hold up all that follow."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT):
        _log.warning("a worker died in the middle of a job", job=job.task_name)
        await app.job_manager.retry_job(job)
