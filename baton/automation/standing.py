"""Where everybody stands in a workflow: counts for the canvas, the latest moves for the log."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from baton.automation.models import Workflow
from baton.crm import contacts
from baton.messaging import outbox
from baton.platform import sql


class Counts(NamedTuple):
    """Of one step, over all versions."""

    passed: int = 0
    waiting: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """Of a workflow."""

    enrolled: int = 0
    active: int = 0
    finished: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """One line of the log. `step` is the trigger's id when the contact was enrolled."""

    at: datetime
    contact_id: int
    name: str
    company: str
    step: str
    outcome: str  # enrolled, done, waiting, skipped, failed, or the way taken
    detail: dict[str, Any]
    version_id: int


@dataclass(frozen=True, slots=True)
class Mail:
    """What became of the mails of one step; `opened` and `clicked` count messages, not clicks."""

    queued: int = 0
    sent: int = 0
    opened: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    skipped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that failed, or that may not have arrived (`unknown`), with the reason in words."""

    contact_id: int
    id: int
    name: str
    step: str
    state: str
    reason: str
    at: datetime


def counts(workflow: Workflow) -> dict[str, Counts]:
    """By step id; the trigger `t` counts the enrolled. Steps nobody reached are missing."""
    found = sql.rows(
        "SELECT step, count(*) FILTER (WHERE outcome NOT IN ('waiting', 'failed')),"
        " count(*) FILTER (WHERE outcome = 'waiting'), count(*) FILTER (WHERE outcome = 'failed')"
        " FROM step_run WHERE workflow_id = %s GROUP BY step"
        " UNION ALL SELECT 't', count(*), 0, 0 FROM enrollment WHERE workflow_id = %s",
        [workflow.pk, workflow.pk],
    )
    return {step: Counts(*numbers) for step, *numbers in found}


def ways(workflow: Workflow) -> dict[tuple[str, str], int]:
    """How many took each way of each branch: (step id, label) -> contacts."""
    found = sql.rows(
        "SELECT step, outcome, count(*) FROM step_run"
        " WHERE workflow_id = %s AND outcome NOT IN ('done', 'waiting', 'skipped', 'failed') GROUP BY step, outcome",
        [workflow.pk],
    )
    return {(step, label): number for step, label, number in found}


def totals(workflow: Workflow) -> Totals:
    """How many entered, are inside, came through, and stopped by a failure."""
    [row] = sql.rows(
        "SELECT count(*), count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE state = 'finished'),"
        " count(*) FILTER (WHERE state = 'failed') FROM enrollment WHERE workflow_id = %s",
        [workflow.pk],
    )
    return Totals(*row)


def recent(workflow: Workflow, limit: int = 20, step: str = "") -> list[Move]:
    """The latest moves, newest first, with the contact's name and company; only of `step` when given."""
    found = sql.rows(
        sql.load("recent", __package__),
        {"workflow": workflow.pk, "limit": limit, "step": step},
    )
    return [
        Move(at, contact_id, contacts.display_name(person), person.get("company", ""), at_step, outcome, _json(detail), version_id)
        for at, contact_id, properties, at_step, outcome, detail, version_id in found
        for person in [_json(properties) or {}]
    ]


def mail(workflow: Workflow, step: str) -> Mail:
    """The mails that this step sent."""
    [row] = sql.rows(sql.load("mail", __package__), {"workflow": workflow.pk, "step": step})
    return Mail(*row)


def undelivered(workflow: Workflow, limit: int = 20) -> tuple[list[Undelivered], int]:
    """Its messages that failed or may not have arrived, newest first, and how many there are in all. What to do about them a person decides."""
    found = sql.rows(sql.load("undelivered", __package__), {"workflow": workflow.pk, "limit": limit})
    messages = [
        Undelivered(contact_id, id, contacts.display_name(_json(person) or {}), step, state, outbox.reason(reason), at)
        for contact_id, id, person, step, state, reason, at, _all in found
    ]
    return messages, found[0][-1] if found else 0


def _json(value: Any) -> Any:
    """Raw cursors of Django hand out jsonb as text."""
    return json.loads(value) if isinstance(value, str) else value
