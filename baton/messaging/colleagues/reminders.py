"""Tasks that fall due remind whoever owns them, once for each date."""

from datetime import timedelta

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from baton.crm.values import stamp
from baton.messaging.colleagues import notify
from baton.messaging.colleagues.notify import Notice
from baton.platform import clock, sql

LATE = timedelta(days=3)  # for so long a worker may have been away and still remind
MOST = 500  # reminders of one look

# Stored times are texts in the order of time, so the index on `at` serves.
DUE = """
SELECT r.id, r.owner_id, u.language, coalesce(r.properties->>'subject', ''), r.properties->>'at',
    (SELECT a.to_id FROM association a WHERE a.from_id = r.id AND a.to_type = 'contact' ORDER BY a.created_at LIMIT 1)
FROM record r JOIN "user" u ON u.id = r.owner_id AND u.is_active
WHERE r.object_type = 'task' AND r.archived_at IS NULL AND r.owner_id IS NOT NULL AND coalesce(r.properties->>'status', '') <> 'COMPLETED'
  AND r.properties->>'at' > %(since)s AND r.properties->>'at' <= %(now)s
  AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.user_id = r.owner_id AND n.cause = 'task:' || r.id || ':' || (r.properties->>'at'))
ORDER BY r.properties->>'at' LIMIT %(most)s
"""


def remind() -> int:
    """Notify the owners of tasks that are due and not done; returns how many notices there were."""
    now = clock.now()
    rows = sql.rows(DUE, {"since": stamp(now - LATE), "now": stamp(now), "most": MOST})
    notices = []
    for id, owner, language, subject, at, contact in rows:
        with translation.override(language or settings.LANGUAGE_CODE):
            title = _("Task due: {subject}").format(subject=subject)
        notices.append(Notice(owner, f"task:{id}:{at}", title, "", "" if contact else f"/objects/tasks/{id}/", contact))
    notify.many(notices)
    return len(notices)
