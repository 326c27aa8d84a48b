"""Runs of a workflow, one by one or all: how one ends before its time, is tried again, passes a step over, and whom a count stands for.

`end` is the only door out but the runner's own: it takes the run's timer away, closes the step where it waited, and lets the
run begin that was queued behind it.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from baton.automation import tally, told
from baton.automation.models import Workflow
from baton.automation.step import FAILED, WAITING
from baton.crm import types
from baton.platform import clock, live, sql
from baton.platform.actor import Actor
from baton.platform.models import BUCKETS
from baton.platform.transaction import retrying

LOCK = 0xBA74  # class of the advisory locks of who walks, one a bucket; every use of them has a class of its own
SET = 5_000  # runs that end in one transaction, when all do
LEFT = "left"  # how a step came out at which a run ended early: detail has `was` (waiting, failed) and `left` (why)
Pair = tuple[int, int]  # (contact or record, enrollment)

# In the transaction that walks: the runs that something else ended meanwhile, see runner.py.
_ended: ContextVar[set[int] | None] = ContextVar("ended", default=None)


def end(pairs: Collection[Pair], state: str, reason: str, *, actor: Actor | None = None) -> list[Pair]:
    """End these runs, in the caller's transaction or one of their own; returns those that were still open.

    state: goal, removed, superseded. Waits for a worker that walks with one of them this moment.
    """
    if not pairs:
        return []
    now = clock.now()
    ordered = sorted({*pairs})
    columns = {"contact_ids": [c for c, _ in ordered], "ids": [e for _, e in ordered]}
    with transaction.atomic():
        hold(columns["contact_ids"])
        found = sql.rows(sql.load("end", __package__), {**columns, "state": state, "reason": reason, "now": now, "buckets": BUCKETS})
        ended = [(contact_id, id) for contact_id, id, _workflow, _was in found]
        if (watched := _ended.get()) is not None:
            watched.update(id for _, id in ended)
        by_workflow: dict[int, list[Pair]] = {}
        for contact_id, id, workflow_id, _was in found:
            by_workflow.setdefault(workflow_id, []).append((contact_id, id))
        for workflow_id, some in by_workflow.items():
            told.finished(workflow_id, some, state, now, reason=reason, actor=actor)
            live.publish(f"workflow:{workflow_id}", what="counts")
        begin_queued([(contact_id, workflow_id) for contact_id, _id, workflow_id, was in found if was != "queued"])
    return ended


def hold(contact_ids: Iterable[int]) -> None:
    """Until the transaction ends no worker walks with these contacts or records. Waits for one that does this moment."""
    for bucket in sorted({id % BUCKETS for id in contact_ids}):
        sql.rows("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, bucket])


def close(pairs: Sequence[Pair]) -> None:
    """These runs, which have ended, wait at no step any more."""
    if pairs:
        sql.run(sql.load("close", __package__), {"contact_ids": [c for c, _ in pairs], "ids": [e for _, e in pairs], "now": clock.now()})


def begin_queued(ended: Collection[tuple[int, int]]) -> None:
    """(contact, workflow) whose runs ended: the next one that was queued begins."""
    workflows = sorted({workflow_id for _, workflow_id in ended})
    if not ended or not sql.rows("SELECT 1 FROM enrollment WHERE workflow_id = ANY(%s) AND state = 'queued' LIMIT 1", [workflows]):
        return
    ordered = sorted({*ended})
    params = {"contact_ids": [c for c, _ in ordered], "workflow_ids": [w for _, w in ordered], "now": clock.now(), "buckets": BUCKETS}
    ((begun,),) = sql.rows(sql.load("begin", __package__), params)
    if begun:
        sql.run("NOTIFY baton_timer")


def remove(workflow: Workflow, contact_ids: Collection[int] | None, actor: Actor, reason: str = "by hand") -> int:
    """Take these people out of the workflow, or (None) everybody; returns how many runs ended. Everybody leaves in sets, each a transaction of its own."""
    test = "" if contact_ids is None else " AND contact_id = ANY(%(ids)s)"
    ended = 0
    while True:
        gone = _remove_set(workflow.pk, test, None if contact_ids is None else list(contact_ids), actor, reason)
        ended += gone
        if gone < SET:
            return ended


@retrying
def _remove_set(workflow_id: int, test: str, ids: list[int] | None, actor: Actor, reason: str) -> int:
    with transaction.atomic():
        found = sql.rows(
            f"SELECT contact_id, id FROM enrollment WHERE workflow_id = %(workflow)s AND state IN ('active', 'queued', 'failed'){test} LIMIT %(limit)s",
            {"workflow": workflow_id, "ids": ids, "limit": SET},
        )
        return len(end(found, "removed", reason, actor=actor))


# Failed runs ------------------------------------------------------------------


def retry(pairs: Collection[Pair], actor: Actor) -> int:
    """Let failed runs try their step again; returns how many do. Who is inside once more meanwhile does not."""
    return _again(pairs, actor, "retried", "")


def skip(pairs: Collection[Pair], actor: Actor) -> int:
    """Let failed runs go on behind the step that failed; returns how many do."""
    return _again(pairs, actor, "passed_over", "skipped")


@retrying
def _again(pairs: Collection[Pair], actor: Actor, word: str, outcome: str) -> int:
    if not pairs:
        return 0
    ordered = sorted({*pairs})
    now = clock.now()
    with transaction.atomic():
        hold(c for c, _ in ordered)
        found = sql.rows(
            sql.load("again", __package__),
            {
                "contact_ids": [c for c, _ in ordered], "ids": [e for _, e in ordered], "now": now, "buckets": BUCKETS,
                "note": f'{{"{word}": "{actor}"}}', "outcome": outcome,
            },
        )  # fmt: skip
        for workflow_id in {workflow_id for _c, _e, workflow_id in found}:
            live.publish(f"workflow:{workflow_id}", what="counts")
        sql.run("NOTIFY baton_timer")
    return len(found)


# A pause ----------------------------------------------------------------------


def thaw(workflow: Workflow, since: datetime, until: datetime) -> int:
    """The workflow was paused from `since` until now: waits that are a length of time go on for as long as they still had; returns how many.

    Other waits (until a date, for working hours) keep their moment: one that passed ends now. What was due before the pause is due.
    """
    from baton.automation import graph

    moved = 0
    for (version_id,) in sql.rows("SELECT DISTINCT version_id FROM enrollment WHERE workflow_id = %s AND state = 'active'", [workflow.pk]):
        published = graph.readable(version_id)
        lasting = [step.id for step in published.walk() if step.freezes] if published else []
        if not lasting:
            continue
        moved += sql.rows(
            sql.load("thaw", __package__),
            {"workflow": workflow.pk, "version": version_id, "steps": lasting, "since": since, "length": until - since, "buckets": BUCKETS},
        )[0][0]
    return moved


# Whom a count opens -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """One row behind a count."""

    contact_id: int
    enrollment_id: int
    name: str
    company: str
    step: str
    outcome: str
    at: datetime
    detail: dict[str, Any]


def people(workflow: Workflow, step: str = "", outcome: str | Collection[str] = "", after: str = "", limit: int = 50) -> tuple[list[Person], str]:
    """The rows that a count stands for, as many as it says, newest runs first: (rows, the `after` of the next page, "" at the end).

    step "": runs, `outcome` is their state or several ("": all). A trigger's id: runs that it enrolled. A step's id: its results, `outcome` one or
    several of step_run ("": all who passed, that is, neither wait nor failed nor left).
    """
    kind = "whole" if not step else "trigger" if step.startswith("t") else "step"
    wanted = [outcome] if isinstance(outcome, str) else sorted(outcome)
    if not any(wanted):
        known = {o for _w, s, o in tally.sums(workflow.pk) if s == step}
        wanted = sorted(known if kind == "whole" else known - {WAITING, FAILED, LEFT})
    at, id, turn = after.split("_") if after else (datetime(9999, 1, 1, tzinfo=UTC).isoformat(), 2**62, 32767)
    found = sql.rows(
        sql.load("people", __package__),
        {
            "workflow": workflow.pk, "step": step, "outcomes": wanted, "kind": kind, "before": at, "enrollment": int(id), "turn": int(turn),
            "limit": limit + 1,
        },
    )  # fmt: skip
    page = []
    for contact_id, id, _turn, properties, at_step, how, at, detail in found[:limit]:
        person = json.loads(properties) if properties else {}
        page.append(Person(contact_id, id, types.title(workflow.object_type, person), str(person.get("company") or ""), at_step, how, at, json.loads(detail)))
    last = found[limit - 1] if len(found) > limit else None
    return page, f"{last[6].isoformat()}_{last[1]}_{last[2]}" if last else ""
