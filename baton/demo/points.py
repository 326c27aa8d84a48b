"""The points of a contact, dated to when they were earned, faded, were cut off by a cap, or were given by hand: together they are the score."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from baton.demo.people import Person
from baton.demo.sample import Sample
from baton.segments.models import ScoreRule

Steps = list[tuple[datetime, list[tuple[str, int]]]]
FINE = 20  # halvings that are told apart


class Entry(NamedTuple):
    """Points given by hand, as a row of the ledger."""

    contact_id: int
    id: int
    points: int
    reason: str
    actor: str
    cause: str
    at: datetime


def dated(sample: Sample, person: Person, reasons: dict[str, list[int]], unsubscribed: dict[int, datetime], entries: Sequence[Entry]) -> Steps:
    """[(when, [(what, points)])], oldest first; `what` as among the reasons of a score."""
    moments: dict[datetime, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name, (times, points) in reasons.items():
        if not name.isdigit():
            continue
        rule, left = sample.setting.rules[int(name)], points
        earned = _earned(sample, person, rule, times, unsubscribed)
        if rule.decay:
            for at, part in _fading(rule, earned, sample.now):
                moments[_after(sample, person, at)][name] += part
                left -= part
        else:
            for at in earned:
                part = rule.points if rule.kind == "event" else left
                part = max(part, left) if left < 0 else min(part, left)
                if part:
                    moments[_after(sample, person, at)][name] += part
                    left -= part
        if left:  # who somebody is: known from the first moment
            moments[_after(sample, person, earned[-1] if earned else person.created)][name] += left
    for entry in entries:
        moments[entry.at]["ledger"] += entry.points
    _cap(sample, moments)
    steps = ((at, sorted((name, points) for name, points in rules.items() if points)) for at, rules in sorted(moments.items()))
    return [(at, rules) for at, rules in steps if rules]


def standing(steps: Steps, at: datetime) -> dict[str, int]:
    """What each reason gave at a moment."""
    found: dict[str, int] = defaultdict(int)
    for when, rules in steps:
        if when <= at:
            for name, points in rules:
                found[name] += points
    return {name: points for name, points in found.items() if points}


def _earned(sample: Sample, person: Person, rule: ScoreRule, times: int, unsubscribed: dict[int, datetime]) -> list[datetime]:
    if rule.key == "silent":
        return [person.seen + timedelta(days=90)]
    if rule.key == "optout":
        return [unsubscribed[person.id]] if person.id in unsubscribed else []
    if rule.per_item:
        return sorted(sample.book.items.get(person.id, {}).get(rule.key, {}).values())[:times]
    gains = sorted(sample.book.gains.get(person.id, {}).get(rule.key, []))
    return gains if rule.decay else gains[:times]


def _fading(rule: ScoreRule, earned: list[datetime], now: datetime) -> list[tuple[datetime, int]]:
    """What a rule that halves gave and lost, and when: the newest so many times count, rounded as their sum."""
    step = timedelta(days=int((rule.decay or {})["days"]))
    moments = sorted({at + step * n for at in earned for n in range(1 + (now - at) // step)})
    found, before = [], 0
    for moment in moments:
        newest = [at for at in earned if at <= moment][-(rule.times or len(earned)) :]
        worth = sum(2 ** (FINE - (moment - at) // step) for at in newest) * rule.points
        points = (2 * worth + 2**FINE) // 2 ** (FINE + 1)
        if points != before:
            found.append((moment, points - before))
        before = points
    return found


def _cap(sample: Sample, moments: dict[datetime, dict[str, int]]) -> None:
    """Take what is above the cap of a group, at each moment."""
    groups = {str(pk): rule.group for pk, rule in sample.setting.rules.items()}
    for group in sample.setting.model.groups:
        if group["cap"] is None:
            continue
        inside = taken = 0
        for at in sorted(moments):
            inside += sum(points for name, points in moments[at].items() if groups.get(name) == group["key"])
            cut = min(inside, group["cap"]) - inside
            if cut != taken:
                moments[at][f"cap:{group['key']}"] += cut - taken
                taken = cut


def _after(sample: Sample, person: Person, at: datetime) -> datetime:
    return min(max(at, person.created) + timedelta(seconds=1), sample.now)
