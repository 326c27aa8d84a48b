"""The mail that asks the owner of an address whether it was he who agreed in a form (double opt-in). It carries no marketing."""

import smtplib

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts import users
from baton.forms import consents
from baton.forms.models import FormVersion
from baton.messaging.models import Suppression
from baton.messaging.suppression import UNSUBSCRIBED
from baton.platform import logs
from baton.platform.config import config
from baton.platform.jobs import job

log = logs.log(__name__)


@job
def ask(contact_id: int, id: int) -> None:
    """Send one, once. An address that bounced or complained is never written to."""
    row = consents.take_unsent(contact_id, id)
    if row is None or Suppression.objects.filter(contact_id=row.contact_id, channel="email").exclude(reason=UNSUBSCRIBED).exists():
        return
    version = FormVersion.objects.get(form_id=row.form_id, number=row.version)
    account = users.account()
    with translation.override(version.definition.get("language", "ko")):
        title = _("Please confirm: mails from {sender}").format(sender=account.name)
        parts = [
            _("Somebody entered this address in a form of {sender} and agreed to the following:").format(sender=account.name),
            "\n".join(str(one["text"]) for one in row.consents),
            _("If that was you, open this address and confirm:"),
            f"{config().url}/f/confirm/{consents.token(row)}",
            _("If it was not you, do nothing: you will not be written to."),
            f"— {account.name}" + (f", {account.postal_address}" if account.postal_address else ""),
        ]
    mail = EmailMessage(title, "\n\n".join(parts) + "\n", None, [row.address], headers={"Auto-Submitted": "auto-generated"})
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        log.warning("a request to confirm was refused", contact=row.contact_id, error=str(error))
    except Exception:
        consents.not_sent(row)  # the queue tries again
        raise
