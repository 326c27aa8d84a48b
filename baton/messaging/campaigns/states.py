"""The states of a campaign, and the one statement that moves it from one to the next.

draft -> scheduled -> preparing (its audience is being frozen) -> testing -> sending -> done; a person pauses, resumes and cancels. `testing`: an A/B test
runs and the rest of the audience waits for its end.
"""

from typing import Any

from baton.messaging.models import Campaign
from baton.platform import clock, live

DRAFT, SCHEDULED, PREPARING, TESTING, SENDING, PAUSED, DONE, CANCELLED = (
    "draft",
    "scheduled",
    "preparing",
    "testing",
    "sending",
    "paused",
    "done",
    "cancelled",
)
CHANGEABLE = (DRAFT, SCHEDULED)  # what it says and to whom may still change
SENDS = (TESTING, SENDING)  # senders take its chunks
UNDER_WAY = (PREPARING, TESTING, SENDING, PAUSED)
OVER = (DONE, CANCELLED)


def topic(campaign_id: int) -> str:
    """What an open page of a campaign listens to."""
    return f"campaign:{campaign_id}"


def move(campaign_id: int, before: tuple[str, ...], after: str, **fields: Any) -> bool:
    """Take the campaign from one of these states to another, in the caller's transaction; False when it is in none of them by now."""
    moved = Campaign.objects.filter(pk=campaign_id, state__in=before).update(state=after, updated_at=clock.now(), **fields)
    if moved:
        tell(campaign_id)
    return bool(moved)


def tell(campaign_id: int) -> None:
    """Open pages of the campaign look again when the transaction commits."""
    live.publish(topic(campaign_id), what="changed")
