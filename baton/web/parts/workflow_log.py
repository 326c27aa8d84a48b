"""What happened last in a workflow, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from baton.accounts.rights import Rights
from baton.automation import standing
from baton.automation.graph import Graph
from baton.automation.models import Workflow

from . import workflow_words

ROWS = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log."""

    at: datetime
    contact_id: int
    name: str
    url: str  # empty for whom the reader may not see
    company: str
    what: str
    state: str
    tone: str


def rows(workflow: Workflow, found: Graph, held: Rights, step: str = "", limit: int = ROWS) -> list[Entry]:
    """The newest moves, of all steps or one; whom the reader may not see has no name."""
    return [_entry(workflow, move, found) for move in standing.recent(workflow, limit, step, held=held)]


def _entry(workflow: Workflow, move: standing.Move, found: Graph) -> Entry:
    step = found.get(move.step)
    title = step.heading() if step else _("a step of an earlier version")
    name = (move.name or f"#{move.contact_id}") if move.seen else ""
    url = workflow_words.url(workflow.object_type, move.contact_id) if move.seen else ""
    match move.outcome:
        case "enrolled":
            trigger = found.trigger(move.step) or (found.triggers[0] if found.triggers else None)
            what, state, tone = trigger.heading() if trigger else _("Enrolled"), _("Enrolled"), ""
        case "waiting":
            what, state, tone = title, _("Waiting"), "warn"
        case "failed":
            what, state, tone = f"{title} – {reason(move.detail)}", _("Failed"), "bad"
        case "skipped":
            what, state, tone = f"{title} – {reason(move.detail)}", _("Skipped"), ""
        case "done":
            what, state, tone = title, _("Done"), "good"
        case way:
            names = dict(step.ways()) if step else {}
            what, state, tone = title, str(names.get(way, way)), ""
    return Entry(move.at, move.contact_id, name, url, move.company, what, state, tone)


def reason(detail: Mapping[str, Any]) -> str:
    """Why a step was skipped or failed, in words where the step gave a key."""
    given = str(detail.get("reason", ""))
    known = {"nobody": _("nobody to tell"), "no_email": _("the e-mail does not exist any more")}
    return known.get(given, given)
