"""What a rehearsal found, read from the shadow at its end: counts by node and day, messages, what would be made and called, how people ended, what collides."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from baton.automation import overlaps
from baton.automation.graph import Graph
from baton.automation.step import Step
from baton.crm import contacts
from baton.messaging import outbox
from baton.messaging.models import Email
from baton.platform import sql
from baton.platform.config import config
from baton.platform.errors import Invalid
from baton.query import edges as query_edges
from baton.segments import catalog, filter
from baton.segments.models import ScoreRule, Segment

LISTED, WALKS, MADE = 500, 50, 100  # messages, people with their whole way, new records and calls that a result names one by one

Days = dict[str, list[int]]  # day -> [came, left, failed, waiting at the end of the day]; days without news are missing


@dataclass
class Node:
    """A trigger or a step."""

    id: str
    type: str
    label: str
    detail: str
    depth: int  # how many branches it is in
    under: str  # the way of the branch it belongs to, in words
    came: int = 0
    left: int = 0
    failed: int = 0
    waiting: int = 0  # at the end
    ways: dict[str, int] = field(default_factory=dict)  # way, or skipped -> how many
    days: Days = field(default_factory=dict)


@dataclass
class Result:
    """Plain JSON but for its class; days count from the first one, which is 0, in the zone of the account."""

    start: str
    end: str
    days: int
    people: int = 0
    runs: int = 0
    ends: dict[str, int] = field(default_factory=dict)  # state of runs -> how many; active: still inside
    nodes: list[Node] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)  # day, at, contact, name, email, subject, step, state (sent, skipped), reason
    mails: list[dict[str, Any]] = field(default_factory=list)  # by step and day: step, email, day, sent, skipped {reason: n}
    made: list[dict[str, Any]] = field(default_factory=list)  # records: type, name, count
    calls: list[dict[str, Any]] = field(default_factory=list)  # step, method, url, count
    notices: int = 0
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    paths: list[dict[str, Any]] = field(default_factory=list)  # name, contact, ends, walked [{day, at, step, outcome, detail}], messages
    notes: list[str] = field(default_factory=list)
    instants: int = 0
    slice_minutes: int = 0  # 0: led to the very moment

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Result":
        return cls(**{**data, "nodes": [Node(**node) for node in data["nodes"]]})

    def node(self, id: str) -> Node | None:
        return next((node for node in self.nodes if node.id == id), None)


def read(graph: Graph, workflow_id: int, first_run: int, start: datetime, end: datetime, notes: Sequence[str]) -> Result:
    """Everything but the ways of single people."""
    zone = config().zone
    first = start.astimezone(zone).date()
    result = Result(start.isoformat(), end.isoformat(), (end.astimezone(zone).date() - first).days, notes=list(notes))
    params = {"workflow": workflow_id, "zone": str(zone), "first": first, "run": first_run, "start": start}
    [(result.people, result.runs, result.notices)] = sql.rows(
        "SELECT count(DISTINCT contact_id), count(*), (SELECT count(*) FROM notification WHERE starts_with(cause, 'step:')) FROM enrollment"
        " WHERE workflow_id = %(workflow)s",
        params,
    )
    result.ends = dict(sql.rows("SELECT state, count(*) FROM enrollment WHERE workflow_id = %(workflow)s GROUP BY state ORDER BY 2 DESC", params))
    result.nodes = _nodes(graph, params)
    result.messages, result.mails = _messages(params)
    result.made, result.calls = _made(params), _calls(params)
    result.conflicts = [asdict(one) for one in overlaps.find(graph, workflow_id, first_run)]
    result.paths = paths(graph, workflow_id, {})
    return result


CAME = """
SELECT s.step, s.outcome, (s.at AT TIME ZONE %(zone)s)::date - %(first)s,
    CASE WHEN s.outcome <> 'waiting' THEN (coalesce(s.done_at, s.at) AT TIME ZONE %(zone)s)::date - %(first)s
         WHEN e.finished_at IS NOT NULL THEN (e.finished_at AT TIME ZONE %(zone)s)::date - %(first)s END,
    count(*)
FROM step_run s JOIN enrollment e ON e.contact_id = s.contact_id AND e.id = s.enrollment_id
WHERE s.workflow_id = %(workflow)s GROUP BY 1, 2, 3, 4
"""
ENTERED = """
SELECT trigger, (enrolled_at AT TIME ZONE %(zone)s)::date - %(first)s, count(*) FROM enrollment WHERE workflow_id = %(workflow)s GROUP BY 1, 2
"""


def _nodes(graph: Graph, params: Mapping[str, Any]) -> list[Node]:
    nodes = {t.id: Node(t.id, t.key, t.heading(), t.detail(), 0, "") for t in graph.triggers}
    _draw(graph.steps, 0, "", nodes)
    moved: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    for trigger, day, count in sql.rows(ENTERED, dict(params)):
        node = nodes.setdefault(trigger, Node(trigger, "manual", str(_("By hand or by a program")), "", 0, ""))
        node.came += count
        node.left += count
        _add(moved[trigger][day], count, count, 0)
    for step, outcome, came, gone, count in sql.rows(CAME, dict(params)):
        node = nodes.setdefault(step, Node(step, "", step, "", 0, ""))
        node.came += count
        _add(moved[step][came], count, 0, 0)
        if gone is None:
            node.waiting += count
            continue
        if outcome == "failed":
            node.failed += count
            _add(moved[step][gone], 0, 0, count)
            continue
        node.left += count
        _add(moved[step][gone], 0, count, 0)
        if outcome not in ("done", "waiting"):
            node.ways[outcome] = node.ways.get(outcome, 0) + count
    for id, days in moved.items():
        inside = 0
        for day in sorted(days):
            came, left, failed = days[day]
            inside += came - left - failed
            nodes[id].days[str(day)] = [came, left, failed, inside]
    return list(nodes.values())


def _draw(steps: Sequence[Step], depth: int, under: str, nodes: dict[str, Node]) -> None:
    for step in steps:
        nodes[step.id] = Node(step.id, step.key, step.heading(), step.detail(), depth, under)
        names = {label: str(name) for label, name in step.ways()}
        for path in step.paths:
            _draw(path.steps, depth + 1, names.get(path.label, path.label), nodes)


def _add(row: list[int], *more: int) -> None:
    for place, number in enumerate(more):
        row[place] += number


OURS = """
FROM message m JOIN enrollment e ON e.contact_id = m.contact_id AND e.workflow_id = %(workflow)s AND starts_with(m.cause, 'step:' || e.id || ':')
"""


def _messages(params: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    names = dict(Email.objects.values_list("id", "name"))
    rows = sql.rows(
        "SELECT m.contact_id, c.properties, m.address, m.email_id, m.created_at, (m.created_at AT TIME ZONE %(zone)s)::date - %(first)s,"
        f" split_part(m.cause, ':', 3), m.state, m.reason {OURS} LEFT JOIN contact c ON c.id = m.contact_id ORDER BY m.created_at, m.id LIMIT {LISTED}",
        dict(params),
    )
    listed = [
        {
            "contact": id, "name": contacts.display_name(plain(person) or {}), "to": address, "email": email, "email_name": names.get(email, ""),
            "at": at.isoformat(), "day": day, "step": step, "state": state, "reason": reason, "why": str(outbox.reason(reason)) if reason else "",
        }
        for id, person, address, email, at, day, step, state, reason in rows
    ]  # fmt: skip
    counted: dict[tuple[str, int, int], dict[str, Any]] = {}
    for step, email, day, state, reason, count in sql.rows(
        "SELECT split_part(m.cause, ':', 3), m.email_id, (m.created_at AT TIME ZONE %(zone)s)::date - %(first)s, m.state, m.reason, count(*)"
        f" {OURS} GROUP BY 1, 2, 3, 4, 5 ORDER BY 3, 1",
        dict(params),
    ):
        one = counted.setdefault((step, email, day), {"step": step, "email": email, "email_name": names.get(email, ""), "day": day, "sent": 0, "skipped": {}})
        if state == "sent":
            one["sent"] += count
        else:
            one["skipped"][reason or state] = one["skipped"].get(reason or state, 0) + count
    return listed, list(counted.values())


def _made(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Deals, tasks, tickets, notes: by type and name."""
    rows = sql.rows(
        "SELECT object_type, coalesce(properties->>'dealname', properties->>'subject', properties->>'title', properties->>'name', ''), count(*)"
        " FROM record WHERE created_at >= %(start)s AND created_by = 'workflow:' || %(workflow)s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
        f" LIMIT {MADE}",
        dict(params),
    )
    return [{"type": kind, "name": name, "count": count} for kind, name, count in rows]


def _calls(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = sql.rows(
        f"SELECT step, method, url, count(*) FROM workflow_call WHERE workflow_id = %(workflow)s GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT {MADE}", dict(params)
    )
    return [{"step": step, "method": method, "url": url, "count": count} for step, method, url, count in rows]


def paths(graph: Graph, workflow_id: int, named: Mapping[int, str]) -> list[dict[str, Any]]:
    """The whole way of those in `named` (id -> name); with nobody named, of the first who entered."""
    ids = list(named) or [id for (id,) in sql.rows(f"SELECT contact_id FROM enrollment WHERE workflow_id = %s ORDER BY id LIMIT {WALKS}", [workflow_id])]
    people = {id: plain(person) or {} for id, person in sql.rows("SELECT id, properties FROM contact WHERE id = ANY(%s)", [ids])}
    runs: dict[int, list[dict[str, Any]]] = defaultdict(list)
    by_run: dict[int, dict[str, Any]] = {}
    for id, contact, state, reason, step, trigger, enrolled, finished in sql.rows(
        "SELECT id, contact_id, state, reason, step, trigger, enrolled_at, finished_at FROM enrollment"
        " WHERE contact_id = ANY(%s) AND workflow_id = %s ORDER BY id",
        [ids, workflow_id],
    ):
        by_run[id] = {
            "state": state, "reason": reason, "step": step if state == "active" else "", "trigger": trigger, "at": enrolled.isoformat(),
            "until": finished.isoformat() if finished else "", "walked": [],
        }  # fmt: skip
        runs[contact].append(by_run[id])
    for run, step, turn, outcome, detail, at, done in sql.rows(
        "SELECT enrollment_id, step, turn, outcome, detail, at, done_at FROM step_run WHERE contact_id = ANY(%s) AND enrollment_id = ANY(%s)"
        " ORDER BY enrollment_id, turn, at",
        [ids, list(by_run)],
    ):
        by_run[run]["walked"].append(
            {"step": step, "turn": turn, "outcome": outcome, "detail": plain(detail), "at": at.isoformat(), "done": done.isoformat() if done else ""}
        )
    drawn = {step.id: number for number, step in enumerate(graph.walk())}
    for one in by_run.values():  # what was done at one moment was done in the order in which it is drawn
        one["walked"].sort(key=lambda walked: (walked["turn"], walked["at"], drawn.get(walked["step"], 0)))
    mails: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for contact, email, at, step, state, reason in sql.rows(
        "SELECT m.contact_id, m.email_id, m.created_at, split_part(m.cause, ':', 3), m.state, m.reason FROM message m"
        " WHERE m.contact_id = ANY(%s) AND split_part(m.cause, ':', 2) = ANY(%s::bigint[]::text[]) ORDER BY m.created_at, m.id",
        [ids, list(by_run)],
    ):
        mails[contact].append({"email": email, "at": at.isoformat(), "step": step, "state": state, "reason": reason})
    return [{"contact": id, "name": named.get(id) or contacts.display_name(people.get(id, {})), "runs": runs[id], "messages": mails[id]} for id in ids]


def called_by(workflow_id: int, graph: Graph) -> list[int]:
    """The workflows that this one would enroll people in, and those that these would."""
    return overlaps.called(workflow_id, graph)


def windows(graph: Graph) -> set[timedelta] | None:
    """How long lists, scores and stages look back, so that time alone can move people in what this graph looks at; None when it looks at none of them."""
    if not any(t.rejoins for t in graph.triggers) and not re.search(r'"condition": "(in_segment|score|stage)|"suppress": \[\d', json.dumps(graph.stored())):
        return None
    known = catalog.current()
    filters = [*Segment.objects.filter(kind="active", archived_at=None).values_list("filter", flat=True)]
    filters += [*ScoreRule.objects.filter(active=True, model__archived_at=None).values_list("filter", flat=True)]
    found: set[timedelta] = set()
    for stored in filters:
        try:
            node = filter.parse(stored, known)
        except Invalid:
            continue
        found |= {length for edge in query_edges.windows(node) if isinstance(length := getattr(edge, "length", None), timedelta)}
    return found


def plain(value: Any) -> Any:
    """Raw cursors of Django hand out jsonb as text."""
    return json.loads(value) if isinstance(value, str) else value
