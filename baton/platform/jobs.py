"""Work outside the request. The only module that knows the queue library.

Three kinds, all found in each package's `jobs.py`:
- `@job`: a coarse task put in the queue by `name.defer(...)` (imports, full re-evaluation, mails of the system);
- `@every(cron)`: the same, by the clock;
- `@drain(name)`: a function that takes a set of waiting rows and returns how many it took; the worker calls it again
  at once while it finds any, else on the next change or after a moment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app as queue

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
