"""What is on the wire follows the carrier's speed: a kill leaves little open at a slow one, and a fast one gets all it takes."""

from collections.abc import Callable

import pytest

from baton.messaging.channel import WINDOW, Receipt, Result
from baton.messaging.sending import transport
from baton.messaging.sending.pace import SPAN, Pace
from baton.messaging.sending.transports.smtp import Smtp
from tests.messaging.scripted import Scripted
from tests.messaging.test_smtp import Mail

SENT, AWAY = Receipt(Result.SENT), Receipt(Result.NOT_HANDED)


def after(windows: int, seconds: Callable[[int], float], pace: Pace | None = None) -> Pace:
    """A carrier that takes so many seconds for a window, and what its pace is after some of them."""
    pace = pace or Pace(8)
    for _ in range(windows):
        pace.learn([SENT] * pace.window, seconds(pace.window))
    return pace


def test_a_window_is_what_the_carrier_answers_in_a_moment() -> None:
    assert after(4, lambda n: n / 5000).window == WINDOW, "smtp-sink"
    assert after(9, lambda n: n / 400).window == 400 * SPAN
    assert after(9, lambda n: 0.02 + n / 400).window == pytest.approx(400 * (SPAN - 0.02), abs=2), "a long way there is no reason to go slower and slower"
    assert after(4, lambda n: n / 10).window == 16, "two for each connection, so that none waits for work"
    assert after(4, lambda n: n / 10, Pace(300)).window == WINDOW
    assert (after(4, lambda n: n / 10).each, after(4, lambda n: n / 5000).each) == (2, 8), "a slow one gets its connections for fewer letters"


def test_it_recovers_from_a_bad_moment_and_learns_nothing_from_little() -> None:
    pace = after(5, lambda n: n / 5000)
    pace.learn([SENT] * pace.window, 60)
    assert pace.window == 16
    assert [after(1, lambda n: n / 5000, pace).window for _ in range(5)] == [32, 64, 128, 256, 256]
    pace.learn([SENT] * 3, 5)
    pace.learn([AWAY] * WINDOW, 5)
    assert pace.window == WINDOW
    pace.learn([SENT] * 100, 0.5)
    assert pace.window == 50, "less than a window that took too long"
    pace.learn([SENT] * 20, 0.001)
    pace.learn([AWAY] * 50, 0.001)
    assert pace.window == 50


@pytest.mark.parametrize(("seconds", "then"), [(0.01, 128), (4.0, 16)])
def test_a_relay_is_measured_from_the_first_letter_to_the_last_answer(seconds: float, then: int) -> None:
    with Scripted() as relay:
        carrier = transport.of_url(relay.url)
        assert isinstance(carrier, Smtp)
        times = iter((100.0, 100.0 + seconds))
        carrier.pool.pace.now = lambda: next(times)
        assert carrier.at_once() == 64
        carrier.send([Mail(f"p{n}@b.example") for n in range(64)])
        assert carrier.at_once() == then
        carrier.close()
