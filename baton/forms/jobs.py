"""What forms do by the clock."""

from baton.forms import consents, kept, quarantine
from baton.platform.jobs import every


@every("* * * * *")
def take_kept_answers() -> None:
    """Answers that were kept while the database was away."""
    kept.put_back()
    kept.deliver()


@every("17 4 * * *")
def forget() -> None:
    """What waited too long: answers in quarantine, and consents that nobody confirmed."""
    quarantine.expire()
    consents.expire()
