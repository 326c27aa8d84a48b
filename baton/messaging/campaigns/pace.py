"""Gives the chunks of a campaign their turns: not before their people's hour, in the hours of sending, no faster than the pace, no more a day than the warm-up.

A turn has an end (`closes_at`): senders take nothing after it, so that what waited while nobody sent neither comes at night nor all at once. Turns that
passed are given anew (`run.py`, once a minute), as they are when a campaign goes on after a pause.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from baton.crm import calendar
from baton.messaging.campaigns import plan as plans
from baton.messaging.campaigns.plan import Plan
from baton.messaging.models import Campaign
from baton.platform import clock, sql
from baton.platform.config import config

NEVER = datetime(9000, 1, 1, tzinfo=UTC)  # of chunks that wait for the end of an A/B test, and while turns are given
CHUNK = 500  # people of one at most
GRACE = timedelta(minutes=15)  # how long a turn of a paced campaign may be late
AHEAD = timedelta(minutes=2)  # before it is due that a message put off is looked at
STEP = 5_000  # chunks or messages of one statement
Turn = tuple[datetime, datetime | None]  # from, up to; None: no end


@dataclass(frozen=True, slots=True)
class Waiting:
    """A chunk without a turn: its place, whose clock it is read on, how many people."""

    bucket: int
    id: int
    zone: str
    n: int


def size(plan: Plan) -> int:
    """People of one chunk: of a paced campaign about those of a minute, so that they do not come in bursts."""
    most = CHUNK
    if plan.per_hour:
        most = min(most, max(1, plan.per_hour // 60))
    if plan.first:
        most = min(most, max(1, plan.first // 10))
    return most


def turns(waiting: Sequence[Waiting], plan: Plan, now: datetime, *, started: datetime, sent_today: int = 0) -> list[Turn]:
    """A turn for each, in order. Pure.

    `started`: when the campaign did; its warm-up counts days of the account from there. `sent_today`: what went already on this day.
    """
    given: list[Turn] = [(NEVER, None)] * len(waiting)
    queues: dict[str, deque[int]] = defaultdict(deque)
    for place, chunk in enumerate(waiting):
        queues[chunk.zone].append(place)
    warm_up = _WarmUp(plan, started, now, sent_today)
    cursor = now
    # Whoever's hours end first goes first, so that a slow campaign loses nobody's day.
    openings = [(*_span(now, _zone(zone), plan, started), zone) for zone in queues]
    heap = [(opens, closes or NEVER, zone) for opens, closes, zone in openings]
    heapq.heapify(heap)
    ready: list[tuple[datetime, datetime, str]] = []  # (closes, opens, zone) of those open at the cursor
    while heap or ready:
        if not ready:
            cursor = max(cursor, heap[0][0])
        while heap and heap[0][0] <= cursor:
            opens, closes, zone = heapq.heappop(heap)
            heapq.heappush(ready, (closes, opens, zone))
        closes, opens, zone = ready[0]
        if closes <= cursor:  # its hours ended before its turn came
            heapq.heappop(ready)
            again, end = _span(cursor, _zone(zone), plan, started)
            heapq.heappush(heap, (again, end or NEVER, zone))
            continue
        place = queues[zone].popleft()
        n = waiting[place].n
        if (later := warm_up.full(cursor, n)) is not None:
            queues[zone].appendleft(place)
            cursor = later
            heap += [(opens, closes, zone) for closes, opens, zone in ready]
            heapq.heapify(heap)
            ready.clear()
            continue
        end_of_turn = min(closes, cursor + GRACE) if plan.paced else closes
        given[place] = (cursor, None if end_of_turn >= NEVER else end_of_turn)
        if plan.per_hour:
            cursor += timedelta(hours=n / plan.per_hour)
        if not queues[zone]:
            ready.remove((closes, opens, zone))
            heapq.heapify(ready)
    return given


class _WarmUp:
    """How much of each day's limit is used up."""

    def __init__(self, plan: Plan, started: datetime, now: datetime, sent_today: int) -> None:
        self.plan = plan
        self.zone = config().zone
        self.began = started.astimezone(self.zone).date()
        self.used: dict[date, int] = defaultdict(int, {now.astimezone(self.zone).date(): sent_today})

    def full(self, at: datetime, n: int) -> datetime | None:
        """Count n messages; or, when the day has no room for them, the moment the next one begins."""
        if not self.plan.first:
            return None
        day = at.astimezone(self.zone).date()
        if self.used[day] and self.used[day] + n > self.plan.limit((day - self.began).days):
            return calendar.moment(day + timedelta(days=1), time.min, self.zone)
        self.used[day] += n
        return None


def _span(at: datetime, zone: ZoneInfo, plan: Plan, started: datetime) -> Turn:
    """When people of a zone can be written to, from `at` on."""
    at = max(at, plan.not_before(zone, started))
    if plan.hours is None:
        return at, None
    opens, closes = calendar.span(at, zone, plan.hours)
    return max(at, opens), closes


def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name) if name else config().zone


WAITING = """
SELECT bucket, id, zone, waiting FROM campaign_chunk
WHERE campaign_id = %(campaign)s AND variant <> '' AND waiting > 0 AND (leased_until IS NULL OR leased_until <= %(now)s)
    AND (NOT %(passed)s OR closes_at <= %(now)s)
ORDER BY least(due_at, %(now)s), id
"""
GIVE = """
UPDATE campaign_chunk c SET due_at = to_timestamp(r.due_at), closes_at = to_timestamp(r.closes_at)
FROM unnest(%(buckets)s::smallint[], %(ids)s::bigint[], %(due)s::float8[], %(close)s::float8[]) AS r(bucket, id, due_at, closes_at)
WHERE c.bucket = r.bucket AND c.id = r.id AND (c.leased_until IS NULL OR c.leased_until <= %(now)s)
"""
SENT = "SELECT count(*) FROM message WHERE campaign_id = %s AND created_at >= %s AND state <> 'skipped'"


SOON = """
SELECT o.bucket, o.message_id, o.due_at, coalesce(c.properties ->> 'time_zone', ''), coalesce(c.properties ->> 'country', '')
FROM outbox o JOIN contact c ON c.id = o.contact_id
WHERE o.campaign_id = %s AND o.due_at <= %s AND (o.leased_until IS NULL OR o.leased_until <= %s) ORDER BY o.due_at LIMIT %s
"""
WAIT = """
UPDATE outbox o SET due_at = to_timestamp(r.due_at)
FROM unnest(%s::smallint[], %s::bigint[], %s::float8[]) AS r(bucket, id, due_at)
WHERE o.bucket = r.bucket AND o.message_id = r.id AND (o.leased_until IS NULL OR o.leased_until <= %s)
"""


def give(campaign: Campaign, *, passed: bool = False) -> int:
    """Give turns to the chunks that wait, or only to those whose turn has passed (`passed`), in the caller's transaction; returns how many got one."""
    now, plan = clock.now(), plans.of(campaign.plan)
    asked = {"campaign": campaign.pk, "now": now, "passed": passed and not plan.paced}
    if passed and not sql.rows("SELECT 1 FROM campaign_chunk WHERE campaign_id = %s AND closes_at <= %s AND variant <> '' LIMIT 1", [campaign.pk, now]):
        return 0
    waiting = [Waiting(*row) for row in sql.rows(WAITING, asked)]
    started = campaign.started_at or now
    midnight = calendar.moment(now.astimezone(config().zone).date(), time.min, config().zone)
    sent_today = sql.rows(SENT, [campaign.pk, midnight])[0][0] if plan.first and waiting else 0
    given = turns(waiting, plan, now, started=started, sent_today=sent_today)
    for start in range(0, len(waiting), STEP):
        chunks, some = waiting[start : start + STEP], given[start : start + STEP]
        sql.run(
            GIVE,
            {
                "buckets": [chunk.bucket for chunk in chunks],
                "ids": [chunk.id for chunk in chunks],
                "due": [due_at.timestamp() for due_at, _closes_at in some],
                "close": [closes_at.timestamp() if closes_at else None for _due_at, closes_at in some],
                "now": now,
            },
        )
    return len(waiting)


def keep_hours(campaign: Campaign) -> int:
    """Messages that receivers put off wait for the hours of the plan too, looked at shortly before they are due; returns how many were moved."""
    now, plan = clock.now(), plans.of(campaign.plan)
    if plan.hours is None:
        return 0
    later = []
    for bucket, id, due_at, named, country in sql.rows(SOON, [campaign.pk, now + AHEAD, now, STEP]):
        own = calendar.of(named, country) if plan.zones == "contact" else None
        opens, _closes = calendar.span(max(due_at, now), own or config().zone, plan.hours)
        if opens > max(due_at, now):
            later.append((bucket, id, opens.timestamp()))
    if later:
        sql.run(WAIT, [*(list(column) for column in zip(*later, strict=True)), now])
    return len(later)
