"""The campaigns of one contact, on his record: what he was sent, or why not, and what he did with it. What programs opened does not count."""

from dataclasses import dataclass
from datetime import datetime

from baton.platform import sql

from . import campaign_words as words

SHOWN = 6
LATEST = """
SELECT c.id, c.name, m.state, m.reason, coalesce(m.sent_at, m.created_at), coalesce(e.opened, false), coalesce(e.clicked, false)
FROM (SELECT * FROM message WHERE contact_id = %(id)s AND campaign_id IS NOT NULL ORDER BY id DESC LIMIT %(most)s) m JOIN campaign c ON c.id = m.campaign_id
LEFT JOIN LATERAL (
    SELECT bool_or(true) AS opened, bool_or(kind = 12) AS clicked FROM event
    WHERE contact_id = m.contact_id AND ts >= m.created_at AND kind IN (11, 12) AND payload -> 'message' = to_jsonb(m.id) AND NOT payload ? 'machine'
) e ON true
ORDER BY m.id DESC
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """One campaign of the person."""

    id: int
    name: str
    at: datetime
    label: str
    tone: str
    why: str


def card(contact_id: int) -> list[Sent]:
    """The latest, newest first; one statement."""
    return [
        Sent(id, name, at, *_became(state, opened, clicked), words.reason(reason) if reason and state not in ("sent", "delivered") else "")
        for id, name, state, reason, at, opened, clicked in sql.rows(LATEST, {"id": contact_id, "most": SHOWN})
    ]


def _became(state: str, opened: bool, clicked: bool) -> tuple[str, str]:
    if clicked:
        return words.what("clicked"), "good"
    if opened:
        return words.what("opened"), "accent"
    tones = {"bounced": "bad", "failed": "bad", "unknown": "warn", "skipped": "outline", "cancelled": "outline"}
    return words.of_message(state), tones.get(state, "outline")
