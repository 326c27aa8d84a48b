"""Rows into tables by COPY on Django's connection, and the forms they take there."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import connection
from pydantic_core import to_json

from baton.crm import search
from baton.platform import sql

PIECE = 5000


def as_json(value: Any) -> str:
    """A value as JSON; millions go through here, so it is not Python that writes it."""
    return to_json(value).decode()


def copy_in_pieces(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows with COPY, some thousand at a time. While a COPY runs nothing else can be asked, so rows that ask for something are made before."""
    rest = iter(rows)
    while piece := list(islice(rest, PIECE)):
        copy(table, columns, piece)


def copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows with COPY, as they come. Making them must not need the database."""
    with connection.cursor() as cursor, cursor.cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as stream:
        for row in rows:
            stream.write_row(row)


def update(table: str, change: str, match: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """UPDATE `table` t from rows given as r, all at once."""
    sql.run(f"CREATE TEMPORARY TABLE moved ({columns}) ON COMMIT DROP")
    copy("moved", [c.split()[0] for c in columns.split(", ")], rows)
    sql.run(f"UPDATE {table} t SET {change} FROM moved r WHERE {match}")
    sql.run("DROP TABLE moved")


def words(object_type: str, properties: dict[str, Any]) -> str:
    """What quick search finds a record by, as a tsvector is written."""
    return " ".join("'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in search.terms(object_type, properties))


@contextmanager
def without_indexes(*tables: str) -> Iterator[None]:
    """Drop the plain indexes of tables and make them again afterwards, in the same transaction: quicker than keeping them for millions of rows."""
    found = sql.rows(
        "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.schemaname = current_schema() AND i.tablename = ANY(%s)"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = format('%%I.%%I', i.schemaname, i.indexname)::regclass) ORDER BY i.indexname",
        [list(tables)],
    )
    for name, _definition in found:
        sql.run(f'DROP INDEX "{name}"')
    yield
    sql.run("SET LOCAL maintenance_work_mem = '1GB'")
    for _name, definition in found:
        sql.run(definition)
