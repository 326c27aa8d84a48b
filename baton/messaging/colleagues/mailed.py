"""Notices to colleagues by e-mail: a job each, so that one that fails is tried again by itself."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts import users
from baton.accounts.models import User
from baton.messaging.models import Notification
from baton.platform import logs
from baton.platform.config import config
from baton.platform.jobs import job

BY_A_PROGRAM = {"Auto-Submitted": "auto-generated"}  # RFC 3834: no out-of-office note answers it
log = logs.log(__name__)


@job
def notice(notification_id: int) -> None:
    """Mail one notice in the receiver's language. A notice that is gone, read by now, or a colleague who left: nothing to send."""
    row = Notification.objects.filter(pk=notification_id, read_at=None).first()
    user = User.objects.filter(pk=row.user_id, is_active=True).first() if row else None
    if row is None or user is None:
        return
    url = f"{config().url}{row.url}" if row.url else ""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        parts = [row.title, row.body, url, "— " + _("Baton of {account}").format(account=users.account().name)]
    try:
        title = " ".join(row.title.split())  # it may quote what strangers wrote
        EmailMessage(title, "\n\n".join(filter(None, parts)) + "\n", None, [user.email], headers=BY_A_PROGRAM).send()
    except smtplib.SMTPRecipientsRefused as error:
        log.warning("a notice was refused", user=user.pk, error=str(error))
