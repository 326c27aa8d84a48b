"""What events keep about people: what they did, and the profile of the browser (see crm/part.py)."""

from collections.abc import Sequence
from typing import Any

from baton.crm.part import Image, One, Pair, Part, Person, Rows
from baton.events.vocabulary import HUMAN, Kind
from baton.platform import sql

PERSONAL = ["text", "url", "referrer", "title", "page", "address", "subject", "via"]  # of payloads: may tell who it was


class Events(Rows):
    """Events follow their person. How his score went stays with the id it was worked out for: it is worked out anew."""

    def back(self, pair: Pair, kept: Any) -> None:
        super().back(pair, kept)
        ids = [str(pair.gone), *(row[0] for row in sql.rows("SELECT value FROM identity WHERE kind = 'merged' AND contact_id = %s", [pair.gone]))]
        self.give(self.keys(pair.keep, "o.payload ->> 'via' = ANY(%s)", [ids]), pair.keep, pair.gone)

    def anonymise(self, person: Person) -> None:
        sql.run("DELETE FROM event WHERE contact_id = ANY(%s) AND kind = %s AND payload ? 'text'", [person.ids, int(Kind.NOTE)])
        sql.run("UPDATE event SET payload = payload - %s::text[] WHERE contact_id = ANY(%s)", [PERSONAL, person.ids])

    def copy(self, ids: list[int]) -> list[Image]:
        names = {int(kind): kind.word for kind in Kind}
        rows = sql.rows(
            "SELECT e.ts, e.kind, k.value, k.label, e.value, e.payload::text FROM event e LEFT JOIN event_key k ON k.id = e.key"
            " WHERE e.contact_id = ANY(%s) ORDER BY e.ts",
            [ids],
        )
        return [
            {"at": at.isoformat(), "what": names.get(kind, str(kind)), "about": about or "", "name": label or "", "value": value, "more": more}
            for at, kind, about, label, value, more in rows
        ]


def follow(pair: Pair, field: str, ids: Sequence[int]) -> None:
    """Give back the events that name one of these messages, submissions … in a field of their payload."""
    if ids:
        keys = EVENTS.keys(pair.keep, f"(o.payload ->> '{field}')::bigint = ANY(%s)", [list(ids)])
        EVENTS.give(keys, pair.keep, pair.gone)


class Visitors(One):
    """Who was first seen where; after an undo each was last seen when he was."""

    def back(self, pair: Pair, kept: Any) -> None:
        super().back(pair, kept)
        for id in (pair.keep, pair.gone):
            last = sql.rows(
                "SELECT max(ts) FROM event WHERE contact_id = %s AND ts >= %s AND kind = ANY(%s) AND NOT payload ? 'machine'",
                [id, pair.at, [int(kind) for kind in HUMAN]],
            )[0][0]
            if last:
                sql.run("UPDATE visitor SET last_seen_at = %s WHERE contact_id = %s AND last_seen_at < %s", [last, id, last])


def _both(ours: Image, theirs: Image) -> Image:
    first = min(ours, theirs, key=lambda row: str(row["first_seen_at"]))
    return {**first, "last_seen_at": max(ours["last_seen_at"], theirs["last_seen_at"])}


EVENTS = Events("event", ["ts", "id"], stay=f"o.kind = {int(Kind.SCORE_CHANGED)}")
PARTS: list[Part] = [
    EVENTS,
    Rows("session", ["id"], blank={"landing": "", "referrer": "", "leaving": "", "campaign": "{}"}),
    Visitors("visitor", [], pick=_both, since=lambda own, _now: own, blank={"first_page": "", "first_referrer": "", "user_agent": ""}),
]
