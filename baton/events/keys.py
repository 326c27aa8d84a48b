"""What events are about: the small table behind `event.key`. Patterns are resolved here, before the big table is read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from baton.events.vocabulary import Kind, key_kind
from baton.events.wire import page_key
from baton.platform import changes, sql

Version = tuple[int, int, int]
How = Literal["is", "starts", "contains", "any_of", "tagged"]

ADDRESSES = frozenset({Kind.PAGE_VIEW, Kind.PAGE_DWELL, Kind.DOWNLOAD})

INSERT = """
INSERT INTO event_key (kind, value, label)
SELECT * FROM unnest(%s::smallint[], %s::text[], %s::text[])
ON CONFLICT (kind, value) DO UPDATE SET label = excluded.label WHERE excluded.label <> '' AND event_key.label <> excluded.label
"""
SELECT = """
SELECT k.kind, k.value, k.id, k.label
FROM unnest(%s::smallint[], %s::text[]) AS wanted(kind, value) JOIN event_key k ON k.kind = wanted.kind AND k.value = wanted.value
"""

# Ids are taken in order but may be committed out of order: the count of the last ones tells. So do the tags.
VERSION = """
SELECT m.last, (SELECT count(*) FROM event_key k WHERE k.id > m.last - 1000),
       (SELECT coalesce(sum(hashtext(k.id || ':' || array_to_string(k.tags, ',')))::bigint, 0) FROM event_key k WHERE k.tags <> '{}')
FROM (SELECT coalesce(max(id), 0) AS last FROM event_key) m
"""


def version() -> Version:
    """Another one whenever there are other keys or tags: what a pattern means may have changed. Within a tick it is asked once, and again after new keys."""
    notes = changes.notes()
    if "keys" not in notes:
        notes["keys"] = sql.rows(VERSION)[0]
    found: Version = notes["keys"]
    return found


def resolve(wanted: Mapping[tuple[Kind, str], str]) -> dict[tuple[Kind, str], int]:
    """Ids for (kind, value) pairs with their labels: made where missing, renamed where a label changed."""
    if not wanted:
        return {}
    named: dict[tuple[int, str], str] = {}
    for (kind, value), label in wanted.items():
        named[int(key_kind(kind)), value] = label or named.get((int(key_kind(kind)), value), "")
    found = {(kind, value): (number, label) for kind, value, number, label in _select(named)}
    stale = sorted(pair for pair, label in named.items() if pair not in found or label not in ("", found[pair][1]))
    if stale:
        sql.run(INSERT, [[kind for kind, _ in stale], [value for _, value in stale], [named[pair] for pair in stale]])
        changes.notes().pop("keys", None)
        found |= {(kind, value): (number, label) for kind, value, number, label in _select(stale)}
    return {(kind, value): found[int(key_kind(kind)), value][0] for kind, value in wanted}


def _select(pairs: Iterable[tuple[int, str]]) -> list[tuple[int, str, int, str]]:
    pairs = list(pairs)
    return sql.prepared(SELECT, [[kind for kind, _ in pairs], [value for _, value in pairs]])


def ids(kind: Kind, values: Iterable[str]) -> dict[str, int]:
    """The key id of each value of a kind, made where missing."""
    return {value: number for (_, value), number in resolve({(kind, value): "" for value in values}).items()}


def recent(kind: Kind, *, most: int = 30) -> list[str]:
    """What events of a kind were about, the newest first: to choose from."""
    return [value for (value,) in sql.rows("SELECT value FROM event_key WHERE kind = %s ORDER BY id DESC LIMIT %s", [int(key_kind(kind)), most])]


def matching(kind: Kind, how: How, value: str | Sequence[str]) -> list[int]:
    """Ids of the keys that fit a pattern, ignoring case; [] when none does.

    A page may be given as `/pricing` (on any host), as `host/pricing` or as a whole address. `tagged` asks for keys that carry one of the tags.
    """
    values = [value] if isinstance(value, str) else list(value)
    if how == "tagged":
        return [id for (id,) in sql.rows("SELECT id FROM event_key WHERE kind = %s AND tags && %s::text[] ORDER BY id", [int(key_kind(kind)), values])]
    if kind in ADDRESSES:
        values = [page_key(v) if "://" in v else v for v in values]
        if how in ("is", "any_of"):
            values = [v.rstrip("/") if len(v) > 1 else v for v in values]
    anywhere = kind in ADDRESSES and how != "contains" and any(v.startswith("/") for v in values)
    # A page key is host/path: with a bare path, what stands before the first slash is not compared.
    text = "CASE WHEN w.v LIKE '/%%' THEN substr(k.value, strpos(k.value, '/')) ELSE k.value END" if anywhere else "k.value"
    test = {
        "is": f"lower({text}) = lower(w.v)",
        "any_of": f"lower({text}) = lower(w.v)",
        "starts": f"starts_with(lower({text}), lower(w.v))",
        "contains": "strpos(lower(k.value), lower(w.v)) > 0",
    }[how]
    found = sql.rows(
        f"SELECT k.id FROM event_key k WHERE k.kind = %s AND EXISTS (SELECT 1 FROM unnest(%s::text[]) AS w(v) WHERE {test}) ORDER BY k.id",
        [int(key_kind(kind)), values],
    )
    return [number for (number,) in found]


def tag(kind: Kind, value: str, *, tags: Sequence[str], rating: int | None = None) -> int:
    """Say what a page, file or form is: `early`, `middle`, `late` (how far its readers are), `case_study` ..., and what it is worth, 1 to 10.

    Replaces what was said before; returns the key's id. Lists and scores that ask for tags must be evaluated again: segments/content.py does both.
    """
    number = ids(kind, [value])[value]
    sql.run("UPDATE event_key SET tags = %s, rating = %s WHERE id = %s", [sorted({*tags}), rating, number])
    return number


def tags(kind: Kind) -> dict[str, tuple[list[str], int | None]]:
    """(tags, rating) of what carries any, by value."""
    found = sql.rows("SELECT value, tags, rating FROM event_key WHERE kind = %s AND (tags <> '{}' OR rating IS NOT NULL)", [int(key_kind(kind))])
    return {value: (list(words), rating) for value, words, rating in found}
