"""A worker or a sender for the measurement that kills things: as always, but what a dead one held is free again after some seconds. Its argument: which."""

import sys
from datetime import timedelta

import django

django.setup()

from baton.messaging import chunks, delivery, window  # noqa: E402

for module in (chunks, delivery, window):
    module.LEASE = timedelta(seconds=float(sys.argv[2]))  # type: ignore[attr-defined]  # all have it

if sys.argv[1] == "worker":
    from baton.cli import worker as part
else:
    from baton.cli import sender as part  # type: ignore[no-redef]  # either has main()

part.main()
