"""What every `Changes` promises: a commit of any process is noticed at once, and silence is silent."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.stores import Stores
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.outgoing import ACCOUNT
from tests.support.stores import a_list, accepted

SOON_S = 0.3


async def test_a_commit_wakes_who_waits(stores: Stores, clock: ManualClock) -> None:
    """Its own process included: one wake-up serves every worker."""
    seen = stores.changes.count
    await a_list(stores, clock.now())

    async with asyncio.timeout(SOON_S):
        await asyncio.gather(stores.changes.beyond(seen), stores.changes.beyond(seen))

    assert stores.changes.count > seen


async def test_a_commit_elsewhere_is_noticed(
    stores: Stores, clock: ManualClock, database: Where, box: FernetBox
) -> None:
    async with open_stores(database, box) as elsewhere:
        seen = stores.changes.count
        mlist = await a_list(elsewhere, clock.now())

        async with asyncio.timeout(SOON_S):
            await stores.changes.beyond(seen)

    assert mlist == await stores.lists.get(mlist.id)


async def test_what_was_noticed_before_does_not_block(stores: Stores, clock: ManualClock) -> None:
    """A worker that was busy meanwhile returns at once."""
    seen = stores.changes.count
    await a_list(stores, clock.now())
    await stores.changes.beyond(seen)

    async with asyncio.timeout(0.05):
        await stores.changes.beyond(seen)


async def test_looking_is_no_change(stores: Stores, clock: ManualClock) -> None:
    """Otherwise every worker would wake all the others for ever."""
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), ["a@example.org"])
    assert await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now()) is not None
    room = await stores.rooms.open("terminal", "tty", "fr", clock.now())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SOON_S):
            await stores.changes.beyond(stores.changes.count + 1)
    seen = stores.changes.count

    assert await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now()) is None
    await stores.outbox.next_due(ACCOUNT, [mlist.id], clock.now())
    await stores.rooms.cards_due(room, clock.now(), 10)
    await stores.posts.raw(post.id)
    await stores.posts.purge(clock.now())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SOON_S):
            await stores.changes.beyond(seen)
