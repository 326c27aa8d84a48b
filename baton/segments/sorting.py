"""The orders a table can have, and one page of it: by an index from where the page begins, records without a value last."""

from dataclasses import dataclass
from typing import Any

from baton.crm import indexes
from baton.platform import sql
from baton.query.statement import Sql
from baton.segments import patience
from baton.segments.scoring import first_model

PATIENCE = 100  # milliseconds


@dataclass(frozen=True, slots=True)
class Order:
    """What records are sorted by: an expression over `c`, or over `j` in a table joined by contact. Equal values go by id."""

    value: str  # SQL; "" for the id itself
    join: str = ""  # "score j ON j.contact_id = c.id AND …"
    nullable: bool = True


def of(object_type: str, name: str) -> Order | None:
    """The order of this name; None when there is none."""
    if name == "id":
        return Order("", nullable=False)
    if name in ("created_at", "createdate", "updated_at"):
        return Order(f"c.{'updated_at' if name == 'updated_at' else 'created_at'}", nullable=False)
    if name == "owner_id":
        return Order("c.owner_id")
    if object_type == "contact" and name == "score":
        model = first_model()
        return Order("j.total", f"score j ON j.contact_id = c.id AND j.model_id = {int(model.pk) if model else 0}")
    if object_type == "contact" and name == "last_seen":
        return Order("j.last_seen_at", "visitor j ON j.contact_id = c.id")
    value = indexes.expression(object_type, name, "c")
    return None if value is None else Order(value)


def page(order: Order, where: Sql, *, table: str, descending: bool, limit: int, offset: int = 0, after: int | None = None) -> list[int]:
    """Ids of a page. `where` is a condition over `c`, a row of `table`; `after` the id before the page."""
    way, beyond = ("DESC", "<") if descending else ("ASC", ">")
    start = None if after is None else _start(order, table, after)
    found: list[int] = []
    if start is None or start[0] is not None or not order.nullable:  # those with a value
        join = f" JOIN {order.join}" if order.join else ""
        tests, params = [where.text], {**where.params, "limit": limit, "offset": offset}
        if order.nullable:
            tests.append(f"{order.value} IS NOT NULL")
        if start is not None:
            params |= {"start_id": start[1], "start": start[0]}
            tests.append(f"({order.value}, c.id) {beyond} (%(start)s, %(start_id)s)" if order.value else f"c.id {beyond} %(start_id)s")
        by = f"{order.value} {way}, c.id {way}" if order.value else f"c.id {way}"
        asked = f"SELECT c.id FROM {table} c{join} WHERE {' AND '.join(tests)}"
        found = _ids(f"{asked} ORDER BY {by} LIMIT %(limit)s OFFSET %(offset)s", params, table)
        if len(found) == limit or not order.nullable:
            return found
        if offset and not found:
            ((valued,),) = sql.rows(f"SELECT count(*) FROM ({asked} LIMIT %(offset)s) few", params)
            offset -= valued
        else:
            offset = 0
        start = None
    tests, params = [where.text], {**where.params, "limit": limit - len(found), "offset": offset}
    if order.join:
        kind, _, on = order.join.partition(" j ON ")
        tests.append(f"NOT EXISTS (SELECT 1 FROM {kind} j WHERE {on} AND {order.value} IS NOT NULL)")
    else:
        tests.append(f"{order.value} IS NULL")
    if start is not None:
        params["start_id"] = start[1]
        tests.append(f"c.id {beyond} %(start_id)s")
    last = f"SELECT c.id FROM {table} c WHERE {' AND '.join(tests)} ORDER BY c.id {way} LIMIT %(limit)s OFFSET %(offset)s"
    return found + _ids(last, params, table)


def _start(order: Order, table: str, after: int) -> tuple[Any, int]:
    """The value and id of the record before the page; a record that is gone begins at its id, without a value."""
    if not order.value:
        return None, after
    join = f" LEFT JOIN {order.join}" if order.join else ""
    rows = sql.rows(f"SELECT {order.value} FROM {table} c{join} WHERE c.id = %(after)s", {"after": after})
    return (rows[0][0] if rows else None), after


def _ids(asked: str, params: dict[str, Any], table: str) -> list[int]:
    """The planner's way first. When it takes too long it found far more than it thought: then in the order of an index, until the page is full."""
    if patience.large(table):
        rows = patience.rows(asked, params, milliseconds=PATIENCE)
        if rows is None:
            rows = patience.rows(asked, params, off=("sort", "bitmapscan", "hashjoin"))
    else:
        rows = sql.rows(asked, params)
    return [id for (id,) in rows or []]
