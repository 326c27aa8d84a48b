"""The steady tasks about the name of a sender; messaging/jobs.py brings them along."""

from baton.messaging.deliverability import brake, dmarc, dns_checks
from baton.messaging.models import SendingDomain
from baton.platform import jobs


@jobs.every("* * * * *")
def campaign_brake() -> None:
    """Campaigns that harm their sender's name stop."""
    brake.look()


@jobs.every("*/10 * * * *")
def mail_outside_campaigns() -> None:
    """Colleagues hear of workflows and single mails that harm their sender's name; these go on."""
    brake.watch()


@jobs.every("35 */6 * * *")
def dns_of_domains() -> None:
    """What the DNS says of every sending domain."""
    for domain in SendingDomain.objects.all():
        dns_checks.keep(domain)


@jobs.every("15 4 * * *")
def old_dmarc_reports() -> None:
    """Those of more than a year ago go."""
    dmarc.forget()
