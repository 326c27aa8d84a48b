"""The steady tasks of campaigns; messaging/jobs.py brings them along."""

from baton.messaging.campaigns import check, folding, run  # noqa: F401  # check: its job is known from here
from baton.platform import jobs


@jobs.drain("campaigns")
def campaigns() -> int:
    """What falls due: begin, turns, tests, ends."""
    return run.due()


@jobs.drain("audiences")
def audiences() -> int:
    """Audiences that wait to be frozen. The state of the campaign is the queue: whoever is killed here leaves it for the next."""
    return run.prepare()


@jobs.every("*/10 * * * *")
def tallies() -> None:
    """What the tallies of large campaigns have grown to."""
    folding.fold()
