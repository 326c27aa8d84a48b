"""How many random examples a property test tries: few in the suite, `EXAMPLES=50 make test` tries fifty times as many."""

import os

TIMES = int(os.environ.get("EXAMPLES", "1"))


def some(few: int) -> int:
    """`few` in the suite."""
    return few * TIMES
