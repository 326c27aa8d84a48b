"""A sender: nothing but the sending of mail, in a process of its own. Any number of them share the work with the workers."""

from baton.cli.worker import Worker, run
from baton.messaging import delivery

THREADS = 2  # while one waits for the database, the other builds letters


def main() -> None:
    run(Worker({f"outbox {number}": delivery.deliver for number in range(1, THREADS + 1)}))
