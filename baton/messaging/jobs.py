"""The senders: woken by NOTIFY baton_outbox."""

from baton.messaging import delivery
from baton.platform import jobs


@jobs.drain("outbox")
def outbox() -> int:
    return delivery.deliver()
