"""The A/B test of a campaign: some of the audience get one of several variants, and the rest gets the one that was better for sure, if one was.

Stored as {"share": percent of the audience that takes part (100: all, nobody waits), "metric": "opened" | "clicked" | "converted", "hours": how long is
waited after the last test mail was sent, "otherwise": a variant's key | "even" | "ask"} and, as it goes on, "sent_at" and "result": {"winner", "given", "why",
"by", "at", "counts": {key: [reached, sent]}}. Only a person's opens and clicks count. Whether a variant is better is said by the interval of
segments/trial.py, which holds however often it is looked at; when it cannot be said, `otherwise` decides what the rest gets, and nobody is called a winner.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.utils.translation import gettext as _

from baton.messaging.campaigns import goals
from baton.messaging.models import Campaign, Variant
from baton.platform import clock, sql
from baton.platform.errors import Problem
from baton.segments import trial
from baton.segments.statistics import Rate, rate
from baton.segments.trial import LEAST, LEAST_REACHED

__all__ = ["LEAST", "LEAST_REACHED", "Side", "Standing", "ends_at", "problems", "standing"]

Why = Literal["", "few", "open"]
METRICS = ("opened", "clicked", "converted")
MOST = 5  # variants
LONGEST = 24 * 14  # hours
KEYS = {"share", "metric", "hours", "otherwise", "sent_at", "asked", "result"}

# Of each variant, to how many it went and how many of them did it: a program's opens and clicks count for nothing.
COUNT = """
SELECT m.variant, count(*), count(*) FILTER (WHERE EXISTS (
    SELECT 1 FROM event e
    WHERE e.contact_id = m.contact_id AND e.kind = ANY (%(kinds)s::smallint[]) AND e.ts >= m.created_at
        AND e.payload ->> 'message' = m.id::text AND NOT e.payload ? 'machine'
))
FROM message m WHERE m.campaign_id = %(campaign)s AND m.state IN ('sent', 'delivered') AND m.variant = ANY (%(keys)s) GROUP BY m.variant
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One variant: of those it went to, how many did it."""

    key: str
    rate: Rate
    better: bool = False  # than every other, for sure


@dataclass(frozen=True, slots=True)
class Standing:
    """How a test stands. `why` says why none is named better: few (not enough data), open (no difference found: it may be chance)."""

    sides: tuple[Side, ...]
    why: Why
    least: int = LEAST  # people that each variant needs
    least_reached: int = LEAST_REACHED  # of them together, who did it

    @property
    def better(self) -> str:
        return next((side.key for side in self.sides if side.better), "")


def standing(campaign: Campaign) -> Standing:
    """One statement over the messages of the test. All variants went out at the same time, so no week has to pass."""
    keys = sorted(Variant.objects.filter(campaign=campaign).values_list("key", flat=True))
    counts = _counts(campaign, keys)
    better, why = trial.best(counts, trial.WEEK)
    named: Why = "few" if why == "few" else "open" if why else ""
    return Standing(tuple(Side(key, rate(*counts[key]), key == better) for key in keys), named)


def _counts(campaign: Campaign, keys: list[str]) -> dict[str, tuple[int, int]]:
    """(did it, it went to) of each variant."""
    metric = str(campaign.test.get("metric") or "opened")
    asked = {"campaign": campaign.pk, "keys": keys, "kinds": [12] if metric == "clicked" else [11, 12]}  # who clicked has opened it
    found = {key: (did, n) for key, n, did in sql.rows(COUNT, asked)}
    if metric == "converted":
        reached = goals.reached(campaign)
        found = {key: (reached.get(key, 0), n) for key, (_did, n) in found.items()}
    return {key: found.get(key, (0, 0)) for key in keys}


def ends_at(campaign: Campaign) -> datetime | None:
    """When the waiting is over; None while test mails still wait to be sent."""
    sent_at = campaign.test.get("sent_at")
    return datetime.fromisoformat(sent_at) + timedelta(hours=float(campaign.test.get("hours") or 0)) if sent_at else None


def over(campaign: Campaign) -> bool:
    end = ends_at(campaign)
    return end is not None and end <= clock.now()


def waits(campaign: Campaign) -> bool:
    """Whether a part of the audience waits for the end of a test."""
    return bool(campaign.test) and int(campaign.test.get("share") or 100) < 100


def problems(stored: Mapping[str, Any], keys: list[str], goal: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a test of these variants; paths begin with `test.`."""
    if not stored:
        return []
    found = [Problem(f"test.{name}", "INVALID_FIELD", _("There is no such setting.")) for name in sorted(stored.keys() - KEYS)]
    share, hours = stored.get("share", 100), stored.get("hours", 24)
    if not (type(share) is int and 1 <= share <= 100):
        found.append(Problem("test.share", "INVALID_NUMBER", _("A whole number from {least} to {most}.").format(least=1, most=100)))
    if stored.get("metric", "opened") not in METRICS:
        found.append(Problem("test.metric", "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join(METRICS))))
    elif stored.get("metric") == "converted" and not goal:
        found.append(Problem("goal", "REQUIRED", _("Say first what counts as a conversion.")))
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= LONGEST:
        found.append(Problem("test.hours", "INVALID_NUMBER", _("A number of hours up to {most}.").format(most=LONGEST)))
    if stored.get("otherwise", keys[0] if keys else "a") not in (*keys, "even", "ask"):
        found.append(Problem("test.otherwise", "INVALID_OPTION", _("Expected one of: {options}.").format(options=", ".join((*keys, "even", "ask")))))
    if len(keys) < 2:
        found.append(Problem("variants", "REQUIRED", _("A test needs two variants at least.")))
    return found
