"""Two versions of a form against each other: who saw which, who sent it, and whether one is better for sure.

People look at such a test every day, and a test that is looked at often enough shows a winner by chance. So the verdict rests on an interval that holds at
every look together (mixture sequential test, Robbins 1970; Johari, Pekelis and Walsh 2015): when both versions are the same, at most one test in ten ever
names a winner, however often it was looked at. The price is patience. Shares are shown with their usual 90 % intervals.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from baton.events.vocabulary import Kind
from baton.forms.models import FormSplit
from baton.platform import clock, sql
from baton.segments.statistics import LEVEL, Rate, rate

LEAST = 100  # people who saw each version
LEAST_SENT = 10  # … and of those sent it, in both together
WEEK = timedelta(days=7)  # all days of a week must have had their chance
SPREAD = 0.05  # what differences are looked for: about five points

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
    why: Literal["", "few", "week", "open"]


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


def judge(k1: int, n1: int, k2: int, n2: int, lasted: timedelta) -> tuple[int, Literal["", "few", "week", "open"]]:
    """1: the second share is greater for sure, -1: the first is, 0: nobody can say, and why."""
    if min(n1, n2) < LEAST or k1 + k2 < LEAST_SENT:
        return 0, "few"
    if lasted < WEEK:
        return 0, "week"
    low, high = steady(k1, n1, k2, n2)
    if low is None or high is None or low <= 0 <= high:
        return 0, "open"
    return (1 if low > 0 else -1), ""


def steady(k1: int, n1: int, k2: int, n2: int) -> tuple[float | None, float | None]:
    """The difference of two shares (second minus first) as a 90 % interval that holds at every look together. (None, None): not enough data."""
    if min(n1, n2) < LEAST or k1 + k2 < LEAST_SENT:
        return None, None
    p1, p2 = (k1 + 0.5) / (n1 + 1), (k2 + 0.5) / (n2 + 1)  # half a case is added to each: a share of 0 is not known exactly
    variance = p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2
    tau = SPREAD * SPREAD
    half = math.sqrt(variance * (variance + tau) / tau * (2 * math.log(1 / (1 - LEVEL)) + math.log((variance + tau) / variance)))
    difference = k2 / n2 - k1 / n1
    return difference - half, difference + half
