"""Two versions of a form against each other: who saw which, who sent it, and whether one is better for sure.

The verdict rests on an interval that holds at every look together (segments/trial.py). Shares are shown with their usual 90 % intervals.
"""

from dataclasses import dataclass
from typing import Any

from baton.events.vocabulary import Kind
from baton.forms.models import FormSplit
from baton.platform import clock, sql
from baton.segments.statistics import Rate, rate
from baton.segments.trial import LEAST, LEAST_REACHED, Why, judge, steady

LEAST_SENT = LEAST_REACHED
__all__ = ["LEAST", "LEAST_SENT", "Side", "Trial", "judge", "of"]

# People of the test, by the version they saw; whoever saw both (another cookie, another device) says nothing about either.
SEEN = """
WITH seen AS (
    SELECT e.contact_id, (e.payload ->> 'version')::int AS version, e.ts
    FROM event e JOIN event_key k ON k.id = e.key AND k.kind = %(form)s AND k.value = %(id)s
    WHERE e.kind IN (%(saw)s, %(began)s) AND e.ts >= %(start)s AND e.ts < %(end)s AND e.payload ->> 'version' IN (%(a)s::text, %(b)s::text)
), sent AS (
    SELECT DISTINCT f.contact_id, f.version FROM form_submission f
    WHERE f.form_id = %(id)s::bigint AND f.version IN (%(a)s, %(b)s) AND f.at >= %(start)s AND f.at < %(end)s
), one AS (
    SELECT s.contact_id, min(s.version) AS version FROM seen s GROUP BY s.contact_id HAVING min(s.version) = max(s.version)
)
SELECT o.version, count(*), count(*) FILTER (WHERE EXISTS (SELECT 1 FROM sent t WHERE t.contact_id = o.contact_id AND t.version = o.version)),
       (SELECT count(DISTINCT s.contact_id) FROM seen s WHERE NOT EXISTS (SELECT 1 FROM one x WHERE x.contact_id = s.contact_id))
FROM one o GROUP BY o.version
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One version: how many saw it, and the share that sent it."""

    version: int
    rate: Rate


@dataclass(frozen=True, slots=True)
class Trial:
    """The state of a test. `better` names a version only when that is sure; `why` says why none is named: few, week, open."""

    split: FormSplit
    a: Side
    b: Side
    both: int  # saw both versions; they count for neither
    low: float | None  # the difference b - a, as an interval that holds at every look together
    high: float | None
    better: int | None
    why: Why


def of(split: FormSplit) -> Trial:
    """How a test stands, or stood when it ended."""
    end = split.ended_at or clock.now()
    given: dict[str, Any] = {
        "id": str(split.form_id), "form": int(Kind.FORM_SUBMISSION), "saw": int(Kind.FORM_VIEW), "began": int(Kind.FORM_START),
        "a": split.a, "b": split.b, "start": split.started_at, "end": end,
    }  # fmt: skip
    found = {version: (sent, seen, both) for version, seen, sent, both in sql.rows(SEEN, given)}
    (k1, n1, both), (k2, n2, _both) = found.get(split.a, (0, 0, 0)), found.get(split.b, (0, 0, 0))
    both = max(both, _both)
    low, high = steady(k1, n1, k2, n2)
    better, why = judge(k1, n1, k2, n2, end - split.started_at)
    version = {1: split.b, -1: split.a}.get(better)
    return Trial(split, Side(split.a, rate(k1, n1)), Side(split.b, rate(k2, n2)), both, low, high, version, why)
