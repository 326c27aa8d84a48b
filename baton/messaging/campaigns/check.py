"""The send check: how many of the audience would get a campaign if it were sent now and how many not, by reason. The very query that the sending asks."""

from dataclasses import dataclass, field
from datetime import datetime

from baton.messaging import gate
from baton.messaging.campaigns import audience
from baton.messaging.models import Campaign
from baton.platform import clock


@dataclass(frozen=True, slots=True)
class Check:
    """`total` is the audience; `reasons` (words of outbox.REASONS) has how many would not get it; `waits` how many would get it later."""

    total: int
    getting: int
    reasons: dict[str, int] = field(default_factory=dict)  # the most frequent first
    waits: dict[str, int] = field(default_factory=dict)  # reasons that pass by themselves: at night; these people count as getting it
    at: datetime | None = None

    @property
    def kept_out(self) -> int:
        return sum(self.reasons.values())


def check(campaign: Campaign) -> Check:
    """One query over the audience. A campaign without a mail or an audience has nobody."""
    if campaign.email_id is None or not audience.named(campaign):
        return Check(0, 0, at=clock.now())
    said = gate.reasons(campaign.email_id, audience.people(campaign), campaign.channel, campaign_id=campaign.pk)
    total, going = sum(said.values()), said.pop("", 0)
    waits = {reason: said.pop(reason) for reason in gate.WAITING_FOR if reason in said}
    ordered = dict(sorted(said.items(), key=lambda item: (-item[1], item[0])))
    return Check(total, going + sum(waits.values()), ordered, waits, clock.now())


def sample(campaign: Campaign, reason: str, *, after: int = 0, limit: int = 50) -> list[int]:
    """Contacts of the audience whom this reason keeps from the mail ("" those who would get it), in the order of ids."""
    if campaign.email_id is None or not audience.named(campaign):
        return []
    return gate.sample(campaign.email_id, audience.people(campaign), reason, campaign.channel, campaign_id=campaign.pk, after=after, limit=limit)
