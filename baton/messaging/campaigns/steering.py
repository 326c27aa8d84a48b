"""What people do with a campaign: schedule it, start it, pause, go on, cancel, name the winner of its test. Each names its actor and leaves history.

A pause or a cancel takes hold at once: a sender looks at the state when it takes the next window of a chunk, so only what is on the wire still goes.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging.campaigns import ab, pace, ready, receivers, run, states, verbs
from baton.messaging.campaigns import plan as plans
from baton.messaging.models import Campaign
from baton.platform import clock, history, sql
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict, Invalid, Problem


def schedule(campaign_id: int, actor: Actor, *, at: datetime | None = None) -> Campaign:
    """Let it start at a moment (aware; kept as the account's clock shows it), or at that of its plan. Raises NotFound, Conflict, Invalid."""
    with transaction.atomic():
        campaign = verbs.held(campaign_id)
        if campaign.state not in states.CHANGEABLE:
            raise Conflict(_("This campaign has begun already."))
        if at is not None:
            campaign.plan = {**campaign.plan, "at": at.astimezone(config().zone).replace(tzinfo=None).isoformat(timespec="minutes")}
        plan, now = plans.of(campaign.plan) if not plans.problems(campaign.plan) else plans.Plan(), clock.now()
        problems = ready.problems(campaign)
        if not problems and plan.at is None:
            problems = [*problems, Problem("plan.at", "REQUIRED", _("Choose when it is sent."))]
        elif not problems and plan.at is not None and plan.at.replace(tzinfo=config().zone) <= now:
            problems = [*problems, Problem("plan.at", "PAST", _("This moment has passed."))]
        if problems:
            raise Invalid(problems)
        due_at = max(plan.begins(now), now)
        campaign.state, campaign.due_at = states.SCHEDULED, due_at
        campaign.save(update_fields=["state", "due_at", "plan", "updated_at"])
        receivers.name.defer(campaign_id=campaign.pk)
        history.record(actor, "scheduled", "campaign", campaign.pk, at=campaign.plan["at"], zones=plan.zones)
        states.tell(campaign.pk)
    return campaign


def unschedule(campaign_id: int, actor: Actor) -> Campaign:
    """Make it a draft again. Raises NotFound, Conflict (it has begun)."""
    with transaction.atomic():
        campaign = verbs.held(campaign_id)
        if campaign.state == states.DRAFT:
            return campaign
        if not states.move(campaign.pk, (states.SCHEDULED,), states.DRAFT, due_at=None):
            raise Conflict(_("This campaign has begun already."))
        history.record(actor, "unscheduled", "campaign", campaign.pk)
    return verbs.get(campaign_id)


def start(campaign_id: int, actor: Actor) -> Campaign:
    """Send it now; for people whose hours are closed, when they open. Raises NotFound, Conflict, Invalid (what is missing)."""
    with transaction.atomic():
        campaign = verbs.held(campaign_id)
        if campaign.state not in states.CHANGEABLE:
            raise Conflict(_("This campaign has begun already."))
        campaign.plan = {key: value for key, value in campaign.plan.items() if key != "at"}
        Campaign.objects.filter(pk=campaign.pk).update(plan=campaign.plan)
        run.begin(campaign, actor)
    return verbs.get(campaign_id)


def pause(campaign_id: int, actor: Actor, *, why: str = "") -> Campaign:
    """Stop sending at once. `why`: the reason, when Baton itself does it. Raises NotFound, Conflict (it is not under way)."""
    with transaction.atomic():
        campaign = verbs.held(campaign_id)
        if campaign.state == states.PAUSED:
            return campaign
        if not states.move(campaign.pk, (states.PREPARING, *states.SENDS), states.PAUSED, stopped_for=why):
            raise Conflict(_("This campaign is not being sent."))
        history.record(actor, "paused", "campaign", campaign.pk, **({"why": why} if why else {}))
    return verbs.get(campaign_id)


def resume(campaign_id: int, actor: Actor) -> Campaign:
    """Go on. What would have gone meanwhile goes at the pace of the plan, not all at once. Raises NotFound, Conflict, Invalid (it could not begin)."""
    with transaction.atomic():
        campaign = verbs.held(campaign_id)
        if campaign.state != states.PAUSED:
            raise Conflict(_("This campaign is not paused."))
        history.record(actor, "resumed", "campaign", campaign.pk, was=campaign.stopped_for)
        if campaign.started_at is None:  # it was stopped before its audience was frozen
            run.begin(campaign, actor)
        else:
            after = states.TESTING if ab.waits(campaign) and not campaign.test.get("result") else states.SENDING
            states.move(campaign.pk, (states.PAUSED,), after, stopped_for="")
            pace.give(campaign)
            sql.run("NOTIFY baton_outbox")
    return verbs.get(campaign_id)


def cancel(campaign_id: int, actor: Actor) -> Campaign:
    """Send nothing more; whoever was not written to is written down as cancelled. Raises NotFound, Conflict (it is over)."""
    with transaction.atomic():
        campaign = verbs.held(campaign_id)
        if campaign.state == states.CANCELLED:
            return campaign
        if campaign.state in (states.DRAFT, states.DONE):
            raise Conflict(_("This campaign is not being sent."))
        states.move(campaign.pk, (campaign.state,), states.CANCELLED, ended_at=clock.now(), stopped_for="")
        history.record(actor, "cancelled", "campaign", campaign.pk)
    return verbs.get(campaign_id)


def choose(campaign_id: int, key: str, actor: Actor) -> Campaign:
    """End an A/B test now: the rest of the audience gets this variant because a person says so. Raises NotFound, Conflict, Invalid (`variant`)."""
    with transaction.atomic():
        campaign = verbs.held(campaign_id)
        if campaign.state != states.TESTING:
            raise Conflict(_("No test is running."))
        if not campaign.variants.filter(key=key).exists():
            raise Invalid.one("variant", "INVALID_OPTION", _("There is no such variant."))
        run.give_rest(campaign, key, actor)
    return verbs.get(campaign_id)
