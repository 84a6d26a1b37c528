"""What every `Locks` promises: one holder, also across processes, and none left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from bot.core.errors import UserError
from bot.core.stores import Stores
from bot.core.text import Text
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from storage.session import LOCKS, lock_key
from tests.support.patience import WAIT_S
from tests.support.postgres import Postgres
from tests.support.stores import POSTGRES

BUSY = Text("somebody else has it")


@pytest.fixture
async def elsewhere(stores: Stores, database: Where, box: FernetBox) -> AsyncIterator[Stores]:
    """The same database, opened once more."""
    async with open_stores(database, box) as opened:
        yield opened


async def test_a_lock_has_one_holder(stores: Stores, elsewhere: Stores) -> None:
    """Whoever is refused is told in the words that they chose; afterwards it is free."""
    assert not await stores.locks.is_held(["poll"])
    async with stores.locks.hold(["poll"], BUSY):
        assert await elsewhere.locks.is_held(["chat", "poll"])
        assert await stores.locks.is_held(["poll"])
        with pytest.raises(UserError, match="somebody else"):
            async with elsewhere.locks.hold(["poll"], BUSY):
                pass
        async with elsewhere.locks.hold(["chat"], BUSY):
            pass

    assert not await elsewhere.locks.is_held(["chat", "poll"])
    async with elsewhere.locks.hold(["poll"], BUSY):
        pass


async def test_who_is_refused_one_lock_keeps_none(stores: Stores, elsewhere: Stores) -> None:
    async with stores.locks.hold(["chat"], BUSY):
        with pytest.raises(UserError):
            async with elsewhere.locks.hold(["poll", "chat"], BUSY):
                pass
        assert not await stores.locks.is_held(["poll"])


async def test_those_who_share_a_lock_keep_out_who_does_not(stores: Stores, elsewhere: Stores) -> None:
    """Several processes deliver; a pass that wants to be alone waits for another time."""
    async with (
        stores.locks.hold(["deliver"], BUSY, ["deliver"]),
        elsewhere.locks.hold(["deliver"], BUSY, ["deliver"]),
    ):
        assert await stores.locks.is_held(["deliver"])
        with pytest.raises(UserError):
            async with elsewhere.locks.hold(["deliver"], BUSY):
                pass
    async with elsewhere.locks.hold(["deliver"], BUSY):
        pass


async def sever(server: Postgres, name: str) -> None:
    """Cut the connections that hear and hold, as a broken network would."""
    await asyncio.to_thread(
        server.execute,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'facteur %'"
        f" AND datname = '{name}'",
    )


@POSTGRES
async def test_a_lock_is_held_again_after_the_connection_broke(
    stores: Stores, postgres: Postgres, database: str
) -> None:
    """Nobody was there to take it: the process goes on."""
    async with stores.locks.hold(["poll"], BUSY) as held:
        seen = stores.changes.count
        await sever(postgres, database.rpartition("/")[2])
        async with asyncio.timeout(WAIT_S):
            await stores.changes.beyond(seen)

        assert await stores.locks.is_held(["poll"])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(held.lost(), 0.1)
    assert not await stores.locks.is_held(["poll"])


@POSTGRES
async def test_who_was_cut_off_is_told_that_another_took_the_lock(
    stores: Stores, postgres: Postgres, database: str
) -> None:
    """Two processes must not believe that they are the only one."""
    rival = await asyncpg.connect(database)
    async with stores.locks.hold(["poll"], BUSY) as held:
        waiting = asyncio.create_task(rival.execute(f"SELECT pg_advisory_lock({LOCKS}, {lock_key('poll')})"))
        while not await asyncio.to_thread(
            postgres.execute, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ):
            pass
        await sever(postgres, database.rpartition("/")[2])
        await waiting

        async with asyncio.timeout(WAIT_S):
            await held.lost()
    await rival.close()
