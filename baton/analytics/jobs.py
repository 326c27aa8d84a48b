"""The ledger of stages is counted forward every minute, so that reports read a small sum."""

from baton.analytics import counting
from baton.platform.jobs import every


@every("* * * * *")
def count_forward() -> None:
    """Count the bookings whose transactions have ended."""
    counting.forward()
