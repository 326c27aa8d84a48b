"""Where everybody stands in a workflow: counts for the canvas, the latest moves for the log."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from baton.accounts.rights import Rights
from baton.automation import runs, tally
from baton.automation.models import Workflow
from baton.automation.step import DONE, FAILED, SKIPPED, WAITING
from baton.crm import contacts, types
from baton.messaging import outbox
from baton.platform import sql

NO_WAY = frozenset({DONE, WAITING, SKIPPED, FAILED, runs.LEFT, "enrolled"})  # outcomes that are no way out of a branch


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
    """One line of the log. `step` is the trigger's id when the contact was enrolled. Of whom the reader may not see there is no name."""

    at: datetime
    contact_id: int
    seen: bool
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
    seen: bool
    name: str
    step: str
    state: str
    reason: str
    at: datetime


def counts(workflow: Workflow) -> dict[str, Counts]:
    """By step id, over all versions; a trigger counts whom it enrolled. Who left before his time counts as nothing. Steps nobody reached are missing."""
    found: dict[str, list[int]] = {}
    for (_workflow, step, outcome), n in tally.sums(workflow.pk).items():
        if step and outcome != runs.LEFT:
            found.setdefault(step, [0, 0, 0])[{WAITING: 1, FAILED: 2}.get(outcome, 0)] += n
    return {step: Counts(*numbers) for step, numbers in found.items()}


def ways(workflow: Workflow) -> dict[tuple[str, str], int]:
    """How many took each way of each branch: (step id, label) -> runs."""
    return {(step, outcome): n for (_w, step, outcome), n in tally.sums(workflow.pk).items() if step and outcome not in NO_WAY}


def totals(workflow: Workflow) -> Totals:
    """How many entered, are inside, came through, and stopped by a failure."""
    states = states_of(workflow)
    through = states.get("finished", 0) + states.get("goal", 0)
    return Totals(sum(states.values()), states.get("active", 0), through, states.get("failed", 0))


def states_of(workflow: Workflow) -> dict[str, int]:
    """Runs by state: active, queued, finished, goal, removed, superseded, failed."""
    return {outcome: n for (_w, step, outcome), n in tally.sums(workflow.pk).items() if not step}


def recent(workflow: Workflow, limit: int = 20, step: str = "", *, held: Rights) -> list[Move]:
    """The latest moves, newest first, with the contact's (or record's) name and company as far as `held` allows; only of `step` when given."""
    found = sql.rows(
        sql.load("recent", __package__),
        {"workflow": workflow.pk, "limit": limit, "step": step},
    )
    kind, made = workflow.object_type, []
    for at, contact_id, properties, owner_id, at_step, outcome, detail, version_id in found:
        seen = held.may(kind, "view", [owner_id])
        person = (_json(properties) or {}) if seen else {}
        name = types.title(kind, person) if person else ""
        made.append(Move(at, contact_id, seen, name, str(person.get("company") or ""), at_step, outcome, _json(detail), version_id))
    return made


def mail(workflow: Workflow, step: str) -> Mail:
    """The mails that this step sent."""
    [row] = sql.rows(sql.load("mail", __package__), {"workflow": workflow.pk, "step": step})
    return Mail(*row)


def undelivered(workflow: Workflow, limit: int = 20, *, held: Rights) -> tuple[list[Undelivered], int]:
    """Its messages that failed or may not have arrived, newest first, and how many there are in all. What to do about them a person decides."""
    found = sql.rows(sql.load("undelivered", __package__), {"workflow": workflow.pk, "limit": limit})
    messages = [
        Undelivered(contact_id, id, seen, contacts.display_name(_json(person) or {}) if seen else "", step, state, outbox.reason(reason), at)
        for contact_id, id, person, owner_id, step, state, reason, at, _all in found
        for seen in [held.may("contact", "view", [owner_id])]
    ]
    return messages, found[0][-1] if found else 0


def _json(value: Any) -> Any:
    """Raw cursors of Django hand out jsonb as text."""
    return json.loads(value) if isinstance(value, str) else value
