"""A second world within one transaction: temporary tables hide the real ones, PostgreSQL forbids every write to those, and nothing is ever committed.

Temporary tables come first in the search path, so the engine's own statements, which name no schema, read and write them without knowing. Hidden are all
tables by person or record (the rows of the people asked for are there), all queues and journals (empty), and the few definitions that the engine itself
writes. All others can be read and not written: the transaction is read-only for whatever is not temporary, so a write that was not thought of fails and harms
nothing. Locks and notices are taken out of other workers' reach too: their functions are hidden by ones that do nothing.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import DataError, InternalError, NotSupportedError, OperationalError, connection, transaction

from baton.platform import sql

LEFT = ("import_", "like_key", "likeness", "file", "merge", "cache")  # about people, but no workflow looks at them or writes them
EMPTY = frozenset({"history", "notification", "workflow_tally", "procrastinate_jobs"})  # journals: what is written is all that is read
# Definitions that remember what the engine did with them; all of their rows are copied.
WRITTEN = frozenset(
    {"event_key", "workflow", "workflow_version", "workflow_rotation", "segment", "segment_day", "score_model", "lifecycle_stage", "object_type", "asset_count"}
)
BARE = frozenset({"contact", "record"})  # have an index for each sorted column of the tables, which a few thousand rows do not need
OWNERS = ("contact_id", "record_id", "from_id")
GAP = 10**9  # new ids begin so far behind the real ones, and each rehearsal somewhere else: processes remember some by number
MEMORY = "256MB"  # for the rows of temporary tables; behind it they are read from the disk
PEOPLE = "rehearsed"  # the temporary table with the ids of all who are asked for, and of their records

TABLES = """
SELECT c.relname,
    array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
    (SELECT array_agg(b.attname) FROM pg_index i JOIN pg_attribute b ON b.attrelid = c.oid AND b.attnum = i.indkey[0] WHERE i.indrelid = c.oid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY c.oid, c.relname, c.relkind ORDER BY c.relname
"""
# Sequences by name, with the column whose own they are (identity), and columns whose default takes from one.
SEQUENCES = """
SELECT s.relname, q.last_value, t.relname, a.attname
FROM pg_class s JOIN pg_sequences q ON q.schemaname = current_schema() AND q.sequencename = s.relname
LEFT JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'
LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE s.relnamespace = current_schema()::regnamespace AND s.relkind = 'S'
"""
DEFAULTS = """
SELECT table_name, column_name, column_default FROM information_schema.columns
WHERE table_schema = current_schema() AND column_default LIKE 'nextval(%%'
"""
# Functions of the same form before PostgreSQL's own in the search path: nobody is held up, nobody is told.
DUMB = [
    *(f"{kind}_xact_lock{how}({of}) RETURNS void LANGUAGE sql AS ''" for kind in ("pg_advisory",) for how in ("", "_shared") for of in ("int, int", "bigint")),
    *(f"pg_try_advisory_xact_lock{how}({of}) RETURNS boolean LANGUAGE sql AS 'SELECT true'" for how in ("", "_shared") for of in ("int, int", "bigint")),
    "pg_notify(text, text) RETURNS void LANGUAGE sql AS ''",
]


@dataclass(frozen=True, slots=True)
class Table:
    """A real table: its columns, how a row's owner is called in it ("" for definitions), and whether its rows are wanted at all."""

    name: str
    columns: tuple[str, ...]
    owner: str
    empty: bool


_inside: ContextVar[bool] = ContextVar("rehearsing", default=False)


def inside() -> bool:
    """Whether this thread is in a shadow world: nothing it does is real."""
    return _inside.get()


@contextmanager
def world(people: str, params: Mapping[str, Any] | None = None, prepare: Callable[[], None] | None = None) -> Iterator[None]:
    """Within the block every table is a shadow that holds the people of a SELECT of ids and their records; behind it all of that is gone.

    `prepare` may still make temporary tables of its own. The real tables are read only while they are copied, so nobody waits for a rehearsal, and a
    rehearsal for nobody.
    """
    with transaction.atomic():
        token = _inside.set(True)
        try:
            _enter(people, params or {})
            if prepare is not None:
                prepare()
            sql.run("SET TRANSACTION READ ONLY")
            yield
        finally:
            _inside.reset(token)
            transaction.set_rollback(True)


def tables() -> list[Table]:
    """The tables that are hidden."""
    found = []
    for name, columns, leading in sql.rows(TABLES):
        owner = "id" if name in BARE else next((c for c in OWNERS if c in (leading or ())), "")
        empty = "bucket" in columns or name in EMPTY
        if (owner or empty or name in WRITTEN) and not name.startswith(LEFT):
            found.append(Table(name, tuple(columns), owner, empty))
    return found


def _enter(people: str, params: Mapping[str, Any]) -> None:
    [(schema,)] = sql.rows("SELECT quote_ident(current_schema())")
    apart = f"baton_rehearsal_{connection.connection.info.backend_pid}"
    hidden = tables()
    gap = (1 + secrets.randbelow(10**6)) * GAP
    script = [f"CREATE SCHEMA {apart}", *(f"CREATE FUNCTION {apart}.{text}" for text in DUMB)]
    for table in hidden:
        how = "INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS" if table.name in BARE else "INCLUDING ALL EXCLUDING STATISTICS"
        key = ", PRIMARY KEY (id)" if table.name in BARE else ""
        script.append(f'CREATE TEMP TABLE "{table.name}" (LIKE {schema}."{table.name}" {how}{key}) ON COMMIT DROP')
    names = {t.name for t in hidden}
    for sequence, last, of, column in sql.rows(SEQUENCES):
        if of in names:
            script.append(f'ALTER TABLE pg_temp."{of}" ALTER COLUMN "{column}" RESTART WITH {(last or 0) + gap}')
        elif of is None:
            script.append(f'CREATE TEMP SEQUENCE "{sequence}" START {(last or 0) + gap}')
    for of, column, default in sql.rows(DEFAULTS):
        if of in names:
            script.append(f'ALTER TABLE pg_temp."{of}" ALTER COLUMN "{column}" SET DEFAULT {default}')  # the same words, another sequence
    script.append(f"CREATE TEMP TABLE {PEOPLE} (id bigint PRIMARY KEY) ON COMMIT DROP")
    with contextlib.suppress(OperationalError, InternalError, DataError, NotSupportedError), transaction.atomic():
        sql.run(f"SET LOCAL temp_buffers = '{MEMORY}'")  # refused in a session that had temporary tables with less: then it is slower
    with connection.cursor() as cursor:
        cursor.execute(";\n".join(script[: len(DUMB) + 1]))
        # The people are asked for while the names still mean the real tables.
        cursor.execute(f"CREATE TEMP TABLE {PEOPLE} ON COMMIT DROP AS SELECT DISTINCT q.id FROM ({people}) AS q(id)", params or None)
        cursor.execute(f"INSERT INTO {PEOPLE} SELECT DISTINCT a.to_id FROM association a JOIN {PEOPLE} p ON p.id = a.from_id WHERE a.to_type <> 'contact'")
        cursor.execute(f"CREATE INDEX ON {PEOPLE} (id); ANALYZE {PEOPLE}")
        cursor.execute(";\n".join(script[len(DUMB) + 1 : -1]))
        cursor.execute(";\n".join(_copies(schema, hidden)))
        cursor.execute(f"SET LOCAL search_path = pg_temp, {apart}, pg_catalog, {schema}; SET LOCAL jit = off")


def _copies(schema: str, hidden: Sequence[Table]) -> list[str]:
    made = []
    for table in hidden:
        if table.empty:
            continue
        columns = ", ".join(f'o."{c}"' for c in table.columns)
        into = f'INSERT INTO pg_temp."{table.name}" ({columns.replace("o.", "")}) SELECT {columns} FROM {schema}."{table.name}" o'
        made.append(into + (f' WHERE o."{table.owner}" IN (SELECT id FROM {PEOPLE})' if table.owner else ""))
        made.append(f'ANALYZE pg_temp."{table.name}"')
    return made
