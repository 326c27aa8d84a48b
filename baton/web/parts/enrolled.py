"""The workflows of one record: where it stands in each and when it goes on, which it could be put into by hand; and its steps for the timeline."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from baton.automation import difference, graph
from baton.automation.models import Enrollment, Timer, Workflow
from baton.platform import sql
from baton.platform.models import BUCKETS

from . import workflow_words
from .event_words import At, Entry

SHOWN = 10  # runs, the latest
STEPS = """
SELECT s.at, s.enrollment_id, s.step, s.turn, s.outcome, s.detail->>'reason', e.version_id, w.name
FROM step_run s JOIN enrollment e ON e.contact_id = s.contact_id AND e.id = s.enrollment_id JOIN workflow w ON w.id = s.workflow_id
WHERE s.contact_id = %(id)s AND (%(ts)s::timestamptz IS NULL OR (s.at, s.enrollment_id) < (%(ts)s::timestamptz, %(last)s::bigint))
ORDER BY s.at DESC, s.enrollment_id DESC FETCH FIRST %(limit)s ROWS WITH TIES
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """One workflow on the card."""

    workflow_id: int
    name: str
    state: str
    tone: str
    step: str
    due_at: datetime | None
    at: datetime
    url: str
    inside: bool
    failed: bool


def card(object_type: str, id: int) -> dict[str, Any]:
    """The latest run of each workflow, and the workflows that it could be put into by hand: three statements."""
    runs: dict[int, Enrollment] = {}
    for row in Enrollment.objects.filter(contact_id=id).order_by("-enrolled_at", "-id")[: SHOWN * 3]:
        if row.workflow_id not in runs or (row.state == "active" and runs[row.workflow_id].state != "active"):
            runs[row.workflow_id] = row
    found = {w.pk: w for w in Workflow.objects.filter(object_type=object_type).order_by("name").defer("draft")}
    open_ids = [row.id for row in runs.values() if row.state == "active"]
    due = dict(Timer.objects.filter(bucket=id % BUCKETS, enrollment_id__in=open_ids).values_list("enrollment_id", "due_at")) if open_ids else {}
    inside = {pk for pk, row in runs.items() if row.state in ("active", "queued")}
    return {
        "standings": [_standing(object_type, found[pk], row, due.get(row.id)) for pk, row in list(runs.items())[:SHOWN] if pk in found],
        "enterable": [(w.pk, w.name) for w in found.values() if w.state == "on" and w.archived_at is None and w.pk not in inside],
    }


def _standing(object_type: str, workflow: Workflow, row: Enrollment, due: datetime | None) -> Standing:
    live = graph.readable(row.version_id) if row.state in ("active", "failed") else None
    step = live.get(row.step) if live else None
    label, tone = workflow_words.state(row.state)
    of = "contacts" if object_type == "contact" else "records"
    return Standing(
        workflow.pk, workflow.name, label, tone, step.heading() if step else "", None if due and due.year > 9000 else due, row.enrolled_at,
        f"/workflows/{workflow.pk}/{of}/{row.contact_id}/", row.state in ("active", "queued", "failed"), row.state == "failed",
    )  # fmt: skip


def steps(id: int, cursor: At | None, limit: int) -> list[tuple[At, Entry]]:
    """What steps of workflows did for a record, newest first, as entries of its timeline; all of a moment together, so that a page never splits it."""
    ts, last = cursor or (None, 0)
    rows = sql.rows(STEPS, {"id": id, "ts": ts, "last": last, "limit": limit})
    made = []
    for at, run, step_id, turn, outcome, why, version, workflow in rows:
        found = graph.readable(version)
        step = found.get(step_id) if found else None
        order = found.where(step_id) if found and step else ""
        label, _tone = workflow_words.outcome(outcome, difference.way_name(step, outcome) if step else outcome)
        title = step.heading() if step else _("a step of an earlier version")
        said = " · ".join(part for part in (workflow, label, workflow_words.reason(why or "")) if part)
        made.append(((at, run), turn, order, Entry(at, step.icon if step else "workflow", "workflow", title, said)))
    made.sort(key=lambda one: (one[0], one[1], _natural(one[2])), reverse=True)
    return [(place, entry) for place, _turn, _order, entry in made]


def _natural(place: str) -> tuple[int, ...]:
    """`steps[1].paths[0].steps[2]` -> 1, 0, 2: in the order in which they are drawn."""
    return tuple(int(part) for part in place.replace("]", "[").split("[") if part.isdecimal())
