"""The ledger of stages: every move of a contact is one booking, so that for each stage and period opening + in - out = closing.

A booking is written in the transaction that moves the contact, and never changed. "" is outside: contacts come in from there when they are made, restored or
parted again, and go out to there when their stage is cleared and when they are archived, merged or erased.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from baton.crm import life
from baton.platform import sql
from baton.platform.actor import Actor
from baton.platform.changes import Change

BOOK = """
INSERT INTO booking (contact_id, id, at, out_of, "into", path, actor, source, reason)
SELECT r.contact_id, r.id, %s, r.out_of, r.went, r.path, %s, %s, %s
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[]) AS r(contact_id, id, out_of, went, path)
"""


class Move(NamedTuple):
    """A contact's way from a stage to another; "" is outside."""

    contact_id: int
    out_of: str
    into: str


def book(moves: Iterable[Move], *, at: datetime, actor: Actor, source: str, reason: str = "") -> list[Change]:
    """Write moves down, in the caller's transaction; what is no move is passed over. Returns what the caller tells the tick, for contacts who live."""
    real = [move for move in moves if move.out_of != move.into]
    if not real:
        return []
    ids = sql.next_ids("record_id_seq", len(real))  # in the order of time, as numbers of one contact's bookings must be
    sql.run(BOOK, [at, str(actor), source, reason[:500], *_columns(real, ids)])
    return [Change(move.contact_id, "booking", str(id)) for move, id in zip(real, ids, strict=True)]


def _columns(moves: Sequence[Move], ids: list[int]) -> list[list[object]]:
    paths = {pair: life.path(*pair) for pair in {(move.out_of, move.into) for move in moves}}
    return [
        [move.contact_id for move in moves], list(ids), [move.out_of for move in moves], [move.into for move in moves],
        [paths[move.out_of, move.into] for move in moves],
    ]  # fmt: skip


def forget_whose(contact_ids: Sequence[int], *, at: datetime, actor: Actor) -> None:
    """Of people who are erased: book them out, and leave their bookings under numbers nobody has or ever had, without what was said of them."""
    rows = sql.rows("SELECT id, coalesce(properties ->> %s, '') FROM contact WHERE id = ANY(%s) AND archived_at IS NULL", [life.PROPERTY, list(contact_ids)])
    book([Move(id, stage, "") for id, stage in rows], at=at, actor=actor, source="erase")
    fresh = [-id for id in sql.next_ids("record_id_seq", len(contact_ids))]
    listed = "unnest(%s::bigint[], %s::bigint[]) AS r(id, fresh)"
    sql.run(f"UPDATE booking b SET contact_id = r.fresh, reason = '' FROM {listed} WHERE b.contact_id = r.id", [list(contact_ids), fresh])
    sql.run(f"UPDATE booked_for f SET contact_id = r.fresh FROM {listed} WHERE f.contact_id = r.id", [list(contact_ids), fresh])
