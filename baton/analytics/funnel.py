"""The board of The Model: for every stage of a period opening + in - out = closing, the rate at which people go on, and where they wait.

Everything is computed from the moves alone (flows.py), so what the board says of what-if (lever.py) is laid out by the same code as what happened.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from baton.analytics import flows, periods
from baton.analytics.flows import EVERYBODY, Flows, Only, Stretch, Way
from baton.analytics.periods import Period
from baton.analytics.rates import LEAST
from baton.crm import stages
from baton.crm.stages import Stage

ON_THE_WAY = ("forward", "won")
IN = ("new", "forward", "fast_pass", "returned", "recycled", "ended", "other")  # how people come into a stage
OUT = ("forward", "fast_pass", "returned", "recycled", "ended", "exit", "other")  # how they leave it


def kind(way: Way, known: Mapping[str, Stage]) -> str:
    """What a move is for both its stages: one of IN and of OUT."""
    if not way.into:
        return "exit"
    if not way.out_of:
        return "new"
    here, there = known.get(way.out_of), known.get(way.into)
    if there is not None and there.kind == "dead_end":
        return "ended"
    if there is not None and there.kind == "recycle":
        return "recycled"
    if here is not None and here.kind == "recycle":
        return "returned"
    if way.path == "fast_pass":
        return "fast_pass"
    if here and there and here.kind in ON_THE_WAY and there.kind in ON_THE_WAY and here.rank < there.rank:
        return "forward"
    return "other"


@dataclass(slots=True)
class Row:
    """One stage in one period. Numbers are people, or stays: whoever comes twice is counted twice."""

    stage: Stage
    opening: int = 0
    came: Counter[str] = field(default_factory=Counter)  # by IN
    left: Counter[str] = field(default_factory=Counter)  # by OUT
    to: Counter[str] = field(default_factory=Counter)  # left, by the stage they went to; "" is outside
    waited: int = 0  # days that people spent here in the period

    @property
    def flow_in(self) -> int:
        return self.came.total()

    @property
    def flow_out(self) -> int:
        return self.left.total()

    @property
    def stays(self) -> int:
        """Who was here at the beginning or came: what rates are taken of."""
        return self.opening + self.flow_in

    @property
    def closing(self) -> int:
        return self.stays - self.flow_out

    @property
    def moved(self) -> int:
        """Who went on: to the next stage, or from a recycle stage back into the way. A fast pass is no conversion of what it skips, so it is not in it."""
        return self.left["returned" if self.stage.kind == "recycle" else "forward"]

    @property
    def cvr(self) -> float | None:
        """`moved` of `stays`; None when nobody was here, or nobody goes on from here."""
        return self.moved / self.stays if self.stays and self.stage.kind in ("forward", "recycle") else None

    @property
    def most(self) -> float:
        """The highest rate there could have been: everybody goes on who did not leave in another way."""
        return (self.stays - self.flow_out + self.moved) / self.stays if self.stays else 0.0

    def share(self, n: float) -> float:
        return n / self.stays if self.stays else 0.0


@dataclass(frozen=True, slots=True)
class Board:
    """All stages of a period."""

    period: Period
    rows: dict[str, Row]
    ways: Flows  # the moves of the period

    def of(self, *kinds: str) -> list[Row]:
        return [row for row in self.rows.values() if row.stage.kind in kinds]

    @property
    def way(self) -> list[Row]:
        """The columns: stages on the way to a contract."""
        return self.of(*ON_THE_WAY)

    @property
    def boxes(self) -> list[Row]:
        return self.of("recycle")

    @property
    def won(self) -> int:
        """Who came into a stage that is a contract from one that is none."""
        return won(self.ways, self.rows)

    @property
    def bottleneck(self) -> Row | None:
        """Where people spent most time: of the stages after the first and before the contract, the one with the most days waited in the period."""
        inner = [row for row in self.of("forward")[1:] if row.waited > 0 and row.stays >= LEAST]
        return max(inner, key=lambda row: (row.waited, row.stays), default=None)


def won(ways: Flows, rows: Mapping[str, Row]) -> int:
    contracts = {key for key, row in rows.items() if row.stage.kind == "won"}
    return sum(n for way, n in ways.items() if way.into in contracts and way.out_of not in contracts)


def lay_out(period: Period, opening: Mapping[str, int], moves: Stretch, known: Iterable[Stage] | None = None) -> Board:
    """The board of a period from who stood where before it and the moves in it."""
    by_key = {stage.key: stage for stage in (stages.known() if known is None else known)}
    gone = sorted(({*opening} | {key for way in moves.ways for key in way[:2]}) - {"", *by_key})  # stages that are no longer: their people count all the same
    rows = {key: Row(stage, opening.get(key, 0)) for key, stage in by_key.items()}
    rows |= {key: Row(Stage(key, key, False, len(rows) + n), opening.get(key, 0)) for n, key in enumerate(gone, 1)}
    for row in rows.values():
        row.waited = row.opening * period.days
    for way, n in moves.ways.items():
        what = kind(way, by_key)
        if way.into:
            rows[way.into].came[what] += n
            rows[way.into].waited += moves.days[way]
        if way.out_of:
            rows[way.out_of].left[what] += n
            rows[way.out_of].to[way.into] += n
            rows[way.out_of].waited -= moves.days[way]
    return Board(period, rows, moves.ways)


def boards(bounds: Sequence[Period], *, only: Only = EVERYBODY) -> list[Board]:
    """The boards of periods that follow each other without a gap. Two small reads at most, whatever their number."""
    asof = min(bounds[-1].until, periods.add_days(periods.today(), 1))
    first, *rest = flows.read([bounds[0].first, *(period.until for period in bounds)], only=only, asof=asof)
    standing = flows.balances(first.ways)
    found = []
    for period, moves in zip(bounds, rest, strict=True):
        late = max(0, (asof - period.until).days)  # days are counted to the end of the last period
        days = Counter({way: moves.days[way] - n * late for way, n in moves.ways.items()})
        board = lay_out(period, standing, Stretch(moves.ways, days))
        found.append(board)
        standing = Counter({key: row.closing for key, row in board.rows.items()})
    return found


def board(period: Period, *, only: Only = EVERYBODY) -> tuple[Board, Board]:
    """The board of a period, and that of the period before."""
    before, now = boards([period.before(), period], only=only)
    return now, before
