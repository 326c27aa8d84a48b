"""A sender for the measurements: sends what is due when it is told to, with the threads of `baton sender`, until nothing is left."""

import sys
from concurrent.futures import ThreadPoolExecutor

import django


def main() -> None:
    from baton.cli.sender import THREADS, ready
    from baton.messaging import channel
    from baton.messaging.sending import delivery

    def drain() -> None:
        while delivery.deliver():
            pass

    channel.channels()
    delivery.deliver()
    ready()
    print("ready", flush=True)
    with ThreadPoolExecutor(THREADS) as threads:  # they and their connections live on, as those of a sender do
        for _line in sys.stdin:
            for drained in [threads.submit(drain) for _ in range(THREADS)]:
                drained.result()
            print("done", flush=True)


if __name__ == "__main__":
    django.setup()
    main()
