"""What people write down about a campaign: make one, change it, copy it, send it again to those who did not open it, put it aside. Checked, with an actor.

Moving it (schedule, start, pause ...) is in steering.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from baton.messaging.campaigns import ab, audience, goals, states
from baton.messaging.campaigns import plan as plans
from baton.messaging.models import Campaign, Email, Variant
from baton.platform import clock, history
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound, Problem

FIELDS = ("name", "email_id", "audience", "plan", "test", "goal", "variants")
LONGEST = 200
KEYS = "abcde"


def create(name: str, actor: Actor, *, email_id: int | None = None, channel: str = "email", **fields: Any) -> Campaign:
    """A new draft; `fields` as in `change`. Raises Invalid with the names."""
    with transaction.atomic():
        campaign = Campaign.objects.create(name=_name(name), channel=channel, created_by=str(actor))
        history.record(actor, "created", "campaign", campaign.pk, name=campaign.name)
        if email_id is not None or fields:
            campaign = _write(campaign, {"email_id": email_id, **fields} if email_id is not None else fields)
    return campaign


def change(campaign_id: int, actor: Actor, **fields: Any) -> Campaign:
    """Change some of FIELDS of a draft, or of a campaign that has not begun. What is half written may be kept; `ready.problems` says what is missing.

    `variants`: [{"email_id", "subject", "from_name", "share"}], in the order of their keys a, b ...; one of them is no test. `email_id`: the mail of the
    first. Raises NotFound, Conflict (it has begun), Invalid.
    """
    if unknown := fields.keys() - set(FIELDS):
        raise TypeError(f"a campaign has no {', '.join(sorted(unknown))}")
    with transaction.atomic():
        campaign = held(campaign_id)
        if campaign.state not in states.CHANGEABLE:
            raise Conflict(_("This campaign has begun; what it says and to whom cannot be changed any more."))
        changed = _write(campaign, fields)
        history.record(actor, "updated", "campaign", campaign.pk, fields=sorted(fields))
        states.tell(campaign.pk)
    return changed


def copy(campaign_id: int, actor: Actor, *, name: str = "") -> Campaign:
    """A new draft with the same mail, audience, pace and test. Raises NotFound."""
    with transaction.atomic():
        given = get(campaign_id)
        plan = {key: value for key, value in given.plan.items() if key != "at"}
        test = {key: value for key, value in given.test.items() if key not in ("sent_at", "result")}
        return _twin(given, actor, name.strip() or _("{name} (copy)").format(name=given.name), plan=plan, test=test, again_of=given.again_of)


def again(campaign_id: int, actor: Actor, *, name: str = "", subject: str = "") -> Campaign:
    """A new draft to those who got this campaign and gave no sign of reading it (a program's opens do not count), if wanted under another subject.

    The lists that were left out stay left out. Of an A/B test the variant is taken that the rest got. Raises NotFound, Conflict (it is not over).
    """
    with transaction.atomic():
        given = get(campaign_id)
        if given.state not in states.OVER or given.started_at is None:
            raise Conflict(_("Only a campaign that was sent can be sent again."))
        plan = {key: value for key, value in given.plan.items() if key != "at"}
        made = _twin(given, actor, name.strip() or _("{name} (again)").format(name=given.name), plan=plan, test={}, again_of=given)
        made.audience = {key: ids for key, ids in given.audience.items() if key.startswith("except")}
        made.save(update_fields=["audience"])
        if subject.strip():
            Variant.objects.filter(campaign=made).update(subject=subject.strip())
    return made


def archive(campaign_id: int, actor: Actor) -> None:
    """Put a campaign aside: it is not listed any more; its report stays. Raises NotFound, Conflict (it is under way)."""
    with transaction.atomic():
        campaign = held(campaign_id)
        if campaign.state not in (states.DRAFT, *states.OVER):
            raise Conflict(_("This campaign is not over. Cancel it first."))
        if campaign.archived_at is None:
            Campaign.objects.filter(pk=campaign.pk).update(archived_at=clock.now(), updated_at=clock.now())
            history.record(actor, "archived", "campaign", campaign.pk, name=campaign.name)


def unarchive(campaign_id: int, actor: Actor) -> None:
    """Take it back. Raises NotFound."""
    with transaction.atomic():
        campaign = held(campaign_id)
        if campaign.archived_at is not None:
            Campaign.objects.filter(pk=campaign.pk).update(archived_at=None, updated_at=clock.now())
            history.record(actor, "restored", "campaign", campaign.pk, name=campaign.name)


def get(campaign_id: int) -> Campaign:
    """Raises NotFound."""
    found = Campaign.objects.filter(pk=campaign_id).first()
    if found is None:
        raise NotFound(_("This campaign does not exist any more."))
    return found


def held(campaign_id: int) -> Campaign:
    """The campaign, which nobody else changes until the transaction ends. Raises NotFound."""
    found = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
    if found is None:
        raise NotFound(_("This campaign does not exist any more."))
    return found


def _write(campaign: Campaign, fields: Mapping[str, Any]) -> Campaign:
    """Check and keep what is given."""
    if "name" in fields:
        campaign.name = _name(fields["name"])
    for column in ("audience", "plan", "test", "goal"):
        if column in fields:
            setattr(campaign, column, dict(fields[column] or {}))
    variants = _variants(campaign, fields)
    problems = audience.problems(campaign.audience) if "audience" in fields else []
    problems += plans.problems(campaign.plan) if "plan" in fields else []
    problems += goals.problems(campaign.goal) if "goal" in fields else []
    problems += ab.problems(campaign.test, [v.key for v in variants], campaign.goal) if "test" in fields else []
    problems += _of_variants(variants)
    if problems:
        raise Invalid(problems)
    campaign.email_id = variants[0].email_id if variants else None
    if len(variants) < 2:
        campaign.test = {}
    if campaign.state == states.SCHEDULED:
        campaign.due_at = plans.of(campaign.plan).begins(clock.now())
    campaign.save()
    if "email_id" in fields or "variants" in fields:
        Variant.objects.filter(campaign=campaign).delete()
        Variant.objects.bulk_create(variants)
    return campaign


def _variants(campaign: Campaign, fields: Mapping[str, Any]) -> list[Variant]:
    if fields.get("variants") is not None:
        given: Sequence[Mapping[str, Any]] = fields["variants"]
        if len(given) > ab.MOST:
            raise Invalid.one("variants", "TOO_MANY", _("At most {most}.").format(most=ab.MOST))
        share = 100 // max(len(given), 1)
        return [
            Variant(
                campaign=campaign,
                key=KEYS[place],
                email_id=one.get("email_id") or campaign.email_id or 0,
                subject=str(one.get("subject") or "").strip(),
                from_name=str(one.get("from_name") or "").strip(),
                share=one.get("share", share),
            )
            for place, one in enumerate(given)
        ]
    variants = list(Variant.objects.filter(campaign=campaign).order_by("key"))
    if "email_id" not in fields:
        return variants
    if fields["email_id"] is None:
        return []
    before = campaign.email_id
    if not variants:
        return [Variant(campaign=campaign, key=KEYS[0], email_id=fields["email_id"])]
    for variant in variants:  # of a test of subjects all variants have the same mail
        if variant.email_id == before:
            variant.email_id = fields["email_id"]
        variant.pk = None
    return variants


def _of_variants(variants: list[Variant]) -> list[Problem]:
    known = set(Email.objects.filter(pk__in={v.email_id for v in variants}, archived_at=None, kind="mail").values_list("pk", flat=True))
    found = []
    for variant in variants:
        at = f"variants.{variant.key}." if len(variants) > 1 else ""
        if variant.email_id not in known:
            found.append(Problem(f"{at}email_id", "NOT_FOUND", _("This e-mail does not exist any more.")))
        if not (type(variant.share) is int and 1 <= variant.share <= 100):
            found.append(Problem(f"{at}share", "INVALID_NUMBER", _("A whole number from {least} to {most}.").format(least=1, most=100)))
        if len(variant.subject) > 300 or len(variant.from_name) > 100:
            found.append(Problem(f"{at}subject", "TOO_LONG", _("At most {most} letters.").format(most=300)))
    return found


def _twin(given: Campaign, actor: Actor, name: str, **fields: Any) -> Campaign:
    made = Campaign.objects.create(
        name=name[:LONGEST], channel=given.channel, email_id=given.email_id, audience=given.audience, goal=given.goal, created_by=str(actor), **fields
    )
    variants = list(Variant.objects.filter(campaign=given).order_by("key"))
    if not made.test and len(variants) > 1:
        chosen = (given.test.get("result") or {}).get("given") or variants[0].key
        variants = [v for v in variants if v.key == chosen] or variants[:1]
        made.email_id = variants[0].email_id
        made.save(update_fields=["email_id"])
    Variant.objects.bulk_create(
        Variant(campaign=made, key=KEYS[place], email_id=v.email_id, subject=v.subject, from_name=v.from_name, share=v.share if made.test else 100)
        for place, v in enumerate(variants)
    )
    history.record(actor, "created", "campaign", made.pk, name=made.name, copied_from=given.pk)
    return made


def _name(name: str) -> str:
    if not name.strip():
        raise Invalid.one("name", "REQUIRED", _("Give the campaign a name."))
    if len(name.strip()) > LONGEST:
        raise Invalid.one("name", "TOO_LONG", _("At most {most} letters.").format(most=LONGEST))
    return name.strip()
