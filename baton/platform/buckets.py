"""Queues by bucket are worked off one bucket after the other; one that cannot be worked off does not hold up the rest."""

from collections.abc import Callable, Iterable

from django.db import OperationalError

from baton.platform import logs

_log = logs.log(__name__)


def each(buckets: Iterable[int], take: Callable[[int], int]) -> int:
    """Call `take` for every bucket; returns how many rows it took of all.

    A bucket that fails is logged and left for the next time. Raises its error when no other bucket had anything to do, so
    that the worker pauses instead of turning around it, and at once when the database is away.
    """
    taken, broken = 0, None
    for bucket in buckets:
        try:
            taken += take(bucket)
        except OperationalError:
            raise
        except Exception as error:
            _log.exception("a bucket could not be worked off", bucket=bucket)
            broken = error
    if broken is not None and not taken:
        raise broken
    return taken
