"""Who was never more than a visitor is forgotten when he has not come back for long: profile, events, visits and cookie."""

from datetime import timedelta

from django.db import transaction

from baton.platform import clock, logs, sql
from baton.platform.config import config

BATCH = 1000  # visitors of one transaction
MONTH = timedelta(days=365.25 / 12)

GONE = """
SELECT v.contact_id FROM visitor v
WHERE v.last_seen_at < %s AND NOT EXISTS (SELECT 1 FROM contact c WHERE c.id = v.contact_id)
  AND NOT EXISTS (SELECT 1 FROM identity i WHERE i.kind = 'merged' AND i.value = v.contact_id::text)
ORDER BY v.last_seen_at LIMIT %s
"""

log = logs.log(__name__)


def forget() -> int:
    """Delete the visitors who expired (BATON_VISITOR_MONTHS after they were last seen); returns how many."""
    before, gone = clock.now() - config().visitor_months * MONTH, 0
    while ids := [id for (id,) in sql.rows(GONE, [before, BATCH])]:
        with transaction.atomic():
            for table in ("event", "session", "identity", "change", "visitor"):
                sql.run(f"DELETE FROM {table} WHERE contact_id = ANY(%s)", [ids])
        gone += len(ids)
        sql.run("NOTIFY baton_identity")  # collectors forget whose cookies these were
    if gone:
        log.info("visitors expired", visitors=gone)
    return gone
