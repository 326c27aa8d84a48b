"""A million contacts: tables, records, quick search and the API through the real views, each beside the bare SQL of the same question.

The database `baton_million` (sample company, 1,000,000 contacts, 200,000 companies, 100,000 deals) is made once, in some minutes, and kept.
BENCH_CONTACTS makes it smaller, BENCH_DATABASE takes another, BENCH_RUNS asks less often. Times are the server's: from the request to the whole answer, without the network.
"""

# ruff: noqa: E501  a question and its SQL are read side by side

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django
from django.db import connection

from baton.platform import postgres, sql

DATABASE = os.environ.get("BENCH_DATABASE", "baton_million")
CONTACTS = int(os.environ.get("BENCH_CONTACTS", "1000000"))
RUNS = int(os.environ.get("BENCH_RUNS", "20"))  # of each question; the 95th percentile is the worst but one
PAGE, RECORD, QUICK, SEARCH, LIST = 300, 150, 100, 300, 50  # milliseconds
Row = dict[str, Any]
LIVE = "c.archived_at IS NULL"
DEALS = "c.object_type = 'deal' AND c.archived_at IS NULL"
COMPANIES = "c.object_type = 'company' AND c.archived_at IS NULL"

# What people look at: name, address of the table, filter, sort, and the same question as SQL.
TABLES: list[tuple[str, str, str, str, str]] = [
    ("contacts, newest", "contacts", "", "-created_at", f"SELECT * FROM contact c WHERE {LIVE} ORDER BY created_at DESC, id DESC"),
    ("contacts, last seen", "contacts", "", "-last_seen", f"SELECT c.* FROM visitor v JOIN contact c ON c.id = v.contact_id WHERE {LIVE} ORDER BY v.last_seen_at DESC"),
    ("contacts, best score", "contacts", "", "-score", f"SELECT c.* FROM score s JOIN contact c ON c.id = s.contact_id WHERE {LIVE} ORDER BY s.total DESC"),
    (
        "contacts in two stages, by name", "contacts", "stage:mql,sql", "name",
        f"SELECT * FROM contact c WHERE {LIVE} AND properties ->> 'lifecyclestage' IN ('mql', 'sql')"
        " ORDER BY coalesce(properties ->> 'lastname', '') || coalesce(properties ->> 'firstname', ''), id",
    ),
    (
        "contacts in a rare stage, last seen", "contacts", "stage:deadend", "-last_seen",
        f"""SELECT c.* FROM contact c JOIN visitor v ON v.contact_id = c.id WHERE {LIVE} AND properties @> '{{"lifecyclestage": "deadend"}}'"""
        " ORDER BY v.last_seen_at DESC",
    ),
    (
        "contacts of a city, by job title", "contacts", "city:=부산", "jobtitle",
        f"SELECT * FROM contact c WHERE {LIVE} AND lower(normalize(properties ->> 'city', NFC)) = '부산'"
        " ORDER BY lower(normalize(properties ->> 'jobtitle', NFC)), id",
    ),
    (
        "contacts whose job title contains a word, newest", "contacts", "jobtitle:인사", "-created_at",
        f"SELECT * FROM contact c WHERE {LIVE} AND properties ->> 'jobtitle' LIKE '%%인사%%' ORDER BY created_at DESC, id DESC",
    ),
    (
        "contacts of large companies, last changed", "contacts", "company.numberofemployees:3000..", "-updated_at",
        f"SELECT * FROM contact c WHERE {LIVE} AND EXISTS (SELECT 1 FROM association a JOIN record r ON r.id = a.to_id WHERE a.from_id = c.id"
        " AND a.to_type = 'company' AND r.archived_at IS NULL AND (r.properties ->> 'numberofemployees')::numeric >= 3000) ORDER BY updated_at DESC, id DESC",
    ),
    (
        "contacts of an owner from a source, by stage", "contacts", "owner:me;source:webinar", "lifecyclestage",
        f"SELECT * FROM contact c WHERE {LIVE} AND owner_id = %(me)s AND properties ->> 'lead_source' = 'webinar' ORDER BY properties ->> 'lifecyclestage'",
    ),
    ("contacts found by a word", "contacts", "q=가온", "-created_at", f"SELECT * FROM contact c WHERE {LIVE} AND search @@ '''가온'':*'::tsquery ORDER BY created_at DESC, id DESC"),
    ("companies, by name", "companies", "", "name", f"SELECT * FROM record c WHERE {COMPANIES} ORDER BY lower(normalize(properties ->> 'name', NFC)), id"),
    (
        "companies of an industry and a size, by revenue", "companies", "industry:logistics;size:100..500", "-annualrevenue",
        f"SELECT * FROM record c WHERE {COMPANIES} AND properties ->> 'industry' = 'logistics' AND (properties ->> 'numberofemployees')::numeric"
        " BETWEEN 100 AND 500 ORDER BY (properties ->> 'annualrevenue')::numeric DESC, id DESC",
    ),
    ("companies of a city, newest", "companies", "city:=제주", "-created_at", f"SELECT * FROM record c WHERE {COMPANIES} AND lower(normalize(properties ->> 'city', NFC)) = '제주' ORDER BY created_at DESC"),
    ("deals, largest", "deals", "", "-amount", f"SELECT * FROM record c WHERE {DEALS} ORDER BY (properties ->> 'amount')::numeric DESC, id DESC"),
    (
        "deals in a stage, next to close", "deals", "dealstage:contractsent", "closedate",
        f"SELECT * FROM record c WHERE {DEALS} AND properties ->> 'dealstage' = 'contractsent' ORDER BY properties ->> 'closedate', id",
    ),
    (
        "deals over an amount of companies in a city, by amount", "deals", "amount:50000000..;company.city:=대전", "-amount",
        f"SELECT * FROM record c WHERE {DEALS} AND (properties ->> 'amount')::numeric >= 50000000 AND EXISTS (SELECT 1 FROM association a JOIN record r"
        " ON r.id = a.to_id WHERE a.from_id = c.id AND a.to_type = 'company' AND r.properties ->> 'city' = '대전') ORDER BY (properties ->> 'amount')::numeric DESC",
    ),
    ("tickets, in the order of their stages", "tickets", "", "ticket_stage", "SELECT * FROM record c WHERE object_type = 'ticket' AND archived_at IS NULL ORDER BY properties ->> 'ticket_stage', id"),
    ("contacts, page 100 by name", "contacts", "page=100", "name", f"SELECT * FROM contact c WHERE {LIVE} ORDER BY coalesce(properties ->> 'lastname', '') || coalesce(properties ->> 'firstname', ''), id OFFSET 4950"),
]  # fmt: skip
SEARCHES: list[tuple[str, str, Row, str]] = [
    (
        "contacts by e-mail", "contacts", {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": "%(email)s"}]}]},
        "SELECT * FROM contact WHERE email = %(email)s",
    ),
    (
        "contacts changed lately, by number", "contacts",
        {"filterGroups": [{"filters": [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": "2026-11-01T00:00:00Z"}]}], "sorts": ["hs_object_id"], "limit": 100},
        f"SELECT * FROM contact c WHERE {LIVE} AND updated_at >= '2026-11-01Z' ORDER BY id",
    ),
    (
        "companies by domain, in two groups", "companies",
        {"filterGroups": [{"filters": [{"propertyName": "domain", "operator": "CONTAINS_TOKEN", "value": "gaon*"}]}, {"filters": [{"propertyName": "city", "operator": "EQ", "value": "제주"}]}], "limit": 100},
        f"SELECT * FROM record c WHERE {COMPANIES} AND (properties ->> 'domain' LIKE 'gaon%%' OR properties ->> 'city' = '제주') ORDER BY id",
    ),
    (
        "deals over an amount, dearest first", "deals",
        {
            "filterGroups": [{"filters": [{"propertyName": "amount", "operator": "GTE", "value": 30000000}, {"propertyName": "dealstage", "operator": "IN", "values": ["closedwon", "contractsent"]}]}],
            "sorts": [{"propertyName": "amount", "direction": "DESCENDING"}], "limit": 100,
        },
        f"SELECT * FROM record c WHERE {DEALS} AND (properties ->> 'amount')::numeric >= 30000000 AND properties ->> 'dealstage' IN ('closedwon', 'contractsent')"
        " ORDER BY (properties ->> 'amount')::numeric DESC",
    ),
    ("contacts by words", "contacts", {"query": "서지우", "limit": 20}, f"SELECT * FROM contact c WHERE {LIVE} AND search @@ '''서지우'':*'::tsquery ORDER BY id"),
]  # fmt: skip
WORDS = ("김민준", "가온", "ㅅㅈㅇ", "1935", "jiwoo.seo", "김", "없는사람이름")


def crm() -> list[Row]:
    """Everything of this file; exits 1 when a goal is missed."""
    _world()
    from django.test import Client

    from baton.accounts import tokens
    from baton.accounts.models import User
    from baton.platform.actor import SYSTEM

    user = User.objects.get(email="han@nuriwork.example")
    boss = User.objects.get(email="admin@nuriwork.example")
    page = Client(headers={"host": "localhost"})
    page.force_login(boss)
    ((email, contact),) = sql.rows("SELECT email, id FROM contact ORDER BY id OFFSET 5000 LIMIT 1")
    values = {"me": boss.pk, "email": email, "user": user.pk}
    rows = []
    for name, where, asked, sort, bare in TABLES:
        given = dict([asked.split("=", 1)]) if asked.startswith(("q=", "page=")) else {"f": asked} if asked else {}
        address = f"/{where}/?{urlencode({**given, 'sort': sort})}"
        rows.append(_row(f"table: {name}", *_both(lambda address=address: _got(page.get(address)), _bare(bare, 51, values)), PAGE))  # type: ignore[misc]
    ((busy,),) = sql.rows("SELECT contact_id FROM event GROUP BY contact_id ORDER BY count(*) DESC LIMIT 1")
    ((company,),) = sql.rows("SELECT to_id FROM association WHERE to_type = 'company' GROUP BY to_id ORDER BY count(*) DESC LIMIT 1")
    ((deal,),) = sql.rows("SELECT max(id) FROM record WHERE object_type = 'deal'")
    for name, where, id in (
        ("a contact", "contacts", contact),
        ("the busiest contact", "contacts", busy),
        ("a large company", "companies", company),
        ("a deal", "deals", deal),
    ):
        table = "contact" if where == "contacts" else "record"
        links = f"SELECT t.*, a.* FROM {table} t LEFT JOIN association a ON a.from_id = t.id WHERE t.id = {int(id)}"
        rows.append(_row(f"record: {name}", *_both(lambda where=where, id=id: _got(page.get(f"/{where}/{id}/")), _bare(links, 200, {})), RECORD))  # type: ignore[misc]
    for word in WORDS:
        bare = "(SELECT id, properties FROM contact WHERE search @@ %(q)s::tsquery LIMIT 10) UNION ALL (SELECT id, properties FROM record WHERE search @@ %(q)s::tsquery LIMIT 10)"
        asked = f"/palette/?{urlencode({'q': word})}"
        rows.append(_row(f"quick search: {word}", *_both(lambda asked=asked: _got(page.get(asked)), _bare(bare, 20, {"q": f"'{word}':*"})), QUICK))  # type: ignore[misc]
    program = Client(headers={"host": "localhost", "authorization": f"Bearer {tokens.create('bench', ['*'], limited=False, actor=SYSTEM)}"})
    for name, where, body, bare in SEARCHES:
        sent = json.dumps(body).replace("%(email)s", email)
        post = lambda where=where, sent=sent: _got(program.post(f"/crm/v3/objects/{where}/search", sent, content_type="application/json"))  # noqa: E731
        rows.append(_row(f"API search: {name}", *_both(post, _bare(bare, int(body.get("limit", 10)) + 1, values)), SEARCH))
    listing = "/crm/v3/objects/contacts?limit=100"
    rows.append(
        _row("API list of 100 contacts", *_both(lambda: _got(program.get(listing)), _bare(f"SELECT * FROM contact c WHERE {LIVE} ORDER BY id", 101, {})), LIST)
    )
    thirty = "firstname,lastname,email,phone,jobtitle,company,city,industry,lifecyclestage,hubspot_owner_id,createdate,lastmodifieddate"
    wide = f"{listing}&properties={thirty}&associations=companies,deals"
    rows.append(
        _row(
            "API list of 100 contacts with links",
            *_both(lambda: _got(program.get(wide)), _bare(f"SELECT * FROM contact c WHERE {LIVE} ORDER BY id", 101, {})),
            None,
        )
    )
    tables = [row["value"] for row in rows if row["name"].startswith("table:")]
    return [
        *rows,
        {"name": f"table pages, all {len(tables)}", "value": max(tables), "unit": "ms", "limit": None, "ratio": None, "goal": PAGE, "ok": max(tables) <= PAGE},
    ]


def _world() -> None:
    """The database of a million, made when it is not there."""
    if "BATON_DATABASE_URL" not in os.environ:
        os.environ["BATON_DATABASE_URL"] = postgres.start(Path("build/bench-data"))
    os.environ.setdefault("BATON_DATA_DIR", "build/bench-data")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "baton.settings")
    django.setup()
    if not sql.rows("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]):
        sql.run(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'")
    connection.close()
    connection.settings_dict["NAME"] = DATABASE
    from baton.cli.migrate import migrate
    from baton.demo import load

    migrate(quiet=True)
    load.load(CONTACTS, say=lambda text: print(f"  {text}", flush=True))


def _got(response: Any) -> None:
    """The whole answer, which must be a good one."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    if response.status_code != 200:
        raise RuntimeError(f"{response.status_code}: {content[:300]!r}")


def _bare(statement: str, limit: int, values: Row) -> Callable[[], object]:
    """The same question asked of PostgreSQL alone."""
    if " OFFSET " in statement:
        statement, _, offset = statement.rpartition(" OFFSET ")
        return lambda: sql.rows(f"{statement} LIMIT {limit} OFFSET {offset}", {**values, "none": 0})
    return lambda: sql.rows(f"{statement} LIMIT {limit}", {**values, "none": 0})


def _both(ask: Callable[[], object], bare: Callable[[], object]) -> tuple[float, float]:
    """The 95th percentile of both in milliseconds, taken in turn after one run to warm up."""
    ask()
    slow = _once(bare)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS):
        times[0].append(_once(ask))
        times[1].append(_once(bare) if slow < 1000 or len(times[1]) < 3 else slow)
    return _percentile(times[0]), _percentile(times[1])


def _once(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def _percentile(times: list[float]) -> float:
    return sorted(times)[max(0, math.ceil(len(times) * 0.95) - 1)]


def _row(name: str, value: float, limit: float, goal: float | None) -> Row:
    ok = goal is None or value <= goal
    print(f"  {name}: {value:,.0f} ms, bare {limit:,.0f} ms", flush=True)
    return {"name": name, "value": round(value, 1), "unit": "ms p95", "limit": round(limit, 1), "ratio": round(value / limit, 2), "goal": goal, "ok": ok}


BENCHES = {"crm": crm}
