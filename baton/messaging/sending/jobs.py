"""The steady tasks of sending; messaging/jobs.py brings them along."""

from baton.messaging.colleagues import delayed
from baton.messaging.sending import limits, mx
from baton.platform import jobs


@jobs.every("* * * * *")
def receiver_domains() -> None:
    """Who takes the mail of the domains that mail is about to go to."""
    mx.want_waiting()
    mx.look()


@jobs.every("*/10 * * * *")
def letters_delayed() -> None:
    """Colleagues whose letters are put off hear of it."""
    delayed.tell()


@jobs.every("35 4 * * *")
def forget_limits() -> None:
    """Days of a warm-up that are over, what receivers asked for long ago, and domains nobody writes to."""
    limits.tidy()
    mx.tidy()
