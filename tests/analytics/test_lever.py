"""The lever says what another way of computing says: an absorbing chain, powers of its matrix added up in fractions."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.analytics import funnel, lever
from baton.analytics.flows import Way
from baton.analytics.funnel import Board
from baton.analytics.periods import Period
from baton.crm.models import Booking
from baton.platform import clock
from tests import examples
from tests.analytics.ledger import at, book, many
from tests.analytics.test_funnel import NOVEMBER

pytestmark = pytest.mark.django_db
STAGES = ("lead", "nurturing", "mql", "sql", "opportunity", "customer", "recycle_a", "deadend", "")


@pytest.fixture(autouse=True)
def _november() -> None:
    clock.shift(at("2026-11-30", 20) - clock.now())


def november() -> Board:
    """600 new leads of whom 12 become customers; some are recycled, and some of those come back."""
    day = [at("2026-11-02") + timedelta(days=2 * n) for n in range(12)]
    way = ["lead", "nurturing", "mql", "sql", "opportunity", "customer"]
    histories = [
        *many(200, [(day[0], "lead")], 1),
        *many(280, [(day[0], "lead"), (day[1], "nurturing")], 1_001),
        *many(20, [(day[0], "lead"), (day[1], "deadend")], 2_001),
        *many(40, list(zip(day, way[:3], strict=False)), 3_001),
        *many(18, list(zip(day, way[:4], strict=False)), 4_001),
        *many(10, list(zip(day, way[:5], strict=False)), 5_001),
        *many(12, list(zip(day, way, strict=False)), 6_001),
        *many(15, list(zip(day, [*way[:4], "recycle_a"], strict=False)), 7_001),
        *many(5, list(zip(day, [*way[:4], "recycle_a", "nurturing"], strict=False)), 8_001),
    ]
    book(histories)
    return funnel.board(NOVEMBER)[0]


def contracts(board: Board, rates: dict[str, Fraction], rounds: int = 400) -> float:
    """Contracts by the absorbing chain: everybody takes a step at a time until nobody is left who moves."""
    moving = {way: Fraction(n, board.rows[way.out_of].stays) for way, n in board.ways.items() if way.out_of}
    for stage, rate in rates.items():
        goes = [way for way in moving if way.out_of == stage and way.path == ("return" if stage == "recycle_a" else "forward")]
        others = sum((share for way, share in moving.items() if way.out_of == stage and way not in goes), Fraction(0))
        now = sum((moving[way] for way in goes), Fraction(0))
        for way in goes:
            moving[way] *= min(rate, 1 - others) / now
        if not goes:
            moving[Way(stage, STAGES[STAGES.index(stage) + 1], "forward")] = min(rate, 1 - others)
    standing = {key: float(row.opening) for key, row in board.rows.items()}
    for way, n in board.ways.items():
        if not way.out_of:
            standing[way.into] += n
    won = sum(n for way, n in board.ways.items() if not way.out_of and way.into == "customer") * 1.0
    for _ in range(rounds):
        following = dict.fromkeys(standing, 0.0)
        for way, share in moving.items():
            if way.into:
                following[way.into] += standing[way.out_of] * float(share)
                won += standing[way.out_of] * float(share) if way.into == "customer" and way.out_of != "customer" else 0.0
        standing = following
    return won


def test_with_its_own_rates_the_chain_gives_what_happened() -> None:
    board = november()
    assert board.won == 12
    assert lever.contracts(board, {}) == pytest.approx(12)
    same = lever.with_rates(board, {})
    assert {k: (r.came, r.left, r.closing) for k, r in same.rows.items()} == {k: (r.came, r.left, r.closing) for k, r in board.rows.items()}


def test_five_points_more_in_each_stage() -> None:
    board = november()
    found = {gain.row.stage.key: gain.contracts for gain in lever.gains(board)}
    assert set(found) == {"lead", "nurturing", "mql", "sql", "opportunity", "recycle_a"}
    for key, gain in found.items():
        cvr = Fraction(board.rows[key].moved, board.rows[key].stays)
        assert gain == pytest.approx(contracts(board, {key: cvr + Fraction(1, 20)}) - 12, abs=1e-6), key
    assert max(found, key=lambda key: found[key]) == lever.gains(board)[0].row.stage.key


def test_a_rate_that_is_tried_moves_the_whole_board_in_whole_people() -> None:
    board = november()
    more = lever.with_rates(board, {"nurturing": 0.5})
    assert more.rows["nurturing"].stays >= board.rows["nurturing"].stays  # more people are recycled, so more come back
    assert more.rows["nurturing"].cvr == pytest.approx(0.5, abs=0.002)
    assert more.won == round(contracts(board, {"nurturing": Fraction(1, 2)}))
    for row in more.rows.values():
        assert row.opening + row.flow_in - row.flow_out == row.closing >= 0
    assert lever.with_rates(board, {"lead": 1.0}).rows["lead"].cvr == pytest.approx(board.rows["lead"].most)  # who is no target does not come back for a slider
    assert lever.with_rates(board, {"opportunity": 0.0}).won == 0


steps = st.lists(st.tuples(st.integers(0, 28), st.sampled_from(STAGES)), min_size=1, max_size=6)


@given(st.lists(steps, min_size=3, max_size=25), st.sampled_from(STAGES[:5]), st.integers(0, 99))
@settings(max_examples=examples.some(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_computations_agree_on_any_history(histories: list[list[tuple[int, str]]], stage: str, percent: int) -> None:
    Booking.objects.all().delete()
    start = date(2026, 11, 1)
    ways = [sorted(days, key=lambda pair: pair[0]) for days in histories]
    book((id, [(at(start + timedelta(days=day), 1 + n), into) for n, (day, into) in enumerate(way)]) for id, way in enumerate(ways, 1))
    board = funnel.board(Period("month", start, date(2026, 12, 1)))[0]
    assert lever.contracts(board, {}) == pytest.approx(board.won, abs=1e-6)
    same = lever.with_rates(board, {})
    assert same.ways == board.ways
    tried = lever.with_rates(board, {stage: percent / 100})
    for row in tried.rows.values():
        assert row.opening + row.flow_in - row.flow_out == row.closing
    if board.rows[stage].stays:
        assert lever.contracts(board, {stage: percent / 100}) == pytest.approx(contracts(board, {stage: Fraction(percent, 100)}, 3000), abs=1e-5)
