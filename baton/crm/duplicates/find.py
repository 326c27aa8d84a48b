"""Keeps the suggestions right: what changed is compared with what has a trait in common, set by set; a rebuild does it once for everybody.

A write leaves the ids of what changed in `like_due`; the worker takes them. Nothing ever looks at all records again, except `rebuild`, which is for data
that came past the records (a restored or generated database).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection, transaction

from baton.crm.duplicates import traits
from baton.crm.duplicates.traits import ENOUGH, MOST, WATCHED, WORDS
from baton.platform import clock, sql
from baton.platform.models import BUCKETS
from baton.platform.transaction import retrying

BATCH = 500  # records of one turn
CHUNK = 20_000  # records of one step of a rebuild
GROUPS = 5_000  # keys of one step of a rebuild
LOCK = 0xBA76  # class of the advisory lock: one worker at a time keeps the suggestions
READ = sorted({name for names in WATCHED.values() for name in names} - {"archived"})

SUGGEST = """
INSERT INTO likeness (record_id, other_id, object_type, score, reasons, at, dismissed_by)
SELECT r.one, r.other, %s, r.score, r.reasons, %s, '' FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::jsonb[]) AS r(one, other, score, reasons)
ON CONFLICT (record_id, other_id) DO UPDATE SET score = excluded.score, reasons = excluded.reasons
WHERE likeness.dismissed_at IS NULL AND (likeness.score, likeness.reasons) IS DISTINCT FROM (excluded.score, excluded.reasons)
"""
MEMBERS = """
SELECT k.kind, k.value, m.record_id FROM unnest(%s::smallint[], %s::bigint[]) AS k(kind, value)
CROSS JOIN LATERAL (SELECT record_id FROM like_key l WHERE l.value = k.value AND l.kind = k.kind LIMIT %s) m
"""

Found = dict[tuple[int, int], tuple[int, list[str]]]


def note(object_type: str, ids: Iterable[int], names: Iterable[str] | None = None) -> None:
    """These records changed, in these properties (None: whatever). In the caller's transaction; costs one insert for all of them."""
    watched = WATCHED.get(object_type)
    if watched is None or (names is not None and watched.isdisjoint(names)):
        return
    rows = list(ids)
    if rows:
        sql.run(
            "INSERT INTO like_due (bucket, record_id, object_type) SELECT r.id %% %s, r.id, %s FROM unnest(%s::bigint[]) AS r(id)", [BUCKETS, object_type, rows]
        )


@retrying
def drain() -> int:
    """Take records that changed and bring their suggestions up to date; returns how many were taken."""
    with transaction.atomic():
        if not sql.rows("SELECT 1 WHERE pg_try_advisory_xact_lock(%s, 0)", [LOCK]):
            return 0
        due = sql.rows("SELECT bucket, id FROM like_due ORDER BY id LIMIT %s", [BATCH])
        if not due:
            return 0
        taken = sql.rows(
            "DELETE FROM like_due d USING unnest(%s::smallint[], %s::bigint[]) AS r(bucket, id) WHERE d.bucket = r.bucket AND d.id = r.id"
            " RETURNING d.object_type, d.record_id",
            [[row[0] for row in due], [row[1] for row in due]],
        )
        by_type: dict[str, set[int]] = defaultdict(set)
        for object_type, id in taken:
            by_type[object_type].add(id)
        for object_type, ids in by_type.items():
            look(object_type, sorted(ids))
    return len(due)


def look(object_type: str, ids: Sequence[int]) -> None:
    """Compare these records with all that have a trait in common with them, and replace their suggestions."""
    rows = _read(object_type, ids)
    wanted = {(id, kind, value) for id, row in rows.items() for kind, value in traits.keys(object_type, row)}
    present = set(sql.rows("SELECT record_id, kind, value FROM like_key WHERE record_id = ANY(%s)", [list(ids)]))
    _drop_keys(present - wanted)
    _put_keys(wanted - present)
    keys = sorted({(kind, value) for _id, kind, value in wanted})
    members: dict[tuple[int, int], list[int]] = defaultdict(list)
    for kind, value, id in sql.rows(MEMBERS, [[k for k, _v in keys], [v for _k, v in keys], max(MOST.values()) + 1]):
        members[kind, value].append(id)
    changed = set(ids)
    candidates = {
        pair
        for (kind, _value), group in members.items()
        if len(group) <= MOST[kind]
        for pair in traits.pairs(group)
        if pair[0] in changed or pair[1] in changed
    }
    rows |= _read(object_type, sorted({id for pair in candidates for id in pair} - rows.keys()))
    found = _compare(object_type, candidates, rows)
    _replace(object_type, list(ids), found)


def _compare(object_type: str, candidates: Iterable[tuple[int, int]], rows: dict[int, dict[str, Any]]) -> Found:
    found: Found = {}
    faces: dict[int, traits.Face] = {}
    for pair in candidates:
        if pair[0] in rows and pair[1] in rows:
            for id in pair:
                if id not in faces:
                    faces[id] = traits.face(object_type, rows[id])
            one, other = pair
            score, reasons = traits.alike(faces[one], faces[other])
            if score >= ENOUGH:
                found[one, other] = score, reasons
    return found


def _replace(object_type: str, ids: list[int], found: Found) -> None:
    there = sql.rows(
        "SELECT record_id, other_id FROM likeness WHERE record_id = ANY(%s) AND dismissed_at IS NULL"
        " UNION SELECT record_id, other_id FROM likeness WHERE other_id = ANY(%s) AND dismissed_at IS NULL",
        [ids, ids],
    )
    over = [pair for pair in there if pair not in found]
    if over:
        sql.run(
            "DELETE FROM likeness l USING unnest(%s::bigint[], %s::bigint[]) AS r(one, other) WHERE l.record_id = r.one AND l.other_id = r.other",
            [[pair[0] for pair in over], [pair[1] for pair in over]],
        )
    _suggest(object_type, found)


def _suggest(object_type: str, found: Found) -> None:
    if found:
        rows = sorted(found.items())
        columns = [[pair[0] for pair, _ in rows], [pair[1] for pair, _ in rows], [score for _, (score, _r) in rows], [json.dumps(r) for _, (_s, r) in rows]]
        sql.run(SUGGEST, [object_type, clock.now(), *columns])


def _read(object_type: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The watched properties of the live records among these."""
    table, of_type = ("contact", "") if object_type == "contact" else ("record", " AND object_type = %s")
    return {id: dict(zip(READ, values, strict=True)) for id, *values in sql.rows(
        f"SELECT id, {_columns()} FROM {table} WHERE id = ANY(%s) AND archived_at IS NULL{of_type}", [list(ids), *([object_type] if of_type else [])]
    )}  # fmt: skip


def _columns() -> str:
    return ", ".join(f"properties ->> '{name}'" for name in READ)


def _drop_keys(keys: Iterable[tuple[int, int, int]]) -> None:
    rows = list(keys)
    if rows:
        sql.run(
            "DELETE FROM like_key k USING unnest(%s::bigint[], %s::smallint[], %s::bigint[]) AS r(id, kind, value)"
            " WHERE k.record_id = r.id AND k.kind = r.kind AND k.value = r.value",
            [list(column) for column in zip(*rows, strict=True)],
        )


def _put_keys(keys: Iterable[tuple[int, int, int]]) -> None:
    rows = sorted(keys)
    if rows:
        sql.run(
            "INSERT INTO like_key (record_id, kind, value) SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[]) ON CONFLICT DO NOTHING",
            [list(column) for column in zip(*rows, strict=True)],
        )


# Everybody --------------------------------------------------------------------


def rebuild() -> int:
    """All keys and suggestions anew, in steps that each commit; what was dismissed stays so. Returns how many suggestions there are.

    Some minutes for a million records; the incremental turns wait for it.
    """
    sql.rows("SELECT pg_advisory_lock(%s, 0)", [LOCK])
    try:
        sql.run("TRUNCATE like_key, like_due")
        sql.run("DELETE FROM likeness WHERE dismissed_at IS NULL")
        for object_type in WATCHED:
            for rows in _everybody(object_type):
                with connection.cursor() as cursor, cursor.copy("COPY like_key (record_id, kind, value) FROM STDIN") as copy:
                    for id, values in rows.items():
                        for kind, value in traits.keys(object_type, values):
                            copy.write_row((id, kind, value))
        sql.run("ANALYZE like_key")
        for groups in _groups():
            _compare_groups(groups)
        return int(sql.rows("SELECT count(*) FROM likeness WHERE dismissed_at IS NULL")[0][0])
    finally:
        sql.rows("SELECT pg_advisory_unlock(%s, 0)", [LOCK])


def _everybody(object_type: str) -> Iterator[dict[int, dict[str, Any]]]:
    table, of_type = ("contact", "") if object_type == "contact" else ("record", " AND object_type = %s")
    last = 0
    while True:
        rows = sql.rows(
            f"SELECT id, {_columns()} FROM {table} WHERE id > %s AND archived_at IS NULL{of_type} ORDER BY id LIMIT %s",
            [last, *([object_type] if of_type else []), CHUNK],
        )
        if not rows:
            return
        last = rows[-1][0]
        yield {id: dict(zip(READ, values, strict=True)) for id, *values in rows}


def _groups() -> Iterator[list[list[int]]]:
    """The records of every key that says something, so many keys at a time."""
    most = max(MOST.values())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute("CREATE TEMP TABLE like_group ON COMMIT DROP AS SELECT row_number() OVER () AS number, array_agg(record_id) AS members"
                       " FROM like_key GROUP BY value, kind HAVING count(*) BETWEEN 2 AND %s", [most])  # fmt: skip
        cursor.execute("CREATE INDEX ON like_group (number)")
        cursor.execute("SELECT count(*) FROM like_group")
        total = cursor.fetchone()[0]
        for start in range(1, total + 1, GROUPS):
            cursor.execute("SELECT members FROM like_group WHERE number >= %s AND number < %s", [start, start + GROUPS])
            yield [row[0] for row in cursor.fetchall()]


def _compare_groups(groups: Sequence[list[int]]) -> None:
    candidates = {pair for members in groups for pair in traits.pairs(members)}
    ids = sorted({id for members in groups for id in members})
    for object_type in WATCHED:
        rows = _read(object_type, ids)
        _suggest(object_type, _compare(object_type, candidates, rows))


__all__ = ["WORDS", "drain", "look", "note", "rebuild"]
