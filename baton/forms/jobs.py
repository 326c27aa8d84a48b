"""What forms do by the clock."""

from baton.forms import kept
from baton.platform.jobs import every


@every("* * * * *")
def take_kept_answers() -> None:
    """Answers that were kept while the database was away."""
    kept.put_back()
    kept.deliver()
