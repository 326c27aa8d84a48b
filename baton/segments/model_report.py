"""A score looked at month by month: how many became MQL and SQL, what sales said of them, how the points moved, which rules led to refusals.

A score is never finished: in the first months after it was published people are reminded to look at it (`due`).
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments import patience, statistics
from baton.segments.models import ScoreModel
from baton.segments.statistics import Lift, Rate

MONTHS = 6
SAMPLE = 1_000  # contacts whose points are followed
REMINDED = 6  # months after the first publishing in which people are reminded
REASONS = 2_000  # newest verdicts whose points are looked at
PATIENCE = 3_000  # milliseconds for what grows with the account

BOOKED = """
SELECT date_trunc('month', b.at, %(zone)s), b.into, count(*) FROM booking b
WHERE b.at >= %(since)s AND b.into IN ('mql', 'sql') GROUP BY 1, 2
"""
VERDICTS = """
SELECT date_trunc('month', v.at, %(zone)s), v.verdict, count(*) FROM verdict v
WHERE v.at >= %(since)s AND v.verdict IN ('ready', 'not_ready', 'unqualified') GROUP BY 1, 2
"""
NEWEST = """
SELECT v.verdict, v.reasons::text FROM verdict v WHERE v.at >= %(since)s AND v.verdict IN ('ready', 'not_ready', 'unqualified')
ORDER BY v.at DESC, v.contact_id LIMIT %(most)s
"""
# A few contacts of many, by whole pages of the table, the same ones for the whole month.
SAMPLED = f"""
WITH followed AS MATERIALIZED (SELECT c.id FROM contact c TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (%(seed)s) WHERE c.archived_at IS NULL LIMIT %(sample)s)
SELECT s.id, date_trunc('month', e.ts, %(zone)s), sum(e.value)::int
FROM followed s JOIN event e ON e.contact_id = s.id AND e.kind = {int(Kind.SCORE_CHANGED)} AND e.key = ANY(%(keys)s)
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(slots=True)
class Month:
    """A month of the account. None: it takes too long to count."""

    begins: datetime
    mql: int | None = 0
    sql: int | None = 0
    ready: int = 0
    not_ready: int = 0
    unqualified: int = 0
    points: dict[int, int] = field(default_factory=dict)  # of the followed contacts at its end: points -> how many

    @property
    def verdicts(self) -> int:
        return self.ready + self.not_ready + self.unqualified

    @property
    def accepted(self) -> Rate:
        """How many of those whom sales judged were ready."""
        return statistics.rate(self.ready, self.verdicts)

    @property
    def middle(self) -> int | None:
        return statistics.quantile(self.points, 0.5)

    @property
    def high(self) -> int | None:
        """Nine in ten have no more points."""
        return statistics.quantile(self.points, 0.9)


@dataclass(frozen=True, slots=True)
class Behind:
    """A rule among the points of those whom sales judged: how many of the refused and of the accepted it had given points."""

    rule_id: int
    refused: Rate
    accepted: Rate
    lift: Lift  # how much likelier a refusal was with it


@dataclass(frozen=True, slots=True)
class Report:
    months: list[Month]  # oldest first; the last one is not over
    accepted: Rate  # of all these months
    drift: float | None  # the distribution now against three months ago (see statistics.shift)
    followed: int
    behind: list[Behind]
    counted: bool  # bookings could be counted in time


def of(model: ScoreModel) -> Report:
    """The last MONTHS months. A fixed number of statements; what grows with the account has PATIENCE."""
    now, zone = clock.now(), config().zone
    begins = [_month(now, zone, -back) for back in range(MONTHS - 1, -1, -1)]
    found = {at: Month(at) for at in begins}
    params = {"zone": str(zone), "since": begins[0]}
    booked = patience.rows(BOOKED, params, milliseconds=PATIENCE)
    for at, into, count in booked or ():
        if month := found.get(at):
            setattr(month, into, count)
    if booked is None:
        for month in found.values():
            month.mql = month.sql = None
    for at, verdict, count in sql.rows(VERDICTS, params):
        if month := found.get(at):
            setattr(month, verdict, count)
    followed = _points(model, found, params)
    rows = list(found.values())
    total = sum(month.verdicts for month in rows)
    then, today = rows[-4].points, rows[-1].points
    return Report(rows, statistics.rate(sum(m.ready for m in rows), total), _drift(then, today), followed, behind(model, begins[0]), booked is not None)


def _month(at: datetime, zone: tzinfo, plus: int = 0) -> datetime:
    """The first moment of a month of the account."""
    local = at.astimezone(zone)
    number = local.year * 12 + local.month - 1 + plus
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=zone)


def _points(model: ScoreModel, found: dict[datetime, Month], params: dict[str, Any]) -> int:
    """Fill in the points of some contacts at the end of each month; returns of how many. Who had no points yet had 0."""
    size = max(patience.size("contact"), 1)
    keys = [id for (id,) in sql.rows("SELECT id FROM event_key WHERE kind = %s AND value = %s", [int(Kind.SCORE_CHANGED), str(model.pk)])]
    percent = min(100.0, 110 * SAMPLE / size)
    rows = patience.rows(SAMPLED, params | {"percent": percent, "seed": clock.now().month, "sample": SAMPLE, "keys": keys}, milliseconds=PATIENCE)
    moves: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for contact, at, points in rows or ():
        moves[contact].append((at, points))
    for begins, month in found.items():
        month.points = statistics.tally(sum(points for at, points in steps if at <= begins) for steps in moves.values())
    return len(moves)


def _drift(before: dict[int, int], after: dict[int, int]) -> float | None:
    """Over ten bins with as many contacts each before."""
    edges = sorted({edge for share in range(1, 10) if (edge := statistics.quantile(before, share / 10)) is not None})
    return statistics.shift(_binned(before, edges), _binned(after, edges)) if edges else None


def _binned(points: dict[int, int], edges: list[int]) -> list[int]:
    bins = [0] * (len(edges) + 1)
    for at, count in points.items():
        bins[sum(at > edge for edge in edges)] += count
    return bins


def behind(model: ScoreModel, since: datetime) -> list[Behind]:
    """Which rules of the score stood behind those whom sales refused, the surest first."""
    rows = [(verdict == "ready", json.loads(reasons)) for verdict, reasons in sql.rows(NEWEST, {"since": since, "most": REASONS})]
    refused = sum(not ready for ready, _ in rows)
    found = []
    for rule in model.rules.all():
        with_it = [ready for ready, reasons in rows if reasons.get(str(rule.pk), (0, 0))[1] > 0]
        if with_it:
            bad = len(with_it) - sum(with_it)
            lift = statistics.lift(bad, len(with_it), refused, len(rows))
            found.append(Behind(rule.pk, statistics.rate(bad, refused), statistics.rate(sum(with_it), len(rows) - refused), lift))
    return sorted(found, key=lambda b: (-(b.lift.low or 0), -b.refused.k, b.rule_id))


def due() -> list[tuple[ScoreModel, str]]:
    """The scores that should be looked at this month: those published for the first time in the last REMINDED months, before this one; with who published."""
    now, zone = clock.now(), config().zone
    found = []
    for model in ScoreModel.objects.filter(archived_at=None, object_type="contact"):
        published = list(model.versions.exclude(published_at=None).order_by("published_at").values_list("published_at", "published_by"))
        if published and published[0][0] and _month(now, zone, -REMINDED) <= _month(published[0][0], zone) < _month(now, zone):
            found.append((model, published[-1][1]))
    return found
