"""What the user should know of an import although nothing failed: names that were taken for others, phones kept as written."""

from collections.abc import Iterable
from typing import Any

MOST = 100  # different notes of one kind

Note = dict[str, Any]  # {"code", "was", "now", "rows"}


def note(code: str, was: str = "", now: str = "", rows: int = 1) -> Note:
    """`code`: NAME_MATCHED (was -> now), NO_LINK (was; now: what was probably meant), PHONE_KEPT, NO_KEY."""
    return {"code": code, "was": was, "now": now, "rows": rows}


def merged(known: list[Note], more: Iterable[Note]) -> list[Note]:
    """Notes with those of one more chunk; the same ones are counted together, and of too many the rest as one."""
    found = {(row["code"], row["was"], row["now"]): dict(row) for row in known}
    for row in more:
        key = (row["code"], row["was"], row["now"])
        if key not in found and sum(code == row["code"] for code, _was, _now in found) >= MOST:
            key = (row["code"], "", "")
            row = {**row, "was": "", "now": ""}
        if key in found:
            found[key]["rows"] += row["rows"]
        else:
            found[key] = dict(row)
    return list(found.values())
