"""Automation's part of the tick, and the runner of due steps: woken by NOTIFY baton_timer."""

from baton.automation import calls, enroll, runner
from baton.automation.step import steps as load_steps
from baton.automation.trigger import triggers as load_triggers
from baton.platform import jobs
from baton.platform.changes import Batch, Change, on_change


@on_change(50)
def triggers(_batch: Batch, changes: list[Change]) -> None:
    enroll.by_changes(changes)


@jobs.drain("timers")
def timers() -> int:
    load_steps()  # the worker calls this as it starts: then the first contact does not wait for imports
    load_triggers()
    return runner.run_due()


@jobs.drain("calls")
def web_calls() -> int:
    return calls.send_due()


@jobs.every("23 4 * * *")
def forget_calls() -> None:
    """What was sent to others is kept for some months only."""
    calls.forget()
