"""What a draft would do before it counts: how the scores would lie, who would change band, and how scores lie now.

One statement puts the stored score of everybody beside the one by the draft and counts both at once. Above EXACT contacts it looks at some
of them, taken anywhere, and says that its numbers are estimates.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from baton.platform import clock, sql
from baton.segments import catalog, patience, score_sql
from baton.segments.card import Band, Card
from baton.segments.models import ScoreModel

EXACT = 250_000  # contacts up to which everybody is scored by the draft
SAMPLE = 20_000  # contacts looked at above
BINS = 35
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
SHOWN = 12  # people named


@dataclass(frozen=True, slots=True)
class Scale:
    """The bins of a histogram: BINS of `step` points from `low` on; the first and the last are open."""

    low: int
    step: int

    @property
    def high(self) -> int:
        """Where the last bin begins."""
        return self.low + self.step * (BINS - 1)

    @property
    def end(self) -> int:
        """Where the last bin would end."""
        return self.low + self.step * BINS

    def places(self) -> list[int]:
        """Where each bin begins."""
        return [self.low + i * self.step for i in range(BINS)]


@dataclass(frozen=True, slots=True)
class Lie:
    """How scores lie: contacts by bin of the scale, and by band (first those below all)."""

    bins: list[int]
    bands: list[int]

    @property
    def total(self) -> int:
        return sum(self.bands)


@dataclass(frozen=True, slots=True)
class Mover:
    """Somebody whose points would not stay. Bands are places in the card, -1 below the first."""

    contact_id: int
    before: int
    after: int
    band_before: int
    band_after: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What publishing would do. `moves[i][j]`: contacts that would go from band i of the old card to band j of the new (0: below the first)."""

    exact: bool
    looked_at: int
    scale: Scale
    before: Lie
    after: Lie
    moves: list[list[int]]
    changed: int  # contacts whose points change
    crossed: int  # contacts whose band changes
    people: list[Mover]


def scale(bands: Iterable[Band]) -> Scale:
    """Bins of a round number of points, so that all bands are well inside."""
    top = max([band.at_least for band in bands] or [0], default=0)
    top = top if top > 0 else 100
    step = next((s for s in STEPS if s * 30 >= top * 2.2), STEPS[-1])
    return Scale(-4 * step, step)


def lie(model: ScoreModel, bands: Sequence[Band], on: Scale) -> Lie:
    """How the stored scores of a model lie, with these bands. Who has no score has 0."""
    table, scores, id = _tables(model)
    params: dict[str, Any] = {"model": model.pk, "object_type": model.object_type}
    rows = sql.rows(
        f"SELECT {_bin('t.total', on)}, {_band('t.total', bands)}, count(*) FROM (SELECT coalesce(s.total, 0) AS total FROM {table} c"
        f" LEFT JOIN {scores} s ON s.{id} = c.id AND s.model_id = %(model)s WHERE {_those(model)}) t GROUP BY 1, 2",
        params,
    )
    return _lie([(bin, band, n) for bin, band, n in rows], len(bands))


def of(model: ScoreModel, old: Card, new: Card, *, most: int = EXACT) -> Effect:
    """What publishing `new` in place of `old` would do. Up to `most` contacts everybody is asked, above SAMPLE of them."""
    on = scale((*old.bands, *new.bands))
    table, scores, id = _tables(model)
    whole = patience.size(table) <= most
    trial = score_sql.points(score_sql.plan_for(new, catalog.current(), ledger=model.pk), clock.now(), whom=not whole)
    ids = {} if whole else {"ids": _some(model, table)}
    mine = "" if whole else "AND c.id = ANY(%(ids)s)"
    rows = sql.rows(
        f"""
        WITH both_scores AS (
            SELECT c.id, coalesce(s.total, 0) AS old, coalesce(t.total, 0) AS new
            FROM {table} c LEFT JOIN ({trial.text}) t ON t.contact_id = c.id
            LEFT JOIN {scores} s ON s.{id} = c.id AND s.model_id = %(model)s
            WHERE {_those(model)} {mine}
        )
        SELECT {_bin("old", on)}, {_bin("new", on)}, {_band("old", old.bands)}, {_band("new", new.bands)}, count(*), count(*) FILTER (WHERE old <> new),
               to_jsonb(max(ARRAY[abs(new - old), id, old, new]::bigint[])), to_jsonb(min(ARRAY[-abs(new - old), id, old, new]::bigint[]))
        FROM both_scores GROUP BY 1, 2, 3, 4
        """,
        {**trial.params, **ids, "model": model.pk, "object_type": model.object_type},
    )
    looked_at = sum(row[4] for row in rows)
    ratio = 1.0 if whole or not looked_at else max(1.0, patience.size(table) / looked_at)
    moves = [[0] * (len(new.bands) + 1) for _ in range(len(old.bands) + 1)]
    for _old_bin, _new_bin, was, now, n, *_rest in rows:
        moves[was][now] += n
    keys = [band.key for band in old.bands]
    same = {i: (keys.index(band.key) if band.key in keys else -2) + 1 for i, band in enumerate(new.bands, 1)} | {0: 0}
    return Effect(
        whole,
        looked_at,
        on,
        _times(_lie([(row[0], row[2], row[4]) for row in rows], len(old.bands)), ratio),
        _times(_lie([(row[1], row[3], row[4]) for row in rows], len(new.bands)), ratio),
        [[round(n * ratio) for n in line] for line in moves],
        round(sum(row[5] for row in rows) * ratio),
        round(sum(row[4] for row in rows if same[row[3]] != row[2]) * ratio),
        _people(rows, same),
    )


def _people(rows: Iterable[Sequence[Any]], same: dict[int, int]) -> list[Mover]:
    """Some of those who move: who changes band first, then who moves most; from every pair of places in the histogram at most two."""
    found: dict[int, Mover] = {}
    for _old_bin, _new_bin, was, now, _n, changed, *examples in rows:
        if not changed and same[now] == was:
            continue
        for example in examples:
            _much, id, before, after = json.loads(example) if isinstance(example, str) else example
            found[id] = Mover(id, before, after, was - 1, now - 1)
    return sorted(found.values(), key=lambda m: (same[m.band_after + 1] == m.band_before + 1, -abs(m.after - m.before), m.contact_id))[:SHOWN]


def _some(model: ScoreModel, table: str) -> list[int]:
    """Contacts taken anywhere, by blocks of the table."""
    percent = min(100.0, 100.0 * SAMPLE * 1.1 / max(1, patience.size(table)))
    found = sql.rows(f"SELECT c.id FROM {table} c TABLESAMPLE SYSTEM ({percent:.4f}) WHERE {_those(model)} LIMIT {SAMPLE}", {"object_type": model.object_type})
    return sorted(id for (id,) in found)


def _tables(model: ScoreModel) -> tuple[str, str, str]:
    """The table of what is scored, that of the scores, and what names the scored thing there."""
    return ("contact", "score", "contact_id") if model.object_type == "contact" else ("record", "record_score", "record_id")


def _those(model: ScoreModel) -> str:
    return "c.archived_at IS NULL" + ("" if model.object_type == "contact" else " AND c.object_type = %(object_type)s")


def _bin(total: str, on: Scale) -> str:
    return f"least(greatest(floor(({total} - ({on.low}))::numeric / {on.step}), 0), {BINS - 1})::int"


def _band(total: str, bands: Sequence[Band]) -> str:
    """How many bands begin at or below: 0 is below the first."""
    return " + ".join(["0", *(f"({total} >= {int(band.at_least)})::int" for band in bands)])


def _lie(rows: Iterable[tuple[int, int, int]], bands: int) -> Lie:
    found = Lie([0] * BINS, [0] * (bands + 1))
    for bin, band, n in rows:
        found.bins[bin] += n
        found.bands[band] += n
    return found


def _times(one: Lie, ratio: float) -> Lie:
    return one if ratio == 1 else Lie([round(n * ratio) for n in one.bins], [round(n * ratio) for n in one.bands])
