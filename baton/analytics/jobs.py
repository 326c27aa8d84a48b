"""The ledger of stages is counted forward every minute, so that reports read a small sum."""

from baton.analytics import counting, whose
from baton.platform import changes
from baton.platform.changes import Batch, Change
from baton.platform.jobs import every


@every("* * * * *")
def count_forward() -> None:
    """Count the bookings whose transactions have ended, and under their new source or owner those of contacts who got one."""
    counting.forward()
    whose.moved()


@changes.on_change(order=70)
def whose_changed(_batch: Batch, unseen: list[Change]) -> None:
    """Who got another source or owner is counted under it from the next count on."""
    whose.note(unseen)
