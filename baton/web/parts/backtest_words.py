"""A back-test as people read it: shares and lifts with their intervals drawn, cuts with their criterion, rules in words. Small numbers say so."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from baton.segments import statistics
from baton.segments.card import Card
from baton.segments.statistics import Lift, Rate

from ..templatetags.fmt import minus, num
from . import score_words

WIDEST = 4.0  # lifts are drawn from a quarter to four times
HIGH, WIDE = 76, 1000  # of the chart's halves, and its width


@dataclass(frozen=True, slots=True)
class Shown:
    """A number with its interval. Without `text` there is not enough data: only the counts are told. x is 0 to 100."""

    counts: str
    text: str = ""
    interval: str = ""
    low: float = 0
    width: float = 0
    at: float = 0
    tells: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin of the chart: good ends upward, bad ends downward from the middle."""

    at: int
    good: int
    bad: int
    x: float
    width: float
    up: float
    down: float


def percent(share: float) -> str:
    return f"{num(round(share * 100))}%"


def share(rate: Rate) -> Shown:
    """57% (53–61%) of 229 / 401."""
    counts = f"{num(rate.k)} / {num(rate.n)}"
    if rate.share is None or rate.low is None or rate.high is None:
        return Shown(counts)
    interval = f"{num(round(rate.low * 100))}–{percent(rate.high)}"
    return Shown(counts, percent(rate.share), interval, rate.low * 100, max((rate.high - rate.low) * 100, 1), rate.share * 100)


def times(lift: Lift, counts: str = "") -> Shown:
    """×1.4 (1.1–1.8), drawn on a scale where 1 is in the middle."""
    if lift.value is None or lift.low is None or lift.high is None:
        return Shown(counts)
    low, high = _placed(lift.low), _placed(lift.high)
    return Shown(counts, f"×{_short(lift.value)}", f"{_short(lift.low)}–{_short(lift.high)}", low, max(high - low, 1), _placed(lift.value), lift.tells)


def _placed(value: float) -> float:
    return max(0.0, min(100.0, 50 + 50 * math.log(max(value, 1e-6)) / math.log(WIDEST)))


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else num(round(value))


def stored_rate(stored: Sequence[Any]) -> Rate:
    return Rate(*stored)


def stored_lift(stored: Sequence[Any]) -> Lift:
    return Lift(*stored)


def bands(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the table of bands, from the highest down; the last is those below all bands."""
    found = []
    for row in reversed(result["bands"]):
        line = {"label": row["label"] or _("Below"), "range": span(row["at_least"], row["below"]), "good": row["good"], "bad": row["bad"]}
        line["share"] = share(stored_rate(row["share"]))
        if "lift" in row:
            line |= {"precision": share(stored_rate(row["precision"])), "recall": share(stored_rate(row["recall"])), "lift": times(stored_lift(row["lift"]))}
        found.append(line)
    return found


def span(low: int | None, below: int | None) -> str:
    """35–64, 65+, below 35."""
    if low is None:
        return _("all points") if below is None else _("under {n}").format(n=minus(below))
    return f"{minus(low)}+" if below is None else f"{minus(low)}–{minus(below - 1)}"


def bars(result: Mapping[str, Any]) -> list[Bar]:
    """The chart in a box WIDE wide and twice HIGH high."""
    rows = result["bars"]
    top = max((max(good, bad) for _at, good, bad in rows), default=1) or 1
    width = WIDE / max(len(rows), 1)
    return [
        Bar(at, good, bad, round(i * width + width * 0.09, 1), round(width * 0.82, 1), round(good * HIGH / top, 1), round(bad * HIGH / top, 1))
        for i, (at, good, bad) in enumerate(rows)
    ]


def marks(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Where the bands begin on the chart; those beyond its ends are left out."""
    rows = result["bars"]
    if len(rows) < 2:
        return []
    step, first = rows[1][0] - rows[0][0], rows[0][0]
    found = []
    for band in result["bands"]:
        at = band["at_least"]
        if at is not None and first <= at <= rows[-1][0] + step:
            x = round((at - first) / step * WIDE / len(rows), 1)
            found.append(
                {"label": band["label"], "at": at, "x": x, "left": round(x * 100 / WIDE, 1), "right": round(100 - x * 100 / WIDE, 1), "flip": x > WIDE * 0.8}
            )
    return found


def cuts(result: Mapping[str, Any], working: Card) -> list[dict[str, Any]]:
    """The proposals in words. `used`: the draft begins there already."""
    begins = {band.key: band.at_least for band in working.bands}
    found = []
    for cut in result["cuts"]:
        line = {**cut, "used": cut["at"] is not None and begins.get(cut["band"]) == cut["at"], "there": cut["band"] in begins}
        if cut["at"] is None:
            line["text"] = WHY[cut["why"]]()
        else:
            line |= {"found_text": percent(cut["found"]), "alarms_text": percent(cut["alarms"])}
            line["criterion_text"] = CRITERIA[cut["criterion"]]()
        found.append(line)
    return found


WHY = {
    "few": lambda: _("Not enough data: {n} good and as many bad ends are needed.").format(n=statistics.LEAST),
    "chance": lambda: _("The points do not part good from bad ends: what difference there is may be chance. So no threshold is proposed."),
    "none": lambda: _("Below the next band there is no threshold that fits."),
}
CRITERIA = {
    "youden": lambda: _("Criterion: the greatest difference between the share of good and of bad ends that reach it (Youden’s J)."),
    "reaching": lambda: _("Criterion: the highest threshold below the next band that 90% of the good ends still reach."),
}


def rules(result: Mapping[str, Any], card: Card) -> list[dict[str, Any]]:
    """The rules with their lift: those that tell for sure first, those with too few cases last."""
    by_key = {rule.key: rule.model_dump(mode="json") for rule in card.rules}
    found = []
    for row in result["rules"]:
        rule = by_key.get(row["key"])
        if rule is not None:
            shown = times(stored_lift(row["lift"]))
            wrong = (shown.tells < 0 < rule["points"]) or (rule["points"] < 0 < shown.tells)
            found.append(
                {
                    "sentence": score_words.sentence(rule),
                    "points": rule["points"],
                    "held": row["held"],
                    "share": share(statistics.rate(row["good"], row["held"])),
                    "lift": shown,
                    "wrong": wrong,
                    "order": (not shown.text, -abs(shown.tells), -shown.at),
                }
            )
    return sorted(found, key=lambda line: line["order"])


def candidates(result: Mapping[str, Any], working: Card) -> list[dict[str, Any]] | None:
    """What could become rules; None: not enough data to look. `there`: the draft has it already."""
    if result["candidates"] is None:
        return None
    there = {rule.key for rule in working.rules}
    total = result["counts"]
    goods = total["won"] + total["ready"]
    bads = sum(total.values()) - goods
    return [
        {
            "number": number,
            "sentence": score_words.sentence(row["rule"]),
            "points": row["rule"]["points"],
            "good": share(statistics.rate(row["good"], goods)),
            "bad": share(statistics.rate(row["bad"], bads)),
            "lift": times(stored_lift(row["lift"])),
            "there": row["rule"]["key"] in there,
            "key": row["rule"]["key"],
        }
        for number, row in enumerate(result["candidates"])
    ]


def bant(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Those with BANT answers only beside those who also acted, and which of the two is better, if anybody can say."""
    if stored is None:
        return None
    return {which: share(stored_rate(stored[which])) for which in ("only", "both", "acts", "none")} | {"winner": stored["winner"]}
