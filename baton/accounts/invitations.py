"""Invites a colleague by a link with which he chooses his password. The link works once and for three days, as one for a forgotten password does."""

import smtplib

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts import authority, users
from baton.accounts.models import User
from baton.platform import history, logs
from baton.platform.actor import Actor
from baton.platform.config import config
from baton.platform.errors import Conflict

log = logs.log(__name__)


def link(user: User) -> str:
    """Where the invited person chooses a password. Whoever has the link can sign in as this user, so it is shown to those who may manage him only."""
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return config().url + reverse("account_reset_password_from_key", kwargs=key)


def send(user_id: int, *, actor: Actor) -> tuple[str, bool]:
    """Mail the invitation in the invited person's language; returns the link, and whether the mail server took the mail.

    Raises NotFound, Forbidden for a user who may do more than the actor, and Conflict for one who has a password or was deactivated.
    """
    user = users.get(user_id)
    authority.may_manage(actor, user)
    if user.has_usable_password() or not user.is_active:
        raise Conflict(_("This user needs no invitation."))
    made = link(user)
    inviter = User.objects.filter(pk=actor.id).first() if actor.kind == "user" and actor.id else None
    context = {"url": made, "inviter": inviter.name if inviter else "", "account": users.account().name, "name": user.name}
    with translation.override(user.language or translation.get_language()):
        subject = _("{name} invites you to Baton").format(name=context["inviter"] or context["account"])
        try:
            sent = bool(send_mail(subject, render_to_string("account/email/invitation.txt", context), None, [user.email]))
        except (OSError, smtplib.SMTPException) as error:  # the link can be passed on by hand
            log.warning("the invitation was not sent", user=user.pk, error=str(error))
            sent = False
    history.record(actor, "invited", "user", user.pk, mailed=sent)
    return made, sent
