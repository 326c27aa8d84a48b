"""Draws the board of The Model as plain shapes: what goes on, what waits, what is recycled and where it ends. No script, no library: SVG by Python."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from baton.analytics.funnel import Board, Row

from ..templatetags.fmt import num

WIDTH, BAR, TALL = 1116, 12, 236  # px; TALL: of the stage with the most people
LEAST = 2.5  # px of anything that is there
LABELLED = 12  # px from which what waits is labelled in the drawing
DROP, LANE = 34, 40  # px: how far a dead end falls; between the lanes of two recycle stages
ARC = 26  # px above the bars where fast passes fly


@dataclass(slots=True)
class Drawing:
    """Shapes by layer; each a dict that the template turns into one element."""

    width: int = WIDTH
    height: float = 0
    bars: list[dict[str, Any]] = field(default_factory=list)  # kind, x, y, h, w, title
    fills: list[dict[str, Any]] = field(default_factory=list)  # kind, d, title
    lines: list[dict[str, Any]] = field(default_factory=list)  # kind, d, w, title
    texts: list[dict[str, Any]] = field(default_factory=list)  # kind, x, y, text, anchor
    boxes: list[dict[str, Any]] = field(default_factory=list)  # x, y, half, name, n


@dataclass(frozen=True, slots=True)
class _Paper:
    drawing: Drawing
    columns: list[Row]
    scale: float  # px of one person
    top: float

    @property
    def step(self) -> float:
        return WIDTH / len(self.columns)

    def x(self, key: str) -> float:
        return next((n * self.step for n, row in enumerate(self.columns) if row.stage.key == key), WIDTH - self.step / 2)

    def px(self, n: float) -> float:
        return max(n * self.scale, LEAST) if n > 0 else 0.0


def draw(board: Board, columns: Sequence[Row]) -> Drawing:
    """The drawing for these columns of the board, left to right."""
    drawing = Drawing()
    if not columns:
        return drawing
    fast = any(row.left["fast_pass"] for row in columns)
    most = max(1, *(row.flow_in if row.stage.kind == "won" else row.stays for row in columns))
    paper = _Paper(drawing, list(columns), TALL / most, 8 + (ARC + 10 if fast else 0))
    feet: dict[str, float] = {}
    lanes = _lanes(board, paper)
    for row in columns:
        feet[row.stage.key] = _column(paper, board, row, lanes)
    if fast:
        _passes(paper, board)
    for row in board.boxes:
        if row.stage.key in lanes:
            _box(paper, board, row, lanes[row.stage.key], feet)
    low = max([paper.top + TALL, *feet.values(), *(bar["y"] + bar["h"] for bar in drawing.bars), *(text["y"] for text in drawing.texts)])
    drawing.height = round(max([low, *(lane + 20 for lane, _x in lanes.values())]) + 8)
    return drawing


def parts(row: Row) -> list[tuple[str, int]]:
    """What became of a stage's people, in the order of its bar."""
    if row.stage.kind == "won":
        return [("won", row.flow_in)]
    gone = row.left["exit"] + row.left["other"]
    return [
        ("move", row.moved), ("fast", row.left["fast_pass"]), ("recycle", row.left["recycled"]), ("held", row.closing),
        ("dead", row.left["ended"]), ("gone", gone),
    ]  # fmt: skip


def words(kind: str) -> str:
    """What a part of a bar is called."""
    return {
        "move": _("To the next stage"), "fast": _("Fast pass"), "recycle": _("Recycled"), "held": _("Balance"), "dead": _("Dead end"),
        "gone": _("Left otherwise"), "won": _("Won"),
    }[kind]  # fmt: skip


def _lanes(board: Board, paper: _Paper) -> dict[str, tuple[float, float]]:
    """For every recycle stage that holds somebody: the height of the lane on which it sends people back, and where its box stands."""
    used = [row for row in board.boxes if row.stays]
    found: dict[str, tuple[float, float]] = {}
    for n, row in enumerate(used):
        feeding = [column for column in paper.columns if column.to[row.stage.key]]
        last = max(feeding, key=lambda column: column.to[row.stage.key]) if feeding else paper.columns[max(0, len(paper.columns) - 1 - (len(used) - n))]
        found[row.stage.key] = (paper.top + TALL + 92 + LANE * n, paper.x(last.stage.key) + BAR + DROP)
    return found


def _column(paper: _Paper, board: Board, row: Row, lanes: dict[str, tuple[float, float]]) -> float:
    """One bar with what leaves it; returns where the bar ends."""
    drawing, name = paper.drawing, row.stage.label
    x, y = paper.x(row.stage.key), paper.top
    right = x + BAR
    turn = 0.0
    for kind, n in parts(row):
        h = paper.px(n)
        if not h:
            continue
        middle = y + h / 2
        drawing.bars.append({"kind": kind, "x": x, "y": y, "h": h, "w": BAR, "title": f"{name} · {words(kind)} {num(n)}"})
        if kind == "move":
            drawing.fills.append({"kind": kind, "d": _ribbon(right, y, x + paper.step, paper.top, h), "title": f"{name} → {num(n)}"})
        elif kind == "held":
            reach = min(72.0, paper.step / 2)
            drawing.fills.append(
                {"kind": kind, "d": f"M{right:.1f},{y:.1f} h{reach:.0f} v{h:.1f} h-{reach:.0f} Z", "title": f"{name} · {words(kind)} {num(n)}"}
            )
            if h > LABELLED:
                beside = DROP + paper.px(row.left["recycled"]) / 2 + 6 if row.left["recycled"] else 10  # beside the line down to the recycle stage
                drawing.texts.append({"kind": kind, "x": right + beside, "y": middle + 4, "text": f"{words(kind)} {num(n)}", "anchor": "start"})
        elif kind == "dead":
            end, bend = middle + DROP, 12 + h / 2
            path = f"M{right:.1f},{middle:.1f} h4 q{bend:.1f},0 {bend:.1f},{bend:.1f} V{end + h / 2:.1f}"
            drawing.lines.append({"kind": kind, "w": h, "d": path, "title": f"{name} · {words(kind)} {num(n)}"})
            drawing.bars.append({"kind": "cap", "x": right + 11, "y": end + h / 2, "w": h + 10, "h": 2, "title": ""})
            text, below = f"{words(kind)} {num(n)}", end + h / 2 + 17
            if row.left["recycled"]:
                drawing.texts.append({"kind": kind, "x": right + 22, "y": below, "text": text, "anchor": "end"})
            else:
                drawing.texts.append({"kind": kind, "x": right + 16 + h / 2, "y": below, "text": text, "anchor": "middle"})
        elif kind == "recycle":
            _recycled(paper, board, row, y, lanes)
        y += h
        turn = y
    return turn


def _recycled(paper: _Paper, board: Board, row: Row, y: float, lanes: dict[str, tuple[float, float]]) -> None:
    """The lines from a bar down to the recycle stages it feeds, and along their lanes to the boxes."""
    right = paper.x(row.stage.key) + BAR
    for box in board.boxes:
        n = row.to[box.stage.key]
        if not n:
            continue
        (lane, at), h = lanes[box.stage.key], paper.px(n)
        drop, middle = right + DROP + (0 if abs(at - right - DROP) < 1 else 14), y + h / 2
        along = "" if abs(at - drop) < 1 else f" q0,12 {12 if at > drop else -12},12 H{at:.1f}"
        down = lane - 12
        path = f"M{right:.1f},{middle:.1f} H{drop - 12:.1f} q12,0 12,12 V{down:.1f}{along}"
        paper.drawing.lines.append({"kind": "recycle", "w": h, "d": path, "title": f"{row.stage.label} → {box.stage.label} {num(n)}"})
        if not along:
            text = f"{words('recycle')} {num(n)}"
            paper.drawing.texts.append({"kind": "recycle", "x": drop + h / 2 + 8, "y": paper.top + TALL * 0.6, "text": text, "anchor": "start"})
        y += h


def _box(paper: _Paper, board: Board, row: Row, place: tuple[float, float], feet: dict[str, float]) -> None:
    """A recycle stage, and its line back to the foot of the bar it returns to."""
    (lane, x), drawing = place, paper.drawing
    name = row.stage.label
    half = 20 + 4.2 * sum(2 if ord(letter) > 0x1100 else 1 for letter in f"{name} {num(row.stays)}") / 1.35
    back, target = row.moved, row.stage.returns_to
    if back and target in feet:
        h = paper.px(back)
        order = [box.stage.key for box in board.boxes].index(row.stage.key)
        entry, bend = feet[target] + h / 2, paper.x(target) - 30 - 16 * order
        feet[target] += h
        path = f"M{x - half + 8:.1f},{lane:.1f} H{bend + 14:.1f} q-14,0 -14,-14 V{entry + 14:.1f} q0,-14 14,-14 H{paper.x(target):.1f}"
        drawing.bars.append({"kind": "recycle", "x": paper.x(target), "y": feet[target] - h, "h": h, "w": BAR, "title": ""})
        drawing.lines.append({"kind": "back", "w": h, "d": path, "title": f"{name} → {num(back)}"})
        share = f"{row.share(back):.0%}"
        label = _("back {n} · {share}").format(n=num(back), share=share)
        drawing.texts.append({"kind": "recycle", "x": (x + bend) / 2, "y": lane - h / 2 - 7, "text": label, "anchor": "middle"})
    drawing.boxes.append({"x": x, "y": lane, "half": half, "wide": 2 * half, "name": name, "n": row.stays})


def _passes(paper: _Paper, board: Board) -> None:
    """Fast passes fly over the stages they skip; the number of all stands at the largest."""
    keys = [row.stage.key for row in paper.columns]
    passes = {way: n for way, n in board.ways.items() if way.path == "fast_pass" and n > 0 and way.out_of in keys and way.into in keys}
    for way, n in sorted(passes.items()):
        start, end, h = paper.x(way.out_of) + BAR / 2, paper.x(way.into) + BAR / 2, min(paper.px(n), 14.0)
        high = paper.top - ARC + h / 2
        path = f"M{start:.1f},{paper.top:.1f} V{high + 10:.1f} q0,-10 10,-10 H{end - 10:.1f} q10,0 10,10 V{paper.top:.1f}"
        title = f"{_name(paper, way.out_of)} → {_name(paper, way.into)} · {words('fast')} {num(n)}"
        paper.drawing.lines.append({"kind": "fast", "w": h, "d": path, "title": title})
        if n == max(passes.values()):
            label = {"kind": "fast", "x": start + 8, "y": high + h / 2 + 13, "text": f"{words('fast')} {num(sum(passes.values()))}", "anchor": "start"}
            paper.drawing.texts.append(label)


def _name(paper: _Paper, key: str) -> str:
    return next(row.stage.label for row in paper.columns if row.stage.key == key)


def _ribbon(x0: float, y0: float, x1: float, y1: float, h: float) -> str:
    m = (x0 + x1) / 2
    return (
        f"M{x0:.1f},{y0:.1f} C{m:.1f},{y0:.1f} {m:.1f},{y1:.1f} {x1:.1f},{y1:.1f} v{h:.1f} C{m:.1f},{y1 + h:.1f} {m:.1f},{y0 + h:.1f} {x0:.1f},{y0 + h:.1f} Z"
    )
