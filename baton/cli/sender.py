"""A sender: nothing but the sending of mail, in a process of its own. Any number of them share the work with the workers."""

import gc

from baton.cli.worker import Worker
from baton.messaging.sending import delivery

THREADS = 2  # while one waits for the database, the other builds letters


def ready() -> None:
    """Call when everything is imported: what is there stays, and is not looked through for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def main() -> None:
    ready()
    Worker({f"outbox {number}": delivery.deliver for number in range(1, THREADS + 1)}).run()
