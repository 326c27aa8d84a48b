"""Two or more ways of doing something against each other: which share is greater for sure. Pure, no database.

People look at such a test every day, and a test that is looked at often enough shows a winner by chance. So the verdict rests on an interval that holds at
every look together (mixture sequential test, Robbins 1970; Johari, Pekelis and Walsh 2015): when all ways are the same, at most one test in ten ever
names a winner, however often it was looked at. The price is patience.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from baton.segments.statistics import LEVEL

LEAST = 100  # people who went each way
LEAST_REACHED = 10  # … and of those reached the goal, in two ways together
WEEK = timedelta(days=7)  # all days of a week must have had their chance
SPREAD = 0.05  # what differences are looked for: about five points
Why = Literal["", "few", "week", "open"]


def judge(k1: int, n1: int, k2: int, n2: int, lasted: timedelta) -> tuple[int, Why]:
    """1: the second share is greater for sure, -1: the first is, 0: nobody can say, and why."""
    better, why = best({"1": (k1, n1), "2": (k2, n2)}, lasted)
    return {"1": -1, "2": 1}.get(better, 0), why


def best(ways: Mapping[str, tuple[int, int]], lasted: timedelta) -> tuple[str, Why]:
    """Of ways with how many of how many reached the goal: the one that is better than each other for sure; or "" and why none is named.

    All pairs are looked at, so each with a wider interval: a false winner stays as rare as with two.
    """
    if len(ways) < 2 or min(n for _k, n in ways.values()) < LEAST or sum(k for k, _n in ways.values()) < LEAST_REACHED:
        return "", "few"
    if lasted < WEEK:
        return "", "week"
    level = 1 - (1 - LEVEL) / math.comb(len(ways), 2)
    leader = max(ways, key=lambda way: ways[way][0] / ways[way][1])
    for way, (k, n) in ways.items():
        low, _high = steady(k, n, *ways[leader], level=level)
        if way != leader and (low is None or low <= 0):
            return "", "open"
    return leader, ""


def steady(k1: int, n1: int, k2: int, n2: int, level: float = LEVEL) -> tuple[float | None, float | None]:
    """The difference of two shares (second minus first) as an interval that holds at every look together. (None, None): not enough data."""
    if min(n1, n2) < LEAST or k1 + k2 < LEAST_REACHED:
        return None, None
    p1, p2 = (k1 + 0.5) / (n1 + 1), (k2 + 0.5) / (n2 + 1)  # half a case is added to each: a share of 0 is not known exactly
    variance = p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2
    tau = SPREAD * SPREAD
    half = math.sqrt(variance * (variance + tau) / tau * (2 * math.log(1 / (1 - level)) + math.log((variance + tau) / variance)))
    difference = k2 / n2 - k1 / n1
    return difference - half, difference + half
