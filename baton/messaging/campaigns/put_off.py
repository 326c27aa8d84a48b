"""Why people of a campaign that is being sent still wait: receivers put their mail off, the carrier is away, or some receivers get only so many a second.

For its page: what is counted is exact, the reasons are those of some of the messages, so that a page never reads all of them.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from baton.messaging.campaigns import states
from baton.messaging.channel import Mailing, channel
from baton.messaging.incoming import bounces
from baton.messaging.models import Campaign, Variant
from baton.messaging.sending import groups, operators, rates
from baton.messaging.sending.rates import GroupRate
from baton.platform import clock, sql

SAMPLE = 500  # messages that tell the reasons
MOST = 5  # reasons, and groups, that are named
RECENT = timedelta(hours=1)  # a group that asked for less since then is named
ASKED = """
SELECT lower(split_part(m.address, '@', -1)), m.reason, m.attempts, o.due_at
FROM (SELECT contact_id, message_id, due_at FROM outbox WHERE campaign_id = %s LIMIT %s) o
JOIN message m ON m.contact_id = o.contact_id AND m.id = o.message_id
"""


@dataclass(frozen=True, slots=True)
class Why:
    """Some of those who wait, and what their receiver said."""

    receiver: str  # an operator or a domain; "": it is about the carrier
    reason: str  # in words
    n: int


@dataclass(frozen=True, slots=True)
class PutOff:
    """People whose mail was tried and has to be tried again."""

    n: int
    next_at: datetime | None  # when the next of them are tried
    tries: int  # of the one that was tried most often
    why: list[Why]  # the most frequent first
    all: bool  # whether `why` speaks of everybody who waits, or of some


def of(campaign: Campaign, queued: int) -> PutOff | None:
    """`queued`: how many of its messages wait to be tried again, as its tallies say."""
    if queued <= 0:
        return None
    rows = sql.rows(ASKED, [campaign.pk, SAMPLE])
    known, words = groups.of({domain for domain, _reason, _attempts, _due in rows}), {reason: _words(reason) for _d, reason, _a, _due in rows}
    counted = Counter((known[domain] if words[reason] else "", words[reason]) for domain, reason, _attempts, _due in rows)
    why = [Why(operators.label(group), said or _("The mail server could not be reached or took nothing."), n) for (group, said), n in counted.most_common(MOST)]
    dues = [due for _d, _r, _a, due in rows if due > clock.now()]
    return PutOff(queued, min(dues, default=None), max((attempts for _d, _r, attempts, _due in rows), default=0), why, len(rows) < SAMPLE)


def held_back(campaign: Campaign) -> list[GroupRate]:
    """Groups of receivers that get only so many a second at this moment, while it is being sent: those that asked for less, and those that are begun with."""
    if campaign.state not in states.SENDS or campaign.channel != "email":
        return []
    variant = Variant.objects.filter(campaign=campaign).order_by("key").values_list("email_id", "version").first()
    if variant is None:
        return []
    since = clock.now() - RECENT
    found = rates.shown(channel("email").way(Mailing(*variant, campaign.pk))[0])
    return [one for one in found if one.now is not None and (one.lately > 0.05 or (one.lowered_at is not None and one.lowered_at > since))][:MOST]


def _words(reason: str) -> str:
    """What a receiver said, in our words; "" when it is about the carrier."""
    return bounces.words(bounces.classify("", reason).reason) if reason[:3].isdigit() or bounces.STATUS.search(reason) else ""
