"""Automation's part of the tick, the runner of due steps (woken by NOTIFY baton_timer), and what goes by the clock."""

from baton.automation import calls, enroll, errors, goals, runner, tally
from baton.automation.models import Workflow
from baton.automation.step import steps as load_steps
from baton.automation.trigger import triggers as load_triggers
from baton.platform import jobs
from baton.platform.actor import Actor
from baton.platform.changes import Batch, Change, on_change


@on_change(50)
def triggers(batch: Batch, changes: list[Change]) -> None:
    """Enroll whom these changes bring in."""
    enroll.by_changes(changes, batch)


@on_change(51)
def ends(_batch: Batch, changes: list[Change]) -> None:
    """End the runs of those who reached the goal, joined a list that is kept out, lost consent or were archived."""
    goals.end_changed(changes)


@on_change(52)
def wake(_batch: Batch, changes: list[Change]) -> None:
    """Let those look again who wait for something that may have happened now."""
    goals.wake(changes)


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


@jobs.every("* * * * *")
def clock_triggers() -> None:
    """Enroll whom the clock brings in."""
    enroll.by_clock()


@jobs.every("* * * * *")
def add_up_counts() -> None:
    """Few rows a count, so that a page adds up few."""
    tally.compact()


@jobs.every("0 23 * * *")
def digest() -> None:
    """What failed, to whom it concerns: at eight in the morning in Seoul."""
    errors.digest()


@jobs.job
def enroll_backlog(workflow_id: int, actor: str) -> None:
    """Enroll those who already fit the triggers of a workflow's published version. Done again after a worker died, it goes on where it stopped."""
    if (workflow := Workflow.objects.filter(pk=workflow_id, state="on", archived_at=None).first()) is not None:
        enroll.backlog(workflow, Actor.parse(actor))


@jobs.job
def run_rehearsal(rehearsal_id: int) -> None:
    """Lead people through a workflow without touching anybody."""
    from baton.automation import rehearsals  # it puts this job in the queue

    rehearsals.run(rehearsal_id)


@jobs.job
def remove_everybody(workflow_id: int, actor: str, reason: str) -> None:
    """Take everybody out of a workflow."""
    from baton.automation import runs

    if (workflow := Workflow.objects.filter(pk=workflow_id).first()) is not None:
        runs.remove(workflow, None, Actor.parse(actor), reason)
