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
        """Return when `event` is done (it is cancelled otherwise) or at `until`; None = no limit."""
        seconds = None if until is None else max(0.0, (until - self.now()).total_seconds())
        try:
            await asyncio.wait_for(event, seconds)
        except TimeoutError:
            return
