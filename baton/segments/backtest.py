"""A score tried on the past: the points it would have given before each known end, and what each band, cut and rule would have been worth.

`ask` puts a version in the queue, `run` works it off part by part and says how far it is. Nothing about people is kept: the result holds counts only.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.platform import clock, history, logs, sql
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, DomainError, NotFound
from baton.query.catalog import Catalog
from baton.query.nodes import Compare, Node, Performed, walk
from baton.segments import advice, cards, catalog, filter, jobs, outcomes, past, scoring, statistics
from baton.segments.card import Card, Rule, read
from baton.segments.models import Backtest, ScoreModel
from baton.segments.outcomes import Outcome, Settings
from baton.segments.past import Case
from baton.segments.statistics import Cut, Lift, Rate

log = logs.log(__name__)

PART = 500  # cases asked at once
SHARE = 0.9  # of the good ones: what a band below the last is to reach
BINS = 24  # at most so many bars
WORKING = ("waiting", "running")
BANT = frozenset({"budget", "authority", "need", "timeframe"})

Asked = Callable[[int], bool]  # told how many cases are done; False: stop


@dataclass(frozen=True, slots=True)
class Scored:
    """An outcome with the points of its moment: the rules that held, and how often and how much each gave."""

    outcome: Outcome
    total: int
    reasons: Mapping[str, Sequence[int]]


def ask(model: ScoreModel, settings: Settings, *, version: int | None = None, actor: Actor) -> Backtest:
    """Try a version (None: the draft, else what is published) on the past, in the background.

    Raises NotFound (no such version), Conflict (one is running; a company's score).
    """
    if model.object_type != "contact":
        raise Conflict(_("Only scores of contacts can be tried on the past."))
    wanted = {"state": "published"} if version is None else {"number": version}
    found = (cards.draft(model) if version is None else None) or model.versions.filter(**wanted).first()
    if found is None:
        raise NotFound(_("There is no version {number}.").format(number=version))
    with transaction.atomic():
        ScoreModel.objects.select_for_update().get(pk=model.pk)
        if Backtest.objects.filter(model=model, state__in=WORKING).exists():
            raise Conflict(_("A back-test of this score is running already."))
        made = Backtest.objects.create(
            model=model, version=found.number, content=found.content, settings=settings.to_json(), created_by=str(actor), created_at=clock.now()
        )
        history.record(actor, "tried", "score_model", model.pk, version=found.number, **settings.to_json())
        jobs.run_backtest.defer(lock=f"backtest:{model.pk}", backtest_id=made.pk)
    return made


def cancel(test: Backtest, *, actor: Actor) -> None:
    """Stop it; what was counted so far is thrown away. Raises Conflict when it has ended."""
    if not Backtest.objects.filter(pk=test.pk, state__in=WORKING).update(state="cancelled", finished_at=clock.now()):
        raise Conflict(_("This back-test has ended already."))
    history.record(actor, "cancelled", "score_backtest", test.pk)


def run(test_id: int) -> None:
    """Work a back-test off; one that a worker left in the middle begins anew. What goes wrong is kept with it."""
    if not Backtest.objects.filter(pk=test_id, state__in=WORKING).update(state="running", done=0):
        return
    test = Backtest.objects.select_related("model").get(pk=test_id)
    mine = Backtest.objects.filter(pk=test_id, state="running")
    try:
        result = measure(read(test.content), Settings.from_json(test.settings), lambda done, total: bool(mine.update(done=done, total=total)))
    except DomainError as error:
        mine.update(state="failed", fault=str(error), finished_at=clock.now())
    except Exception:
        log.exception("back-test failed", test=test_id)
        mine.update(state="failed", fault=_("Something went wrong here; nothing was changed. The log of the worker tells more."), finished_at=clock.now())
    else:
        if result is not None:
            mine.update(state="done", result=result, finished_at=clock.now())


def measure(card: Card, settings: Settings, told: Callable[[int, int], bool] = lambda done, total: True) -> dict[str, Any] | None:
    """The whole result as plain JSON; None when `told` (how many cases are done, of how many) answers False.

    Raises Invalid when the card names what is gone.
    """
    found = outcomes.find(settings)
    if not told(0, len(found)):
        return None
    known = catalog.current()
    nodes = {rule.key: filter.parse(rule.filter, known) for rule in card.rules if rule.active}
    scored: list[Scored] = []
    for start in range(0, len(found), PART):
        scored += points(card, nodes, found[start : start + PART], known)
        if not told(min(start + PART, len(found)), len(found)):
            return None
    return summary(card, nodes, scored) | {
        "unknown": len(found) - len(scored),
        "most": outcomes.MOST if len(found) >= outcomes.MOST else None,
        "candidates": advice.candidates(card, [s.outcome for s in scored]),
    }


def summary(card: Card, nodes: Mapping[str, Node], scored: Sequence[Scored]) -> dict[str, Any]:
    """What the points of the past say, without what was not among the rules."""
    by = Counter(s.outcome.end for s in scored)
    return {
        "counts": {end: by[end] for end in ("won", "lost", "ready", "not_ready", "unqualified")},
        "unknown": 0,
        "late": sum(s.outcome.late for s in scored),
        "most": None,
        "since": min((s.outcome.at for s in scored), default=clock.now()).isoformat(),
        "bands": bands(card, scored),
        "bars": bars(scored),
        "cuts": cuts(card, scored),
        "rules": rules(card, scored),
        "bant": bant(card, nodes, scored),
        "candidates": [],
    }


# The points of the past --------------------------------------------------------


def points(card: Card, nodes: Mapping[str, Node], some: Sequence[Outcome], known: Catalog) -> list[Scored]:
    """What the card says of each outcome just before it; people who were not known then are left out. One statement for all rules that can be
    asked with a moved clock, and one a day for those that name days of the calendar."""
    cases = [Case(number, o.contact_id, o.at) for number, o in enumerate(some)]
    dated = {key for key, node in nodes.items() if past.of_days(node, known)}
    if not dated:
        return [Scored(some[id], total, reasons) for id, total, reasons in _asked(card, nodes.values(), cases, clock.now(), moved=True)]
    found: dict[int, dict[str, Sequence[int]]] = {}
    plain = _only(card, set(nodes) - dated)
    for id, _total, reasons in _asked(plain, [node for key, node in nodes.items() if key not in dated], cases, clock.now(), moved=True):
        found[id] = _of_rules(reasons)
    rest, wanted = _only(card, dated), [nodes[key] for key in dated]
    zone = config().zone
    for _day, day in groupby(sorted(cases, key=lambda case: case.at), key=lambda case: case.at.astimezone(zone).date()):
        of_day = list(day)
        for id, _total, reasons in _asked(rest, wanted, of_day, of_day[-1].at, moved=False):
            found[id] = {**found.get(id, {}), **_of_rules(reasons)}
    return [Scored(some[id], _total_of(card, reasons), reasons) for id, reasons in sorted(found.items())]


def _asked(card: Card, nodes: Any, cases: Sequence[Case], now: datetime, *, moved: bool) -> Iterator[tuple[int, int, dict[str, Sequence[int]]]]:
    told, trial = past.each(nodes, cases, now, moved=moved), scoring.trial(card, at=now)
    statement = f"WITH {told.text} SELECT t.contact_id, t.total, t.reasons::text FROM ({trial.text}) t ORDER BY t.contact_id"
    for id, total, reasons in sql.rows(statement, told.params | trial.params):
        yield id, total, json.loads(reasons)


def _only(card: Card, keys: set[str]) -> Card:
    """The card with some of its rules, without caps."""
    return card.model_copy(
        update={
            "rules": tuple(rule for rule in card.rules if rule.key in keys),
            "groups": tuple(group.model_copy(update={"cap": None}) for group in card.groups),
        }
    )


def _of_rules(reasons: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    return {key: value for key, value in reasons.items() if ":" not in key}


def _total_of(card: Card, reasons: Mapping[str, Sequence[int]]) -> int:
    """The sum of the rules' points, each group held to its cap."""
    sums: dict[str, int] = defaultdict(int)
    for rule in card.rules:
        if rule.key in reasons:
            sums[rule.group] += reasons[rule.key][1]
    caps = {group.key: group.cap for group in card.groups}
    return sum(points if (cap := caps[group]) is None else min(points, cap) if cap >= 0 else max(points, cap) for group, points in sums.items())


# What they say -----------------------------------------------------------------


def bands(card: Card, scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """For those below the first band, and for each band: how it ended with those in it, and with all from it up."""
    found = []
    edges = [None, *(band.at_least for band in card.bands), None]
    for number, (low, high) in enumerate(pairwise(edges)):
        band = card.bands[number - 1] if number else None
        last = number == len(card.bands) and number > 0
        ends = [(s.total, good) for s in scored if (good := outcomes.is_good(s.outcome.end, last=last)) is not None]
        inside = [good for total, good in ends if (low is None or total >= low) and (high is None or total < high)]
        goods = sum(good for _total, good in ends)
        row: dict[str, Any] = {
            "key": band.key if band else "", "label": band.label if band else "", "at_least": low, "below": high,
            "good": sum(inside), "bad": len(inside) - sum(inside), "share": _rate(statistics.rate(sum(inside), len(inside))),
        }  # fmt: skip
        if band is not None and low is not None:
            up = [good for total, good in ends if total >= low]
            row |= {
                "precision": _rate(statistics.rate(sum(up), len(up))),
                "recall": _rate(statistics.rate(sum(up), goods)),
                "lift": _lift(statistics.lift(sum(up), len(up), goods, len(ends))),
            }
        found.append(row)
    return found


def bars(scored: Sequence[Scored]) -> list[list[int]]:
    """[points, good, bad] of bins of one width, lowest first; not ready is bad here."""
    if not scored:
        return []
    totals = [s.total for s in scored]
    low, high = min(totals), max(totals)
    width = next(w for w in (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 10**6) if (high // w) - (low // w) < BINS)
    found = {at * width: [0, 0] for at in range(low // width, high // width + 1)}
    for s in scored:
        found[s.total // width * width][s.outcome.end not in outcomes.GOOD] += 1
    return [[at, *pair] for at, pair in found.items()]


def cuts(card: Card, scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """Where each band would better begin: the last where it parts good from bad best (Youden's J), those before it where SHARE of the good still reach."""
    found: list[dict[str, Any]] = []
    below: int | None = None
    for band in reversed(card.bands):
        last = band is card.bands[-1]
        good, bad = _parted(scored, last=last)
        cut = statistics.youden(good, bad) if last else statistics.reaching(good, bad, SHARE, below)
        below = cut.at if cut.at is not None else band.at_least
        found.insert(0, {"band": band.key, "label": band.label, "now": band.at_least, "criterion": "youden" if last else "reaching", **_cut(cut)})
    return found


def _parted(scored: Sequence[Scored], *, last: bool) -> tuple[dict[int, int], dict[int, int]]:
    ends = [(s.total, outcomes.is_good(s.outcome.end, last=last)) for s in scored]
    return statistics.tally(p for p, good in ends if good), statistics.tally(p for p, good in ends if good is False)


def rules(card: Card, scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """For each active rule: for how many it held, how many of those ended well, and its lift."""
    goods = sum(s.outcome.end in outcomes.GOOD for s in scored)
    found = []
    for rule in card.rules:
        if rule.active:
            held = [s for s in scored if rule.key in s.reasons]
            well = sum(s.outcome.end in outcomes.GOOD for s in held)
            found.append({"key": rule.key, "held": len(held), "good": well, "lift": _lift(statistics.lift(well, len(held), goods, len(scored)))})
    return found


def bant(card: Card, nodes: Mapping[str, Node], scored: Sequence[Scored]) -> dict[str, Any] | None:
    """How often it ended well with those who said the right things about budget, authority, need or time only, and with those who also acted.

    None when the card asks only one of the two.
    """
    said = {r.key for r in card.rules if r.points > 0 and r.key in nodes and is_bant(r, nodes[r.key])}
    did = {r.key for r in card.rules if r.points > 0 and r.key in nodes and any(isinstance(n, Performed) for n in walk(nodes[r.key]))} - said
    if not said or not did:
        return None
    ends: dict[str, list[bool]] = {"only": [], "both": [], "acts": [], "none": []}
    for s in scored:
        good = s.outcome.end in outcomes.GOOD
        if said & s.reasons.keys():
            ends["both" if did & s.reasons.keys() else "only"].append(good)
        else:
            ends["acts" if did & s.reasons.keys() else "none"].append(good)
    both, only = ends["both"], ends["only"]
    return {which: _rate(statistics.rate(sum(found), len(found))) for which, found in ends.items()} | {
        "winner": statistics.difference(sum(both), len(both), sum(only), len(only))
    }


def is_bant(rule: Rule, node: Node) -> bool:
    """Whether a rule asks what somebody said of budget, authority, need or time."""
    return rule.group.startswith("bant") or any(isinstance(n, Compare) and n.of == "contact" and n.property in BANT for n in walk(node))


# As JSON -----------------------------------------------------------------------


def _rate(rate: Rate) -> list[float | None]:
    return [rate.k, rate.n, rate.share, rate.low, rate.high]


def _lift(lift: Lift) -> list[float | None]:
    return [lift.value, lift.low, lift.high]


def _cut(cut: Cut) -> dict[str, Any]:
    return {"at": cut.at, "low": cut.low, "high": cut.high, "found": cut.found, "alarms": cut.alarms, "why": cut.why}
