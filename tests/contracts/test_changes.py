"""What every `Changes` promises: a commit of any process is noticed at once, and silence is silent."""

from __future__ import annotations

import asyncio

from bot.core.stores import Stores
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.outgoing import ACCOUNT
from tests.support.patience import WAIT_S
from tests.support.stores import a_list, accepted

SILENCE_S = 0.4
"""Some times what a change takes to be noticed."""


async def test_a_commit_wakes_who_waits(stores: Stores, clock: ManualClock) -> None:
    """Its own process included: one wake-up serves every worker."""
    seen = stores.changes.count
    await a_list(stores, clock.now())

    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(stores.changes.beyond(seen), stores.changes.beyond(seen))

    assert stores.changes.count > seen


async def test_a_commit_elsewhere_is_noticed(
    stores: Stores, clock: ManualClock, database: Where, box: FernetBox
) -> None:
    async with open_stores(database, box) as elsewhere:
        seen = stores.changes.count
        mlist = await a_list(elsewhere, clock.now())

        async with asyncio.timeout(WAIT_S):
            await stores.changes.beyond(seen)

    assert mlist == await stores.lists.get(mlist.id)


async def test_what_was_noticed_before_does_not_block(stores: Stores, clock: ManualClock) -> None:
    """A worker that was busy meanwhile returns at once."""
    seen = stores.changes.count
    await a_list(stores, clock.now())
    await stores.changes.beyond(seen)

    async with asyncio.timeout(WAIT_S):
        await stores.changes.beyond(seen)


async def test_looking_is_no_change(stores: Stores, clock: ManualClock) -> None:
    """Otherwise every worker would wake all the others for ever."""
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), ["a@example.org"])
    assert await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now()) is not None
    room = await stores.rooms.open("terminal", "tty", "fr", clock.now())
    while await changes_soon(stores):
        pass  # what was done so far

    assert await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now()) is None
    await stores.outbox.next_due(ACCOUNT, [mlist.id], clock.now())
    await stores.rooms.cards_due(room, clock.now(), 10)
    await stores.posts.raw(post.id)
    await stores.posts.purge(clock.now())

    assert not await changes_soon(stores)


async def changes_soon(stores: Stores) -> bool:
    """Whether anything is noticed within a moment."""
    seen = stores.changes.count
    try:
        async with asyncio.timeout(SILENCE_S):
            await stores.changes.beyond(seen)
    except TimeoutError:
        return False
    return True
