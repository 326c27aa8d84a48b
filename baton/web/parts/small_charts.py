"""Small charts of The Model: a stage's flow as bars and its balance as a line over months, drawn as SVG, with the days marked on which its rule changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from baton.analytics.funnel import Board
from baton.analytics.marks import Mark
from baton.analytics.periods import Period
from baton.crm.stages import Stage
from baton.platform.config import config

from ..templatetags.fmt import day_only, num
from . import funnel_words as words

WIDTH, HEIGHT, FOOT = 312, 96, 16  # px


@dataclass(frozen=True, slots=True)
class Chart:
    """One stage over months. `bars`: x, y, width, height, title. `balance`: points of a line. `marks`: x and title."""

    key: str
    name: str
    width: int
    height: int
    foot: int
    flow: int  # of the last month
    closing: int
    cvr: str
    bars: list[tuple[float, float, float, float, str]]
    balance: str
    marks: list[tuple[float, str]]
    heads: list[tuple[float, str]]
    most: int  # people at the top of the bars
    most_held: int  # … and of the line


def of_stage(stage: Stage, months: Sequence[Period], boards: Sequence[Board], changed: Sequence[Mark]) -> Chart:
    """The chart of one stage over these months."""
    rows = [board.rows[stage.key] for board in boards]
    most, held = max(1, *(row.flow_in for row in rows)), max(1, *(row.closing for row in rows))
    step, tall = WIDTH / len(months), HEIGHT - FOOT - 6
    bars, points = [], []
    for n, (month, row) in enumerate(zip(months, rows, strict=True)):
        h = row.flow_in * tall / most
        title = f"{words.month(month.first)}: {num(row.flow_in)} · {words.what('closing')} {num(row.closing)} · CVR {words.percent(row.cvr)}"
        bars.append((n * step + 3, HEIGHT - FOOT - h, step - 6, h, title))
        points.append(f"{(n + 0.5) * step:.1f},{HEIGHT - FOOT - row.closing * tall / held:.1f}")
    begin, end = months[0].first, months[-1].until
    days = (end - begin).days
    marks = [((mark.at.astimezone(config().zone).date() - begin).days * WIDTH / days, day_only(mark.at)) for mark in changed if stage.key in mark.stages]
    heads = [((n + 0.5) * step, words.short_month(month.first)) for n, month in enumerate(months) if n in (0, len(months) // 2, len(months) - 1)]
    last = rows[-1]
    return Chart(
        stage.key,
        stage.label,
        WIDTH,
        HEIGHT,
        HEIGHT - FOOT,
        last.flow_in,
        last.closing,
        words.percent(last.cvr),
        bars,
        " ".join(points),
        marks,
        heads,
        most,
        held,
    )
