"""A worker or a sender for the measurement that kills things: as always, but what a dead one held is free again after some seconds. Its argument: which."""

import sys
from datetime import timedelta

import django


def main(which: str, seconds: float) -> None:
    from baton.messaging.sending import chunks, delivery, window

    for module in (chunks, delivery, window):
        module.LEASE = timedelta(seconds=seconds)  # type: ignore[attr-defined]  # all have it
    if which == "worker":
        from baton.cli import worker as part
    else:
        from baton.cli import sender as part  # type: ignore[no-redef]  # either has main()
    part.main()


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1], float(sys.argv[2]))
