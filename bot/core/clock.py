"""The one source of time, so that tests can turn it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime


class Clock:
    """The system's clock; every moment in facteur is an aware datetime in UTC."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)

    async def wait(self, event: Awaitable[object], until: datetime | None) -> None:
        """Return when `event` is done, or at `until` (None = no limit), when it is cancelled."""
        seconds = None if until is None else max(0.0, (until - self.now()).total_seconds())
        waiting = asyncio.ensure_future(event)
        try:
            await asyncio.wait({waiting}, timeout=seconds)
            if waiting.done():
                waiting.result()
        finally:
            waiting.cancel()
