"""What a colleague sets aside of the last gate for one campaign: who, why and what it rests on, kept for good. What people refused is never set aside."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging import gate
from baton.messaging.models import Campaign, Exemption
from baton.messaging.outbox import REASONS
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Forbidden, Invalid, NotFound, Problem


def grant(campaign_id: int, rule: str, *, reason: str, basis: str, actor: Actor) -> Exemption:
    """Set one of gate.EXEMPTIBLE aside for a campaign. Only a person may. Raises NotFound, Forbidden, Invalid (`rule`, `reason`, `basis`)."""
    if actor.kind != "user":
        raise Forbidden(_("Only a person can set a rule aside."))
    problems = [] if rule in gate.EXEMPTIBLE else [Problem("rule", "INVALID_OPTION", _("This rule cannot be set aside."))]
    problems += [
        Problem(name, "REQUIRED", text)
        for name, value, text in (
            ("reason", reason, _("Say why these people are written to nevertheless.")),
            ("basis", basis, _("Name what it rests on: an article of law, a contract, an agreement on paper.")),
        )
        if len(value.strip()) < 5
    ]
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        if not Campaign.objects.select_for_update().filter(pk=campaign_id).exists():
            raise NotFound(_("This campaign does not exist any more."))
        end(campaign_id, rule, actor=actor)
        made = Exemption.objects.create(
            campaign_id=campaign_id, rule=rule, reason=reason.strip()[:1000], basis=basis.strip()[:1000], actor=str(actor), at=clock.now()
        )
        history.record(actor, "exempted", "campaign", campaign_id, rule=rule, reason=made.reason, basis=made.basis)
    return made


def end(campaign_id: int, rule: str, *, actor: Actor) -> bool:
    """The rule holds again; whether it had been set aside. The record stays."""
    with transaction.atomic():
        ended = Exemption.objects.filter(campaign_id=campaign_id, rule=rule, ended_at=None).update(ended_at=clock.now())
        if ended:
            history.record(actor, "exemption_ended", "campaign", campaign_id, rule=rule)
    return bool(ended)


def of(campaign_id: int) -> Sequence[Exemption]:
    """Those that hold for a campaign."""
    return list(Exemption.objects.filter(campaign_id=campaign_id, ended_at=None).order_by("at"))


def words(rule: str) -> str:
    """The rule as the reason it gives."""
    return str(REASONS.get(rule, rule))
