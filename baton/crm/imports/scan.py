"""One look through the whole file before anything is decided: how many rows, which values each column has."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from baton.crm.imports.reading import Row, headers
from baton.platform.errors import Invalid

MOST = 1_000_000  # rows of one file
DISTINCT = 60  # different values of a column that are remembered
EXAMPLES = 30
SHORT = 100  # characters of a remembered value


@dataclass
class Scan:
    headers: list[str]
    rows: int = 0
    columns: list[dict[str, Any]] = field(default_factory=list)  # {"examples": […], "values": [[text, rows], …] or null, "filled": n, "distinct": bool}


def scan(rows: Iterator[Row]) -> Scan:
    """Raises Invalid (`file`) for a file without rows or with too many."""
    first = next(rows, None)
    if first is None:
        raise Invalid.one("file", "EMPTY", _("The file is empty."))
    head = list(islice(rows, 200))
    found = Scan(headers(first, head))
    width = len(found.headers)
    values: list[dict[str, int] | None] = [{} for _column in range(width)]
    examples: list[list[str]] = [[] for _column in range(width)]
    filled = [0] * width
    unlike = [True] * width

    def look(row: Row) -> None:
        for place, cell in enumerate(row[:width]):
            text = cell.strip()
            if not text:
                continue
            filled[place] += 1
            if len(examples[place]) < EXAMPLES:
                unlike[place] = unlike[place] and text not in examples[place]
                examples[place].append(text[:SHORT])
            known = values[place]
            if known is not None:
                known[text[:SHORT]] = known.get(text[:SHORT], 0) + 1
                if len(known) > DISTINCT:
                    values[place] = None

    for row in head:
        look(row)
    found.rows = len(head)
    for row in rows:
        found.rows += 1
        if found.rows > MOST:
            raise Invalid.one("file", "TOO_LONG", _("A file can have {limit} rows at most. Split it and import the parts.").format(limit=f"{MOST:,}"))
        look(row)
    if not found.rows:
        raise Invalid.one("file", "EMPTY", _("The file has column names and no rows."))
    for place in range(width):
        known = values[place]
        found.columns.append(
            {
                "examples": examples[place],
                "values": None if known is None else sorted(map(list, known.items()), key=lambda pair: (-int(pair[1]), str(pair[0]))),
                "filled": filled[place],
                "distinct": unlike[place] and filled[place] > 0,
            }
        )
    return found
