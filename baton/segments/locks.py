"""A full evaluation and the tick must not look at the same list at once: one would undo the other with older facts.

The tick shares the lock of every list or model it evaluates; a full evaluation has it alone. Held until the transaction ends.
"""

from collections.abc import Iterable
from typing import Literal

from baton.platform import sql

SPACE = {"segment": 0xBA71, "model": 0xBA72, "edges": 0xBA73}
What = Literal["segment", "model"]


def share(what: What, ids: Iterable[int]) -> None:
    """Wait until no full evaluation of these runs, and keep one from starting."""
    sql.rows("SELECT pg_advisory_xact_lock_shared(%s, id) FROM unnest(%s::int[]) AS id", [SPACE[what], sorted(ids)])


def free(what: What, ids: Iterable[int]) -> set[int]:
    """As `share`, without waiting: those that no full evaluation holds. The others are to be asked again later."""
    found = sql.rows("SELECT id FROM unnest(%s::int[]) AS id WHERE pg_try_advisory_xact_lock_shared(%s, id)", [sorted(ids), SPACE[what]])
    return {id for (id,) in found}


def alone(what: What, id: int) -> None:
    """Wait until nobody evaluates this, and keep others out."""
    sql.rows("SELECT pg_advisory_xact_lock(%s, %s)", [SPACE[what], id])


def first(what: Literal["edges"]) -> bool:
    """Whether this transaction is the only one at work here; never waits."""
    return bool(sql.rows("SELECT pg_try_advisory_xact_lock(%s, 0)", [SPACE[what]])[0][0])
