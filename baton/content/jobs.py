"""What the worker does for content: its numbers, four times an hour."""

from baton.content import counts
from baton.platform.jobs import every


@every("*/15 * * * *")
def count_content() -> None:
    counts.count_all()
