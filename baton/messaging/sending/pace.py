"""How many letters a carrier gets at once: about as many as it answers in SPAN. So few are open when a sender is killed, and none waits where it is fast."""

import time
from collections.abc import Callable, Sequence

from baton.messaging.channel import WINDOW, Receipt, Result

SPAN = 0.25  # seconds that a window should be under way: long beside the 10 ms that its two commits take, short for whoever looks at what a kill left open
LEAST = 2  # letters for each connection: one on the wire, and one whose commands follow it
FIRST = 8  # letters for each connection, while nobody knows how fast it answers


class Pace:
    """Of one carrier in one process; several threads share it. What they all have under way shares its speed, so what each measures is its own part."""

    def __init__(self, connections: int, now: Callable[[], float] = time.monotonic) -> None:
        self.connections = connections
        self.now = now
        self.least = min(LEAST * connections, WINDOW)
        self.window = min(FIRST * connections, WINDOW)

    @property
    def each(self) -> int:
        """Letters that wait for each connection, before another is worth opening: few where each takes its time."""
        return max(LEAST, min(FIRST, self.window // self.connections))

    def learn(self, answers: Sequence[Receipt], seconds: float) -> None:
        """These were handed over together, and after so many seconds all were answered. A few say nothing of what many would take; a carrier that is away
        answers at once."""
        letters = len(answers)
        if letters < self.least or any(answer.result == Result.NOT_HANDED for answer in answers):
            return
        could = letters * SPAN / max(seconds, 1e-6)
        if letters >= self.window or could < letters:
            self.window = round(max(self.least, min(could, 2 * self.window, WINDOW)))
