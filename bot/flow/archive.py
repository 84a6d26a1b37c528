"""Hop 9: held posts that nobody decides expire, and posts that have ended are purged by age."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.core.clock import Clock
from bot.core.stores import Stores

log = structlog.get_logger()

_TIDY_EVERY = timedelta(hours=1)
_TRAIL_KEPT = timedelta(days=365)


class Archive:
    """Tidies up by age; a post that is still leaving is never touched."""

    def __init__(self, stores: Stores, clock: Clock, keep_days: int, log_keep_days: int) -> None:
        """`keep_days`: how long posts that have ended are kept; negative = for ever.

        `log_keep_days`: the same for who got what, which goes with the post at the latest.
        """
        self._stores = stores
        self._clock = clock
        self._keep_days = keep_days
        self._log_keep_days = log_keep_days

    async def step(self) -> datetime:
        """Expire and purge what is old enough; returns when to look again."""
        now = self._clock.now()
        for mlist in await self._stores.lists.all():
            days = mlist.settings.expire_days
            expired = days and await self._stores.posts.expire(mlist.id, now - timedelta(days=days), now)
            if expired:
                log.info("expired", list=mlist.address, posts=expired)
        if self._keep_days >= 0:
            purged = await self._stores.posts.purge(now - timedelta(days=self._keep_days))
            if purged:
                log.info("purged", posts=purged)
        if self._log_keep_days >= 0:
            forgotten = await self._stores.outbox.forget(now - timedelta(days=self._log_keep_days))
            if forgotten:
                log.info("forgotten", deliveries=forgotten)
        await self._stores.audit.purge(now - _TRAIL_KEPT)
        return now + _TIDY_EVERY

    async def wake(self) -> None:
        """Nothing that happens makes tidying up more urgent."""
        await asyncio.Event().wait()
