"""What ends a run from outside, and what wakes it: the goal, a list that is kept out, lost consent, an answer, the condition it waits for.

Both look only at those whose facts changed, and only at filters that these changes can touch: the machinery of lists does the choosing. A filter of a
version has a number of its own (`number`), because versions never change.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import transaction

from baton.automation import audience, graph, runs
from baton.automation.models import Version
from baton.automation.step import Stored
from baton.events.vocabulary import Kind
from baton.platform import clock, logs, sql
from baton.platform.changes import Change
from baton.platform.errors import Invalid
from baton.platform.models import BUCKETS
from baton.segments import definitions

if TYPE_CHECKING:
    from baton.automation.runner import Walk

FILTERS = 1_000_000  # numbers of one version: rules from 1 on, steps from STEPS on
STEPS = 10
OPTED_OUT: Stored = {"condition": "opted_out"}
OPEN = ("active", "queued")
REPLY = f"{int(Kind.EMAIL_REPLY)}:"  # how the key of a change begins that tells of an answer

_log = logs.log(__name__)


@dataclass(frozen=True, slots=True)
class Rule:
    """Whoever meets the filter leaves."""

    filter: Stored
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Watched:
    """What a version looks at: by number, its rules and the steps that watch."""

    version_id: int
    object_type: str
    rules: Mapping[int, Rule]
    steps: Mapping[int, tuple[str, Stored]]
    reply: bool = False  # whoever answers a mail leaves

    @property
    def filters(self) -> dict[int, Stored]:
        return {number: rule.filter for number, rule in self.rules.items()} | {number: stored for number, (_step, stored) in self.steps.items()}


@cache
def watched(version_id: int) -> Watched | None:
    """What a published version, which never changes, looks at; None when it cannot be read or looks at nothing."""
    if (published := graph.readable(version_id)) is None:
        return None
    settings = published.settings
    found: list[Rule] = []
    if settings.goal:
        found.append(Rule(settings.goal, "goal", "goal"))
    if settings.suppress:
        found.append(Rule({"any": [{"condition": "in_segment", "segment": id} for id in settings.suppress]}, "removed", "suppressed"))
    if settings.on_opt_out == "end":
        found.append(Rule(OPTED_OUT, "removed", "consent"))
    base = version_id * FILTERS
    steps = {base + STEPS + place: (step.id, stored) for place, step in enumerate(published.walk()) if (stored := step.watches())}
    reply = settings.on_reply == "end"
    if not found and not steps and not reply:
        return None
    object_type = Version.objects.values_list("workflow__object_type", flat=True).get(pk=version_id)
    rules = {base + place: rule for place, rule in enumerate(found, 1)} if object_type == "contact" or settings.goal else {}
    return Watched(version_id, object_type, rules, steps, reply and object_type == "contact")


def number(version_id: int, step_id: str) -> int | None:
    """The number of the filter of a step that watches."""
    found = watched(version_id)
    return next((n for n, (step, _stored) in found.steps.items() if step == step_id), None) if found else None


# Leaving ----------------------------------------------------------------------


def end_changed(changes: Sequence[Change]) -> int:
    """End the runs of those whom a change made reach the goal or lose the right to be inside; returns how many ended."""
    ended = _end_archived({c.contact_id for c in changes if c.kind == "identity"})
    live = _live()
    asked = _woken({number: rule.filter for one in live for number, rule in one.rules.items()}, live, changes)
    for one in live:
        for number, rule in one.rules.items():
            if ids := asked.get(number):
                pairs = _inside(one.version_id, ids)
                ended += len(_end(one, rule, pairs)) if pairs else 0
    if answered := {c.contact_id for c in changes if c.kind == "event" and c.key.startswith(REPLY)}:
        ended += sum(len(_end_answered(pairs)) for one in live if one.reply and (pairs := _inside(one.version_id, answered)))
    return ended


def end_due(walks: "Sequence[Walk]") -> None:
    """Before their next step: who reached the goal meanwhile, or must not be inside any more."""
    by_version: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for walk in walks:
        by_version[walk.version_id].append((walk.contact_id, walk.enrollment_id))
    for version_id, pairs in by_version.items():
        one = watched(version_id)
        for rule in one.rules.values() if one else ():
            _end(one, rule, pairs)  # type: ignore[arg-type]  # there are rules of something only
        if one is not None and one.reply:
            _end_answered(pairs)


def _end(one: Watched, rule: Rule, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """End those of the runs for whose contacts the rule holds now."""
    try:
        test = audience.condition(rule.filter, one.object_type, whom=True)
    except Invalid as error:  # what it asks about is gone
        _log.warning("a rule of a workflow cannot be read", version=one.version_id, rule=rule.reason, error=str(error))
        return []
    table = "contact" if one.object_type == "contact" else "record"
    found = sql.rows(f"SELECT c.id FROM {table} c WHERE c.id = ANY(%(ids)s::bigint[]) AND {test.text}", {**test.params, "ids": [c for c, _ in pairs]})
    leaving = {id for (id,) in found}
    return runs.end([pair for pair in pairs if pair[0] in leaving], rule.state, rule.reason)


ANSWERED = """
SELECT e.contact_id, e.id FROM unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, id)
JOIN enrollment e ON e.contact_id = r.contact_id AND e.id = r.id
WHERE EXISTS (SELECT 1 FROM event v WHERE v.contact_id = e.contact_id AND v.ts >= e.enrolled_at AND v.kind = %s)
"""


def _end_answered(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """End those of the runs whose contacts have answered a mail since they began."""
    found = sql.rows(ANSWERED, [[c for c, _ in pairs], [e for _, e in pairs], int(Kind.EMAIL_REPLY)])
    return runs.end(found, "removed", "reply")


def _end_archived(ids: Iterable[int]) -> int:
    found = sql.rows(
        "SELECT e.contact_id, e.id FROM enrollment e JOIN contact c ON c.id = e.contact_id"
        " WHERE e.contact_id = ANY(%s) AND e.state = ANY(%s) AND c.archived_at IS NOT NULL",
        [sorted({*ids}), list(OPEN)],
    )
    return len(runs.end(found, "removed", "archived"))


def _inside(version_id: int, ids: Iterable[int]) -> list[tuple[int, int]]:
    return sql.rows(
        "SELECT contact_id, id FROM enrollment WHERE contact_id = ANY(%s) AND version_id = %s AND state = ANY(%s)", [sorted({*ids}), version_id, list(OPEN)]
    )


# Waking -----------------------------------------------------------------------

WAITING = "SELECT contact_id FROM enrollment WHERE contact_id = ANY(%(ids)s) AND version_id = %(version)s AND step = %(step)s AND state = 'active'"
WAKE = """
UPDATE timer t SET due_at = %(now)s, woken = true FROM enrollment e
WHERE e.contact_id = ANY (%(ids)s) AND e.version_id = %(version)s AND e.step = %(step)s AND e.state = 'active'
    AND t.bucket = e.contact_id %% %(buckets)s AND t.enrollment_id = e.id AND t.due_at > %(now)s
"""


def wake(changes: Sequence[Change]) -> int:
    """Let those look again who wait at a step for what these changes may have made true; returns how many."""
    live = _live()
    asked = _woken({number: stored for one in live for number, (_step, stored) in one.steps.items()}, live, changes)
    woken = 0
    for one in live:
        for number, (step_id, _stored) in one.steps.items():
            if ids := asked.get(number):
                with transaction.atomic():
                    params: dict[str, Any] = {"ids": sorted(ids), "version": one.version_id, "step": step_id, "now": clock.now(), "buckets": BUCKETS}
                    if waiting := [id for (id,) in sql.rows(WAITING, params)]:
                        runs.hold(waiting)
                        woken += sql.run(WAKE, {**params, "ids": waiting})
    if woken:
        sql.run("NOTIFY baton_timer")
    return woken


def _live() -> list[Watched]:
    """What all versions look at in which anybody may be."""
    ids = Version.objects.filter(workflow__archived_at=None, workflow__state__in=("on", "paused")).order_by("id").values_list("pk", flat=True)
    return [one for id in ids if (one := watched(id))]


def _woken(asked: Mapping[int, Stored], live: Sequence[Watched], changes: Sequence[Change]) -> dict[int, set[int]]:
    """Number of a filter -> whom these changes may have changed its answer for. Filters about other records are asked after any change of the record."""
    if not asked:
        return {}
    people = {number for one in live if one.object_type == "contact" for number in one.filters} & asked.keys()
    found = definitions.woken("step", {number: (asked[number], _looks_at(number, asked)) for number in people}, changes) if people else {}
    for one in live:
        if one.object_type != "contact" and (numbers := one.filters.keys() & asked.keys()):
            ids = {c.contact_id for c in changes if c.kind == "record" and c.key.startswith(f"{one.object_type}:")}
            found |= {number: {*ids} for number in numbers if ids}
    return found


_depends: dict[int, Stored] = {}


def _looks_at(number: int, asked: Mapping[int, Stored]) -> Stored:
    """What a filter looks at, worked out once; {} where it cannot be read."""
    if number not in _depends and (ready := definitions.ready("step", {number: asked[number]})):
        _depends[number] = ready[number].depends.to_json()
    return _depends.get(number, {})
