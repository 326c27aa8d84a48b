"""What still keeps a campaign from being sent: told beside the button, and asked again at the moment it starts."""

from django.utils.translation import gettext as _

from baton.accounts import users
from baton.messaging import law, rules
from baton.messaging.campaigns import ab, audience, goals
from baton.messaging.campaigns import plan as plans
from baton.messaging.models import Campaign, Email, Variant
from baton.platform.errors import Problem


def problems(campaign: Campaign) -> list[Problem]:
    """Every fault, each at its field (`email_id`, `audience`, `variants.b.email_id`, `plan.at` ...); nothing: it can be sent."""
    variants = list(Variant.objects.filter(campaign=campaign).order_by("key"))
    found = []
    if campaign.email_id is None or not variants:
        found.append(Problem("email_id", "REQUIRED", _("Choose the e-mail that is sent.")))
    found += of_mails(variants)
    if not audience.named(campaign):
        found.append(Problem("audience", "REQUIRED", _("Choose at least one list.")))
    found += audience.problems(campaign.audience)
    found += plans.problems(campaign.plan)
    found += goals.problems(campaign.goal)
    found += ab.problems(campaign.test, [v.key for v in variants], campaign.goal)
    if not found and marketing(variants) and (missing := law.missing(users.account(), rules.rules())):
        names = ", ".join(str(law.SENDER[name]) for name in missing)
        found.append(Problem("sender", "REQUIRED", _("An advertisement must say who sends it. Still missing in the settings: {names}.").format(names=names)))
    return found


def of_mails(variants: list[Variant]) -> list[Problem]:
    """What is wrong with the mails of the variants: all must be published, and of one purpose and one kind of news, for the gate judges them as one."""
    mails = Email.objects.in_bulk({v.email_id for v in variants})
    found, kinds = [], set()
    for variant in variants:
        mail = mails.get(variant.email_id)
        at = "email_id" if len(variants) == 1 else f"variants.{variant.key}.email_id"
        if mail is None or mail.archived_at is not None or mail.kind != "mail":
            found.append(Problem(at, "NOT_FOUND", _("This e-mail does not exist any more.")))
        elif not mail.version:
            found.append(Problem(at, "NOT_PUBLISHED", _("“{name}” is a draft. Publish it first.").format(name=mail.name)))
        else:
            kinds.add((mail.purpose, mail.subscription_id))
    if len(kinds) > 1:
        found.append(Problem("variants", "DIFFERENT_KINDS", _("The variants must be of one purpose and one kind of news.")))
    return found


def marketing(variants: list[Variant]) -> bool:
    """Whether one of the mails is an advertisement."""
    return Email.objects.filter(pk__in={v.email_id for v in variants}, purpose="marketing").exists()
