"""Hop 9: posts that have ended are kept for a while, then purged."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.core.clock import Clock
from bot.core.stores import PostStore

log = structlog.get_logger()

_PURGE_EVERY = timedelta(hours=6)


class Archive:
    """Purges by age; never a post that is held or still leaving."""

    def __init__(self, posts: PostStore, clock: Clock, keep_days: int) -> None:
        """`keep_days`: negative = for ever."""
        self._posts = posts
        self._clock = clock
        self._keep_days = keep_days

    async def step(self) -> datetime:
        """Purge what is old enough; returns when to do it again."""
        now = self._clock.now()
        if self._keep_days >= 0:
            purged = await self._posts.purge(now - timedelta(days=self._keep_days))
            if purged:
                log.info("purged", posts=purged)
        return now + _PURGE_EVERY

    async def wake(self) -> None:
        """Nothing that happens makes a purge more urgent."""
        await asyncio.Event().wait()
