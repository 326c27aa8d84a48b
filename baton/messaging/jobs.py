"""The senders: woken by NOTIFY baton_outbox."""

from baton.messaging import delivery
from baton.messaging.channel import channel
from baton.platform import jobs


@jobs.drain("outbox")
def outbox() -> int:
    channel("email")  # the worker calls this as it starts: then the first message does not wait for imports
    return delivery.deliver()
