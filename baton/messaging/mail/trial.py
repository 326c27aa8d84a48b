"""A mail for colleagues to look at: the draft as one contact would get it, marked, never counted, by the very way all mail goes.

It is no message to a contact: the last gate has nothing to say, its links lead where they point, and its way out is nobody's.
"""

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.messaging.channel import Result
from baton.messaging.channels.email import domain_of
from baton.messaging.mail import emails, frame, letters
from baton.messaging.models import Email
from baton.messaging.sending import transport
from baton.platform import history, logs
from baton.platform.actor import Actor
from baton.platform.errors import Invalid
from baton.platform.jobs import job

MOST = 20  # colleagues at once

_log = logs.log(__name__)


class Away(Exception):
    """What carries mail cannot have it now: the queue tries again."""


def send(email: Email, colleagues: Sequence[int], contact_id: int, actor: Actor) -> list[User]:
    """Send the draft to these users, filled in with a contact's values (0: nobody's); returns them. Raises Invalid (`to`, or what is broken in the mail)."""
    to = list(User.objects.filter(pk__in=list(colleagues)[: MOST + 1], is_active=True).order_by("name", "pk"))
    if not to:
        raise Invalid.one("to", "REQUIRED", _("Choose who shall get it."))
    if len(to) > MOST:
        raise Invalid.one("to", "TOO_MANY", _("At most {most} at once.").format(most=MOST))
    written = letters.written(_content(email), [letters.Recipient(contact_id, address=to[0].email, mark="-")], sign=False)[0]
    if written.problem:
        raise Invalid.one("body", "INVALID_VALUE", written.problem)
    with transaction.atomic():
        history.record(actor, "tried", "email", email.pk, to=[user.pk for user in to])
        for user in to:
            deliver.defer(email_id=email.pk, user_id=user.pk, contact_id=contact_id)
    return to


@job
def deliver(email_id: int, user_id: int, contact_id: int) -> None:
    """Hand it over, in the colleague's language where Baton says something itself."""
    email, user = Email.objects.filter(pk=email_id).first(), User.objects.filter(pk=user_id, is_active=True).first()
    if email is None or user is None:
        return
    content = _content(email)
    with translation.override(user.language or settings.LANGUAGE_CODE):
        letter = letters.written(content, [letters.Recipient(contact_id, address=user.email, mark=_("[Test]"))])[0]
    carrier = transport.carrier(transport.choose(domain_of(content)))
    receipt = carrier.send([letter])[0]
    if receipt.result in (Result.DEFERRED, Result.NOT_HANDED):
        raise Away(receipt.reason)
    if receipt.result != Result.SENT:
        _log.warning("a trial was refused", user=user.pk, result=str(receipt.result), reason=receipt.reason)


def _content(email: Email) -> frame.Content:
    return frame.of(Email(pk=email.pk, name=email.name, kind=email.kind, version=email.version, **emails.compiled(emails.draft(email))))
