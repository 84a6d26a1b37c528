"""A database seen from outside, past the stores: to set it up as no command can, or to be in the way."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol

import asyncpg
from typing_extensions import override

from storage.engines import Where


class Inside(Protocol):
    """One connection."""

    async def value(self, query: str) -> Any:
        """The first column of the first row."""
        ...

    async def execute(self, statement: str) -> None:
        """Change something, and commit."""
        ...

    def locked(self) -> AbstractAsyncContextManager[None]:
        """Nobody else can decide about a post meanwhile."""
        ...


class InsideSqlite(Inside):
    """A connection to a file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @override
    async def value(self, query: str) -> Any:
        row = await asyncio.to_thread(lambda: self._connection.execute(query).fetchone())
        return row[0] if row else None

    @override
    async def execute(self, statement: str) -> None:
        await asyncio.to_thread(self._connection.execute, statement)

    @override
    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        yield
        self._connection.execute("ROLLBACK")


class InsidePostgres(Inside):
    """A connection to a server."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @override
    async def value(self, query: str) -> Any:
        return await self._connection.fetchval(query)

    @override
    async def execute(self, statement: str) -> None:
        await self._connection.execute(statement)

    @override
    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        async with self._connection.transaction():
            await self._connection.execute("LOCK TABLE post IN EXCLUSIVE MODE")
            yield


@asynccontextmanager
async def inside(where: Where) -> AsyncIterator[Inside]:
    """A connection of the test's own."""
    if isinstance(where, Path):
        options: dict[str, Any] = {"timeout": 10, "isolation_level": None, "check_same_thread": False}
        with closing(sqlite3.connect(where, **options)) as file:
            yield InsideSqlite(file)
        return
    connection = await asyncpg.connect(where)
    try:
        yield InsidePostgres(connection)
    finally:
        await connection.close()
