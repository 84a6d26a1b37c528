"""Whoever can make room on the disk is told while that can still be stored."""

from __future__ import annotations

import asyncio
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from bot.core.clock import Clock
from bot.core.stores import Stores
from bot.core.text import Size, Text

LEAST_OCTETS = 100_000_000
_LOOK_EVERY = timedelta(minutes=5)


class Disk:
    """Looks how much room is left where the database and the exports are."""

    def __init__(
        self, stores: Stores, clock: Clock, folder: Path, *, least_octets: int = LEAST_OCTETS
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._folder = folder
        self._least_octets = least_octets

    async def step(self) -> datetime:
        """Note whether there is enough; returns when to look again."""
        now = self._clock.now()
        usage = await asyncio.to_thread(shutil.disk_usage, self._folder)
        trouble = Text(
            "less than {size} are left there: make room soon, or no mail can be taken in any more",
            size=Size(self._least_octets),
        )
        await self._stores.rooms.works(
            "disk",
            Text("The disk of {folder}", folder=str(self._folder)),
            trouble if usage.free < self._least_octets else None,
            now,
        )
        return now + _LOOK_EVERY

    async def wake(self) -> None:
        """Nothing that happens makes it more urgent."""
        await asyncio.Event().wait()
