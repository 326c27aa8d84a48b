"""The connections beside the writing one, for what leads on: whoever follows a link never waits for hits that are being written."""

from typing import Any

import asyncpg

from baton.collector.buffer import Buffer

PATIENCE = 2  # seconds


class Reads:
    """Two connections at most, made when they are first wanted. Every call raises one of store.AWAY while the database is away."""

    def __init__(self, url: str, buffer: Buffer) -> None:
        self.url = url
        self.buffer = buffer
        self._pool: asyncpg.Pool | None = None

    async def value(self, statement: str, *values: object) -> Any:
        """The first value of the first row, None without one."""
        return await (await self._connected()).fetchval(statement, *values, timeout=PATIENCE)

    async def row(self, statement: str, *values: object) -> asyncpg.Record | None:
        """The first row."""
        return await (await self._connected()).fetchrow(statement, *values, timeout=PATIENCE)

    async def run(self, statement: str, *values: object) -> None:
        """Write something small that is no hit."""
        await (await self._connected()).execute(statement, *values, timeout=5)

    def stop(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.terminate()

    async def _connected(self) -> asyncpg.Pool:
        if self.buffer.away:
            raise ConnectionError
        if self._pool is None:
            self._pool = await asyncpg.create_pool(self.url, min_size=0, max_size=2, timeout=PATIENCE)
        return self._pool
