"""What comes from outside is written down as it came, before anybody is told that we have it, and read afterwards."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import DatabaseError, OperationalError, transaction

from baton.events.wire import storable
from baton.messaging.incoming import receipts
from baton.messaging.incoming.receipts import Told
from baton.messaging.models import Inbound
from baton.platform import clock, logs, sql
from baton.platform.errors import DomainError

BATCH = 200
EARLY = "early"  # `problem` of what is about a message that is being handed over, or waits to go again
PATIENCE = timedelta(days=3)  # for so long such a one is tried again
PROBLEM = 500  # letters of a fault
KEPT = timedelta(days=30)  # after so long what was read is deleted: it holds what people wrote

_log = logs.log(__name__)


@dataclass(slots=True)
class Read:
    """What one of them turned out to be."""

    became: str = "nothing"  # bounce, complaint, reply, auto_reply, receipt, dmarc, nothing
    told: Sequence[Told] = field(default_factory=tuple)
    then: Callable[[], object] | None = None  # what else is to be done, once


def store(source: str, body: bytes, *, recipient: str = "", headers: Mapping[str, str] | None = None, key: str = "") -> Inbound | None:
    """Write it down in a transaction of its own; None when it is known already. Whoever brings the same again is told the same."""
    mark = key or hashlib.sha256(recipient.encode() + b"\0" + body).hexdigest()
    with transaction.atomic():
        made, new = Inbound.objects.get_or_create(
            source=source, key=mark, defaults={"recipient": recipient, "headers": dict(headers or {}), "body": body, "at": clock.now()}
        )
    return made if new else None


def take(read: Callable[[Inbound], Read], *, early: bool = False) -> int:
    """Read what waits, one batch; returns how many there were. `early`: those that came before their message was settled."""
    try:
        return _take(read, early, apart=False)
    except OperationalError:
        raise
    except DatabaseError as error:  # one of them breaks the transaction of all
        _log.warning("what came in is read each in a transaction of its own", error=str(error))
        return _take(read, early, apart=True)


def _take(read: Callable[[Inbound], Read], early: bool, *, apart: bool) -> int:
    with transaction.atomic():
        waiting = Inbound.objects.select_for_update(skip_locked=True).filter(read_at=None)
        rows = list((waiting.filter(problem=EARLY) if early else waiting.exclude(problem=EARLY)).order_by("id")[:BATCH])
        found = [(row, _safely(row, read, apart)) for row in rows]
        try:
            with transaction.atomic():
                _settle(found)
        except OperationalError:
            raise
        except Exception as error:
            _log.warning("what came in is taken one by one", error=str(error))
            for row, one in found:
                _alone(row, one)
    return len(rows)


def _safely(row: Inbound, read: Callable[[Inbound], Read], apart: bool) -> Read:
    """One that cannot be read does not hold up the rest; it stays, with its fault."""
    try:
        with transaction.atomic() if apart else nullcontext():
            row.problem = ""
            return read(row)
    except DomainError as error:
        row.problem = _problem(error)
    except Exception as error:
        if isinstance(error, DatabaseError) and not apart:
            raise
        _log.exception("something that came in cannot be read", inbound=row.pk, source=row.source)
        row.problem = _problem(error, type(error).__name__)
    return Read()


def _problem(error: Exception, name: str = "") -> str:
    """Why something could not be read, in words that can be kept whatever it quotes."""
    return storable(f"{name}: {error}" if name else str(error) or type(error).__name__, PROBLEM)


READ = """
UPDATE inbound i SET read_at = r.read_at, became = r.became, problem = r.problem
FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[]) AS r(id, read_at, became, problem) WHERE i.id = r.id
"""


def _settle(found: Collection[tuple[Inbound, Read]]) -> None:
    too_early = {id(one) for one in receipts.take([one for _row, read in found for one in read.told])}
    now = clock.now()
    for row, read in found:
        row.became = read.became
        if any(id(one) in too_early for one in read.told) and row.at > now - PATIENCE:
            row.problem = EARLY
            continue
        row.read_at = now
        if read.then is not None:
            read.then()
    if found:
        columns = zip(*((row.pk, row.read_at, row.became, row.problem) for row, _read in found), strict=True)
        sql.run(READ, [list(column) for column in columns])


def _alone(row: Inbound, read: Read) -> None:
    try:
        with transaction.atomic():
            _settle([(row, read)])
    except OperationalError:
        raise
    except Exception as error:
        _log.exception("what came in cannot be taken", inbound=row.pk)
        Inbound.objects.filter(pk=row.pk).update(read_at=clock.now(), problem=_problem(error))


def expire() -> int:
    """Delete what was read long ago; returns how many."""
    return sql.run("DELETE FROM inbound WHERE read_at < %s", [clock.now() - KEPT])
