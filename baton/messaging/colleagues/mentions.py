"""Whoever is mentioned in what a colleague writes is told, once for each text."""

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.crm import activities
from baton.messaging.colleagues import notify
from baton.messaging.colleagues.notify import Notice
from baton.platform.actor import Actor

LONGEST = 200  # letters of the text shown in a notice


def tell(activity_id: int, html: str, *, about: str, url: str, actor: Actor, contact_id: int | None = None) -> list[int]:
    """Notify the users a text mentions, but not its writer; returns their ids. `about` is the record's name, `url` its page."""
    ids = [id for id in activities.mentioned(html) if actor != Actor("user", id)]
    if not ids:
        return []
    users = list(User.objects.filter(pk__in=ids, is_active=True))
    writer = User.objects.filter(pk=actor.id).values_list("name", flat=True).first() if actor.kind == "user" and actor.id else None
    text = " ".join(activities.plain(html).split())
    body = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    notices = []
    for user in users:
        with translation.override(user.language or settings.LANGUAGE_CODE):
            title = _("{who} mentioned you: {about}").format(who=writer or "Baton", about=about)
        notices.append(Notice(user.pk, f"mention:{activity_id}", title, body, url, contact_id))
    notify.many(notices)
    return [user.pk for user in users]
