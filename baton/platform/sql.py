"""Static SQL beside its caller, and the few statements every package needs."""

import json
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

PREPARED_FROM = 5  # times a statement is run on a connection


@cache
def load(name: str, package: str) -> str:
    """The text of `sql/<name>.sql` in `package`, for example load("claim", __package__)."""
    folder = Path(sys.modules[package].__file__ or "").parent
    return (folder / "sql" / f"{name}.sql").read_text()


def rows(statement: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Run a statement on Django's connection and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return cursor.fetchall() if cursor.description else []


def prepared(statement: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    """As `rows`, for statements that are run many times a second: from the fifth time on the database does not plan them anew.

    The parameters go to the server by themselves: write their types (`%s::bigint[]`). Their number and the text must be the same each time.
    """
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    own = connection.connection
    if own.prepare_threshold is None:  # Django's usual
        own.prepare_threshold = PREPARED_FROM
    with connection.wrap_database_errors, psycopg.Cursor(own) as cursor:
        cursor.execute(statement, params or None)
        return cursor.fetchall() if cursor.description else []


def run(statement: str, params: Sequence[Any] | dict[str, Any] = ()) -> int:
    """Run a statement on Django's connection and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return int(cursor.rowcount)


def numbers(values: Iterable[int]) -> str:
    """Whole numbers as the text of an array, for `%s::bigint[]`: a list is written number by number, which costs more than reading it."""
    return f"{{{','.join(map(str, values))}}}"


def texts(values: Sequence[str]) -> str:
    """Texts as JSON, for `ARRAY(SELECT json_array_elements_text(%s::json))`: the same, for the same reason."""
    return json.dumps(values, ensure_ascii=False)


def next_ids(sequence: str, count: int) -> list[int]:
    """Ids taken before the insert: rows of a distributed table come back in any order, so their ids must be known."""
    return [r[0] for r in rows("SELECT nextval(%s::regclass) FROM generate_series(1, %s)", [sequence, count])]
