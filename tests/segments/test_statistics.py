"""Intervals hold what they promise, small numbers stay silent, planted cuts are found, and chance is not taken for a finding."""

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from baton.segments import statistics
from baton.segments.statistics import LEAST
from tests import examples


def test_nine_of_ten_shown_shares_hold_the_true_one() -> None:
    covered = []
    for n in (LEAST, 35, 60, 120, 400):
        for true in [step / 50 for step in range(3, 48)]:
            weights = [math.comb(n, k) * true**k * (1 - true) ** (n - k) for k in range(n + 1)]
            shown = [statistics.wilson(k, n) for k in range(n + 1)]
            covered.append(sum(weight for weight, (low, high) in zip(weights, shown, strict=True) if low <= true <= high))
    assert 0.88 <= sum(covered) / len(covered) <= 0.92


def test_nine_of_ten_shown_lifts_hold_the_true_one() -> None:
    luck = random.Random(11)
    held = shown = 0
    for _ in range(1500):
        n, having, with_it, without = luck.choice((80, 150, 300, 600)), luck.uniform(0.15, 0.8), luck.uniform(0.05, 0.9), luck.uniform(0.05, 0.9)
        people = [(trait := luck.random() < having, luck.random() < (with_it if trait else without)) for _ in range(n)]
        found = statistics.lift(sum(t and g for t, g in people), sum(t for t, _ in people), sum(g for _, g in people), n)
        if found.low is not None and found.high is not None:
            shown += 1
            held += found.low <= with_it / (having * with_it + (1 - having) * without) <= found.high
    assert shown > 900
    assert 0.88 <= held / shown <= 0.92


def test_small_numbers_are_counts_only() -> None:
    assert not statistics.rate(3, 10).enough
    assert not statistics.lift(3, 10, 30, 60).enough
    assert statistics.difference(3, 10, 4, 10) == 0
    assert statistics.difference(3, 10, 4, 10, least=1) == 0  # nor would their intervals part
    assert statistics.difference(1, 10, 9, 10) == 0  # however far apart
    assert statistics.difference(30, 100, 40, 100) == 0
    assert statistics.difference(300, 1000, 400, 1000) == -1
    assert statistics.youden({50: 10}, {10: 10}).why == "few"
    assert statistics.reaching({50: 10}, {10: 10}, 0.9).why == "few"
    assert statistics.shift([10, 10], [5, 5]) is None


def test_a_planted_threshold_is_found() -> None:
    for seed in range(8):
        luck = random.Random(seed)
        ends = [(points, luck.random() < (0.6 if points >= 62 else 0.08)) for points in (round(luck.gauss(50, 22)) for _ in range(900))]
        found = statistics.youden(statistics.tally(p for p, good in ends if good), statistics.tally(p for p, good in ends if not good))
        assert found.at is not None
        assert 60 <= found.at <= 64
        assert found.low is not None
        assert found.high is not None
        assert found.low <= 62 <= found.high
        assert found.found is not None
        assert found.alarms is not None
        assert found.found > 0.6 > 0.3 > found.alarms


def test_where_points_say_nothing_no_threshold_is_proposed() -> None:
    proposed = 0
    for seed in range(100):
        luck = random.Random(seed)
        good, bad = ([round(luck.gauss(50, 20)) for _ in range(60)] for _ in range(2))
        proposed += statistics.youden(statistics.tally(good), statistics.tally(bad)).at is not None
    assert proposed <= 14  # one in ten is what the test allows


def test_of_many_traits_that_mean_nothing_hardly_one_is_shown() -> None:
    luck, wrong = random.Random(5), 0
    for _ in range(20):
        ends = [luck.random() < 0.4 for _ in range(300)]
        chances = []
        for _ in range(40):
            traits = [luck.random() < 0.3 for _ in ends]
            chances.append(statistics.chance(sum(t and e for t, e in zip(traits, ends, strict=True)), sum(traits), sum(ends), len(ends)))
        wrong += any(statistics.surprising(chances))
    assert wrong <= 5


def test_the_share_to_reach_decides_the_lower_threshold() -> None:
    good, bad = statistics.tally(range(1, 101)), statistics.tally(range(-40, 60))
    found = statistics.reaching(good, bad, 0.9)
    assert (found.at, found.found) == (11, 0.9)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 11 <= found.high
    assert statistics.reaching(good, bad, 0.9, below=5).at == 4
    assert statistics.reaching(good, bad, 0.9, below=-100).why == "none"


def test_a_moved_distribution_is_seen() -> None:
    assert statistics.shift([100] * 10, [100] * 10) == 0
    moved = statistics.shift([100] * 10, [10] * 5 + [190] * 5)
    assert moved is not None
    assert moved > 0.25
    assert statistics.quantile({1: 5, 10: 4, 90: 1}, 0.5) == 1
    assert statistics.quantile({}, 0.5) is None


counts = st.dictionaries(st.integers(-50, 150), st.integers(1, 30), max_size=6)


@settings(max_examples=examples.some(12), deadline=None)
@given(counts, counts, st.integers(0, 200), st.integers(0, 200))
def test_no_numbers_break_it(good: dict[int, int], bad: dict[int, int], a: int, b: int) -> None:
    cut = statistics.youden(good, bad)
    assert (cut.at is None) == bool(cut.why)
    statistics.reaching(good, bad, 0.9)
    k, n = min(a, b), max(a, b)
    found = statistics.rate(k, n)
    assert not found.enough or 0 <= found.low <= found.share <= found.high <= 1  # type: ignore[operator]  # enough data
    lift = statistics.lift(k, n, n + 30, n + 90)
    assert not lift.enough or lift.low < lift.high  # type: ignore[operator]  # enough data
    assert 0 <= statistics.chance(k, n, max(k, n // 2 + 1), n + 10) <= 1
