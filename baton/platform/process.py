"""A supervised process must not outlive its supervisor: the next start would find its port taken."""

import ctypes
import os
import signal
import sys

SUPERVISED = "BATON_SUPERVISED"  # set in the environment of the parts that `baton serve` and `baton demo` start
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies, however it dies. Does nothing when not supervised, or not on Linux."""
    if os.environ.get(SUPERVISED) and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
