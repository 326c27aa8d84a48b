"""What crm keeps about people and records (see part.py), beside the records themselves and their identities, which merge.py moves."""

from datetime import datetime
from typing import Any

from baton.crm import associations, trail
from baton.crm.part import Image, Nothing, Pair, Part, Person, Rows, Stays, Strict
from baton.platform import sql
from baton.platform.actor import Actor


def stricter(ours: Image, theirs: Image) -> Image:
    """Of two answers the refusal; of two alike the newer one."""
    if ours["granted"] != theirs["granted"]:
        return theirs if ours["granted"] else ours
    return max(ours, theirs, key=lambda row: datetime.fromisoformat(row["at"]))


class Consents(Strict):
    """The answers to "may we write to you", with what the history must say when a merge takes one back."""

    def move(self, pair: Pair) -> Any:
        was = dict(sql.rows("SELECT channel, granted FROM consent WHERE contact_id = %s", [pair.keep]))
        kept = super().move(pair)
        now = dict(sql.rows("SELECT channel, granted FROM consent WHERE contact_id = %s", [pair.keep]))
        rows = [(pair.keep, f"consent.{channel}", was.get(channel), value) for channel, value in sorted(now.items()) if was.get(channel) is not value]
        trail.write("contact", rows, Actor.parse(pair.actor), "merge", pair.at)
        return kept


class Links(Part):
    """Associations, in both directions."""

    name = "association"
    people_only = False
    PUT = (
        "INSERT INTO association (from_id, from_type, to_id, to_type, label, created_at)"
        " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[])"
        " ON CONFLICT DO NOTHING RETURNING from_id, to_id, label"
    )

    def move(self, pair: Pair) -> Any:
        rows = sql.rows("SELECT to_id, to_type, label, created_at::text FROM association WHERE from_id = %s ORDER BY to_id, label", [pair.gone])
        if not rows:
            return None
        main = bool(sql.rows("SELECT 1 FROM association WHERE from_id = %s AND to_type = 'company' AND label = %s", [pair.keep, associations.PRIMARY]))
        goes = [row for row in rows if row[0] != pair.keep and not (main and pair.object_type == "contact" and row[2] == associations.PRIMARY)]
        put = self._put(pair.keep, pair.object_type, goes)
        self._drop(pair.gone, [(row[0], row[2]) for row in rows])
        return {"links": [[*row, (row[0], row[2]) in put] for row in rows]}

    def back(self, pair: Pair, kept: Any) -> None:
        if not kept:
            return
        links = [tuple(link) for link in kept["links"]]
        moved = dict(sql.rows("SELECT value::bigint, contact_id FROM identity WHERE kind = 'merged' AND value = ANY(%s)", [[str(link[0]) for link in links]]))
        links = [(moved.get(to, to), kind, label, at, new) for to, kind, label, at, new in links]
        live = {pair.keep, *self._there([link[0] for link in links])}
        has = set(sql.rows("SELECT to_id, label FROM association WHERE from_id = %s", [pair.keep]))
        links = [link for link in links if link[0] in live and (not link[4] or (link[0], link[2]) in has)]
        self._drop(pair.keep, [(link[0], link[2]) for link in links if link[4]])
        self._put(pair.gone, pair.object_type, [link[:4] for link in links])

    def erase(self, person: Person) -> None:
        for id in person.ids:
            self._drop(id, sql.rows("SELECT to_id, label FROM association WHERE from_id = %s", [id]))

    def copy(self, ids: list[int]) -> list[Image]:
        rows = sql.rows("SELECT to_type, to_id, label, created_at FROM association WHERE from_id = ANY(%s) ORDER BY to_type, to_id", [ids])
        return [{"type": kind, "id": id, "label": label, "since": at.isoformat()} for kind, id, label, at in rows]

    def _put(self, id: int, kind: str, links: list[tuple[Any, ...]]) -> set[tuple[int, str]]:
        """Link `id` in both directions; returns (other id, label) of the links that are new."""
        both = [row for to, to_kind, label, at in links for row in ((id, kind, to, to_kind, label, at), (to, to_kind, id, kind, label, at))]
        if not both:
            return set()
        rows = sql.rows(self.PUT, [list(column) for column in zip(*both, strict=True)])
        return {(to, label) for one, to, label in rows if one == id}

    def _drop(self, id: int, links: list[tuple[Any, ...]]) -> None:
        ids, labels = [link[0] for link in links], [link[1] for link in links]
        if links:
            listed = "unnest(%s::bigint[], %s::text[]) AS r(id, label)"
            sql.run(f"DELETE FROM association a USING {listed} WHERE a.from_id = %s AND a.to_id = r.id AND a.label = r.label", [ids, labels, id])
            sql.run(f"DELETE FROM association a USING {listed} WHERE a.from_id = r.id AND a.to_id = %s AND a.label = r.label", [ids, labels, id])

    def _there(self, ids: list[int]) -> set[int]:
        return {row[0] for row in sql.rows("SELECT id FROM record WHERE id = ANY(%s) UNION ALL SELECT id FROM contact WHERE id = ANY(%s)", [ids, ids])}


class Kept(Stays):
    """Bookings of stages, which tie out for ever: erase.py leaves them under a number of nobody's."""

    def erase(self, person: Person) -> None:
        return None


PARTS: list[Part] = [
    Links(),
    Consents("consent", ["channel"], refusal=lambda row: not row["granted"], pick=stricter, blank={"wording": "", "source": "", "proof": "{}"}),
    Rows("consent_event", ["id"], blank={"address": "", "wording": "", "source": "", "proof": "{}"}),
    Rows("change", ["id"], blank="delete", copied=False),
    Rows("file", ["id"], by="record_id", blank="delete", copied=False),
    Stays("property_history", ["id"], by="record_id", blank="delete"),
    Stays("import_change", ["import_id"], by="record_id", blank="delete"),
    Stays("import_consent", ["channel", "import_id"], blank="delete"),
    Stays("like_key", ["kind", "value"], by="record_id", blank="delete", copied=False),
    Stays("like_due", ["id"], by="record_id", copied=False),
    Stays("likeness", ["other_id"], by="record_id", blank="delete", copied=False),
    Kept("booking", ["id"], blank={"reason": ""}),
    Nothing("booked_for", "under which source and owner bookings are counted; goes with them to a number of nobody's"),
    Stays("merge", ["id"], by="record_id", blank="delete", copied=False),
    Nothing("identity", "merge.py moves it, erase.py deletes it"),
    Nothing("unique_value", "merge.py moves it, erase.py deletes it"),
]
