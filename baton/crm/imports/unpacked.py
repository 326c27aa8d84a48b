"""How large a workbook is once it is unpacked, seen before anything takes it into memory: a file of a few KB can claim 17 thousand million cells."""

import re
import zipfile
from typing import BinaryIO

from django.utils.translation import gettext as _

from baton.platform.errors import Invalid

LARGEST = 1 << 30  # bytes of all sheets
CELLS = 40_000_000  # of the rectangle from the first cell to the last, empty ones included: the reader makes room for all of them
PARTS = 2000  # files in the archive
PIECE = 1 << 20
PLACE = re.compile(rb'\sr\s*=\s*["\']\s*([A-Za-z]{0,7})([0-9]{1,10})')
MANY = re.compile(rb"<(?:\w+:)?table-cell[^>]*?number-columns-repeated\s*=\s*[\"']([0-9]{4,})[\"'][^>]*?value-type")
MANY_TURNED = re.compile(rb"<(?:\w+:)?table-cell[^>]*?value-type[^>]*?number-columns-repeated\s*=\s*[\"']([0-9]{4,})[\"']")
ROWS = re.compile(rb"<(?:\w+:)?table-row[^>]*?number-rows-repeated\s*=\s*[\"']([0-9]{5,})[\"'][^>]*>(?:(?!</(?:\w+:)?table-row>).)*?value-type", re.DOTALL)


def check(file: BinaryIO) -> None:
    """Raises Invalid (`file`) for a workbook that would not fit into memory, or is none. Other files than zip archives pass."""
    head = file.read(4)
    file.seek(0)
    if head != b"PK\x03\x04":
        return
    try:
        with zipfile.ZipFile(file) as archive:
            _archive(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise Invalid.one("file", "BROKEN", _("The workbook cannot be read. Save it as CSV (UTF-8) and upload that.")) from None
    finally:
        file.seek(0)


def _archive(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename.casefold() for part in parts}
    if len(parts) > PARTS or len(names) < len(parts) or not {"xl/workbook.xml", "content.xml"} & names:
        raise zipfile.BadZipFile
    if sum(part.file_size for part in parts) > LARGEST:  # zipfile reads no more of a part than it says it has, and refuses one that says too little
        _refuse()
    for part in parts:
        name = part.filename.casefold()
        if name == "content.xml":
            _repeated(archive.read(part))
        elif (name.endswith(".xml") and "xl/worksheets/" in name) or part.file_size > PIECE:
            _places(archive, part)
        else:
            archive.read(part)


def _places(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Where the first and the last cell of a sheet of an Excel workbook are."""
    rows, columns, rest = [1 << 40, 0], [1 << 40, 0], b""
    with archive.open(part) as sheet:
        while piece := sheet.read(PIECE):
            text = rest + piece
            for letters, number in set(PLACE.findall(text)):
                _widen(rows, int(number))
                if letters:
                    _widen(columns, _column(letters))
            rest = text[-64:]
    if rows[1] and (rows[1] - rows[0] + 1) * max(1, columns[1] - columns[0] + 1) > CELLS:
        _refuse()


def _widen(ends: list[int], place: int) -> None:
    ends[0], ends[1] = min(ends[0], place), max(ends[1], place)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _repeated(content: bytes) -> None:
    """A sheet of an OpenDocument workbook says how often a cell or row is repeated; empty ones at the end are harmless."""
    if MANY.search(content) or MANY_TURNED.search(content) or ROWS.search(content):
        _refuse()


def _refuse() -> None:
    raise Invalid.one("file", "TOO_LARGE", _("The workbook has too many cells. Save the worksheet as CSV (UTF-8) and upload that."))
