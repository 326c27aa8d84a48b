"""A few contacts among all: the tables that conditions look into, each cut down to `%(ids)s` once.

Every condition of a statement then reads the few rows in memory instead of asking the big tables again. A WITH query may
be called like the table it reads and hides it from what follows: so the conditions are the same as for everybody.
"""

from collections.abc import Iterable
from datetime import datetime

from baton.platform.config import config
from baton.query.moment import Moment
from baton.query.nodes import Node, Performed, walk
from baton.query.statement import Sql

OF_CONTACTS = ("membership", "membership_pin", "score", "consent", "suppression", "subscription", "visitor")
TABLES = {name: "contact_id" for name in OF_CONTACTS} | {"association": "from_id"}


def tables(nodes: Iterable[Node], now: datetime) -> Sql:
    """The WITH queries for a statement that asks these nodes; PostgreSQL runs only those that it goes on to read."""
    looks = [n for node in nodes for n in walk(node) if isinstance(n, Performed)]
    moment = Moment(now, config().zone)
    since = {n: moment.reach(n) for n in looks}
    ever = sorted({int(kind) for n in looks if since[n] is None for kind in n.kinds})
    moments = [at for at in since.values() if at is not None]
    tests = ["contact_id = ANY(%(ids)s)", "kind = ANY(%(cut_kinds)s::smallint[])"]
    if moments:  # months before are not even opened, unless some kind of event counts for ever
        tests.append("(ts >= %(cut_since)s OR kind = ANY(%(cut_ever)s::smallint[]))" if ever else "ts >= %(cut_since)s")
    parts = [f"event AS MATERIALIZED (SELECT * FROM event WHERE {' AND '.join(tests)})"]
    parts += [f"{table} AS MATERIALIZED (SELECT * FROM {table} WHERE {column} = ANY(%(ids)s))" for table, column in TABLES.items()]
    kinds = sorted({int(kind) for n in looks for kind in n.kinds})
    return Sql(", ".join(parts), {"cut_kinds": kinds, "cut_since": min(moments, default=None), "cut_ever": ever})
