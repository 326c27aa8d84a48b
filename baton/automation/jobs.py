"""Automation's part of the tick, and the runner of due steps: woken by NOTIFY baton_timer."""

from baton.automation import enroll, runner
from baton.platform import jobs
from baton.platform.changes import Batch, Change, on_change


@on_change(50)
def triggers(_batch: Batch, changes: list[Change]) -> None:
    enroll.by_changes(changes)


@jobs.drain("timers")
def timers() -> int:
    return runner.run_due()
