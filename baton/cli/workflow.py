"""`baton workflow test` and `baton workflow rehearse`: trial runs of workflows in a terminal. Nothing is sent, nothing is changed."""

import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import click

from baton.automation import graph, journeys, rehearse
from baton.automation.models import Workflow
from baton.automation.names import Names
from baton.automation.rehearsed import Result
from baton.cli.worker import load_jobs
from baton.platform import clock
from baton.platform.config import config
from baton.platform.errors import DomainError, Invalid


def test(files: Sequence[Path]) -> bool:
    """Run test files one after the other and say what came of each; whether all passed."""
    load_jobs()
    failed = 0
    for path in files:
        began = time.monotonic()
        try:
            outcome = journeys.run(path.read_text("utf-8"), path.parent)
        except DomainError as error:
            failed += 1
            click.echo(f"ERROR {path}")
            for line in _faults(error):
                click.echo(f"      {line}")
            continue
        word = "FAIL " if outcome.failures else "ok   "
        click.echo(f"{word} {path}  ({outcome.people} contacts, {outcome.days} days, {time.monotonic() - began:.1f} s)")
        for line in outcome.failures:
            click.echo(f"      {line}")
        for note in outcome.result.notes if outcome.result else ():
            if note.startswith("trouble:"):
                click.echo(f"      a stage of the tick failed: {note.removeprefix('trouble:')}")
        failed += bool(outcome.failures)
    click.echo(f"{len(files) - failed} passed, {failed} failed")
    return not failed


def run(name: str, version: str, since: int, days: int, as_json: bool) -> None:
    """Rehearse a workflow with the people of the last `since` days. Raises DomainError."""
    load_jobs()
    id = Names().id("workflow", name) or (int(name) if name.isdecimal() else 0)
    workflow = Workflow.objects.select_related("published").filter(pk=id).first()
    if workflow is None:
        raise Invalid.one("workflow", "NOT_FOUND", f"There is no workflow “{name}”.")
    read = graph.parse(journeys.stored(workflow, version), workflow.object_type)
    result = rehearse.run(read, rehearse.Past(since), clock.now() - timedelta(days=since), days, workflow=workflow)
    click.echo(json.dumps(result.to_json(), ensure_ascii=False, indent=2) if as_json else _table(result))


def _table(result: Result) -> str:
    """Totals by node, then the messages by step and day."""
    start = datetime.fromisoformat(result.start).astimezone(config().zone)
    ends = ", ".join(f"{state} {count:,}" for state, count in result.ends.items())
    lines = [f"{start:%Y-%m-%d %H:%M}, {result.days} days: {result.people:,} people, {result.runs:,} runs" + (f" ({ends})" if ends else ""), ""]
    lines.append(f"{'step':34} {'came':>8} {'left':>8} {'waiting':>8} {'failed':>8}  ways")
    for node in result.nodes:
        name = "  " * node.depth + f"{node.id} {node.label}"
        ways = ", ".join(f"{way} {count:,}" for way, count in node.ways.items())
        lines.append(f"{name[:34]:34} {node.came:>8,} {node.left:>8,} {node.waiting:>8,} {node.failed:>8,}  {ways}".rstrip())
    if result.mails:
        lines += ["", "messages"]
    for mail in result.mails:
        skipped = ", ".join(f"{why} {count:,}" for why, count in mail["skipped"].items())
        lines.append(f"  day {mail['day']:>3}  {mail['step']:5} {mail['email_name'][:40]:40} {mail['sent']:>8,}" + (f"  skipped: {skipped}" if skipped else ""))
    if result.conflicts:
        lines += ["", "conflicts"]
    for one in result.conflicts:
        parts = [one["kind"], one["about"], ", ".join(one["with_"]), f"{one['people']:,} people" if one["people"] else ""]
        lines.append("  " + "  ".join(part for part in parts if part))
    return "\n".join(lines)


def _faults(error: DomainError) -> list[str]:
    return [f"{p.path}: {p.message}" if p.path else p.message for p in error.problems] if isinstance(error, Invalid) else [str(error)]
