"""How many messages of a campaign are in which state: differences, written in the transaction that changes the messages.

Counted are messages that are settled, and those that wait in the outbox (`queued`, also while a sender has them). Of a chunk's people those without a
settled message are in chunk.waiting, or on the wire this moment.
"""

from baton.messaging.incoming import bounces
from baton.platform import sql
from baton.platform.models import BUCKETS

WITH_REASON = frozenset({"skipped", "failed", "bounced"})
INSERT = """
INSERT INTO campaign_tally (bucket, id, campaign_id, variant, state, reason, n)
SELECT r.bucket, nextval('message_id_seq'), r.campaign_id, r.variant, r.state, r.reason, r.n
FROM unnest(%s::smallint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[]) AS r(bucket, campaign_id, variant, state, reason, n)
"""


class Tally:
    """Differences of one transaction."""

    def __init__(self) -> None:
        self._n: dict[tuple[int, int, str, str, str], int] = {}

    def add(self, contact_id: int, campaign_id: int | None, variant: str, state: str, reason: str = "", n: int = 1) -> None:
        """`n` more messages of this person's bucket are in this state (negative: fewer)."""
        if campaign_id is not None:
            key = contact_id % BUCKETS, campaign_id, variant, state, bounces.word(reason) if state in WITH_REASON else ""
            self._n[key] = self._n.get(key, 0) + n

    def write(self) -> None:
        rows = [(*key, n) for key, n in sorted(self._n.items()) if n]
        if rows:
            sql.prepared(INSERT, [list(column) for column in zip(*rows, strict=True)])
        self._n.clear()
