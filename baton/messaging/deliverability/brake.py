"""The brake: campaigns that harm the name of their sender are paused by themselves, with the reason, and colleagues are told.

Three things stop a campaign. Receivers do not trust the sender (SPF, DKIM, DMARC, the name of the server): nothing is wrong with these people, and
every further mail is turned away too. Too many addresses do not exist. Too many people call it spam.

Mails of workflows and single ones are never stopped: somebody asked for them, or waits for the next step. Of them the same is told to colleagues.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts import permissions
from baton.accounts.models import User
from baton.messaging.campaigns import progress, run, states
from baton.messaging.colleagues import notify
from baton.messaging.colleagues.notify import Notice
from baton.messaging.deliverability import alone, health
from baton.messaging.incoming import bounces
from baton.messaging.models import Campaign
from baton.platform import clock, sql
from baton.platform.actor import Actor
from baton.platform.config import config

UNTRUSTED, BOUNCES, COMPLAINTS = "brake_untrusted", "brake_bounces", "brake_complaints"  # words of outbox.REASONS
UNTRUSTED_LEAST = 3  # answers that say so
BOUNCES_LEAST, COMPLAINTS_LEAST, SENT_LEAST = 20, 3, 200
LATELY = timedelta(days=3)  # of mails outside campaigns
# Put off for our faults, and waiting to go again: a carrier's own words stand in the reason of the message.
WAITING = """
SELECT m.reason FROM outbox o JOIN message m ON m.contact_id = o.contact_id AND m.id = o.message_id
WHERE o.campaign_id = %s AND m.state = 'queued' AND m.reason <> '' LIMIT 200
"""


@dataclass(frozen=True, slots=True)
class Finding:
    why: str
    text: str  # with the numbers, for people


def look() -> int:
    """Look at every campaign that is being sent; returns how many were stopped."""
    going = list(Campaign.objects.filter(state__in=states.SENDS))
    if not going:
        return 0
    ids = [campaign.pk for campaign in going]
    tallies, complained = progress.tallies(ids), health.complained(ids)
    stopped = 0
    with translation.override(config().language):
        for campaign in going:
            if finding := judge(campaign.pk, tallies.get(campaign.pk, []), complained.get(campaign.pk, 0)):
                stopped += _stop(campaign, finding)
    return stopped


def judge(campaign_id: int, tally: list[tuple[str, str, int]], complained: int) -> Finding | None:
    """Whether a campaign has to stop. `tally`: (state, reason, how many) of its messages."""
    bounced = {reason: n for state, reason, n in tally if state == "bounced"}
    arrived = sum(n for state, _reason, n in tally if state in ("sent", "delivered"))
    if any(state == "queued" and n > 0 for state, _reason, n in tally):
        said = [bounces.classify("", reason).reason for (reason,) in sql.rows(WAITING, [campaign_id])]
        bounced["auth_failure"] = bounced.get("auth_failure", 0) + said.count("auth_failure")
    return weigh(bounced, arrived, complained)


def weigh(bounced: Mapping[str, int], arrived: int, complained: int) -> Finding | None:
    """What the numbers of a mail say of its sender's name. `bounced`: by reason."""
    dead = sum(n for reason, n in bounced.items() if reason in bounces.HARD)
    sent = arrived + sum(bounced.values())
    if (n := bounced.get("auth_failure", 0)) >= UNTRUSTED_LEAST:
        return Finding(UNTRUSTED, _("{n} receivers turned the mail away because they do not trust the sender.").format(n=f"{n:,}"))
    if dead >= BOUNCES_LEAST and sent >= SENT_LEAST and dead / sent >= health.BOUNCES_STOP:
        return Finding(BOUNCES, _("{n} of {all} addresses do not exist ({share}).").format(n=f"{dead:,}", all=f"{sent:,}", share=f"{dead / sent:.1%}"))
    if complained >= COMPLAINTS_LEAST and arrived >= SENT_LEAST and complained / arrived >= health.COMPLAINTS_STOP:
        words = _("{n} of {all} people reported the mail as spam ({share}).")
        return Finding(COMPLAINTS, words.format(n=f"{complained:,}", all=f"{arrived:,}", share=f"{complained / arrived:.2%}"))
    return None


def _stop(campaign: Campaign, finding: Finding) -> int:
    """Pause it and tell its maker and those who look after the settings. One that somebody resumed is not stopped for the same reason again."""
    with transaction.atomic():
        if _overruled(campaign.pk, finding.why):
            return 0
        run.stop(campaign, finding.why, finding.text)
        maker = Actor.parse(campaign.created_by)
        others = [user for user in User.objects.filter(is_active=True) if permissions.can(user, "settings", "edit") and user.pk != maker.id]
        title, cause = _("Campaign stopped: {name}").format(name=campaign.name), f"brake:{campaign.pk}:{finding.why}"
        notify.many([Notice(user.pk, cause, title, finding.text, "/deliverability/") for user in others])
    return 1


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail outside campaigns that harms the name of its sender; `kind` is workflow or single."""

    kind: str
    email_id: int
    name: str
    finding: Finding


def seen() -> list[Seen]:
    """Mails of workflows and single ones of the last days that a campaign would be stopped for."""
    names: dict[tuple[str, int], str] = {}
    bounced: dict[tuple[str, int], Counter[str]] = {}
    arrived: Counter[tuple[str, int]] = Counter()
    complained: Counter[tuple[str, int]] = Counter()
    for row in alone.by_mail(clock.now() - LATELY):
        key = row.kind, row.email_id
        names[key] = row.name
        if row.what == "bounced":
            bounced.setdefault(key, Counter())[row.reason] += row.n
        else:
            (complained if row.what == "complained" else arrived)[key] += row.n
    found = ((key, weigh(bounced.get(key, {}), arrived[key], complained[key])) for key in sorted(names))
    return [Seen(*key, names[key], finding) for key, finding in found if finding]


def watch() -> int:
    """Tell those who look after the settings what `seen` finds, each thing once a week; nothing is stopped. Returns how many notices are new."""
    told = 0
    with translation.override(config().language):
        if not (found := seen()):
            return 0
        year, week, _day = clock.now().astimezone(config().zone).isocalendar()
        users = [user for user in User.objects.filter(is_active=True) if permissions.can(user, "settings", "edit")]
        for one in found:
            words = _("Mail of a workflow harms your name: {name}") if one.kind == alone.WORKFLOW else _("Single mail harms your name: {name}")
            body = one.finding.text + " " + _("It goes on being sent.")
            cause = f"watch:{one.kind}:{one.email_id}:{one.finding.why}:{year}-{week}"
            told += len(notify.many([Notice(user.pk, cause, words.format(name=one.name), body, "/deliverability/") for user in users]))
    return told


def _overruled(campaign_id: int, why: str) -> bool:
    """Whether a person resumed it after the brake had stopped it for this: he has seen the numbers and decides."""
    asked = "SELECT 1 FROM history WHERE subject_type = 'campaign' AND subject_id = %s AND verb = 'resumed' AND detail ->> 'was' = %s LIMIT 1"
    return bool(sql.rows(asked, [str(campaign_id), why]))
