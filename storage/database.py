"""Opening the database: its schema is brought up to date, then the stores are built on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any

from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor
from tortoise.transactions import in_transaction

from bot.core.settings import Box
from bot.core.stores import Stores
from storage.atomic import Database, translated
from storage.bans import SqlBanStore
from storage.changes import watching
from storage.lists import SqlListStore
from storage.outbox import SqlOutboxStore
from storage.people import SqlPeopleStore
from storage.posts import SqlPostStore
from storage.rooms import SqlRoomStore

APP = "storage"
_CONNECTION = "default"


@asynccontextmanager
async def open_stores(database: Path, box: Box) -> AsyncIterator[Stores]:
    """All stores on one SQLite file, made (mode 0600) and brought up to date first.

    Leaving waits for the units of work under way. Raises TransientError when the file cannot be
    used, UserError when it is no database.
    """
    await migrate(database)
    with translated():
        tortoise, context = await asyncio.create_task(_connected(_config(database)))
    units = Database(context)
    try:
        async with watching(database) as changes:
            yield Stores(
                lists=SqlListStore(units, box),
                people=SqlPeopleStore(units),
                bans=SqlBanStore(units),
                posts=SqlPostStore(units),
                outbox=SqlOutboxStore(units),
                rooms=SqlRoomStore(units),
                changes=changes,
            )
    finally:
        await units.settle()
        await asyncio.create_task(tortoise.close_connections(), context=context)


async def migrate(database: Path) -> None:
    """Bring the schema up to date; several processes may do so at once.

    One transaction holds the write lock from the first look to the note of what was done: whoever
    comes second waits, and finds nothing left to do; a crash leaves everything or nothing.
    """
    with translated():
        _make_private(database)
        await asyncio.create_task(_migrated(_config(database, foreign_keys="OFF")))


def _make_private(database: Path) -> None:
    if not database.exists():
        database.touch(mode=0o600)


async def _migrated(config: dict[str, Any]) -> None:
    # without foreign keys: rebuilding a table drops the old one, which others refer to
    async with TortoiseContext():
        await Tortoise.init(config=config, init_connections=False)
        async with in_transaction():
            await MigrationExecutor(get_connection(_CONNECTION), config["apps"]).migrate()


async def _connected(config: dict[str, Any]) -> tuple[TortoiseContext, Context]:
    """Connect at once, and return a context of its own in which Tortoise finds this database."""
    tortoise = TortoiseContext()
    tortoise.__enter__()
    try:
        await tortoise.init(config=config)
        await get_connection(_CONNECTION).execute_query("SELECT 1")
    except BaseException:
        await tortoise.close_connections()
        raise
    return tortoise, copy_context()


def _config(database: Path, foreign_keys: str = "ON") -> dict[str, Any]:
    return {
        "connections": {
            _CONNECTION: {
                "engine": "storage.sqlite",
                "credentials": {
                    "file_path": str(database),
                    "busy_timeout": 10_000,  # ms; first, so that the next lines wait their turn too
                    "journal_mode": "WAL",
                    "synchronous": "FULL",
                    "foreign_keys": foreign_keys,
                },
            }
        },
        "apps": {
            APP: {
                "models": ["storage.rows"],
                "migrations": "storage.migrations",
                "default_connection": _CONNECTION,
            }
        },
    }
