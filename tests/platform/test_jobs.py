"""The worker's own care for its line to the database."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, connections

from baton.platform import jobs


@pytest.mark.django_db
def test_a_broken_line_is_given_up_so_that_the_next_question_finds_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "RECONNECT", 0.01)
    given = connection.get_connection_params()
    where = {name: given[name] for name in ("dbname", "user", "password", "host", "port") if given.get(name)}
    with ThreadPoolExecutor(1) as worker:  # a thread has a line of its own
        before, after = worker.submit(asyncio.run, _cut_off(where)).result()
    assert after != before


async def _cut_off(where: dict[str, Any]) -> tuple[int, int]:
    """The numbers of the lines before the database cut the first and after the worker cared."""
    before = await sync_to_async(_line)()
    async with await psycopg.AsyncConnection.connect(**where, autocommit=True) as other:
        await other.execute("SELECT pg_terminate_backend(%s, 60000)", [before])
    with pytest.raises(OperationalError):
        await sync_to_async(_line)()
    caring = asyncio.create_task(jobs._reconnect())
    try:
        async with asyncio.timeout(60):
            while not (after := await sync_to_async(_line_if_any)()):
                await asyncio.sleep(0)
    finally:
        caring.cancel()
        await sync_to_async(connections.close_all)()
    return before, after


def _line() -> int:
    """The number of the line that this thread's questions go through."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _line_if_any() -> int:
    try:
        return _line()
    except OperationalError:
        return 0
