"""Units of work: whole or not at all, whatever becomes of the caller, and never in each other's way."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path

import pytest
from tortoise.connection import get_connection

from bot.core.errors import TransientError
from bot.core.stores import Stores
from storage.atomic import Database, Store, atomic, reading
from storage.database import open_stores
from storage.engines import Where
from storage.posts import SqlPostStore
from storage.rows import PersonRow
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.patience import WAIT_S
from tests.support.stores import SQLITE, a_list


class Names(Store):
    """A store with the shapes that a store may have."""

    @atomic
    async def add(self, name: str) -> int:
        return (await PersonRow.create(name=name)).id

    @atomic
    async def add_two(self, first: str, second: str) -> int:
        """One unit made of two."""
        await self.add(first)
        await self.add(second)
        return await self.count()

    @atomic
    async def add_and_fail(self, name: str) -> None:
        await self.add(name)
        raise ZeroDivisionError

    @atomic
    async def add_slowly(self, name: str, begun: asyncio.Event, go: asyncio.Event) -> None:
        await self.add(name)
        begun.set()
        await go.wait()

    @reading
    async def count(self) -> int:
        return await PersonRow.all().count()


@pytest.fixture
def opened(stores: Stores) -> Database:
    """The database under the stores."""
    assert isinstance(stores.posts, SqlPostStore)
    return stores.posts._database


@pytest.fixture
def names(opened: Database) -> Names:
    """An empty table of names."""
    return Names(opened)


async def test_a_unit_within_a_unit_is_a_part_of_it(names: Names) -> None:
    """It neither waits for the lock that its caller holds nor commits on its own."""
    async with asyncio.timeout(WAIT_S):
        assert await names.add_two("Anne", "Boris") == 2


async def test_a_unit_that_fails_leaves_nothing(names: Names) -> None:
    with pytest.raises(ZeroDivisionError):
        await names.add_and_fail("Anne")

    assert await names.count() == 0
    await names.add("Boris")
    assert await names.count() == 1


async def test_a_cancelled_caller_does_not_tear_its_unit(names: Names) -> None:
    """The caller leaves at once; the unit commits when it is done."""
    begun, go = asyncio.Event(), asyncio.Event()
    caller = asyncio.create_task(names.add_slowly("Anne", begun, go))
    await begun.wait()

    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go.set()

    async with asyncio.timeout(WAIT_S):
        await names.add("Boris")
        while await names.count() != 2:
            pass


async def test_a_storm_of_cancellations_leaves_nothing_stuck(names: Names) -> None:
    """Whatever was begun is whole, and the next unit begins at once."""
    chance = random.Random(1)
    async with asyncio.timeout(60):
        for _ in range(100):
            callers: list[asyncio.Task[int]] = [
                asyncio.create_task(work)
                for _ in range(3)
                for work in (names.add_two("Anne", "Boris"), names.count())
            ]
            for _ in range(chance.randrange(12)):
                await asyncio.sleep(0)
            for caller in callers:
                caller.cancel()
            await asyncio.gather(*callers, return_exceptions=True)
        await names.add_two("Anne", "Boris")

    assert await names.count() % 2 == 0


async def test_closing_waits_for_the_units_under_way(
    database: Where, box: FernetBox, clock: ManualClock
) -> None:
    """And takes no more work, with a sentence for whoever still asks."""
    async with open_stores(database, box) as stores:
        callers = [asyncio.create_task(a_list(stores, clock.now(), f"l{n}@example.org")) for n in range(20)]
        await asyncio.sleep(0)
        for caller in callers:
            caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)

    with pytest.raises(TransientError, match="stopping"):
        await stores.lists.all()
    async with open_stores(database, box) as again:
        assert len(await again.lists.all()) == 20


@SQLITE
async def test_a_busy_database_is_waited_for(names: Names, database: Path) -> None:
    """Another process may hold the write lock for a while: reading goes on meanwhile."""
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(names.add("Anne"))
    assert not (await asyncio.wait({waiting}, timeout=0.2))[0]

    other.execute("COMMIT")
    other.close()

    async with asyncio.timeout(WAIT_S):
        await waiting


@SQLITE
async def test_a_unit_that_cannot_begin_leaves_the_next_one_alone(names: Names) -> None:
    """A database that cannot be written is a sentence, and works again once it can."""
    with pytest.raises(TransientError, match="cannot be used just now"):
        await add_after(names, "PRAGMA query_only = ON", "Anne")
    await add_after(names, "PRAGMA query_only = OFF", "Boris")

    assert await names.count() == 1


async def add_after(names: Names, pragma: str, name: str) -> None:
    """Change the connection, then use it."""

    async def work() -> None:
        await get_connection("sqlite").execute_query(pragma)

    await names._database.look(work)
    await names.add(name)


@SQLITE
async def test_every_connection_has_its_pragmas(names: Names) -> None:
    """Durable, patient, and strict about references."""

    async def work() -> list[object]:
        connection = get_connection("sqlite")
        return [
            dict((await connection.execute_query(f"PRAGMA {name}"))[1][0])
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        ]

    assert await names._database.look(work) == [
        {"journal_mode": "wal"},
        {"synchronous": 2},  # FULL
        {"timeout": 10_000},
        {"foreign_keys": 1},
    ]
