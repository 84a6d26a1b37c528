"""What differs between SQLite and PostgreSQL, so that nothing else needs to know which one it is."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from tortoise.connection import get_connection
from typing_extensions import override

from bot.core.errors import UserError
from bot.core.stores import Changes, Locks
from bot.core.text import Text
from storage.changes import watching
from storage.locks import FileLocks

APP = "storage"

Where = Path | str
"""Of a database: a SQLite file, or the URL of one in PostgreSQL."""

_BUSY_S = 10
"""How long a process waits for another one to write in SQLite."""

_POOL = 8
"""Connections at most, beside the one that listens."""


class Engine(Protocol):
    """A database management system, and where the database is in it."""

    name: str
    """Of the connection, too: Tortoise keeps statements by it for the whole process."""

    def config(self, *, migrating: bool = False) -> dict[str, Any]:
        """Tortoise's configuration."""
        ...

    async def prepare(self) -> None:
        """What comes before the first connection."""
        ...

    async def lock_schema(self) -> None:
        """Within the migrating transaction: whoever else migrates waits until it has ended."""
        ...

    def company(self) -> AbstractAsyncContextManager[tuple[Changes, Locks]]:
        """What connects this process to the others on the same database."""
        ...


def engine_of(where: Where) -> Engine:
    """SQLite for a path, PostgreSQL for a URL."""
    return Sqlite(where) if isinstance(where, Path) else Postgres(where)


def _config(name: str, connection: dict[str, Any]) -> dict[str, Any]:
    return {
        "connections": {name: connection},
        "apps": {
            APP: {
                "models": ["storage.rows"],
                "migrations": "storage.migrations",
                "default_connection": name,
            }
        },
    }


class Sqlite(Engine):
    """One file, for the processes of one machine."""

    name = "sqlite"

    def __init__(self, file: Path) -> None:
        self._file = file

    @override
    def config(self, *, migrating: bool = False) -> dict[str, Any]:
        credentials = {
            "file_path": str(self._file),
            "busy_timeout": _BUSY_S * 1000,  # ms; first, so that the next lines wait their turn too
            "journal_mode": "WAL",
            "synchronous": "FULL",
            # rebuilding a table drops the old one, which others refer to
            "foreign_keys": "OFF" if migrating else "ON",
        }
        return _config(self.name, {"engine": "storage.sqlite", "credentials": credentials})

    @override
    async def prepare(self) -> None:
        """Make the file, in WAL mode, one process at a time.

        Of two that switch the mode at the same moment SQLite refuses one at once, whatever its busy
        timeout: it would wait for a lock that the other needs.
        """
        await asyncio.to_thread(self._prepare)

    def _prepare(self) -> None:
        lock = self._file.parent / "schema.lock"
        lock.touch(mode=0o600)
        with lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self._file.touch(mode=0o600)
            with closing(sqlite3.connect(self._file, timeout=_BUSY_S)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")

    @override
    async def lock_schema(self) -> None:
        """Every transaction begins as a writer: that is lock enough."""

    @override
    @asynccontextmanager
    async def company(self) -> AsyncIterator[tuple[Changes, Locks]]:
        async with watching(self._file) as changes:
            yield changes, FileLocks(self._file.parent)


class Postgres(Engine):
    """A server, for the processes of any number of machines."""

    name = "postgres"

    def __init__(self, url: str) -> None:
        """Raises UserError, without the URL and its password, when it cannot be read."""
        try:
            _ = urlsplit(url).port
        except ValueError:
            raise UserError(
                Text("database_url cannot be read: special characters of the password are written as %2F")
            ) from None
        self._url = url

    @override
    def config(self, *, migrating: bool = False) -> dict[str, Any]:
        credentials = {
            "dsn": self._url,
            "max_size": _POOL,
            "timeout": 10.0,
            "command_timeout": None if migrating else 30.0,  # seconds
        }
        return _config(self.name, {"engine": "storage.asyncpg_backend", "credentials": credentials})

    @override
    async def prepare(self) -> None:
        """The database is made by whoever runs the server."""

    @override
    async def lock_schema(self) -> None:
        from storage.session import LOCKS, lock_key

        key = lock_key("schema")
        await get_connection(self.name).execute_query(f"SELECT pg_advisory_xact_lock({LOCKS}, {key})")

    @override
    @asynccontextmanager
    async def company(self) -> AsyncIterator[tuple[Changes, Locks]]:
        from storage.session import session  # with asyncpg, which only this engine needs

        async with session(self._url) as opened:
            yield opened.changes, opened
