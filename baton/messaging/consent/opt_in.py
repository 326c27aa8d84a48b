"""Mails about what people chose: whether it was they who agreed in a form (double opt-in), that they unsubscribed, a fresh link. No marketing in any."""

import smtplib
from collections.abc import Callable

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts import users
from baton.crm import contacts
from baton.crm.models import ConsentEvent, Contact
from baton.forms import consents
from baton.forms.models import FormVersion
from baton.messaging.consent import preferences
from baton.messaging.consent.suppression import UNSUBSCRIBED
from baton.messaging.models import Suppression
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


@job
def unsubscribed(contact_id: int, id: int) -> None:
    """Tell somebody that he unsubscribed, with a link to take it back: a mail that is passed on lets others press the button."""
    row = ConsentEvent.objects.filter(contact_id=contacts.resolve(contact_id), id=id).first()
    contact = Contact.objects.filter(pk=row.contact_id).first() if row is not None else None
    if row is None or contact is None or not contact.email or preferences.refusal(row.contact_id, row.type_id, row.channel) is None:
        return
    if _plainly(contact, *_in_words(contact, lambda: preferences.undo_words(row))):
        preferences.told(row)


@job
def new_link(contact_id: int) -> None:
    """Mail a fresh link to the preference centre."""
    contact = Contact.objects.filter(pk=contacts.resolve(contact_id)).first()
    if contact is not None and contact.email:
        _plainly(contact, *_in_words(contact, lambda: preferences.link_words(contact.pk)))


def _in_words(contact: Contact, words: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    with preferences.in_language(contact):
        return words()


def _plainly(contact: Contact, title: str, text: str) -> bool:
    """Send a plain mail about somebody's own choice, unless his address bounced or he complained. Whether it went out."""
    if Suppression.objects.filter(contact_id=contact.pk, channel="email").exclude(reason=UNSUBSCRIBED).exists():
        return False
    try:
        EmailMessage(title, text, None, [contact.email], headers={"Auto-Submitted": "auto-generated"}).send()
    except smtplib.SMTPRecipientsRefused as error:
        log.warning("a mail about a choice was refused", contact=contact.pk, error=str(error))
        return False
    return True
