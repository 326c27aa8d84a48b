"""Rows that could not be taken, or not whole: kept with the reason, and given back as a file in the encoding it came in."""

import csv
import io
import json
from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from baton.crm.imports.plan import Item
from baton.crm.models import Import
from baton.platform import sql

PAGE = 2000


def write(import_id: int, items: Sequence[Item]) -> None:
    """Keep the problems of these rows, in the caller's transaction."""
    rows = [
        (item.number, place, problem.column, problem.code, problem.message, not item.lost, json.dumps(item.cells if place == 0 else []).replace("\\u0000", ""))
        for item in items
        for place, problem in enumerate(item.problems)
    ]
    if rows:
        sql.run(
            'INSERT INTO import_fault (import_id, number, place, "column", code, message, taken, cells)'
            " SELECT %s, r.* FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[], %s::boolean[], %s::jsonb[]) AS r",
            [import_id, *([value.replace("\x00", "") if isinstance(value, str) else value for value in column] for column in zip(*rows, strict=True))],
        )


def some(import_id: int, limit: int) -> list[tuple[int, str, str, bool]]:
    """The first problems: (row, column, message, whether the rest of the row was taken)."""
    return [
        (row[0], row[1], row[2], row[3])
        for row in sql.rows(
            'SELECT number, "column", message, taken FROM import_fault WHERE import_id = %s ORDER BY number, place LIMIT %s', [import_id, limit]
        )
    ]


def file(row: Import) -> Iterator[bytes]:
    """CSV of all rows with problems: the row as it came, then row number, column, reason, and whether the rest was imported."""
    encoding = row.layout.get("encoding") or "utf-8-sig"
    if encoding == "utf-8":
        encoding = "utf-8-sig"  # worksheets take it for something else without the mark
    delimiter = row.layout.get("delimiter") or ","
    first = [[*row.headers, _("Row"), _("Column"), _("Reason"), _("Imported")]]
    yield _bytes(first, delimiter, encoding, start=True)
    after = 0
    width = len(row.headers)
    while found := sql.rows(
        "SELECT number, string_agg(\"column\", ' · ' ORDER BY place), string_agg(message, ' · ' ORDER BY place), bool_and(taken),"
        " (array_agg(cells ORDER BY place))[1]::text FROM import_fault WHERE import_id = %s AND number > %s GROUP BY number ORDER BY number LIMIT %s",
        [row.pk, after, PAGE],
    ):
        lines = []
        for number, columns, messages, taken, cells in found:
            own = [str(cell) for cell in json.loads(cells)]
            kept = [*own[:width], *[""] * (width - len(own))]
            lines.append([*kept, str(number), columns, messages, _("Without these values") if taken else _("No")])
            after = number
        yield _bytes(lines, delimiter, encoding)


def _bytes(lines: list[list[str]], delimiter: str, encoding: str, *, start: bool = False) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(lines)
    plain = {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    mark = b"" if not start else b"\xef\xbb\xbf" if encoding == "utf-8-sig" else b"\xff\xfe" if encoding == "utf-16" else b""
    return mark + text.getvalue().encode(plain, "replace")
