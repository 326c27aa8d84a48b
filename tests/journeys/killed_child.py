"""Workers for test_killed_worker.py. Each works until nothing is left, or dies where it is told.

Reads lines `<module>:<function>:<before|after> <hours to move the clock> <drains|jobs>` (`-` for the function: do not die),
forks a worker for each from this warm process, and writes its exit code. `drains` is the tick, the steps that are due and
the outbox; `jobs` is the job queue.
"""

import asyncio
import importlib
import os
import sys
import traceback
from datetime import timedelta
from functools import wraps
from typing import Any

DIED = 137


def arm(point: str) -> None:
    """Die before or after the first call of a function or method (`package.module:Class.method:after`).

    The function is wrapped here, in this process only; `os._exit` leaves no time to clean up, as SIGKILL would not.
    """
    path, name, when = point.split(":")
    owner: Any = importlib.import_module(path)
    *outer, last = name.split(".")
    for part in outer:
        owner = getattr(owner, part)
    original = getattr(owner, last)

    @wraps(original)
    def deadly(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            os._exit(DIED)
        original(*args, **kwargs)
        os._exit(DIED)

    setattr(owner, last, deadly)


def work(point: str, hours: float, what: str) -> None:
    from baton.platform import changes, clock, jobs

    clock.shift(timedelta(hours=hours))
    if point != "-":
        arm(point)
    if what == "jobs":
        asyncio.run(jobs.run(wait=False))
        return
    drains = [changes.tick, jobs.drains()["timers"], jobs.drains()["outbox"]]
    while sum(drain() for drain in drains):
        pass


def main() -> None:
    import django

    django.setup()
    from baton.cli.worker import load_jobs

    load_jobs()
    for line in sys.stdin:
        point, hours, what = line.split()
        child = os.fork()
        if child == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what it logs is not an exit code
            try:
                work(point, float(hours), what)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
