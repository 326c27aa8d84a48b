"""How a process ends: when it is told to, and with its supervisor. One that outlives it would hold its port at the next start."""

import ctypes
import os
import signal
import sys
import time
from math import inf
from types import FrameType

SUPERVISED = "BATON_SUPERVISED"  # set in the environment of the parts that `baton serve` and `baton demo` start
PR_SET_PDEATHSIG = 1
LOOK = 0.1  # seconds between looks


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies, however it dies. Does nothing when not supervised, or not on Linux."""
    if os.environ.get(SUPERVISED) and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Told:
    """Whether Ctrl-C or SIGTERM told this process to end; made in its main thread, which asks.

    It is looked at again and again, since a signal can come just before a thread waits without end, or while it holds the lock of an event.
    """

    def __init__(self) -> None:
        self._told = False
        signal.signal(signal.SIGTERM, self._tell)
        signal.signal(signal.SIGINT, self._tell)

    def within(self, seconds: float = inf) -> bool:
        """Wait so long at most; whether it was told."""
        until = time.monotonic() + seconds
        while not self._told and (left := until - time.monotonic()) > 0:
            time.sleep(min(LOOK, left))
        return self._told

    def _tell(self, _number: int, _frame: FrameType | None) -> None:
        self._told = True
