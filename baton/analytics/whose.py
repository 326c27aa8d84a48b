"""Whose a booking is: the source and the owner under which reports count it.

What was counted stays under the source and owner noted in `booked_for`, and what is newer goes there too, so that everything ties out at every moment.
When a contact gets another source or owner, `moved` takes all he did over to it: at most a minute later, by the changes noted in `whose_due`.
"""

from collections.abc import Iterable

from django.db import transaction

from baton.analytics import counting
from baton.analytics.models import Counted
from baton.platform import sql
from baton.platform.changes import Change

LOOKED_AT = {"lead_source", "owner_id"}
BATCH, ROUNDS = 10_000, 30  # contacts at a time, and how often within a minute

# Joined to `b`, the bookings: w.source, and w.owner_id (0: nobody).
JOIN = """
LEFT JOIN booked_for f ON f.contact_id = b.contact_id LEFT JOIN contact c ON c.id = b.contact_id
CROSS JOIN LATERAL (SELECT CASE WHEN f.contact_id IS NULL THEN coalesce(c.properties ->> 'lead_source', '') ELSE f.source END AS source,
                           CASE WHEN f.contact_id IS NULL THEN coalesce(c.owner_id, 0) ELSE f.owner_id END AS owner_id) w
"""
OTHER = """
SELECT f.contact_id, f.source, f.owner_id, coalesce(c.properties ->> 'lead_source', ''), coalesce(c.owner_id, 0)
FROM booked_for f JOIN contact c ON c.id = f.contact_id
WHERE f.contact_id = ANY(%s) AND (f.source <> coalesce(c.properties ->> 'lead_source', '') OR f.owner_id <> coalesce(c.owner_id, 0))
"""
DUE = "DELETE FROM whose_due d USING (SELECT contact_id FROM whose_due ORDER BY contact_id LIMIT %s) q WHERE q.contact_id = d.contact_id RETURNING d.contact_id"


def note(changes: Iterable[Change]) -> None:
    """Note, in the tick's transaction, who must be looked at again."""
    ids = sorted({one.contact_id for one in changes if one.kind == "identity" or (one.kind == "property" and one.key in LOOKED_AT)})
    if ids:
        sql.run("INSERT INTO whose_due (contact_id) SELECT unnest(%s::bigint[]) ON CONFLICT DO NOTHING", [ids])


def moved() -> int:
    """Count those who were noted under the source and owner they have now, one worker at a time; returns how many had others."""
    done = 0
    for _ in range(ROUNDS):
        with transaction.atomic():
            state = Counted.objects.select_for_update().first()
            sql.run(counting.HOLD)
            ids = sorted({row[0] for row in sql.rows(DUE, [BATCH])})
            rows = sql.rows(OTHER, [ids]) if ids and state is not None else []
            if state is not None and rows:
                counting.take_over(rows, state)
            done += len(rows)
        if not ids:
            break
    return done
