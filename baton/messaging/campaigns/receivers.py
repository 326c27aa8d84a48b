"""The domains that a campaign goes to are named before it does, so that who takes their mail is known when their turn comes (see sending/mx.py)."""

from baton.messaging.campaigns import audience
from baton.messaging.models import Campaign
from baton.messaging.sending import mx
from baton.platform import sql
from baton.platform.jobs import job

FROZEN = "SELECT u.contact_id FROM campaign_chunk k CROSS JOIN LATERAL unnest(k.contact_ids) AS u(contact_id) WHERE k.campaign_id = %(campaign)s"
DOMAINS = "SELECT DISTINCT lower(split_part(c.email, '@', -1)) FROM ({people}) p JOIN contact c ON c.id = p.contact_id WHERE c.email <> ''"


@job
def name(campaign_id: int) -> None:
    """Name the domains of its audience, as it was frozen or as it is now."""
    campaign = Campaign.objects.filter(pk=campaign_id, channel="email").first()
    if campaign is None:
        return
    text, params = FROZEN, {"campaign": campaign.pk}
    if campaign.started_at is None:
        people = audience.people(campaign)
        text, params = people.text, dict(people.params)
    mx.want(domain for (domain,) in sql.rows(DOMAINS.replace("{people}", text), params))
