"""An import of 100,000 contacts, its memory, its undoing, and an export of them, beside a plain COPY of the same rows; in a scratch database."""

import atexit
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import psutil
from django.core.management import call_command
from django.db import connection

from baton.platform import postgres

ROWS = 100_000
GOAL, MEMORY = 30.0, 60.0  # seconds; MB above what the process had
Row = dict[str, Any]


def imports() -> list[Row]:
    _world()
    from baton.accounts.models import User
    from baton.crm.imports import run, undo, verbs
    from baton.crm.models import Contact, Export, Import
    from baton.platform.actor import Actor
    from baton.segments import exports

    actor = Actor("user", User.objects.create_user("bench@nuriwork.example", name="오세린", role="admin").pk)
    bare = _timed(_copy)[0]
    row = verbs.upload("contacts.csv", _file(), actor=actor)
    verbs.look(row.pk)
    verbs.start(row.pk, actor=actor)
    took, grown = _timed(lambda: run.run(row.pk))
    row = Import.objects.get(pk=row.pk)
    assert row.counts["created"] == ROWS == Contact.objects.count(), (row.trouble, row.counts)
    export = exports.start("contact", None, "", [], format="csv", encoding="utf-8", actor=actor)
    out, out_grown = _timed(lambda: exports.run(export))
    assert Export.objects.get(pk=export).position == ROWS
    verbs.undo(row.pk, actor=actor)
    back, _grown = _timed(lambda: undo.run(row.pk))
    assert not Contact.objects.filter(archived_at=None).exists()
    return [
        _row("import of 100,000 contacts", took, "s", bare, GOAL),
        _row("import: memory above the start", grown, "MB", None, MEMORY),
        _row("export of them to CSV", out, "s", None, GOAL),
        _row("export: memory above the start", out_grown, "MB", None, MEMORY),
        _row("undoing the import", back, "s", None, 120.0),
    ]


BENCHES: dict[str, Callable[[], list[Row]]] = {"imports": imports}


def _row(name: str, value: float, unit: str, limit: float | None, goal: float) -> Row:
    return {"name": name, "value": value, "unit": unit, "limit": limit, "ratio": value / limit if limit else None, "goal": goal, "ok": value <= goal}


def _file() -> Iterator[bytes]:
    rng = random.Random(3)
    yield "이메일,성,이름,휴대폰,회사명,직함,도시,직원 수,수신 동의,담당자,메모\r\n".encode("cp949")
    for start in range(0, ROWS, 5000):
        lines = (
            f"user{n}@co{n % 5000}.example,김,민수{n % 100},010-{n // 10000:04}-{n % 10000:04},주식회사 회사{n % 5000},과장,서울,{rng.randrange(5, 900)},"
            f'{"예" if n % 3 else ""},오세린,"메모, {n}"\r\n'
            for n in range(start, start + 5000)
        )
        yield "".join(lines).encode("cp949")


def _copy() -> None:
    """The rows as they are, into a table without an index."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (line text)")
        with cursor.copy("COPY bare FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')") as copy:
            for piece in _file():
                copy.write(piece.decode("cp949").encode())
        cursor.execute("DROP TABLE bare")


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and megabytes by which the process grew at most."""
    process, over = psutil.Process(), threading.Event()
    start = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.05):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    over.set()
    watcher.join()
    return took, (peak - start) / 2**20


def _world() -> None:
    """A scratch database, dropped at the end."""
    if "BATON_DATABASE_URL" not in os.environ:
        os.environ["BATON_DATABASE_URL"] = postgres.start(Path("build/bench-data"))
    os.environ.setdefault("BATON_DATA_DIR", "build/bench-data")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "baton.settings")
    django.setup()
    name = "baton_bench_imports"
    home = str(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'")
    connection.close()
    connection.settings_dict["NAME"] = name

    def drop() -> None:
        connection.close()
        connection.settings_dict["NAME"] = home
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.close()

    atexit.register(drop)
    call_command("migrate", verbosity=0)
    from baton.crm import builtin

    builtin.ensure()
