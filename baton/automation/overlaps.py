"""Where a workflow collides with others: who gets many mails at once, is led by two at the same time, what both write, who calls whom in a circle."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from baton.automation import graph as graphs
from baton.automation.graph import Graph
from baton.automation.models import Workflow
from baton.platform import sql

A_DAY, A_WEEK = 2, 5  # more mails than these are too many
WRITES = ("property", "to", "target")  # fields that name the property a step writes
WRITERS = frozenset({"set_property", "copy_property", "change_number", "set_stage"})


@dataclass(frozen=True)
class Conflict:
    """kind: mails_day, mails_week, both (led by another that mails), enrolls, property, circle. `with_` are names of other workflows."""

    kind: str
    people: int = 0
    most: int = 0
    about: str = ""
    with_: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)


# Messages of the people in question, rehearsed and real ones; a row for each window that begins with one of them.
CROWDED = """
WITH who AS (SELECT DISTINCT contact_id FROM enrollment WHERE workflow_id = %(me)s), m AS (
    SELECT contact_id, created_at AS at FROM message WHERE state = 'sent' AND contact_id IN (SELECT contact_id FROM who)
    UNION ALL
    SELECT contact_id, created_at FROM later_message
    WHERE state IN ('sent', 'unknown') AND NOT EXISTS (SELECT 1 FROM own_message o WHERE o.id = later_message.id) AND contact_id IN (SELECT contact_id FROM who)
), n AS (
    SELECT contact_id, count(*) OVER (PARTITION BY contact_id ORDER BY at RANGE BETWEEN CURRENT ROW AND %(span)s FOLLOWING) AS mails FROM m
)
SELECT count(DISTINCT contact_id), max(mails) FROM n WHERE mails > %(most)s
"""
BOTH = """
SELECT o.workflow_id, count(DISTINCT o.contact_id)
FROM enrollment o JOIN enrollment e ON e.contact_id = o.contact_id AND e.workflow_id = %(me)s
WHERE o.workflow_id <> %(me)s AND o.id < %(run)s AND o.state NOT IN ('removed', 'failed', 'superseded')
  AND o.enrolled_at < coalesce(e.finished_at, 'infinity') AND coalesce(o.finished_at, 'infinity') > e.enrolled_at
GROUP BY 1 ORDER BY 2 DESC LIMIT 20
"""
ENROLLS = """
SELECT workflow_id, count(DISTINCT contact_id) FROM enrollment WHERE workflow_id <> %(me)s AND id >= %(run)s GROUP BY 1 ORDER BY 2 DESC LIMIT 20
"""


def find(graph: Graph, workflow_id: int, first_run: int) -> list[Conflict]:
    """In a shadow, after the rehearsal. What only the graphs show is found too."""
    values = {"me": workflow_id, "run": first_run}
    found = []
    for kind, span, most in (("mails_day", timedelta(days=1), A_DAY), ("mails_week", timedelta(days=7), A_WEEK)):
        [(people, top)] = sql.rows(CROWDED, {**values, "span": span - timedelta(microseconds=1), "most": most})
        if people:
            found.append(Conflict(kind, people, top, str(most)))
    others = _others(workflow_id)
    for other, people in sql.rows(BOTH, values):
        if other in others and "send_email" in {step.key for step in others[other][1].walk()}:
            found.append(Conflict("both", people, with_=[others[other][0]], ids=[other]))
    names = dict(Workflow.objects.values_list("pk", "name"))
    found += [Conflict("enrolls", people, with_=[names.get(other, "")], ids=[other]) for other, people in sql.rows(ENROLLS, values)]
    return found + _written_by_both(graph, others) + _circles(graph, workflow_id, {id: one for id, (_name, one) in others.items()}, names)


def called(workflow_id: int, graph: Graph) -> list[int]:
    """The workflows that this one would enroll people in, and those that these would."""
    others = {id: one for id, (_name, one) in _others(workflow_id).items()}
    seen: set[int] = set()
    waiting = [*_calls(graph)]
    while waiting:
        id = waiting.pop()
        if id not in seen and id != workflow_id:
            seen.add(id)
            waiting += _calls(others[id]) if id in others else ()
    return sorted(seen)


def _others(workflow_id: int) -> dict[int, tuple[str, Graph]]:
    """The other workflows that are switched on or paused: id -> name and what is published."""
    rows = Workflow.objects.filter(archived_at=None).exclude(pk=workflow_id).exclude(published=None).values_list("pk", "name", "published_id")
    return {id: (name, read) for id, name, version in rows if version and (read := graphs.readable(version)) is not None}


def _written_by_both(graph: Graph, others: Mapping[int, tuple[str, Graph]]) -> list[Conflict]:
    mine = set(_writes(graph))
    found: dict[str, list[int]] = {}
    for id, (_name, other) in others.items():
        for name in sorted(mine & set(_writes(other))):
            found.setdefault(name, []).append(id)
    return [Conflict("property", about=name, with_=[others[id][0] for id in ids], ids=ids) for name, ids in sorted(found.items())]


def _writes(graph: Graph) -> Iterator[str]:
    for step in graph.walk():
        if step.key in WRITERS:
            if step.key == "set_stage":
                yield "lifecyclestage"
            values: dict[str, Any] = step.model_dump()
            yield from (values[name] for name in WRITES if isinstance(values.get(name), str) and values[name])


def _calls(graph: Graph) -> Iterator[int]:
    for step in graph.walk():
        if step.key == "enroll_in" and isinstance(id := getattr(step, "workflow", None), int):
            yield id


def _circles(graph: Graph, me: int, others: Mapping[int, Graph], names: Mapping[int, str]) -> list[Conflict]:
    """Ways by which somebody who leaves comes back: through other workflows, or because a step writes what a trigger waits for."""
    found = []
    for first in dict.fromkeys(_calls(graph)):
        way: list[int] = []
        seen: set[int] = set()
        if _leads(first, me, others, way, seen):
            found.append(Conflict("circle", with_=[names.get(id, "") for id in way], ids=way))
    waited = {str(name) for t in graph.triggers if isinstance(name := getattr(t, "property", None), str) and name}
    return found + [Conflict("circle", about=name) for name in sorted(waited & set(_writes(graph)))]


def _leads(id: int, me: int, others: Mapping[int, Graph], way: list[int], seen: set[int]) -> bool:
    if id == me:
        return True
    if id in seen or id not in others:
        return False
    seen.add(id)
    way.append(id)
    if any(_leads(next, me, others, way, seen) for next in _calls(others[id])):
        return True
    way.pop()
    return False
