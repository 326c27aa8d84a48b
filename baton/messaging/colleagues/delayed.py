"""Who wrote a letter in his own name is told when its receiver keeps putting it off: it may be time for a telephone call."""

from datetime import timedelta

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from baton.messaging.colleagues import notify
from baton.messaging.colleagues.notify import Notice
from baton.messaging.incoming import bounces
from baton.platform import clock, sql

AFTER = timedelta(hours=4)  # as mail servers do: most of what is put off has arrived by then
MOST = 200  # notices of one look

WAITING = """
SELECT m.contact_id, m.id, u.id, u.language, m.address, m.subject, m.reason
FROM outbox o JOIN message m ON m.contact_id = o.contact_id AND m.id = o.message_id
JOIN "user" u ON u.is_active AND m.sender = 'user:' || u.id
WHERE o.campaign_id IS NULL AND m.state = 'queued' AND m.attempts > 0 AND m.created_at < %(before)s
  AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.user_id = u.id AND n.cause = 'delayed:' || m.id)
ORDER BY m.id LIMIT %(most)s
"""


def tell() -> int:
    """Tell the writers of letters that were tried and still wait, once for each; returns how many were told."""
    notices = []
    for contact, id, user, language, address, subject, reason in sql.rows(WAITING, {"before": clock.now() - AFTER, "most": MOST}):
        with translation.override(language or settings.LANGUAGE_CODE):
            title = _("Not delivered yet: {subject}").format(subject=subject)
            said = bounces.words(bounces.classify("", reason).reason) if reason[:3].isdigit() else reason
            body = _("{address}: {reason} It is tried for three days; you need not send it again.").format(address=address, reason=said)
        notices.append(Notice(user, f"delayed:{id}", title, body, f"/contacts/{contact}/", contact))
    notify.many(notices)
    return len(notices)
