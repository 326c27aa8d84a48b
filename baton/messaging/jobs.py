"""The senders, woken by NOTIFY baton_outbox; and the reminders of tasks."""

from baton.messaging import delivery, reminders, told
from baton.messaging.channel import channel
from baton.platform import jobs


@jobs.drain("outbox")
def outbox() -> int:
    channel("email")  # the worker calls this as it starts: then the first message does not wait for imports
    return delivery.deliver()


@jobs.every("* * * * *")
def tasks_due() -> None:
    """Tell colleagues of the tasks that fall due."""
    reminders.remind()


@jobs.drain("told")
def tell_owners() -> int:
    """Imports and exports that ended."""
    return told.tell()
