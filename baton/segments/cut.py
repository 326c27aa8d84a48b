"""A few contacts among all: the tables that conditions look into, each cut down to `%(ids)s` once.

Every condition of a statement then reads the few rows in memory instead of asking the big tables again. A query over an
alias of the table's own name is how: a WITH query may be called like the table it reads, and hides it from what follows.
"""

TABLES = {
    "event": "contact_id",
    "membership": "contact_id",
    "score": "contact_id",
    "consent": "contact_id",
    "suppression": "contact_id",
    "association": "from_id",
}

# PostgreSQL runs only those that the statement goes on to read.
WITH = ", ".join(f"{table} AS MATERIALIZED (SELECT * FROM {table} WHERE {column} = ANY(%(ids)s))" for table, column in TABLES.items())
