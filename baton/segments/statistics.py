"""Rates, lifts and cuts with what is not known about them: intervals, least numbers, and the answer "not enough data". Pure, no database.

Intervals are 90 % ones: where the data are as they are assumed to be, nine of ten shown intervals hold the true value (tests/segments/test_statistics.py
measures it). Below `LEAST` cases nothing is shown as a number.
"""

import math
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEAST = 20  # cases that a rate needs, and good and bad ends that a cut needs each
LEVEL = 0.90
Z = 1.6448536269514722  # of 90 %, two-sided
DRAWS = 300  # how often the cases are drawn anew to see how far a cut moves
SEED = 1  # the same cases always give the same answer


@dataclass(frozen=True, slots=True)
class Rate:
    """`k` of `n`. `share`, `low` and `high` (0 to 1) are None when there are fewer than LEAST."""

    k: int
    n: int
    share: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def enough(self) -> bool:
        return self.share is not None


@dataclass(frozen=True, slots=True)
class Lift:
    """How much more often something ends well with a trait than it does overall: 2 is twice as often. None: not enough data."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def enough(self) -> bool:
        return self.value is not None

    @property
    def tells(self) -> int:
        """1 when it is more for sure, -1 when it is less, 0 when nobody can say."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 1 else -1 if self.high < 1 else 0


@dataclass(frozen=True, slots=True)
class Cut:
    """A number of points that parts good from bad. `at` None: none is proposed, and `why` says why: few, chance, none."""

    at: int | None = None
    low: int | None = None  # in 90 % of the redrawn cases the best cut was from `low` to `high`
    high: int | None = None
    found: float | None = None  # share of the good from `at` points on
    alarms: float | None = None  # share of the bad from `at` points on
    why: str = ""


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson's interval of a share; n is 1 or more."""
    centre = (k + Z * Z / 2) / (n + Z * Z)
    half = Z / (n + Z * Z) * math.sqrt(k * (n - k) / n + Z * Z / 4)
    return (max(0.0, centre - half) if k else 0.0), (min(1.0, centre + half) if k < n else 1.0)


def rate(k: int, n: int, least: int = LEAST) -> Rate:
    """A share with its interval, or only its counts when there are too few."""
    return Rate(k, n, k / n, *wilson(k, n)) if n >= max(least, 1) else Rate(k, n)


def lift(k: int, with_trait: int, good: int, total: int, least: int = LEAST) -> Lift:
    """Of `total` cases `good` ended well; of those `with_trait` cases that have a trait, `k` did.

    The interval is that of the logarithm (delta method), with half a case added to each count so that none is zero.
    """
    if with_trait < least or good < least or total - good < least:
        return Lift()
    a, row, column, all_ = k + 0.5, with_trait + 1.0, good + 1.0, total + 2.0
    spread = Z * math.sqrt(max(1 / a - 1 / row - 1 / column + 2 * a / (row * column) - 1 / all_, 0))
    value = a * all_ / (row * column)
    return Lift((k / with_trait) / (good / total), value * math.exp(-spread), value * math.exp(spread))


def difference(k1: int, n1: int, k2: int, n2: int, least: int = LEAST) -> int:
    """Which of two shares is greater: 1 the first, -1 the second, 0 when nobody can say (Newcombe's interval of the difference holds 0)."""
    if min(n1, n2) < max(least, 1):
        return 0
    (low1, high1), (low2, high2), p1, p2 = wilson(k1, n1), wilson(k2, n2), k1 / n1, k2 / n2
    low = p1 - p2 - math.hypot(p1 - low1, high2 - p2)
    high = p1 - p2 + math.hypot(high1 - p1, p2 - low2)
    return 1 if low > 0 else -1 if high < 0 else 0


def chance(k: int, with_trait: int, good: int, total: int) -> float:
    """How likely it is that so many of those with a trait end well when the trait says nothing (Fisher, one-sided)."""
    if not 0 < with_trait < total:
        return 1.0
    whole = _choose(total, with_trait)
    return min(1.0, math.fsum(math.exp(_choose(good, i) + _choose(total - good, with_trait - i) - whole) for i in range(k, min(good, with_trait) + 1)))


def _choose(n: int, k: int) -> float:
    """The logarithm of the binomial coefficient."""
    if not 0 <= k <= n:
        return -math.inf
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def surprising(chances: Sequence[float], wrong: float = 0.1) -> list[bool]:
    """Which of many findings to show, so that no more than one in ten of the shown is chance (Benjamini and Hochberg)."""
    ordered = sorted(chances)
    limit = max((p for i, p in enumerate(ordered, 1) if p <= wrong * i / len(ordered)), default=-1.0)
    return [p <= limit for p in chances]


def youden(good: Mapping[int, int], bad: Mapping[int, int], least: int = LEAST) -> Cut:
    """The cut with the greatest difference between the shares of good and of bad cases that reach it. Both are points -> how many.

    None is proposed when the difference may be chance (one-sided test of Kolmogorov and Smirnov at 10 %).
    """
    goods, bads = sum(good.values()), sum(bad.values())
    if min(goods, bads) < least:
        return Cut(why="few")
    points = sorted({*good, *bad})
    at, gap = _best([good.get(p, 0) for p in points], [bad.get(p, 0) for p in points])
    if math.exp(-2 * gap * gap * goods * bads / (goods + bads)) > 1 - LEVEL:
        return Cut(why="chance")
    low, high = _moves(good, bad, points, lambda g, b: _best(g, b)[0])
    return Cut(points[at], low, high, _from(good, points[at]) / goods, _from(bad, points[at]) / bads)


def reaching(good: Mapping[int, int], bad: Mapping[int, int], share: float, below: int | None = None, least: int = LEAST) -> Cut:
    """The highest cut, lower than `below`, that so large a share of the good cases still reaches."""
    goods, bads = sum(good.values()), sum(bad.values())
    if min(goods, bads) < least:
        return Cut(why="few")
    points = [p for p in sorted({*good, *bad}) if below is None or p < below]
    if not points:
        return Cut(why="none")
    goods_in_all = goods

    def highest(some: Sequence[int], _bads: Sequence[int]) -> int:
        left, at = goods_in_all, 0
        for place, number in enumerate(some):
            if left >= share * goods_in_all:
                at = place
            left -= number
        return at

    whole = sorted({*good, *bad})
    at = min(highest([good.get(p, 0) for p in whole], ()), len(points) - 1)
    low, high = _moves(good, bad, whole, highest)
    found = points[at]
    return Cut(found, min(low, found), min(high, points[-1]), _from(good, found) / goods, _from(bad, found) / bads)


def _from(counts: Mapping[int, int], at: int) -> int:
    return sum(number for points, number in counts.items() if points >= at)


def _best(good: Sequence[int], bad: Sequence[int]) -> tuple[int, float]:
    """Place of the best cut among the points, and the difference there."""
    goods, bads = sum(good) or 1, sum(bad) or 1
    reached_good, reached_bad, best, at = 1.0, 1.0, 0.0, 0
    for place, (some, others) in enumerate(zip(good, bad, strict=True)):
        if reached_good - reached_bad > best + 1e-12:
            best, at = reached_good - reached_bad, place
        reached_good -= some / goods
        reached_bad -= others / bads
    return at, best


def _moves(good: Mapping[int, int], bad: Mapping[int, int], points: Sequence[int], cut: Any) -> tuple[int, int]:
    """From where to where the cut goes in 90 % of the draws (bootstrap, good and bad drawn apart)."""
    luck = random.Random(SEED)
    drawn = []
    for _ in range(DRAWS):
        drawn.append(cut(_drawn(luck, good, points), _drawn(luck, bad, points)))
    drawn.sort()
    edge = round(DRAWS * (1 - LEVEL) / 2)
    return points[drawn[edge]], points[drawn[-1 - edge]]


def _drawn(luck: random.Random, counts: Mapping[int, int], points: Sequence[int]) -> list[int]:
    """As many cases again, drawn with return."""
    weights, total = [counts.get(p, 0) for p in points], sum(counts.values())
    found = Counter(luck.choices(range(len(points)), weights, k=total))
    return [found.get(place, 0) for place in range(len(points))]


def shift(before: Sequence[int], after: Sequence[int]) -> float | None:
    """How far a distribution moved, bin by bin (population stability index: below 0.1 hardly, from 0.25 much). None: too few in either."""
    if min(sum(before), sum(after)) < 5 * LEAST:
        return None
    n, m = sum(before) + len(before) / 2, sum(after) + len(after) / 2
    return sum(((b + 0.5) / m - (a + 0.5) / n) * math.log(((b + 0.5) / m) / ((a + 0.5) / n)) for a, b in zip(before, after, strict=True))


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """The points that so large a share of the cases does not exceed."""
    points, sums, total = sorted(counts), list[int](), 0
    for p in points:
        total += counts[p]
        sums.append(total)
    return points[min(bisect_left(sums, share * total), len(points) - 1)] if total else None


def tally(points: Iterable[int]) -> dict[int, int]:
    """Points -> how many cases."""
    return dict(Counter(points))
