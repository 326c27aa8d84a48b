"""What a better rate would bring: the board as a chain of stages, in which everybody goes on, leaves, or stays behind.

Of the stays v of each stage the share p(s, t) goes to t, so v = e + v P, where e is who was there at the beginning or came from outside. With the shares of
the period this gives exactly the numbers of the board; with one share raised, what they would have been.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from baton.analytics import funnel
from baton.analytics.flows import Flows, Stretch, Way
from baton.analytics.funnel import Board, Row

POINTS = 0.05  # by how much a rate is raised to see what it brings
HIGHEST = 0.99  # of a rate that is tried


@dataclass(frozen=True, slots=True)
class Chain:
    """`enter`: who begins in a stage. `share`: of those in a stage, by the way they leave it; the rest stays."""

    enter: dict[str, float]
    share: dict[Way, float]

    def visits(self) -> dict[str, float]:
        """How many stays each stage has: v = e + v P, solved."""
        keys = list(self.enter)
        place = {key: n for n, key in enumerate(keys)}
        matrix = [[float(row == column) for column in range(len(keys))] + [self.enter[keys[row]]] for row in range(len(keys))]
        for way, share in self.share.items():
            if way.into:
                matrix[place[way.into]][place[way.out_of]] -= share
        return dict(zip(keys, _solved(matrix), strict=True))

    def flows(self) -> dict[Way, float]:
        visits = self.visits()
        return {way: visits[way.out_of] * share for way, share in self.share.items()}


def _solved(matrix: list[list[float]]) -> list[float]:
    """The unknowns of a system of equations, by elimination. A stage that nobody can leave and nobody enters gets 0."""
    size = len(matrix)
    for n in range(size):
        best = max(range(n, size), key=lambda row: abs(matrix[row][n]))
        matrix[n], matrix[best] = matrix[best], matrix[n]
        if abs(matrix[n][n]) < 1e-12:
            matrix[n] = [float(column == n) for column in range(size)] + [0.0]
        for row in range(size):
            if row != n and matrix[row][n]:
                factor = matrix[row][n] / matrix[n][n]
                matrix[row] = [value - factor * above for value, above in zip(matrix[row], matrix[n], strict=True)]
    return [matrix[n][size] / matrix[n][n] for n in range(size)]


def chain(board: Board) -> Chain:
    """The board's stages with the shares of its period."""
    enter = {key: float(row.opening) for key, row in board.rows.items()}
    share: dict[Way, float] = {}
    for way, n in board.ways.items():
        if not way.out_of:
            enter[way.into] += n
        elif board.rows[way.out_of].stays:
            share[way] = n / board.rows[way.out_of].stays
    return Chain(enter, share)


def tried(board: Board, rates: Mapping[str, float]) -> Chain:
    """The chain with other rates of going on (0 to 1). What is taken or given is taken from or given to those who stay behind."""
    found = chain(board)
    share = dict(found.share)
    for key, rate in rates.items():
        row = board.rows[key]
        ways = _onward(board, row)
        rate = max(0.0, min(rate, row.most if row.stays else HIGHEST, max(HIGHEST, row.cvr or 0)))
        now = sum(share.get(way, 0.0) for way in ways)
        for way in ways:
            share[way] = rate * (share.get(way, 0.0) / now if now else 1 / len(ways))
    return replace(found, share=share)


def _onward(board: Board, row: Row) -> list[Way]:
    """By which ways people of a stage went on; when none did, the way to the next stage."""
    what = "returned" if row.stage.kind == "recycle" else "forward"
    known = {key: r.stage for key, r in board.rows.items()}
    ways = [way for way in board.ways if way.out_of == row.stage.key and funnel.kind(way, known) == what]
    if ways:
        return ways
    if row.stage.kind == "recycle":
        return [Way(row.stage.key, row.stage.returns_to, "return")] if row.stage.returns_to in board.rows else []
    following = [r.stage.key for r in board.way if r.stage.rank > row.stage.rank]
    return [Way(row.stage.key, following[0], "forward")] if following else []


def with_rates(board: Board, rates: Mapping[str, float]) -> Board:
    """The board as it would have been with other rates, in whole people."""
    expected = tried(board, rates).flows()
    ways: Flows = Counter({way: n for way, n in board.ways.items() if not way.out_of})
    ways.update({way: round(n) for way, n in expected.items()})
    opening = {key: row.opening for key, row in board.rows.items()}
    return funnel.lay_out(board.period, opening, Stretch(ways, Counter()), [row.stage for row in board.rows.values()])


def contracts(board: Board, rates: Mapping[str, float]) -> float:
    """How many contracts the period would have brought with these rates; with none changed, exactly as many as it did."""
    known = {key for key, row in board.rows.items() if row.stage.kind == "won"}
    direct = sum(n for way, n in board.ways.items() if not way.out_of and way.into in known)
    return direct + sum(n for way, n in tried(board, rates).flows().items() if way.into in known and way.out_of not in known)


@dataclass(frozen=True, slots=True)
class Gain:
    """What POINTS more would bring in one stage."""

    row: Row
    contracts: float


def gains(board: Board) -> list[Gain]:
    """The stages whose rate could be raised, by the contracts that would bring, most first."""
    base = contracts(board, {})
    can = [row for row in (*board.of("forward"), *board.boxes) if row.stays and row.cvr is not None]
    found = [Gain(row, contracts(board, {row.stage.key: row.cvr + POINTS}) - base) for row in can if row.cvr is not None]
    return sorted(found, key=lambda gain: (-gain.contracts, gain.row.stage.rank))
