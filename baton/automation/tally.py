"""The counts that a workflow shows, kept as changes beside what they count: nobody ever counts all runs of a page.

A count has a step and an outcome: of a step, how its runs came out; of a trigger, `enrolled`; of the step "" (the whole), the states of runs.
Whoever writes rows adds the differences in the same transaction, so the sums always equal the rows. `compact` adds rows up.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction

from baton.platform import sql

Deltas = Counter[tuple[int, str, str]]  # (workflow, step, outcome) -> difference

ADD = "INSERT INTO workflow_tally (workflow_id, step, outcome, n) SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[])"
OF_PEOPLE = """
SELECT workflow_id, step, outcome, count(*) FROM step_run WHERE contact_id = ANY(%(ids)s) GROUP BY workflow_id, step, outcome
UNION ALL SELECT workflow_id, '', state, count(*) FROM enrollment WHERE contact_id = ANY(%(ids)s) GROUP BY workflow_id, state
UNION ALL SELECT workflow_id, trigger, 'enrolled', count(*) FROM enrollment WHERE contact_id = ANY(%(ids)s) AND trigger <> '' GROUP BY workflow_id, trigger
"""
COMPACT = """
WITH many AS (
    SELECT workflow_id, step, outcome FROM workflow_tally GROUP BY workflow_id, step, outcome HAVING count(*) > 1 OR sum(n) = 0
), taken AS (
    DELETE FROM workflow_tally t USING many m WHERE t.workflow_id = m.workflow_id AND t.step = m.step AND t.outcome = m.outcome
    RETURNING t.workflow_id, t.step, t.outcome, t.n
)
INSERT INTO workflow_tally (workflow_id, step, outcome, n)
SELECT workflow_id, step, outcome, sum(n) FROM taken GROUP BY workflow_id, step, outcome HAVING sum(n) <> 0
"""


def add(deltas: Deltas) -> None:
    """Write differences down, in the caller's transaction."""
    rows = sorted((*key, n) for key, n in deltas.items() if n)
    if rows:
        sql.run(ADD, [list(column) for column in zip(*rows, strict=True)])


def sums(workflow_id: int) -> Deltas:
    """All counts of a workflow; those that are 0 are left out."""
    found = sql.rows("SELECT step, outcome, sum(n) FROM workflow_tally WHERE workflow_id = %s GROUP BY step, outcome HAVING sum(n) <> 0", [workflow_id])
    return Counter({(workflow_id, step, outcome): int(n) for step, outcome, n in found})


def states(workflow_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Runs by state, of many workflows at once; one without runs is missing."""
    found: dict[int, dict[str, int]] = {}
    asked = "SELECT workflow_id, outcome, sum(n) FROM workflow_tally WHERE workflow_id = ANY(%s) AND step = '' GROUP BY workflow_id, outcome"
    for workflow_id, state, n in sql.rows(f"{asked} HAVING sum(n) <> 0", [list(workflow_ids)]):
        found.setdefault(workflow_id, {})[state] = int(n)
    return found


def of_people(ids: Iterable[int]) -> Deltas:
    """What these people (or records) are counted for now."""
    return Counter({(workflow, step, outcome): n for workflow, step, outcome, n in sql.rows(OF_PEOPLE, {"ids": list(ids)})})


@contextmanager
def following(ids: Iterable[int]) -> Iterator[None]:
    """Whatever happens inside to the runs of these few people, the counts follow."""
    people = list(ids)
    before = of_people(people)
    yield
    after = of_people(people)
    after.subtract(before)
    add(after)


def compact() -> int:
    """Make one row of many; returns how many rows are left that were added up. What is written meanwhile is left for the next time."""
    with transaction.atomic():
        return sql.run(COMPACT)
