"""Ids of events. Pure Python: the collector makes them too."""

import random

BITS = 53  # a browser makes ids too, and its numbers hold no more


def new_id() -> int:
    """A random event id below 2^53."""
    return random.getrandbits(BITS)
