"""How much one sender may send: a bucket of hits for each name, filled at a steady rate. In memory, for this process."""

MOST = 100_000  # names remembered; those with a full bucket are forgotten first


class Buckets:
    """`rate` hits a second, `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._held: dict[str, tuple[float, float]] = {}  # name -> hits left, as of when

    def take(self, name: str, hits: int, now: float) -> float:
        """0 when so many hits may come from there now (they are taken), else after how many seconds they may. Time in seconds of a steady clock."""
        held = self._held.get(name)
        if held is None:
            if len(self._held) >= MOST:
                self._forget(now)
            left = self.burst
        else:
            left = min(self.burst, held[0] + (now - held[1]) * self.rate)
        if hits > left:
            return (min(hits, self.burst) - left) / self.rate
        self._held[name] = left - hits, now
        return 0.0

    def _forget(self, now: float) -> None:
        full = now - self.burst / self.rate
        self._held = {name: held for name, held in self._held.items() if held[1] > full}
        if len(self._held) >= MOST:
            self._held = {}
