"""How often a program may call: a token bucket for each API token, held by the process that answers.

Several web processes allow that many times more: the limit protects the server from a runaway program, it is no quota.
"""

import math
import threading
import time
from dataclasses import dataclass

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from baton.accounts.models import ApiToken
from baton.api.errors import Failure

BURST = 100  # calls
INTERVAL = 10.0  # seconds in which the bucket fills again
DAILY = 250_000
DAY = 86_400.0


@dataclass(slots=True)
class Bucket:
    left: float
    filled_at: float
    day: float
    today: int = 0


_buckets: dict[int, Bucket] = {}
_lock = threading.Lock()


def take(request: HttpRequest, token: ApiToken) -> None:
    """Count a call. Raises Failure 429 when the token's calls are used up; a token without limit never is."""
    if not token.limited:
        return
    now = time.monotonic()
    with _lock:
        bucket = _buckets.setdefault(token.pk, Bucket(BURST, now, now))
        bucket.left = min(BURST, bucket.left + (now - bucket.filled_at) * BURST / INTERVAL)
        bucket.filled_at = now
        if now - bucket.day >= DAY:
            bucket.day, bucket.today = now, 0
        daily = bucket.today >= DAILY
        allowed = not daily and bucket.left >= 1
        if allowed:
            bucket.left -= 1
            bucket.today += 1
        wait = DAY - (now - bucket.day) if daily else (1 - bucket.left) * INTERVAL / BURST
        request.rate_limit = (math.floor(max(bucket.left, 0)), DAILY - bucket.today)  # type: ignore[attr-defined]  # for `write` below
    if not allowed:
        raise Failure(
            429,
            "RATE_LIMITS",
            "You have reached your daily limit." if daily else "You have reached your ten_secondly_rolling limit.",
            errorType="RATE_LIMIT",
            policyName="DAILY" if daily else "TEN_SECONDLY_ROLLING",
            headers={"Retry-After": str(max(1, math.ceil(wait)))},
        )


def write(request: HttpRequest, response: HttpResponseBase) -> None:
    """Tell the program where it stands; nothing for a token without limit."""
    if (state := getattr(request, "rate_limit", None)) is None:
        return
    left, today = state
    response["X-HubSpot-RateLimit-Max"] = str(BURST)
    response["X-HubSpot-RateLimit-Remaining"] = str(left)
    response["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(int(INTERVAL * 1000))
    response["X-HubSpot-RateLimit-Daily"] = str(DAILY)
    response["X-HubSpot-RateLimit-Daily-Remaining"] = str(today)


def silent(request: HttpRequest) -> None:
    """Send no headers with this answer: searches have none."""
    request.rate_limit = None  # type: ignore[attr-defined]


def forget() -> None:
    """Start all buckets anew."""
    with _lock:
        _buckets.clear()
