"""Views on their way out to a file: asked for here, written by a worker in pieces, kept for a week."""

import codecs
import csv
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]  # it has no types
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts import rights as access
from baton.crm import properties, records, types
from baton.crm.imports import store
from baton.crm.models import Export
from baton.crm.models.property import PropertyType
from baton.crm.wording import Wording, raw
from baton.platform import clock, history, live, sql
from baton.platform.actor import Actor
from baton.platform.errors import DomainError, Invalid, NotFound
from baton.query.errors import FilterError
from baton.query.nodes import Everyone, Node
from baton.segments import catalog, filter, finder
from baton.segments.finder import Find

FORMATS = ("csv", "xlsx")
ENCODINGS = ("utf-8", "cp949")
KEPT = timedelta(days=7)
MOST_ROWS = {"xlsx": 1_048_575, "csv": 10_000_000}  # a worksheet has no more
SYSTEM = ("id", "created_at", "updated_at")
SIZE = 2000  # records of one piece
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # what a worksheet takes for a formula
LONGEST_CELL = 32_767  # letters that a worksheet takes


def start(
    object_type: str,
    stored_filter: Mapping[str, Any] | None,
    text: str,
    columns: Sequence[str],
    *,
    format: str,
    encoding: str,
    actor: Actor,
    ids: Sequence[int] | None = None,
    title: str = "",
    names: str = "labels",
    values: str = "words",
) -> int:
    """Let a worker write what a view shows to a file; returns the export's id. Filter {} or None is everybody, `ids` only these records of it.

    `columns` are property names, `id`, `created_at`, `updated_at`; none: all properties. `names`: labels or internal; `values`: words or raw.
    Raises Forbidden, NotFound, Invalid (`format`, `encoding`, `columns`).
    """
    access.of_actor(actor).require(object_type, "export")
    known = properties.definitions(object_type)
    if format not in FORMATS:
        raise Invalid.one("format", "INVALID_OPTION", _("{value} is not an option here.").format(value=format))
    if encoding not in ENCODINGS:
        raise Invalid.one("encoding", "INVALID_OPTION", _("{value} is not an option here.").format(value=encoding))
    wanted = [name for name in columns if name in known or name in SYSTEM]
    if columns and not wanted:
        raise Invalid.one("columns", "PROPERTY_DOESNT_EXIST", _('Property "{name}" does not exist').format(name=columns[0]))
    everything = ["id", *(name for name, definition in known.items() if not definition.hidden), "created_at"]
    _node(object_type, stored_filter or {})  # raises Invalid now rather than in the worker
    with transaction.atomic():
        row = Export.objects.create(
            object_type=object_type, title=title[:200], filter=dict(stored_filter or {}), text=text, ids=None if ids is None else list(ids),
            columns=wanted or everything, format=format, encoding=encoding, names=names, values=values, actor=str(actor),
            language=(translation.get_language() or "ko")[:2], created_at=clock.now(),
        )  # fmt: skip
        history.record(actor, "started", "export", row.pk, object_type=object_type, columns=row.columns, filter=row.filter, text=text, format=format)
        from baton.segments.jobs import run_export

        run_export.defer(export_id=row.pk)
    return row.pk


def get(export_id: int) -> Export:
    """Raises NotFound."""
    row = Export.objects.filter(pk=export_id).first()
    if row is None:
        raise NotFound(_("There is no such export."))
    return row


def run(export_id: int) -> None:
    """Write the file; a worker that takes over begins anew, so that it is whole. With the rights that its owner has now."""
    row = Export.objects.filter(pk=export_id, state__in=("waiting", "running")).first()
    if row is None:
        return
    with translation.override(row.language):
        try:
            find = _find(row)
            row.rows = finder.count(find).number if row.ids is None else len(row.ids)
            row.state, row.position = "running", 0
            row.save(update_fields=["state", "position", "rows"])
            store.drop("export", row.pk)
            notes: dict[str, int] = {}
            with transaction.atomic():
                size = store.write("export", row.pk, _xlsx(row, find) if row.format == "xlsx" else _csv(row, find, notes))
        except (DomainError, FilterError) as error:  # a filter may name a list or property that is gone by now
            _end(row, state="failed", trouble=error.message.format(**error.params) if isinstance(error, FilterError) else str(error))
            return
        _end(row, state="done", size=size, notes=[{"code": code, "rows": number} for code, number in notes.items()], expires_at=clock.now() + KEPT)
        history.record(Actor.parse(row.actor), "finished", "export", row.pk, rows=row.position, size=size)


def _end(row: Export, **fields: Any) -> None:
    Export.objects.filter(pk=row.pk).update(**fields, rows=max(row.rows, row.position), position=row.position, ended_at=clock.now(), told=False)
    live.publish(f"export:{row.pk}", state=fields["state"])


def expire() -> int:
    """Throw away files that are older than KEPT; returns how many."""
    ids = [row[0] for row in sql.rows("SELECT id FROM export WHERE state = 'done' AND expires_at < %s LIMIT 500", [clock.now()])]
    for id in ids:
        with transaction.atomic():
            store.drop("export", id)
            Export.objects.filter(pk=id).update(state="expired")
    return len(ids)


def _node(object_type: str, stored: Mapping[str, Any]) -> Node:
    if dict(stored) in ({}, {"all": []}):
        return Everyone()
    return filter.parse(dict(stored), catalog.current(), object_type=object_type, deep=True)


def _find(row: Export) -> Find:
    held = access.of_actor(Actor.parse(row.actor))
    held.require(row.object_type, "export")
    return Find(row.object_type, _node(row.object_type, row.filter), text=row.text, rights=held)


def _lines(row: Export, find: Find) -> Iterator[list[list[str]]]:
    """The headers, then records in pieces, as texts."""
    known, say = properties.definitions(row.object_type), Wording(row.object_type)
    system = {"id": _("Record number"), "created_at": _("Created on"), "updated_at": _("Changed on")}
    heads = [name if row.names == "internal" else system.get(name) or properties.label(known[name]) for name in row.columns if name in system or name in known]
    columns = [name for name in row.columns if name in system or name in known]
    yield [heads]
    most = MOST_ROWS[row.format]
    own = access.of_actor(Actor.parse(row.actor))
    pieces = finder.each(find, SIZE) if row.ids is None else (finder.matching(find, row.ids[at : at + SIZE]) for at in range(0, len(row.ids), SIZE))
    for ids in pieces:
        found = records.many(row.object_type, ids)
        lines = []
        for id in ids:
            if id in found and own.may(row.object_type, "export", [found[id].owner_id]):
                lines.append([_cell(row, say, found[id], name) for name in columns])
        if row.position + len(lines) > most:
            lines = lines[: most - row.position]
        row.position += len(lines)
        sql.run("UPDATE export SET position = %s WHERE id = %s", [row.position, row.pk])
        yield lines
        if row.position >= most:
            return


def _cell(row: Export, say: Wording, record: Any, name: str) -> str:
    if name == "id":
        return str(record.id)
    if name in SYSTEM:
        return str(getattr(record, name).isoformat(timespec="seconds"))
    value = record.properties.get(name)
    return say.text(name, value) if row.values == "words" else raw(value)


def safe(text: str) -> str:
    """The text so that a worksheet takes it for a text: an apostrophe before what looks like a formula. Numbers and phone numbers stay as they are."""
    if text.startswith(DANGEROUS) and not _harmless(text):
        return f"'{text}"
    return text


def _harmless(text: str) -> bool:
    rest = text[1:]
    return text[0] in "+-" and bool(rest) and all(letter.isdigit() or letter in " -.,()" for letter in rest) and rest[0].isdigit()


def _csv(row: Export, find: Find, notes: dict[str, int]) -> Iterator[bytes]:
    """UTF-8 with the mark that Korean worksheets look for, or CP949, where a letter it lacks becomes ? and is counted."""
    if row.encoding == "utf-8":
        yield codecs.BOM_UTF8
    for lines in _lines(row, find):
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows([safe(cell) for cell in line] for line in lines)
        if row.encoding == "utf-8":
            yield text.getvalue().encode()
        else:
            coded = text.getvalue().encode("cp949", "replace")
            lost = coded.count(b"?") - text.getvalue().count("?")
            if lost:
                notes["LETTERS_LOST"] = notes.get("LETTERS_LOST", 0) + lost
            yield coded


def _xlsx(row: Export, find: Find) -> Iterator[bytes]:
    """A worksheet, written row by row to a temporary file; numbers are numbers, everything else a text and never a formula."""
    known = properties.definitions(row.object_type)
    numbers = {place for place, name in enumerate(row.columns) if name in known and known[name].type == PropertyType.NUMBER}
    with tempfile.TemporaryFile() as file:
        book = xlsxwriter.Workbook(
            file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": False}
        )
        sheet = book.add_worksheet(types.label(types.get(row.object_type), plural=True)[:31].translate(str.maketrans("[]:*?/\\'", "        ")))
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True})
        place = 0
        for lines in _lines(row, find):
            for line in lines:
                for column, cell in enumerate(line):
                    if not cell:
                        continue
                    if place and column in numbers and (number := _number(cell)) is not None:
                        sheet.write_number(place, column, number)
                    else:
                        sheet.write_string(place, column, cell[:LONGEST_CELL], None if place else bold)
                place += 1
        book.close()
        file.seek(0)
        while piece := file.read(store.PIECE):
            yield piece


def _number(text: str) -> float | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, (int, float)) and not isinstance(found, bool) and abs(found) < 1e15 else None
