"""One column of a CSV file that somebody uploads: the one that is called so, or the first."""

import csv
import io
from collections.abc import Collection

from django.utils.translation import gettext as _

from baton.crm.imports import encodings
from baton.platform.errors import Invalid

LARGEST = 20 << 20  # bytes


def read(content: bytes, names: Collection[str], *, most: int | None = None) -> list[str]:
    """The cells of the column whose head is one of `names` (small letters), in any encoding people save files in. Raises Invalid (`file`)."""
    if len(content) > LARGEST:
        raise Invalid.one("file", "TOO_LARGE", _("A file can have {size} MB at most.").format(size=LARGEST >> 20))
    text = content.decode(encodings.detect(io.BytesIO(content)), "replace").lstrip("\ufeff")
    try:
        lines = [line for line in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in line)]
    except csv.Error:
        raise Invalid.one("file", "NO_TABLE", _("This is no CSV file.")) from None
    if most is not None and len(lines) > most:
        raise Invalid.one("file", "TOO_LONG", _("A file can have {n} lines at most.").format(n=most))
    head = [cell.strip().lower() for cell in lines[0]] if lines else []
    place = next((at for at, cell in enumerate(head) if cell in names), None)
    return [line[place or 0].strip() for line in lines[0 if place is None else 1 :] if len(line) > (place or 0)]
