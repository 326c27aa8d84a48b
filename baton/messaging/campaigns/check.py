"""The send check: how many of the audience would get a campaign if it were sent now and how many not, by reason. The very query that the sending asks.

A large audience takes seconds, so a job counts (`count`) and its answer is kept (SendCheck); pages show what is kept and ask for another when what it
rests on is not the same any more, or when it is old. Nothing is sent because of it: the gate decides about each person when his mail is due.
"""

import hashlib
import json
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from baton.messaging import gate
from baton.messaging.campaigns import audience, receivers, states
from baton.messaging.models import Campaign, SendCheck
from baton.platform import clock, jobs

KEPT = 1000  # people behind a reason that are kept: the first, in the order of ids
FRESH = timedelta(seconds=30)  # an older answer is counted anew when somebody looks at it
SLOW = 20  # counting may take one part in so many of the time
PATIENCE = timedelta(minutes=5)  # after which a count that did not come is asked for again
MOVING = ("now", "mx_since", "cap_since", "zones", "pepper")  # of what the gate asks with: not what somebody changes


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page can say now: `check` is None while the first count since the last change is under way."""

    check: Check | None
    counting: bool  # a count is under way
    basis: str  # a digest of what the answer rests on


def check(campaign: Campaign) -> Check:
    """Count now, in one query over the audience. A campaign without a mail or an audience has nobody."""
    if campaign.email_id is None or not audience.named(campaign):
        return Check(0, 0, at=clock.now())
    at = clock.now()
    return _read(gate.reasons(campaign.email_id, audience.people(campaign), campaign.channel, campaign_id=campaign.pk), at)


def ask(campaign: Campaign, *, anew: bool = False) -> Answer:
    """What is known, at once. Has it counted when nothing is known of what the campaign says now, when the answer is old, or (`anew`) in any case."""
    if campaign.email_id is None or not audience.named(campaign):
        return Answer(Check(0, 0, at=clock.now()), False, "")
    now, key = clock.now(), basis(campaign)
    kept = SendCheck.objects.filter(campaign=campaign).defer("people").first()
    known = kept is not None and kept.key == key and kept.at is not None
    old = not known or now - kept.at > max(FRESH, SLOW * timedelta(milliseconds=kept.took))  # type: ignore[union-attr, operator]  # known
    counting = kept is not None and kept.asked == key and (kept.at is None or kept.asked_at > kept.at) and now - kept.asked_at < PATIENCE
    if (old or anew) and not counting:
        SendCheck.objects.update_or_create(campaign=campaign, defaults={"asked": key, "asked_at": now})
        count.defer(lock=f"send-check:{campaign.pk}", campaign_id=campaign.pk)
        counting = True
    return Answer(_read(kept.said, kept.at) if kept is not None and known else None, counting, key)


@jobs.job
def count(campaign_id: int) -> None:
    """Count for whoever asked last and tell the open pages. Nothing is done when the answer is newer than the question, or the campaign has begun."""
    campaign = Campaign.objects.filter(pk=campaign_id, state__in=states.CHANGEABLE).first()
    kept = SendCheck.objects.filter(campaign_id=campaign_id).defer("people").first()
    if campaign is None or kept is None or campaign.email_id is None or not audience.named(campaign):
        return
    at, began, key = clock.now(), time.monotonic(), basis(campaign)
    if kept.key == key and kept.at is not None and kept.at >= kept.asked_at:
        return
    found = gate.told(campaign.email_id, audience.people(campaign), campaign.channel, campaign_id=campaign.pk, most=KEPT)
    SendCheck.objects.filter(campaign=campaign).update(
        key=key,
        at=at,
        took=round((time.monotonic() - began) * 1000),
        said={reason: n for reason, (n, _ids) in found.items()},
        people={reason: ids for reason, (_n, ids) in found.items()},
    )
    if campaign.channel == "email" and kept.key != key:
        receivers.name.defer(lock=f"receivers:{campaign.pk}", campaign_id=campaign.pk)  # what their DNS says is known to the next count
    states.tell(campaign.pk)


def kept(campaign: Campaign) -> SendCheck | None:
    """The last answer, without its people; None: there was none yet."""
    return SendCheck.objects.filter(campaign=campaign, at__isnull=False).defer("people").first()


def heard(campaign: Campaign) -> tuple[object, ...] | None:
    """What changes with every question and every answer."""
    return SendCheck.objects.filter(campaign=campaign).values_list("asked", "asked_at", "key", "at").first()


def people(campaign: Campaign, reason: str, *, after: int = 0, limit: int = 50) -> list[int]:
    """Of the first KEPT contacts whom this reason keeps from the mail ("" those who would get it) those after `after`, as the last count found them."""
    kept = SendCheck.objects.filter(campaign=campaign).values_list("people", flat=True).first() or {}
    return [id for id in kept.get(reason, []) if id > after][:limit]


def basis(campaign: Campaign) -> str:
    """A digest of all that somebody changes and the answer rests on: mail, audience, rules of sending, what was set aside, lists being worked out."""
    known = gate.only(gate.given(clock.now()), campaign.email_id or 0, campaign.channel)
    known["exempt"] = json.loads(known["exempt"]).get(str(campaign.pk), [])
    rests = {name: value for name, value in known.items() if name not in MOVING}
    said = [campaign.email_id, campaign.channel, campaign.again_of_id, campaign.audience, audience.being_found(campaign), rests]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _read(said: dict[str, int], at: datetime | None) -> Check:
    left = dict(said)
    total, going = sum(left.values()), left.pop("", 0)
    waits = {reason: left.pop(reason) for reason in gate.WAITING_FOR if reason in left}
    ordered = dict(sorted(left.items(), key=lambda item: (-item[1], item[0])))
    return Check(total, going + sum(waits.values()), ordered, waits, at)
