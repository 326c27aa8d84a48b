"""Questions to large tables that are given so many milliseconds: what takes longer is asked otherwise, so that no page waits for a table that grows."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, transaction

from baton.platform import sql

LARGE = 50_000  # rows; smaller tables are asked at leisure
FRESH = 60.0  # seconds for which the size of a table is remembered
_sizes: dict[str, tuple[float, int]] = {}


def size(table: str) -> int:
    """About how many rows a table has."""
    at, rows = _sizes.get(table, (0.0, 0))
    if not at or time.monotonic() - at > FRESH:
        ((rows,),) = sql.rows("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = %s::regclass", [table])
        _sizes[table] = (time.monotonic(), rows)
    return rows


def large(table: str) -> bool:
    return size(table) > LARGE


def rows(statement: str, params: dict[str, Any], *, milliseconds: int = 0, off: Sequence[str] = ()) -> list[tuple[Any, ...]] | None:
    """The rows, or None when it takes longer than so many milliseconds (0: as long as it takes). `off`: what the planner is to avoid: sort, bitmapscan."""
    wanted = {f"enable_{name}": "off" for name in off} | ({"statement_timeout": str(milliseconds)} if milliseconds else {})
    try:
        with transaction.atomic(), settings(wanted):
            return sql.rows(statement, params)
    except OperationalError as error:
        if "statement timeout" in str(error):
            return None
        raise


@contextmanager
def settings(values: Mapping[str, str]) -> Iterator[None]:
    """Other settings of PostgreSQL for a part of the transaction."""
    before = sql.rows(f"SELECT {', '.join('current_setting(%s)' for _ in values)}", list(values))[0]
    _set(values)
    yield
    _set(dict(zip(values, before, strict=True)))  # after an error the transaction is rolled back, and they with it


def _set(values: Mapping[str, str]) -> None:
    calls = ", ".join("set_config(%s, %s, true)" for _ in values)
    sql.rows(f"SELECT {calls}", [part for pair in values.items() for part in pair])
