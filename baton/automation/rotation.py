"""Who gets the next one: in turn, exactly fair however many workers give out at once, and nobody more than he can hold.

The row of the rotation is locked until the giving transaction ends: the next one begins where that left off, and sees whom it has given what.
"""

from collections.abc import Sequence

from baton.crm import pipelines, stages, types
from baton.platform import sql

TAKE = """
INSERT INTO workflow_rotation (key, given) VALUES (%(key)s, %(n)s)
ON CONFLICT (key) DO UPDATE SET given = workflow_rotation.given + %(n)s
RETURNING given
"""
GIVE_BACK = "UPDATE workflow_rotation SET given = %s WHERE key = %s"


def take(key: str, users: Sequence[int], n: int, *, most: int | None = None, object_type: str = "contact") -> list[int]:
    """The users who get the next `n` things, in order; fewer when all of them have `most` open ones.

    `users` are asked in their order; who is full is passed over.
    """
    if not users or n <= 0:
        return []
    [(given,)] = sql.rows(TAKE, {"key": key, "n": n})
    start: int = given - n
    if most is None:
        return [users[(start + i) % len(users)] for i in range(n)]
    has = held(users, object_type)  # counted under the lock
    found: list[int] = []
    turn = start
    full = 0
    while len(found) < n and full < len(users):
        user = users[turn % len(users)]
        turn += 1
        if has.get(user, 0) < most:
            has[user] = has.get(user, 0) + 1
            found.append(user)
            full = 0
        else:
            full += 1
    sql.run(GIVE_BACK, [turn - full, key])
    return found


def held(users: Sequence[int], object_type: str = "contact") -> dict[int, int]:
    """How many open ones each has: contacts who are neither customers, nor in recycling, nor at a dead end; records that are not in a closing stage."""
    if object_type == "contact":
        closed = [stage.key for stage in stages.known() if stage.kind in ("won", "recycle", "dead_end")]
        return dict(
            sql.rows(
                "SELECT owner_id, count(*) FROM contact WHERE owner_id = ANY(%s) AND archived_at IS NULL"
                " AND coalesce(properties ->> 'lifecyclestage', '') <> ALL(%s) GROUP BY owner_id",
                [list(users), closed],
            )
        )
    name = types.get(object_type).stage_property
    ended = [stage.key for rows in pipelines.stages(object_type).values() for stage in rows if stage.closed] if name else []
    return dict(
        sql.rows(
            "SELECT owner_id, count(*) FROM record WHERE owner_id = ANY(%s) AND object_type = %s AND archived_at IS NULL"
            " AND coalesce(properties ->> %s, '') <> ALL(%s) GROUP BY owner_id",
            [list(users), object_type, name or "", ended],
        )
    )
