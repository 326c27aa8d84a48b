"""A rate with what it is worth: its interval, and whether there are enough people to speak of it."""

from dataclasses import dataclass
from math import sqrt

LEAST = 30  # people; with fewer a rate says little
Z = 1.96  # 95 %


@dataclass(frozen=True, slots=True)
class Rate:
    """`part` of `whole`."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None

    @property
    def enough(self) -> bool:
        return self.whole >= LEAST

    @property
    def interval(self) -> tuple[float, float]:
        """Between which the true rate lies, 19 times of 20 (Wilson)."""
        if not self.whole:
            return 0.0, 1.0
        n, share = self.whole, self.part / self.whole
        middle = share + Z * Z / (2 * n)
        reach = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
        return max(0.0, (middle - reach) / (1 + Z * Z / n)), min(1.0, (middle + reach) / (1 + Z * Z / n))
