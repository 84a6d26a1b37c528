"""Opening the database: its schema is brought up to date, then the stores are built on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from contextvars import Context, copy_context

from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor
from tortoise.transactions import in_transaction

from bot.core.clock import Clock
from bot.core.settings import Box
from bot.core.stores import Stores
from storage.accounts import SqlAccountStore
from storage.admins import SqlAdminStore
from storage.atomic import Database, translated
from storage.audit import SqlAuditStore
from storage.bans import SqlBanStore
from storage.bounces import SqlBounceStore
from storage.engines import Engine, Where, engine_of
from storage.groups import SqlGroupStore
from storage.lists import SqlListStore
from storage.notes import SqlNoteStore
from storage.outbox import SqlOutboxStore
from storage.people import SqlPeopleStore
from storage.posts import SqlPostStore
from storage.reminders import SqlReminderStore
from storage.rooms import SqlRoomStore
from storage.rosters import SqlRosterStore
from storage.statistics import SqlStatisticsStore
from storage.templates import SqlTemplateStore
from storage.trail import traced_by
from storage.welcomes import SqlWelcomeStore


@asynccontextmanager
async def open_stores(
    where: Where, box: Box, always: Collection[str] = (), clock: Clock | None = None
) -> AsyncIterator[Stores]:
    """All stores on one database, brought up to date first.

    Leaving waits for the units of work under way.

    Args:
        where: a SQLite file, made (mode 0600) if it is missing, or the URL of a PostgreSQL database.
        box: seals the secrets in it.
        always: names of groups that are members of every list.
        clock: gives the moments in the trail of changes.

    Raises:
        TransientError: the database cannot be used just now.
        UserError: the file is no database, or the URL cannot be read.
    """
    engine = engine_of(where)
    await _migrate(engine)
    with translated():
        tortoise, context = await asyncio.create_task(_connected(engine))
    units = Database(context, traced_by(clock or Clock(), box))
    try:
        async with engine.company() as (changes, locks):
            yield Stores(
                lists=SqlListStore(units, box, always),
                people=SqlPeopleStore(units, always),
                groups=SqlGroupStore(units, box),
                rosters=SqlRosterStore(units, always),
                bans=SqlBanStore(units),
                bounces=SqlBounceStore(units),
                notes=SqlNoteStore(units, box),
                posts=SqlPostStore(units),
                templates=SqlTemplateStore(units),
                statistics=SqlStatisticsStore(units),
                welcomes=SqlWelcomeStore(units, always),
                outbox=SqlOutboxStore(units),
                accounts=SqlAccountStore(units),
                rooms=SqlRoomStore(units),
                reminders=SqlReminderStore(units),
                admins=SqlAdminStore(units),
                audit=SqlAuditStore(units),
                changes=changes,
                locks=locks,
            )
    finally:
        await units.settle()
        await asyncio.create_task(tortoise.close_connections(), context=context)


async def migrate(where: Where) -> None:
    """Bring the schema up to date; several processes may do so at once.

    One transaction holds a lock from the first look to the note of what was done: whoever comes
    second waits, and finds nothing left to do; a crash leaves everything or nothing.
    """
    await _migrate(engine_of(where))


async def _migrate(engine: Engine) -> None:
    with translated():
        await engine.prepare()
        await asyncio.create_task(_migrated(engine))


async def _migrated(engine: Engine) -> None:
    config = engine.config(migrating=True)
    async with TortoiseContext():
        await Tortoise.init(config=config, init_connections=False)
        async with in_transaction():
            await engine.lock_schema()
            executor = MigrationExecutor(get_connection(engine.name), config["apps"])
            # it looks into its own table before it makes it: in PostgreSQL that ends a transaction
            editor = executor._schema_editor(atomic=False)  # noqa: SLF001 - no public way
            await executor.recorder.ensure_schema(editor)
            await executor.migrate()


async def _connected(engine: Engine) -> tuple[TortoiseContext, Context]:
    """Connect at once, and return a context of its own in which Tortoise finds this database."""
    tortoise = TortoiseContext()
    tortoise.__enter__()
    try:
        await tortoise.init(config=engine.config())
        await get_connection(engine.name).execute_query("SELECT 1")
    except BaseException:
        await tortoise.close_connections()
        raise
    return tortoise, copy_context()
