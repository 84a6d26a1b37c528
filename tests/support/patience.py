"""How long a test waits for what must happen before it says that it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot.core.stores import Changes

WAIT_S = 120.0
"""Much longer than anything takes, also on a machine that does other work: nothing is measured by it."""


async def until(changes: Changes, holds: Callable[[], Awaitable[object]]) -> None:
    """Until `holds` says so, asked now and after each commit. What it asks for must be there to stay."""
    async with asyncio.timeout(WAIT_S):
        while True:
            seen = changes.count
            if await holds():
                return
            await changes.beyond(seen)
