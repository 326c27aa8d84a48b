"""The expressions that records are sorted by, and the indexes over them: those that every table needs, and those that definitions ask for.

A property with `indexed` has an index of its own, over the expression that filters and orders use (baton/query/expression.py): of contacts over
the living ones, of other records over the living ones of one type. `ensure` makes and drops what is missing or too many; on a live table it does so
without holding up writers.
"""

import hashlib
from typing import cast

from django.db import connection

from baton.crm import pipelines, properties, types
from baton.crm.models import PropertyDefinition
from baton.crm.models.property import PropertyType
from baton.platform import sql
from baton.query import expression as expressions
from baton.query.catalog import Type

NAME = "nullif(coalesce({c} ->> 'lastname', '') || coalesce({c} ->> 'firstname', ''), '')"
MARK = "by_"  # what the names of these indexes begin with
LOCK = 0xBA72
SMALL = 50_000  # rows
LIVE = "archived_at IS NULL"
ALWAYS = {
    "contact": {
        "contact_created": f"(created_at, id) WHERE {LIVE}",
        "contact_updated": f"(updated_at, id) WHERE {LIVE}",
        "contact_owner": f"(owner_id, id) WHERE {LIVE}",
        "contact_archived": "(id) WHERE archived_at IS NOT NULL",
        "contact_name": f"(({NAME.format(c='properties')}), id) WHERE {LIVE}",
    },
    "record": {
        "record_created": f"(object_type, created_at, id) WHERE {LIVE}",
        "record_updated": f"(object_type, updated_at, id) WHERE {LIVE}",
        "record_owner": f"(object_type, owner_id, id) WHERE {LIVE}",
        "record_archived": "(object_type, id) WHERE archived_at IS NOT NULL",
        "record_properties": "USING gin (properties jsonb_path_ops)",
    },
}


def expression(object_type: str, name: str, alias: str) -> str | None:
    """The SQL value by which records are sorted by a property: NULL when it is not set; None when there is no such property.

    `name` of a contact is family name and given name. Choices and stages go in the order of their options.
    """
    if object_type == "contact" and name == "name":
        return NAME.format(c=f"{alias}.properties")
    definition = properties.definitions(object_type).get(name)
    return None if definition is None else _value(object_type, definition, f"{alias}.properties")


def _value(object_type: str, definition: PropertyDefinition, record: str) -> str:
    name, values = _quoted(definition.name), _in_order(object_type, definition)
    if values is not None:
        return expressions.ordered(record, name, [_quoted(value) for value in dict.fromkeys(values)])
    return expressions.OF_TYPE[cast(Type, definition.type)](record, name)


def _in_order(object_type: str, definition: PropertyDefinition) -> list[str] | None:
    """The values of a choice or of pipeline stages in their order; None for anything else."""
    if definition.name == types.get(object_type).stage_property:
        return [stage.key for stages in pipelines.stages(object_type).values() for stage in stages]
    if definition.type == PropertyType.CHOICE:
        return [option["value"] for option in definition.options]
    return None


def _quoted(text: str) -> str:
    """As an SQL literal; %% because psycopg reads the statement."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def wanted() -> dict[str, tuple[str, str]]:
    """Name -> (table, what is indexed) of every index there should be. The name changes with the expression."""
    found = {f"{MARK}{name}": (table, body) for table, bodies in ALWAYS.items() for name, body in bodies.items()}
    for kind in types.known().values():
        table, which = ("contact", LIVE) if kind.key == "contact" else ("record", f"object_type = {_quoted(kind.key)} AND {LIVE}")
        for definition in properties.definitions(kind.key).values():
            if definition.indexed and definition.type != PropertyType.MULTI_CHOICE:
                for value in dict.fromkeys((_value(kind.key, definition, "properties"), *_compared(definition))):
                    body = f"(({value}), id) WHERE {which}"
                    digest = hashlib.sha256(body.encode()).hexdigest()[:8]
                    found[f"{MARK}{kind.key}_{definition.name}"[:50] + f"_{digest}"] = (table, body.replace("%%", "%"))
    return found


def _compared(definition: PropertyDefinition) -> list[str]:
    """What filters compare where that is not what records are sorted by: stages are kept as text and compared as such."""
    if definition.type == PropertyType.TEXT:
        return [expressions.text("properties", _quoted(definition.name))]
    return []


def there() -> dict[str, bool]:
    """The indexes of these tables that `ensure` made: name -> whether it is whole (one whose making was interrupted is not)."""
    return dict(
        sql.rows(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = ANY(ARRAY['contact'::regclass, 'record'::regclass]) AND starts_with(c.relname, %s)",
            [MARK],
        )
    )


def _statistics() -> dict[str, tuple[str, str]]:
    """Name -> (table, expression): what the planner is to know of the values. It takes nothing from an index over a part of a table."""
    found = {}
    for table, body in wanted().values():
        if body.startswith("(("):
            value = body[1 : body.rindex(", id)")]
            found[f"{MARK}{table}_{hashlib.sha256(value.encode()).hexdigest()[:12]}"] = (table, value)
    return found


def _known_statistics() -> set[str]:
    return {name for (name,) in sql.rows("SELECT stxname FROM pg_statistic_ext WHERE starts_with(stxname, %s)", [MARK])}


def _ensure_statistics() -> set[str]:
    """Make and drop them; returns the tables that need to be looked at anew."""
    should, have = _statistics(), _known_statistics()
    for name in have - should.keys():
        sql.run(f'DROP STATISTICS IF EXISTS "{name}"')
    missing = should.keys() - have
    for name in sorted(missing):
        table, value = should[name]
        sql.run(f'CREATE STATISTICS IF NOT EXISTS "{name}" ON {value} FROM {table}')
    return {should[name][0] for name in missing}


def ensure() -> list[str]:
    """Make the indexes that are missing, drop those nobody wants; returns their names. Nothing while another process is at it.

    Outside a transaction the writers of a large table are not held up.
    """
    should, have = wanted(), there()
    wrong = [name for name, whole in have.items() if name not in should or not whole]
    missing = [name for name in should if not have.get(name)]
    if not wrong and not missing and not _statistics().keys() - _known_statistics():
        return []
    ((mine,),) = sql.rows("SELECT pg_try_advisory_lock(%s)", [LOCK])  # never waits: making an index waits for whoever waits
    if not mine:
        return []
    try:
        aside = {table: "" if connection.in_atomic_block or _small(table) else " CONCURRENTLY" for table in ALWAYS}
        for name in wrong:
            sql.run(f'DROP INDEX{"" if connection.in_atomic_block else " CONCURRENTLY"} IF EXISTS "{name}"')
        for name in missing:
            table, body = should[name]
            sql.run(f'CREATE INDEX{aside[table]} IF NOT EXISTS "{name}" ON {table} {body}')
        for table in _ensure_statistics():
            sql.run(f"ANALYZE {table}")
    finally:
        sql.run("SELECT pg_advisory_unlock(%s)", [LOCK])
    return [*wrong, *missing]


def _small(table: str) -> bool:
    """Indexes of a small table are made in no time."""
    ((rows,),) = sql.rows(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {SMALL}) few")
    return bool(rows < SMALL)
