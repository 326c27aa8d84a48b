"""Does an import: chunk after chunk, each in one transaction with how far it came. A worker that is killed loses nothing and half-writes nothing:
the next one goes on behind the last chunk."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from django.db import InterfaceError, OperationalError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from baton.crm.imports import faults, notes, reading, store
from baton.crm.imports.chunk import Chunk
from baton.crm.imports.plan import Item, Plan
from baton.crm.imports.reading import Layout, Row
from baton.crm.models import Import
from baton.platform import clock, live, logs, sql
from baton.platform.actor import Actor
from baton.platform.errors import DomainError

CHUNK = 2000  # rows of one transaction
AWAY = (OperationalError, InterfaceError)

log = logs.log(__name__)


def run(import_id: int) -> None:
    """Import what is left of a file. Nothing happens to an import that is not waiting or running."""
    row = Import.objects.filter(pk=import_id, state__in=("waiting", "running")).first()
    if row is None:
        return
    with translation.override(row.language):
        try:
            _all(row)
        except DomainError as error:
            _end(row, "failed", str(error))
            return
        except AWAY:  # the queue tries it again
            raise
        except Exception:  # a value no check foresaw: the chunk is not written, and the user is told where it stopped
            log.exception("an import failed", import_id=import_id)
            _end(row, "failed", _("The file could not be imported from row {number} on.").format(number=f"{row.position + 1:,}"))
            return
        _end(row, "done", "")


def _all(row: Import) -> None:
    if row.state == "waiting":
        row.state, row.started_at = "running", clock.now()
        row.save(update_fields=["state", "started_at"])
    plan = Plan(row)
    actor = Actor.parse(row.actor)
    rest = islice(data(row), row.position, None)
    while cells := list(islice(rest, CHUNK)):
        start = row.position
        items = [plan.read(start + place + 1, one) for place, one in enumerate(cells)]
        with transaction.atomic():
            held = sql.rows("SELECT position, state FROM import WHERE id = %s FOR UPDATE", [row.pk])
            if not held or held[0] != (start, "running"):
                raise DomainError(_("Another worker took over."))
            chunk = Chunk(row, plan, items, actor)
            chunk.write()
            row.position = start + len(cells)
            row.counts = {name: row.counts.get(name, 0) + number for name, number in chunk.counts.items()} | {
                name: number for name, number in row.counts.items() if name not in chunk.counts
            }
            row.notes = notes.merged(row.notes, chunk.notes)
            faults.write(row.pk, items)
            row.save(update_fields=["position", "counts", "notes"])
            live.publish(f"import:{row.pk}", position=row.position)


def data(row: Import) -> Iterator[Row]:
    """The rows of the file behind its headers."""
    layout = Layout(**row.layout)
    with store.open("import", row.pk, whole=layout.kind == "book") as file:
        yield from islice(reading.rows(file, layout), 1, None)  # type: ignore[arg-type]  # reads like a BinaryIO


Notes = list[notes.Note]


@dataclass
class Look:
    """What would become of the first rows."""

    items: list[Item] = field(default_factory=list)
    fates: dict[int, str] = field(default_factory=dict)  # number of a row -> created, updated, same, double, skipped, faulty
    counts: dict[str, int] = field(default_factory=dict)
    notes: Notes = field(default_factory=list)


def preview(row: Import, limit: int) -> Look:
    """The first rows as they would be written. Nothing stays: they are written and taken back."""
    plan, found = Plan(row), Look()
    rest = islice(data(row), limit)
    with transaction.atomic():
        while cells := list(islice(rest, CHUNK)):
            number = len(found.items)
            chunk = Chunk(row, plan, [plan.read(number + place + 1, one) for place, one in enumerate(cells)], Actor.parse(row.actor))
            chunk.write()
            found.items += chunk.items
            found.fates |= chunk.fate
            for name, value in chunk.counts.items():
                found.counts[name] = found.counts.get(name, 0) + value
            found.notes = notes.merged(found.notes, chunk.notes)
        transaction.set_rollback(True)
    return found


def _end(row: Import, state: str, trouble: str) -> None:
    with transaction.atomic():
        Import.objects.filter(pk=row.pk, state__in=("running", "waiting")).update(state=state, trouble=trouble, ended_at=clock.now(), told=False)
        live.publish(f"import:{row.pk}", state=state)
