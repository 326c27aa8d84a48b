"""The enrollment log of a workflow: its runs, newest first, found by person, state, step, outcome and date; a page at a time, or all for a file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baton.accounts.rights import Action, Rights
from baton.automation.models import Workflow
from baton.automation.runs import Pair
from baton.platform import sql
from baton.segments import finder

FOUND = 500  # people that a typed name may mean
PIECE = 1000  # runs of one piece of a file

PAGE = """
SELECT e.contact_id, e.id, c.properties, ({seen}) AS seen,
       e.state, e.reason, e.step, e.trigger, e.version_id, e.enrolled_at, e.entered_at, e.finished_at, t.due_at
FROM (
    SELECT * FROM enrollment e
    WHERE e.workflow_id = %s{where}
    ORDER BY e.enrolled_at DESC, e.id DESC LIMIT %s
) e
LEFT JOIN {table} c ON c.id = e.contact_id
LEFT JOIN timer t ON t.bucket = e.contact_id %% 64 AND t.enrollment_id = e.id
ORDER BY e.enrolled_at DESC, e.id DESC
"""


@dataclass(frozen=True, slots=True)
class Find:
    """What is looked for; empty fields ask nothing. `outcome` is of `step`, or of any step."""

    text: str = ""
    state: str = ""
    step: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One run. `seen`: whether whoever asks may see the person; else `properties` are empty."""

    contact_id: int
    id: int
    properties: Mapping[str, Any]
    seen: bool
    state: str
    reason: str
    step: str
    trigger: str
    version_id: int
    enrolled_at: datetime
    entered_at: datetime
    finished_at: datetime | None
    due_at: datetime | None

    @property
    def pair(self) -> Pair:
        return self.contact_id, self.id

    @property
    def cursor(self) -> tuple[datetime, int]:
        return self.enrolled_at, self.id


def page(workflow: Workflow, find: Find, rights: Rights, after: tuple[datetime, int] | None = None, limit: int = 50, *, action: Action = "view") -> list[Entry]:
    """Up to `limit` runs behind the cursor of the last one seen. What it costs does not grow with the runs there are."""
    tests, params = _tests(workflow, find, rights)
    if after is not None:
        tests.append("(e.enrolled_at, e.id) < (%s, %s)")
        params += after
    seen, allowed = rights.where(workflow.object_type, action, "c")
    where = "".join(f" AND {test}" for test in tests)
    table = "contact" if workflow.object_type == "contact" else "record"
    rows = sql.rows(PAGE.format(seen=seen, where=where, table=table), [*allowed, workflow.pk, *params, limit])
    made = []
    for contact_id, id, properties, may, *rest in rows:
        known = json.loads(properties) if isinstance(properties, str) else properties or {}
        made.append(Entry(contact_id, id, known if may else {}, bool(may), *rest))
    return made


def everything(workflow: Workflow, find: Find, rights: Rights) -> Iterator[list[Entry]]:
    """All of them in pieces, with the right to export."""
    after: tuple[datetime, int] | None = None
    while piece := page(workflow, find, rights, after, PIECE, action="export"):
        yield piece
        after = piece[-1].cursor


def pairs(workflow: Workflow, ids: Sequence[int]) -> list[Pair]:
    """These runs of the workflow, with whose they are."""
    return [(c, e) for c, e in sql.rows("SELECT contact_id, id FROM enrollment WHERE workflow_id = %s AND id = ANY(%s)", [workflow.pk, list(ids)])]


def _tests(workflow: Workflow, find: Find, rights: Rights) -> tuple[list[str], list[Any]]:
    tests: list[str] = []
    params: list[Any] = []
    if find.text.strip():
        found = finder.quick(find.text.strip(), rights=rights, types=(workflow.object_type,), limit=FOUND)
        tests.append("e.contact_id = ANY(%s)")
        params.append([hit.id for hit in found])
    if find.state:
        tests.append("e.state = %s")
        params.append(find.state)
    if find.outcome:
        some = " AND s.step = %s" if find.step else ""
        tests.append(f"EXISTS (SELECT 1 FROM step_run s WHERE s.contact_id = e.contact_id AND s.enrollment_id = e.id{some} AND s.outcome = %s)")
        params += [*([find.step] if find.step else []), find.outcome]
    elif find.step:
        tests.append("(e.step = %s OR EXISTS (SELECT 1 FROM step_run s WHERE s.contact_id = e.contact_id AND s.enrollment_id = e.id AND s.step = %s))")
        params += [find.step, find.step]
    if find.since:
        tests.append("e.enrolled_at >= %s")
        params.append(find.since)
    if find.until:
        tests.append("e.enrolled_at < %s")
        params.append(find.until)
    return tests, params
