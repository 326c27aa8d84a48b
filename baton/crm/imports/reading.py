"""From the bytes of a file to rows of texts, one after the other: CSV in any encoding and with any delimiter, and worksheets."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import IO, Any, BinaryIO, cast

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from baton.crm.imports import encodings, unpacked
from baton.platform.errors import Invalid

DELIMITERS = (",", ";", "\t", "|")
LONGEST = 1 << 20  # characters of one cell; more is a quotation mark without its end
SNIFF = 1 << 16  # characters that are looked at for the delimiter
COLUMNS = 500
BOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # xlsx and ods; xls
INVISIBLE = re.compile("[\ufeff\u200b\u200c\u200d\u2060]")

Row = list[str]


@dataclass(slots=True)
class Layout:
    """How a file is read."""

    kind: str = "csv"  # csv, book
    encoding: str = "utf-8"
    delimiter: str = ","
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)

    def stored(self) -> dict[str, Any]:
        return asdict(self)


def detect(file: BinaryIO) -> Layout:
    """How this file wants to be read. Raises Invalid (`file`) when it is no table."""
    head = file.read(8)
    file.seek(0)
    if head.startswith(BOOKS):
        sheets = [name for name in _book(file).sheet_names]
        if not sheets:
            raise Invalid.one("file", "NO_SHEET", _("The workbook has no worksheet."))
        return Layout("book", "", "", sheets[0], sheets)
    if head.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b", b"Rar!")):
        raise Invalid.one("file", "NO_TABLE", _("This is not a table. Upload a CSV file or an Excel workbook."))
    encoding = encodings.detect(file)
    file.seek(0)
    text = io.TextIOWrapper(cast(IO[bytes], _Open(file)), encoding, errors="replace", newline="").read(SNIFF)
    return Layout("csv", encoding, _delimiter(text))


def rows(file: BinaryIO, layout: Layout) -> Iterator[Row]:
    """Every row that has a value, the headers first. Raises Invalid (`file`) in the middle when the file cannot be read on."""
    found = _sheet(file, layout.sheet) if layout.kind == "book" else _lines(file, layout)
    return ([cell.replace("\0", "\ufffd") for cell in row] if any("\0" in cell for cell in row) else row for row in found if any(row))


def headers(first: Row, others: Iterable[Row] = ()) -> list[str]:
    """Names of the columns: trimmed, none empty, none twice; columns without a name and without a value at the end are left out.

    Raises Invalid (`file`) when there are none, or too many.
    """
    names = [clean(text) for text in first]
    width = max([len(names), *(len(row) for row in others)])
    names += [""] * (width - len(names))
    while names and not names[-1] and not any(len(row) >= len(names) and row[len(names) - 1] for row in others):
        names.pop()
    if not any(names):
        raise Invalid.one("file", "NO_HEADERS", _("The first row has no column names."))
    if len(names) > COLUMNS:
        raise Invalid.one("file", "TOO_WIDE", _("A file can have {limit} columns at most.").format(limit=COLUMNS))
    taken: set[str] = set()
    result = []
    for number, name in enumerate(names, 1):
        base = name or _("Column {number}").format(number=number)
        text, again = base, 1
        while text in taken:
            again += 1
            text = f"{base} ({again})"
        taken.add(text)
        result.append(text)
    return result


def clean(text: str) -> str:
    """A header as it is compared and shown: one line, composed letters, nothing invisible."""
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())[:200]


class _Open(io.BufferedIOBase):
    """A file that a TextIOWrapper reads and does not close."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._file.read(size if size >= 0 else encodings.PIECE)


def _delimiter(text: str) -> str:
    """The delimiter that gives the most even table of more than one column."""
    if named := re.match(r"\ufeff?sep=(.)\r?\n", text, re.IGNORECASE):
        return named[1]
    best, points = ",", 1.0
    for delimiter in DELIMITERS:
        try:
            sample = [row for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 30) if any(row)]
        except csv.Error:
            continue
        if len(sample) > 1 and len(text) >= SNIFF:
            sample = sample[:-1]  # it may be cut
        widths = [len(row) for row in sample]
        if not widths:
            continue
        even = sum(width == widths[0] for width in widths) / len(widths)
        mark = even * min(widths[0], 50)
        if widths[0] > 1 and mark > points:
            best, points = delimiter, mark
    return best


def _lines(file: BinaryIO, layout: Layout) -> Iterator[Row]:
    csv.field_size_limit(LONGEST)
    text = io.TextIOWrapper(cast(IO[bytes], _Open(file)), layout.encoding, errors="replace", newline="")
    reader = csv.reader(text, delimiter=layout.delimiter)
    try:
        for number, row in enumerate(reader):
            if number == 0 and row:
                row[0] = row[0].removeprefix("\ufeff")
                if re.fullmatch(r"sep=.?", ",".join(row), re.IGNORECASE) or row == ["sep=", ""]:
                    continue
            yield row
    except csv.Error:
        message = _("The file cannot be read from line {number} on: a quotation mark has no end there.").format(number=f"{reader.line_num:,}")
        raise Invalid.one("file", "BROKEN", message) from None


def _book(file: BinaryIO) -> CalamineWorkbook:
    unpacked.check(file)
    try:
        return CalamineWorkbook.from_filelike(file)
    except PasswordError:
        raise Invalid.one("file", "PASSWORD", _("The workbook has a password. Save it without one and upload it again.")) from None
    except (CalamineError, OSError, ValueError):
        raise Invalid.one("file", "BROKEN", _("The workbook cannot be read. Save it as CSV (UTF-8) and upload that.")) from None


def _sheet(file: BinaryIO, name: str) -> Iterator[Row]:
    try:
        sheet = _book(file).get_sheet_by_name(name)
    except CalamineError:
        raise Invalid.one("sheet", "NO_SHEET", _("There is no worksheet {name}.").format(name=name)) from None
    for row in sheet.iter_rows():
        yield [_cell(value) for value in row]


def _cell(value: Any) -> str:
    """A cell of a worksheet as text: whole numbers without a point, dates as 2026-11-20."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(int(value.total_seconds()))
    return str(value)
