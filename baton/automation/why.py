"""Why somebody is where he is in a workflow: every run with its cause, and each step with its time, what it saw, and what came of it. Why not: why_not.py."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from baton.automation import difference, graph
from baton.automation.graph import Graph
from baton.automation.models import Call, Enrollment, Moved, StepRun, Timer, Version, Workflow
from baton.automation.step import Step
from baton.events import facts as places
from baton.events.vocabulary import Kind
from baton.messaging import outbox
from baton.messaging.models import Email
from baton.platform import sql
from baton.platform.errors import Invalid
from baton.platform.models import BUCKETS
from baton.segments import catalog
from baton.segments import parts as taken_apart
from baton.segments.models import Segment
from baton.segments.parts import Part

RUNS = 20  # the latest that are told in full
LINES = 200  # steps of them
NEVER = 9000  # a year: who waits until he is woken has a time beyond it
ASKED = 5  # runs whose conditions are taken apart

parts = taken_apart.of


@dataclass(frozen=True, slots=True)
class Mailed:
    """A message that a step wrote, and what became of it."""

    id: int
    email_id: int | None
    name: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """What one step did. `outcome`: done, waiting, skipped, failed, left, or the way taken, whose name is `way`. Of a move to another version `step` is "" ."""

    at: datetime
    step: str
    icon: str
    title: str
    detail: str
    outcome: str
    way: str = ""
    reason: str = ""
    turn: int = 0
    done_at: datetime | None = None
    until: datetime | None = None  # of a wait that is not over
    asked: Part | None = None  # what its condition saw
    kept: Mapping[str, Any] = field(default_factory=dict)
    mail: Mailed | None = None
    call: str = ""

    @property
    def waited(self) -> timedelta | None:
        return self.done_at - self.at if self.done_at and self.done_at - self.at >= timedelta(seconds=1) else None


@dataclass(frozen=True, slots=True)
class Run:
    """One walk. `by` is the actor of an enrollment by hand or by program, as it is stored."""

    id: int
    version: int
    state: str
    reason: str
    enrolled_at: datetime
    finished_at: datetime | None
    trigger: str  # its heading; "" : by hand
    cause: str  # the very fact, in words
    fact_at: datetime | None
    by: str
    policy: str
    due_at: datetime | None
    step: str  # where it stands, in words
    lines: tuple[Line, ...]


# What happened -------------------------------------------------------------------


def runs(workflow: Workflow, id: int) -> list[Run]:
    """The latest runs of a contact (or record), the newest first, in a fixed number of statements and one for each branch that was asked."""
    rows = list(Enrollment.objects.filter(contact_id=id, workflow_id=workflow.pk).order_by("-enrolled_at", "-id")[:RUNS])
    if not rows:
        return []
    ids = [row.id for row in rows]
    told = list(StepRun.objects.filter(contact_id=id, enrollment_id__in=ids).order_by("-at", "-turn")[:LINES])
    moves = list(Moved.objects.filter(contact_id=id, enrollment_id__in=ids).order_by("at"))
    numbers = {v: n for v, n in Version.objects.filter(workflow_id=workflow.pk).values_list("pk", "number")}
    due = dict(Timer.objects.filter(bucket=id % BUCKETS, enrollment_id__in=ids).values_list("enrollment_id", "due_at"))
    due = {run: at for run, at in due.items() if at.year < NEVER}
    mails = _mails(id, rows)
    calls = {(c.enrollment_id, c.step, c.turn): c for c in Call.objects.filter(contact_id=id, enrollment_id__in=ids)}
    known = facts(id, [row.cause for row in rows])
    by = _actors(id, workflow)
    found = []
    for row in rows:
        graphs = {v: g for v in {row.version_id, *(m.from_version for m in moves if m.enrollment_id == row.id)} if (g := graph.readable(v)) is not None}
        now = graphs.get(row.version_id)
        mine = [_line(r, row, graphs, workflow, mails, calls, due, row.id in ids[:ASKED]) for r in told if r.enrollment_id == row.id]
        mine += [_move(m, numbers, graphs) for m in moves if m.enrollment_id == row.id and m.to_step is not None]
        order = {step: i for i, step in enumerate(s.id for s in now.walk())} if now else {}
        mine.sort(key=lambda line: (line.at, line.turn, order.get(line.step, 999)))
        trigger = now.trigger(row.trigger) if now and row.trigger else None
        step = now.get(row.step) if now and row.state in ("active", "failed") else None
        words, fact_at = cause(row.cause, known)
        found.append(
            Run(
                row.id, numbers.get(row.version_id, 0), row.state, row.reason, row.enrolled_at, row.finished_at, trigger.heading() if trigger else "", words,
                fact_at, by.get(row.id, ""), row.policy, due.get(row.id), step.heading() if step else "", tuple(mine),
            )
        )  # fmt: skip
    return found


def _line(
    row: StepRun,
    run: Enrollment,
    graphs: Mapping[int, Graph],
    workflow: Workflow,
    mails: Mapping[str, Mailed],
    calls: Mapping[Any, Call],
    due: Mapping[int, datetime],
    ask: bool,
) -> Line:
    step = next((s for g in (graphs.get(run.version_id), *graphs.values()) if g is not None and (s := g.get(row.step)) is not None), None)
    call = calls.get((row.enrollment_id, row.step, row.turn))
    waiting = row.outcome == "waiting"
    detail = row.detail if isinstance(row.detail, dict) else {}
    return Line(
        row.at,
        row.step,
        step.icon if step else "circle",
        step.heading() if step else _("a step of an earlier version"),
        step.detail() if step else "",
        row.outcome,
        difference.way_name(step, row.outcome) if step and step.paths and row.outcome in {p.label for p in step.paths} else "",
        _reason(detail),
        row.turn,
        row.done_at,
        due.get(run.id) if waiting and run.state == "active" else None,
        _asked(step, row, workflow) if ask else None,
        run.data.get(row.step, {}) if isinstance(run.data, dict) else {},
        mails.get(f"step:{row.enrollment_id}:{row.step}" + (f":{row.turn}" if row.turn else "")),
        " · ".join(filter(None, (call.state, str(call.status or ""), call.trouble))) if call else "",
    )


def _asked(step: Step | None, row: StepRun, workflow: Workflow) -> Part | None:
    """What a step's condition saw of this contact at that moment."""
    stored = getattr(step, "filter", None)
    if not stored or not isinstance(stored, dict) or row.outcome in ("failed", "left"):
        return None
    try:
        return taken_apart.of(stored, row.contact_id, row.done_at or row.at, workflow.object_type)
    except Invalid:
        return None


def _move(row: Moved, numbers: Mapping[int, int], graphs: Mapping[int, Graph]) -> Line:
    def name(version: int, step: str) -> str:
        found = graphs[version].get(step) if version in graphs else None
        return found.heading() if found else step

    was = name(row.from_version, row.from_step)
    title = _("Moved from version {old} to version {new}").format(old=numbers.get(row.from_version, "–"), new=numbers.get(row.to_version, "–"))
    if row.to_step == "":
        return Line(row.at, "", "log-out", title, _("{step} → out of the workflow").format(step=was), "moved")
    return Line(row.at, "", "git-compare", title, was if row.to_step == row.from_step else f"{was} → {name(row.to_version, row.to_step or '')}", "moved")


def _reason(detail: Mapping[str, Any]) -> str:
    return str(detail.get("reason") or detail.get("refused") or "")


def _mails(id: int, rows: Sequence[Enrollment]) -> dict[str, Mailed]:
    """The messages of these runs, by cause."""
    causes = sql.rows(
        "SELECT id, cause, email_id, state, reason FROM message"
        " WHERE contact_id = %s AND split_part(cause, ':', 1) = 'step' AND split_part(cause, ':', 2) = ANY(%s)",
        [id, [str(row.id) for row in rows]],
    )
    names = dict(Email.objects.filter(pk__in={email for _id, _c, email, _s, _r in causes if email}).values_list("pk", "name"))
    return {
        cause: Mailed(number, email, names.get(email, ""), state, outbox.reason(reason) if reason else "") for number, cause, email, state, reason in causes
    }


def facts(id: int, causes: Sequence[str]) -> dict[str, tuple[str, datetime]]:
    """The events that causes name, by cause: what happened in words, and when."""
    wanted = {int(part): cause for cause in causes if (part := cause.rpartition(":")[2]).isdecimal() and len(part) < 19}
    if not wanted:
        return {}
    rows = sql.rows(
        "SELECT e.id, e.kind, coalesce(nullif(k.label, ''), k.value, ''), e.ts FROM event e LEFT JOIN event_key k ON k.id = e.key"
        " WHERE e.contact_id = %s AND e.id = ANY(%s)",
        [id, list(wanted)],
    )
    label = catalog.current().kind_label
    return {wanted[number]: (f"{label(kind)} “{name}”" if name else label(kind), at) for number, kind, name, at in rows}


def cause(stored: str, known: Mapping[str, tuple[str, datetime]]) -> tuple[str, datetime | None]:
    if stored in known:
        return known[stored]
    word, _colon, rest = stored.partition(":")
    number, _colon, at = rest.partition(":")
    if word in ("segment", "left") and number.isdecimal():
        name = Segment.objects.filter(pk=int(number)).values_list("name", flat=True).first() or number
        moment = places.read(f"{at}:0")[0] if at.isdecimal() else None
        return (_("Joined the list “{name}”") if word == "segment" else _("Left the list “{name}”")).format(name=name), moment
    return "", None


def _actors(id: int, workflow: Workflow) -> dict[int, str]:
    """Who enrolled by hand or by program, as stored, by run."""
    rows = sql.rows(
        "SELECT e.payload FROM event e JOIN event_key k ON k.id = e.key WHERE e.contact_id = %s AND e.kind = %s AND k.value = %s ORDER BY e.ts DESC LIMIT %s",
        [id, int(Kind.WORKFLOW_ENROLLED), str(workflow.pk), RUNS],
    )
    payloads = [json.loads(payload) if isinstance(payload, str) else payload for (payload,) in rows]
    return {int(p["enrollment"]): str(p.get("actor", "")) for p in payloads if "enrollment" in p}
