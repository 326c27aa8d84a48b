"""`baton demo load --events`: what the crowd did in the last two years, made by PostgreSQL itself, month by month. Each month is whole or not there.

Who is active follows a power law, and so does which page is seen. Nobody is enrolled or told: it is the past.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from baton.demo.copying import as_json
from baton.demo.pages import FREQUENT, SITE
from baton.events import keys, months, partitions
from baton.events.vocabulary import Kind
from baton.platform import clock, sql
from baton.platform.config import config
from baton.segments import refresh, scoring
from baton.segments.models import ScoreModel, Segment

Say = Callable[[str], None]
DAYS = 730
PAGES = 500  # of the website, each with a smaller share
SHARES = {  # of a hundred events
    Kind.PAGE_VIEW: 55,
    Kind.PAGE_DWELL: 15,
    Kind.EMAIL_SENT: 10,
    Kind.EMAIL_OPEN: 10,
    Kind.EMAIL_CLICK: 4,
    Kind.CTA_CLICK: 3,
    Kind.DOWNLOAD: 2,
    Kind.FORM_SUBMISSION: 1,
}
# Numbered 0 to n-1 over the month; ids are below 2^53 and never met again, as they carry the month and the number.
ROWS = """
WITH about AS MATERIALIZED (
    SELECT a.kind::smallint AS kind, array_agg(v::bigint ORDER BY n) AS keys
    FROM jsonb_each(%(keys)s::jsonb) AS a(kind, list), jsonb_array_elements_text(a.list) WITH ORDINALITY AS e(v, n) GROUP BY 1
)
INSERT INTO {table} (contact_id, ts, id, kind, key, value, payload)
SELECT %(first)s + floor(%(people)s * power(r.a, 2))::bigint, %(since)s + r.i * %(step)s, %(ids)s + r.i, r.kind,
       a.keys[1 + floor(cardinality(a.keys) * power(r.b, 3))::int], CASE WHEN r.kind = %(dwell)s THEN floor(240 * r.b) END, '{{}}'
FROM (SELECT i, random() AS a, random() AS b, (%(kinds)s::smallint[])[1 + i %% 100] AS kind FROM generate_series(0, %(rows)s::bigint - 1) AS i) r
JOIN about a ON a.kind = r.kind
"""


def load(events: int, *, say: Say = lambda text: None) -> int:
    """Bring the database up to so many events; returns how many were added. Needs a loaded crowd. About ten minutes for fifty million."""
    ((have,),) = sql.rows("SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class WHERE relname ~ '^event_[0-9]{6}$'")
    missing = events - have
    if missing < events // 20:  # what PostgreSQL says of its tables is an estimate
        return 0
    now = clock.now()
    since = now - timedelta(days=DAYS)
    partitions.ensure(since, now)
    first, people = _crowd()
    about = _keys()
    done, at = 0, since
    while at < now:
        until = min(months.month(at, 1), now)
        rows = int(missing * ((until - at) / timedelta(days=DAYS)))
        if rows:
            _month(at, until, rows, first, people, about)
            done += rows
            say(f"events {done:,}/{missing:,} · {at:%Y-%m}")
        at = until
    say("Scores and lists")
    for model in ScoreModel.objects.filter(archived_at=None, object_type="contact"):
        scoring.everyone(model)
    for segment in Segment.objects.filter(kind="active", archived_at=None):
        refresh.everyone(segment)
    sql.run("DELETE FROM change")  # nobody is to be enrolled or told for what happened long ago
    return done


def _crowd() -> tuple[int, int]:
    """The first number and the length of the longest row of contacts without a gap."""
    ((first, count),) = sql.rows(
        "SELECT min(id), count(*) FROM (SELECT id, id - row_number() OVER (ORDER BY id) AS island FROM contact) n"
        " GROUP BY island ORDER BY count(*) DESC LIMIT 1"
    )
    return int(first), int(count)


def _keys() -> dict[str, list[int]]:
    """For each kind the keys it may be about, the frequent ones first."""
    host = f"{config().url.partition('://')[2]}{SITE}"
    named = {
        Kind.PAGE_VIEW: [*(f"{host}{path}" for path in FREQUENT), f"{host}/pricing", *(f"{host}/blog/{n}" for n in range(1, PAGES - len(FREQUENT)))],
        Kind.CTA_CLICK: [f"cta_{n}" for n in range(1, 9)],
        Kind.DOWNLOAD: [f"{host}/files/{n}.pdf" for n in range(1, 21)],
    }
    found = {kind: list(keys.ids(kind, values).values()) for kind, values in named.items()}
    found[Kind.PAGE_DWELL] = found[Kind.PAGE_VIEW]
    for kind in (Kind.EMAIL_SENT, Kind.EMAIL_OPEN, Kind.EMAIL_CLICK):
        found[kind] = list(keys.ids(kind, [str(n) for n in range(1, 61)]).values())
    found[Kind.FORM_SUBMISSION] = [id for (id,) in sql.rows("SELECT id FROM event_key WHERE kind = %s ORDER BY id", [int(Kind.FORM_SUBMISSION)])]
    return {str(int(kind)): values for kind, values in found.items()}


def _month(since: datetime, until: datetime, rows: int, first: int, people: int, about: dict[str, list[int]]) -> None:
    """Fill one month beside the big table, without indexes, and put it back: twice as quick as row by row into them."""
    start = months.month(since)
    table = months.name(start)
    kinds = [int(kind) for kind, share in SHARES.items() for _ in range(share)]
    with transaction.atomic():
        sql.run(f"ALTER TABLE event DETACH PARTITION {table}")
        sql.run(f"CREATE TABLE {table}_filled (LIKE {table} INCLUDING DEFAULTS)")
        sql.run(f"INSERT INTO {table}_filled SELECT * FROM {table}")
        sql.run(
            ROWS.format(table=f"{table}_filled"),
            {
                "first": first,
                "people": people,
                "since": since,
                "step": (until - since) / rows,
                "ids": (since.year * 12 + since.month) << 32,
                "rows": rows,
                "keys": as_json(about),
                "kinds": kinds,
                "dwell": int(Kind.PAGE_DWELL),
            },
        )
        sql.run(f"DROP TABLE {table}")
        sql.run(f"ALTER TABLE {table}_filled RENAME TO {table}")
        sql.run("SET LOCAL maintenance_work_mem = '1GB'")
        sql.run(months.statements(start)[1])
    sql.run(f"VACUUM (ANALYZE) {table}")
