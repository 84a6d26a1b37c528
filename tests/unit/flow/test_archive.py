"""What tidying up takes away, and what it leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.errors import UserError
from bot.core.posts import Disposition
from bot.core.stores import Stores
from bot.flow.archive import Archive
from tests.support.clock import ManualClock
from tests.support.stores import SQLITE, a_list, new_post, screened


@SQLITE
async def test_posts_are_kept_for_days_or_for_ever(stores: Stores, clock: ManualClock) -> None:
    """A negative number means for ever, of the log too."""
    mlist = await a_list(stores, clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()), Disposition.DISCARD)
    clock.advance(timedelta(days=4_000))

    await Archive(stores, clock, keep_days=-1, log_keep_days=-1).step()
    assert (await stores.posts.get(post.id)).id == post.id

    await Archive(stores, clock, keep_days=90, log_keep_days=-1).step()
    with pytest.raises(UserError):
        await stores.posts.get(post.id)
