"""How far a campaign is: what became of how many, how fast it goes and when it will be through. Reads sums and chunks, never all messages."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from baton.messaging.campaigns import states
from baton.messaging.models import Campaign
from baton.platform import clock, sql

LATELY = 2000  # messages that tell the rate
WINDOW = timedelta(minutes=5)
SETTLED = frozenset({"sent", "delivered", "bounced", "failed", "skipped", "unknown", "cancelled"})


@dataclass(frozen=True, slots=True)
class Progress:
    """`people` = `done` + `waiting`, once the audience is frozen."""

    people: int
    done: int  # nothing more will happen to them by itself: sent, skipped, failed ...
    waiting: int  # not begun, or put off by a receiver
    states: dict[str, int]  # of the messages
    reasons: dict[tuple[str, str], int]  # (state, reason) -> how many, of those skipped, failed and bounced
    held: int  # of those waiting: kept back until an A/B test ends
    rate: float  # messages a second, lately; 0: nothing was sent lately
    left: timedelta | None  # until everybody was written to; None: nobody can say
    next_at: datetime | None  # when the next are due, if none is now

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.done / self.people if self.people else 0.0


def of(campaign: Campaign) -> Progress:
    """Three statements, over sums, chunks, and the newest messages."""
    now = clock.now()
    states_, reasons = Counter[str](), Counter[tuple[str, str]]()
    for state, reason, n in tallies([campaign.pk]).get(campaign.pk, []):
        states_[state] += n
        if reason:
            reasons[state, reason] += n
    [(waiting, held, due_now, next_at, last_at)] = sql.rows(
        "SELECT coalesce(sum(waiting), 0), coalesce(sum(waiting) FILTER (WHERE variant = ''), 0), count(*) FILTER (WHERE variant <> '' AND due_at <= %s),"
        " min(due_at) FILTER (WHERE variant <> ''), max(due_at) FILTER (WHERE variant <> '') FROM campaign_chunk WHERE campaign_id = %s",
        [now, campaign.pk],
    )
    done = sum(n for state, n in states_.items() if state in SETTLED)
    rate = _rate(campaign, now)
    left = None
    if campaign.state in states.SENDS and not held and waiting:
        soon = timedelta(seconds=waiting / rate) if rate else timedelta()
        later = last_at - now if last_at else timedelta()
        left = max(soon, later) if rate or later > timedelta() else None
    return Progress(
        people=campaign.people,
        done=done,
        waiting=max(campaign.people - done, 0) if campaign.people else int(waiting),
        states={state: n for state, n in states_.items() if n},
        reasons={key: n for key, n in reasons.items() if n},
        held=int(held),
        rate=rate,
        left=left,
        next_at=next_at if waiting and not due_now and campaign.state in states.SENDS else None,
    )


def tallies(campaign_ids: list[int]) -> dict[int, list[tuple[str, str, int]]]:
    """Of many campaigns at once: (state, reason, how many) of their messages."""
    found: dict[int, list[tuple[str, str, int]]] = {}
    for campaign_id, state, reason, n in sql.rows(
        "SELECT campaign_id, state, reason, sum(n)::bigint FROM campaign_tally WHERE campaign_id = ANY(%s)"
        " GROUP BY 1, 2, 3 HAVING sum(n) <> 0 ORDER BY 1, 2, 3",
        [campaign_ids],
    ):
        found.setdefault(campaign_id, []).append((state, reason, int(n)))
    return found


def _rate(campaign: Campaign, now: datetime) -> float:
    [(n, first)] = sql.rows(
        "SELECT count(*), min(sent_at) FROM (SELECT sent_at FROM message WHERE campaign_id = %s ORDER BY id DESC LIMIT %s) m WHERE sent_at > %s",
        [campaign.pk, LATELY, now - WINDOW],
    )
    return n / max((now - first).total_seconds(), 1.0) if n else 0.0
