"""Units of work that are repeated when the database broke them off in favour of another one."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected, SerializationFailure

from baton.platform import logs

P = ParamSpec("P")
T = TypeVar("T")
TRIES = 5
PAUSE = 0.02  # seconds before the second try; doubles, and a part of it is chance, so that the same two do not meet again

log = logs.log(__name__)


def retrying(work: Callable[P, T]) -> Callable[P, T]:
    """Do `work` again when it lost a deadlock or a serialization conflict; it must be one transaction, and nothing outside it.

    Within a transaction of the caller nothing is repeated: that transaction is lost as a whole, so its owner repeats it.
    """

    @wraps(work)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, TRIES + 1):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or attempt == TRIES or not isinstance(error.__cause__, DeadlockDetected | SerializationFailure):
                    raise
                log.info("repeating what met another transaction", work=work.__qualname__, attempt=attempt)
                time.sleep(PAUSE * 2**attempt * random.uniform(0.5, 1))
        raise AssertionError("not reached")

    return repeated
